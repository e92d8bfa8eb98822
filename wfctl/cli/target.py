"""From settings to a target. Only here does anybody ask whether a sidecar answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wfctl.client.connect import DEFAULT_HOST, DEFAULT_PORT, Embedded, sidecar_answers
from wfctl.config.settings import AUTO, EMBEDDED, SIDECAR, Settings, Value

if TYPE_CHECKING:
    from wfctl.client.endpoint import Endpoint

_DEFAULT_URL = f"http://{DEFAULT_HOST}:{DEFAULT_PORT}"


def settle(settings: Settings) -> Value:
    """`embedded` or a URL, with the reason. An embedded store that was named by hand leaves no doubt."""
    target = settings.target
    if target.value == SIDECAR:
        return Value(_DEFAULT_URL, f"{target.origin}: sidecar")
    if target.value != AUTO:
        return target
    for name in ("store", "app"):
        value = settings.values.get(name)
        if value is not None and value.origin in (f"--{name}", f"WFCTL_{name.upper()}"):
            return Value(EMBEDDED, f"automatic: {value.origin} is given")
    if sidecar_answers():
        return Value(_DEFAULT_URL, f"automatic: a sidecar answers on {DEFAULT_HOST}:{DEFAULT_PORT}")
    return Value(EMBEDDED, f"automatic: no sidecar answers on {DEFAULT_HOST}:{DEFAULT_PORT}")


def choose(settings: Settings) -> Embedded | Endpoint:
    target = settle(settings).value
    if target == EMBEDDED:
        return Embedded(Path(settings.store.value), settings.app, settings.base)
    from wfctl.cli.durations import parse_duration
    from wfctl.client.endpoint import Endpoint

    token = settings.token()
    ca_file = settings.get("ca_file")
    timeout = settings.get("request_timeout")
    return Endpoint(
        http=target,
        grpc=settings.get("grpc"),
        token=token.value if token else None,
        app_id=settings.get("app_id"),
        ca_file=Path(ca_file) if ca_file else None,
        api_version=settings.get("api_version"),
        request_timeout=parse_duration(timeout, "request_timeout").total_seconds() if timeout else 30.0,
        kube_context=settings.get("kube_context"),
        namespace=settings.get("namespace"),
        pod=settings.get("pod"),
    )
