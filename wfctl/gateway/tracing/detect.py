"""Find out if the environment asks for traces. Nothing of OpenTelemetry is imported where it does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from wfctl.gateway.log import Log
from wfctl.install import install_command

if TYPE_CHECKING:
    from wfctl.gateway.tracing.spans import Exporter

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def wanted(environ: Mapping[str, str]) -> list[str]:
    """Names of exporters: those of OTEL_TRACES_EXPORTER; without it `otlp` where an endpoint is set."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return []
    text = environ.get("OTEL_TRACES_EXPORTER", "")
    if not text and any(environ.get(name) for name in _ENDPOINTS):
        text = "otlp"
    return [name for name in (part.strip() for part in text.split(",")) if name and name != "none"]


def span_exporter(environ: Mapping[str, str], app_id: str, log: Log) -> Exporter | None:
    """Return what makes spans. None if nobody asks for traces, or they cannot be made, which is logged."""
    names = wanted(environ)
    if not names:
        return None
    try:
        from wfctl.gateway.tracing import otel

        return otel.exporter(environ, names, app_id, log)
    except ImportError as error:
        what = error.name or str(error)
        command = install_command("serve", "otel")
        if ".grpc" in what:
            command = "pip install opentelemetry-exporter-otlp-proto-grpc"
        log.warning(f"OTEL_* asks for traces, but {what} is not installed: {command}")
        return None
    except ValueError as error:
        log.warning(f"no traces: {error}")
        return None
