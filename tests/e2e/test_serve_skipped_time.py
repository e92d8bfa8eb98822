"""`wfctl serve` goes by the real time: it leaves alone what was started with --skip-time, and says so."""

from __future__ import annotations

import json

import pytest
from serve_process import served
from shell import Shell

pytest.importorskip("uvicorn", reason="needs the extra serve")
pytest.importorskip("grpc", reason="needs the extra serve")

APP = """
from datetime import timedelta
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow
def Approval(ctx, _):
    try:
        return (yield ctx.wait_for_external_event("approval", timeout=timedelta(days=3)))
    except TimeoutError:
        return "too late"
"""


def test_it_is_left_alone_and_goes_on_afterwards(shell: Shell) -> None:
    shell.app(APP)
    shell.ok("start", "Approval", "--id", "a", "--skip-time", "--until", "+1d")
    with served(shell.folder, app="app.py") as server:
        assert "instances whose time is skipped are left alone" in server.log.read_text()
        refused = shell.run("start", "Approval", "--skip-time")
        assert refused.status == 5
        assert "executes this store, and skips no time" in refused.err
        assert "skips no time" in shell.ok("get", "a")
        shell.ok("raise-event", "a", "approval", "--data", '"yes"', "--no-drive")
        server.start("Approval", "real")
        server.workflows.raise_event("real", "approval", '"at once"')
        assert server.ended("real").output == '"at once"'
        assert server.workflows.get("a").status.name == "RUNNING"
        assert server.stop() == 0
    shell.ok("run", "--skip-time")
    record = json.loads(shell.ok("get", "a", "-o", "json"))
    assert (record["runtimeStatus"], record["output"]) == ("COMPLETED", "yes")
