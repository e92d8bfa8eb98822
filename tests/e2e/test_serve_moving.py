"""What docs/how-to/moving-to-dapr.md says of `wfctl serve` with workers of the official SDK."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("dapr.ext.workflow", reason="needs the official SDK")
pytest.importorskip("uvicorn", reason="needs the extra serve")

from limits import until
from serve_process import served, worker

from wfctl.model.status import Status

APP = """
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="echo")
def echo(ctx, value):
    data = yield ctx.wait_for_external_event("go")
    again = yield ctx.call_activity(same, input=value)
    return [value, data, again]

@wfr.workflow(name="order")
def order(ctx, _):
    yield ctx.call_activity(same, input=1)
    yield ctx.wait_for_external_event("go")

@wfr.activity(name="same")
def same(ctx, value):
    return value

@wfr.activity(name="other")
def other(ctx, value):
    return value
"""


def test_a_worker_fails_what_it_does_not_register(tmp_path: Path) -> None:
    file = tmp_path / "sdk_app.py"
    file.write_text(APP)
    with served(tmp_path) as server, worker(file, server):
        server.start("nosuch", "n")
        ended = server.ended("n")
    assert ended.status is Status.FAILED
    assert ended.failure is not None
    assert "NotRegistered" in ended.failure.error_type


def test_without_a_worker_it_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "app.py"
    file.write_text(APP)
    with served(tmp_path, app="app.py") as server:
        server.start("nosuch", "n")
        server.start("echo", "e", "1")
        server.workflows.raise_event("e", "go")
        assert server.ended("e").status is Status.COMPLETED
        assert server.workflows.get("n").status is Status.PENDING


def test_a_worker_fails_what_does_not_fit_its_code(tmp_path: Path) -> None:
    old, new = tmp_path / "old.py", tmp_path / "new.py"
    old.write_text(APP)
    new.write_text(APP.replace("ctx.call_activity(same, input=1)", "ctx.call_activity(other, input=1)"))
    with served(tmp_path) as server:
        with worker(old, server):
            server.start("order", "o")
            until(lambda: server.workflows.get("o").waiting_for, "it runs")
            until(lambda: server.workflows.get("o").waiting_for[0].kind == "event", "it waits")
        server.workers(0)
        with worker(new, server):
            server.workflows.raise_event("o", "go", "1")
            ended = server.ended("o")
    assert ended.status is Status.FAILED
    assert ended.failure is not None
    assert "NonDeterminism" in ended.failure.error_type


@pytest.mark.parametrize("value", ["0", "false", '""', "[]"])
def test_falsy_payloads_are_kept(tmp_path: Path, value: str) -> None:
    file = tmp_path / "sdk_app.py"
    file.write_text(APP)
    with served(tmp_path) as server, worker(file, server):
        server.start("echo", "e", value)
        server.workflows.raise_event("e", "go", value)
        assert server.ended("e").output == f"[{value}, {value}, {value}]"
