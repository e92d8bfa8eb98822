"""An event that has arrived and that nobody has taken in is told as such, and who executes an instance always is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from serve_process import served
from shell import Shell

APP = """
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()


@wfr.workflow(name="Order")
def order(ctx, _):
    yield ctx.wait_for_external_event("approval")
    yield ctx.wait_for_external_event("approval")
"""
RAISE_AGAIN = "next: wfctl raise-event"


@pytest.fixture
def shop(shell: Shell) -> Shell:
    shell.app(APP)
    return shell


def received(shell: Shell, instance_id: str) -> list[bool]:
    waits = json.loads(shell.ok("get", instance_id, "-o", "json"))["waitingFor"]
    return [one["received"] for one in waits if one["kind"] == "event"]


def test_without_driving(shop: Shell) -> None:
    waits = shop.run("start", "Order", "--id", "o1").err
    assert 'o1 RUNNING, waits for event "approval"' in waits
    assert RAISE_AGAIN in waits
    left = shop.run("raise-event", "o1", "Approval", "--no-drive").err
    assert "o1 RUNNING: approval received, waiting for a worker" in left
    assert "no process is executing this store" in left
    assert RAISE_AGAIN not in left
    assert received(shop, "o1") == [True]
    assert "worker (approval received)" in shop.ok("list")
    assert "a worker: approval received" in shop.ok("get", "o1")
    shop.ok("run")
    assert received(shop, "o1") == [False], "the next wait is for another event"


def test_who_executes_what_is_left_to_others(shop: Shell) -> None:
    assert "no process is executing this store" in shop.run("start", "Order", "--id", "o1", "--no-drive").err
    shop.environ["WFCTL_APP"] = ""
    assert "no process is executing this store" in shop.run("get", "o1").out


def test_beside_and_on_a_server_without_a_worker(shell: Shell, tmp_path: Path) -> None:
    pytest.importorskip("uvicorn")
    pytest.importorskip("grpc")
    shell.app(APP)
    shell.ok("start", "Order", "--id", "o1")
    with served(tmp_path) as server:
        beside = f"o1 is executed by wfctl serve (PID {server.process.pid})"
        assert beside in shell.run("raise-event", "o1", "approval").err
        shell.environ["WFCTL_TARGET"] = url = server.endpoints["httpEndpoint"]
        shell.until(lambda: received(shell, "o1") == [True], "the server tells of it")
        late = shell.run("raise-event", "o1", "approval", "--wait", "--timeout", "100ms")
        assert late.status == 124
        assert "o1 RUNNING: approval received, waiting for a worker" in late.err
        assert RAISE_AGAIN not in late.err
        assert f"o1 is executed by the sidecar at {url}" in shell.run("raise-event", "o1", "other").err
