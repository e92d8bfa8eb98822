"""IDs that the official SDK asks of `wfctl serve`, by its client and by its workflows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("dapr.ext.workflow", reason="needs the official SDK")
pytest.importorskip("uvicorn", reason="needs wfctl[serve]")

import grpc
from dapr.ext.workflow import DaprWorkflowClient
from serve_process import served, worker

from wfctl.model.instance import Filter
from wfctl.model.status import Status

APP = """
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="calls")
def calls(ctx, child):
    try:
        result = yield ctx.call_child_workflow("echo", input=1, instance_id=child)
        return result
    except Exception as error:
        return str(error)

@wfr.workflow(name="echo")
def echo(ctx, value):
    return value
"""


def test_ids_that_are_not_one_plain_line(tmp_path: Path) -> None:
    app = tmp_path / "sdk_app.py"
    app.write_text(APP)
    with served(tmp_path) as server, worker(app, server):
        server.workers(1)
        client = DaprWorkflowClient(host="127.0.0.1", port=str(server.endpoints["grpcPort"]))
        with pytest.raises(grpc.RpcError) as caught:
            client.schedule_new_workflow("echo", instance_id="a\nb")
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "'a\\nb'" in (caught.value.details() or "")
        for number, bad in enumerate(("a\nb", "a\tb", " a", "\x1b[31mred")):
            server.start("calls", f"p{number}", json.dumps(bad))
            parent = server.ended(f"p{number}")
            assert parent.status is Status.COMPLETED
            assert "no ID can" in json.loads(parent.output or "")
        server.start("calls", "good", '"any||thing@else"')  # the task hub takes whatever is one line
        assert server.ended("good").output == "1"
        names = {one.id for one in server.workflows.list(Filter())}
        assert names == {"p0", "p1", "p2", "p3", "good", "any||thing@else"}
