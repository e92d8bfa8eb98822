"""The OpenTelemetry SDK, loaded only where the standard `OTEL_*` variables ask for traces (extra `otel`)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from wfctl.gateway.log import Log
from wfctl.gateway.tracing.trace_ids import Span

# How long the server waits for its last spans to be taken.
CLOSE_SECONDS = 3.0
_KINDS = {"server": SpanKind.SERVER, "internal": SpanKind.INTERNAL}


class _Ids(RandomIdGenerator):
    """Random, unless the thread says otherwise: the ID of an instance's span follows from the instance."""

    def __init__(self) -> None:
        self.given = threading.local()

    def generate_span_id(self) -> int:
        span: Span | None = getattr(self.given, "span", None)
        return super().generate_span_id() if span is None else span.span

    def generate_trace_id(self) -> int:
        span: Span | None = getattr(self.given, "span", None)
        return super().generate_trace_id() if span is None else span.trace


class OtelExporter:
    """See the port in `wfctl.gateway.tracing.spans`."""

    def __init__(self, provider: TracerProvider, ids: _Ids) -> None:
        self._provider = provider
        self._ids = ids
        self._tracer = provider.get_tracer("wfctl")

    def sampled(self, trace_id: int) -> bool:
        decision = self._provider.sampler.should_sample(None, trace_id, "orchestration").decision
        return decision is Decision.RECORD_AND_SAMPLE

    def create(
        self, name: str, above: Span | None, attributes: dict[str, Any]
    ) -> tuple[Span, Callable[[BaseException | None], None]]:
        span = self._tracer.start_span(name, context=_context(above), kind=SpanKind.CLIENT, attributes=attributes)

        def end(error: BaseException | None) -> None:
            if error is not None:
                span.record_exception(error)
                span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
            span.end()

        made = span.get_span_context()
        return Span(made.trace_id, made.span_id, made.trace_flags.sampled), end

    def emit(
        self,
        name: str,
        kind: str,
        own: Span | None,
        above: Span,
        began: int,
        ended: int,
        attributes: dict[str, Any],
        notable: Sequence[tuple[str, dict[str, Any], int]] = (),
        error: str | None = None,
    ) -> None:
        self._ids.given.span = own
        try:
            span = self._tracer.start_span(
                name, context=_context(above), kind=_KINDS[kind], attributes=attributes, start_time=began
            )
        finally:
            self._ids.given.span = None
        for what, more, at in notable:
            span.add_event(what, more, at)
        if error is not None:
            span.set_status(Status(StatusCode.ERROR, error))
        span.end(max(began, ended))

    def close(self) -> None:
        """Send what is left, but wait for no collector that is gone."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)


def _context(above: Span | None) -> Any:
    """Return the context; an empty one where nothing is above, not that of whoever calls."""
    from opentelemetry.context import Context

    if above is None or not above.span:
        return Context()
    flags = TraceFlags(TraceFlags.SAMPLED if above.sampled else TraceFlags.DEFAULT)
    return trace.set_span_in_context(NonRecordingSpan(SpanContext(above.trace, above.span, True, flags)), Context())


def exporter(environ: Mapping[str, str], names: Sequence[str], app_id: str, log: Log) -> OtelExporter:
    """`names` of exporters, as in OTEL_TRACES_EXPORTER. Raises ImportError, and ValueError: one is not known."""
    ids = _Ids()
    named = "OTEL_SERVICE_NAME" in environ or "service.name=" in environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    resource = Resource.create({} if named else {SERVICE_NAME: app_id})
    provider = TracerProvider(resource=resource, id_generator=ids, shutdown_on_exit=False)
    for name in names:
        provider.add_span_processor(BatchSpanProcessor(_exporter(name, environ)))
    logger = logging.getLogger("opentelemetry")
    logger.addHandler(_Words(log))
    logger.propagate = False
    return OtelExporter(provider, ids)


def _exporter(name: str, environ: Mapping[str, str]) -> SpanExporter:
    if name == "console":
        import sys

        return ConsoleSpanExporter(out=sys.stderr)
    if name != "otlp":
        raise ValueError(f"OTEL_TRACES_EXPORTER: {name!r} is neither otlp nor console")
    protocol = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if protocol == "grpc":
        made: SpanExporter = import_module("opentelemetry.exporter.otlp.proto.grpc.trace_exporter").OTLPSpanExporter()
        return made
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()


class _Words(logging.Handler):
    """The SDK's own troubles (no collector answers) go into the server's log, one line each."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.warning("tracing", error=record.getMessage().splitlines()[0][:300])
