"""OpenTelemetry spans, as a collector on this machine gets them: of a worker's workflows, and of the server's own."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from limits import LIMIT_SECONDS, until

pytest.importorskip("dapr.ext.workflow", reason="needs the official SDK")
pytest.importorskip("uvicorn", reason="needs the extra serve")
pytest.importorskip("opentelemetry.proto", reason="needs the extra otel")

from serve_process import SDK_WORKER, Served, environ, served, worker

from wfctl.install import install_command

trace_service = import_module("opentelemetry.proto.collector.trace.v1.trace_service_pb2")

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
APP = """
from datetime import timedelta
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="outer")
def outer(ctx, _):
    yield ctx.create_timer(timedelta(seconds=0.01))
    paid = yield ctx.wait_for_external_event("paid")
    inner = yield ctx.call_child_workflow("inner", input=paid)
    return inner

@wfr.workflow(name="inner")
def inner(ctx, value):
    done = yield ctx.call_activity(step, input=value)
    return done

@wfr.workflow(name="failing")
def failing(ctx, _):
    yield ctx.call_activity(boom)

@wfr.workflow(name="again")
def again(ctx, left):
    yield ctx.call_activity(step, input=left)
    if left:
        ctx.continue_as_new(left - 1)

@wfr.activity(name="step")
def step(ctx, value):
    return value

@wfr.activity(name="boom")
def boom(ctx, _):
    raise ValueError("kaboom")
"""


class Collector:
    """Takes OTLP over HTTP."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.services: set[str] = set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                request = trace_service.ExportTraceServiceRequest.FromString(body)
                for resource in request.resource_spans:
                    for attribute in resource.resource.attributes:
                        if attribute.key == "service.name":
                            collector.services.add(attribute.value.string_value)
                    for scope in resource.scope_spans:
                        collector.spans += scope.spans
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *words: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def env(self, **more: str) -> dict[str, str]:
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "100", **more}

    def named(self, name: str, count: int = 1) -> list[Any]:
        """The spans of this name, once there are so many."""
        return until(lambda: _named(self.spans, name, count), f"{count} of {name} in {_names(self.spans)}") or []

    def one(self, name: str) -> Any:
        (span,) = self.named(name)
        return span


def _named(spans: list[Any], name: str, count: int) -> list[Any] | None:
    found = [span for span in spans if span.name == name]
    return found if len(found) >= count else None


def _names(spans: list[Any]) -> list[str]:
    return sorted(span.name for span in spans)


def attributes(span: Any) -> dict[str, Any]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in span.attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


@pytest.fixture
def app(tmp_path: Path) -> Path:
    file = tmp_path / "app.py"
    file.write_text(APP)
    return file


def start(server: Served, workflow: str, instance_id: str, body: str = "", **headers: str) -> None:
    path = f"/v1.0/workflows/dapr/{workflow}/start?instanceID={instance_id}"
    assert server.http.post(path, content=body, headers=headers).status_code == 202


@pytest.mark.parametrize("hosted", [False, True], ids=["worker", "in-process"])
def test_the_spans_of_a_tree(tmp_path: Path, app: Path, collector: Collector, hosted: bool) -> None:
    """Caller, start, instance, child, activity: one trace, each below the one before."""
    command = None if hosted else [sys.executable, str(SDK_WORKER), str(app)]
    with served(tmp_path, app=str(app) if hosted else None, command=command, env=collector.env()) as server:
        start(server, "outer", "o", traceparent=CALLER)
        server.workflows.raise_event("o", "paid", '"yes"')
        assert server.ended("o").output == '"yes"'
        whole = collector.one("orchestration||outer")
    created = collector.one("create_orchestration||outer")
    inner, step, timer = (collector.one(name) for name in ("orchestration||inner", "activity||step", "timer"))

    assert created.trace_id.hex() == CALLER.split("-")[1]
    assert {span.trace_id for span in (whole, inner, step, timer)} == {created.trace_id}
    assert created.parent_span_id.hex() == CALLER.split("-")[2]
    assert whole.parent_span_id == created.span_id
    assert inner.parent_span_id == timer.parent_span_id == whole.span_id
    assert step.parent_span_id == inner.span_id

    kinds = {"SERVER": 2, "CLIENT": 3, "INTERNAL": 1}
    assert (created.kind, whole.kind, step.kind, timer.kind) == (
        kinds["CLIENT"], kinds["SERVER"], kinds["SERVER"], kinds["INTERNAL"],
    )  # fmt: skip
    assert attributes(whole) == {
        "durabletask.type": "orchestration",
        "durabletask.task.name": "outer",
        "durabletask.task.instance_id": "o",
        "durabletask.runtime_status": "COMPLETED",
    }
    assert attributes(step) == {
        "durabletask.type": "activity",
        "durabletask.task.name": "step",
        "durabletask.task.instance_id": attributes(inner)["durabletask.task.instance_id"],
        "durabletask.task.task_id": attributes(step)["durabletask.task.task_id"],
    }
    assert attributes(timer)["durabletask.type"] == "timer"
    (event,) = whole.events
    assert event.name == "Received external event"
    assert attributes(event) == {"name": "paid", "size": 5}
    assert whole.start_time_unix_nano <= inner.start_time_unix_nano <= step.start_time_unix_nano
    assert step.end_time_unix_nano <= inner.end_time_unix_nano <= whole.end_time_unix_nano
    assert collector.services == {"wfctl"}


def test_failures_and_generations(tmp_path: Path, app: Path, collector: Collector) -> None:
    """What fails says why; each generation of what continues as new has a trace of its own."""
    with served(tmp_path, app=str(app), env=collector.env(OTEL_SERVICE_NAME="orders")) as server:
        start(server, "failing", "f")
        start(server, "again", "a", "2")
        assert server.ended("f").status.name == "FAILED"
        assert server.ended("a").status.name == "COMPLETED"
        failed, boom = collector.one("orchestration||failing"), collector.one("activity||boom")
        generations = collector.named("orchestration||again", 3)
        steps = collector.named("activity||step", 3)
    assert (boom.status.code, boom.status.message) == (2, "kaboom")
    assert failed.status.code == 2
    assert "kaboom" in failed.status.message
    statuses = [attributes(span)["durabletask.runtime_status"] for span in generations]
    assert statuses == ["CONTINUED_AS_NEW", "CONTINUED_AS_NEW", "COMPLETED"]
    assert len({span.trace_id for span in generations}) == 3
    assert sorted(span.parent_span_id for span in steps) == sorted(span.span_id for span in generations)
    assert collector.services == {"orders"}


def test_a_worker_gets_the_span_to_hang_its_own_below(tmp_path: Path, app: Path, collector: Collector) -> None:
    """The SDK makes a span for each activity where OpenTelemetry is there: it is in the server's trace."""
    traced = tmp_path / "traced.py"
    traced.write_text(
        "from opentelemetry import trace\n"
        "from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter\n"
        "from opentelemetry.sdk.trace import TracerProvider\n"
        "from opentelemetry.sdk.trace.export import SimpleSpanProcessor\n"
        "provider = TracerProvider()\nprovider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))\n"
        "trace.set_tracer_provider(provider)\n" + APP
    )
    with served(tmp_path, env=collector.env()) as server, worker(traced, server, **collector.env()):
        start(server, "inner", "i", "1", traceparent=CALLER)
        assert server.ended("i").output == "1"
        below, step = collector.one("activity: step"), collector.one("activity||step")
    assert below.trace_id.hex() == CALLER.split("-")[1]
    assert below.parent_span_id == step.span_id


def test_one_span_over_a_restart(tmp_path: Path, app: Path, collector: Collector) -> None:
    with served(tmp_path, app=str(app), env=collector.env()) as server:
        start(server, "outer", "o", traceparent=CALLER)
        collector.one("timer")
        server.process.kill()
        server.process.wait()
    with served(tmp_path, app=str(app), env=collector.env()) as server:
        server.workflows.raise_event("o", "paid", "1")
        assert server.ended("o").output == "1"
        whole = collector.one("orchestration||outer")
    assert whole.trace_id.hex() == CALLER.split("-")[1]
    timer, inner = collector.one("timer"), collector.one("orchestration||inner")
    assert whole.span_id == timer.parent_span_id == inner.parent_span_id
    assert whole.start_time_unix_nano <= timer.start_time_unix_nano


def test_what_the_caller_does_not_sample_makes_no_spans(tmp_path: Path, app: Path, collector: Collector) -> None:
    with served(tmp_path, app=str(app), env=collector.env()) as server:
        start(server, "inner", "i", "1", traceparent=CALLER[:-1] + "0")
        assert server.ended("i").output == "1"
        start(server, "inner", "j", "1")
        assert server.ended("j").output == "1"
        collector.one("orchestration||inner")
    assert {attributes(span)["durabletask.task.instance_id"] for span in collector.spans} == {"j"}


def test_a_collector_that_is_not_there(tmp_path: Path, app: Path) -> None:
    """Costs a line in the log, and nothing else."""
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_BSP_SCHEDULE_DELAY": "50"}
    with served(tmp_path, app=str(app), env=env) as server:
        start(server, "inner", "i", "1")
        assert server.ended("i").output == "1"
        until(lambda: "tracing" in server.log.read_text(), "the log tells")
        assert server.stop() == 0
        assert "Traceback" not in server.log.read_text()


def test_a_missing_extra_is_one_line(tmp_path: Path, app: Path) -> None:
    """And without the variables nothing of OpenTelemetry is imported."""
    hide = tmp_path / "hide"
    (hide / "opentelemetry").mkdir(parents=True)
    (hide / "opentelemetry" / "__init__.py").write_text("raise ImportError('hidden', name='opentelemetry')\n")
    env = {"OTEL_TRACES_EXPORTER": "otlp", "PYTHONPATH": str(hide)}
    with served(tmp_path, app=str(app), env=env) as server:
        start(server, "inner", "i", "1")
        assert server.ended("i").output == "1"
        lines = [json.loads(line)["msg"] for line in server.log.read_text().splitlines()]
    assert [line for line in lines if "OTEL" in line] == [
        f"OTEL_* asks for traces, but opentelemetry is not installed: {install_command('serve', 'otel')}"
    ]


def test_nothing_is_imported_unasked() -> None:
    script = "import sys, wfctl.gateway.server\nprint([m for m in sys.modules if m.startswith('opentelemetry')])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environ(), timeout=LIMIT_SECONDS
    )
    assert done.stdout.strip() == "[]", done.stderr
