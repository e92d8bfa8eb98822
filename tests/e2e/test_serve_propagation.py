"""History propagation: what is called is told of its callers, by the official SDK's queries and by wfctl's own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("dapr.ext.workflow", reason="needs the official SDK")
pytest.importorskip("uvicorn", reason="needs the extra serve")

from limits import until
from serve_process import SDK_WORKER, Served, served

from wfctl.model.status import Status

APP = """
import dapr.ext.workflow as wf
from dapr.ext.workflow.propagation import PropagationNotFoundError, PropagationScope

wfr = wf.WorkflowRuntime()

def told(history):
    if history is None:
        return None
    seen = []
    for part in history.get_workflows():
        known = part.get_activities_by_name("check")
        seen.append([part.name, part.instance_id, [[a.completed, a.failed, a.input, a.output] for a in known]])
    try:
        history.get_last_workflow_by_name("nobody")
    except PropagationNotFoundError as error:
        missing = str(error)
    last = history.get_workflows()[-1]
    failed = [c.error is not None for c in last.get_child_workflows_by_name("broken")]
    counts = [len(history.get_events_by_workflow_name(name)) > 0 for name in ("top", "middle")]
    return [history.scope.name, history.get_app_ids(), seen, missing, failed, counts]

@wfr.workflow(name="top")
def top(ctx, scopes):
    upper, lower = (PropagationScope[scope] for scope in scopes)
    yield ctx.call_activity(check, input="top")
    try:
        yield ctx.call_child_workflow("broken")
    except Exception:
        pass
    below = yield ctx.call_child_workflow(
        "middle", input=scopes[1], instance_id=f"{ctx.instance_id}-m", propagation=upper)
    plain = yield ctx.call_activity(tell)
    return [told(ctx.get_propagated_history()), plain, below]

@wfr.workflow(name="middle")
def middle(ctx, lower):
    here = told(ctx.get_propagated_history())
    yield ctx.call_activity(check, input="middle")
    if ctx.instance_id.startswith("wait"):
        yield ctx.wait_for_external_event("go")
        here = told(ctx.get_propagated_history())
    below = yield ctx.call_activity(tell, propagation=PropagationScope[lower])
    return [here, below]

@wfr.workflow(name="broken")
def broken(ctx, _):
    raise ValueError("broken")

@wfr.activity(name="check")
def check(ctx, value):
    return value.upper()

@wfr.activity(name="tell")
def tell(ctx, _):
    return told(ctx.get_propagated_history())
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    file = tmp_path / "app.py"
    file.write_text(APP)
    return file


def serve(folder: Path, app: Path, hosted: bool) -> Any:
    return served(
        folder,
        app=str(app) if hosted else None,
        command=None if hosted else [sys.executable, str(SDK_WORKER), str(app)],
    )


def expected(identity: str, upper: str, lower: str) -> list[Any]:
    missing = "no workflow named 'nobody' in propagated history"
    top = ["top", identity, [[True, False, '"top"', '"TOP"']]]
    middle = ["middle", f"{identity}-m", [[True, False, '"middle"', '"MIDDLE"']]]
    received = None if upper == "NONE" else [upper, ["wfctl"], [top], missing, [True], [True, False]]
    chain = [top, middle] if lower == "LINEAGE" and received else [middle]
    below = None if lower == "NONE" else [lower, ["wfctl"], chain, missing, [], [len(chain) == 2, True]]
    return [None, None, [received, below]]


@pytest.mark.parametrize("hosted", [False, True], ids=["worker", "in-process"])
def test_what_the_called_are_told(tmp_path: Path, app: Path, hosted: bool) -> None:
    cases = [("NONE", "NONE"), ("OWN_HISTORY", "OWN_HISTORY"), ("LINEAGE", "LINEAGE"), ("OWN_HISTORY", "LINEAGE")]
    with serve(tmp_path, app, hosted) as server:
        for number, case in enumerate(cases):
            server.start("top", f"t{number}", json.dumps(case))
        for number, case in enumerate(cases):
            done = server.ended(f"t{number}")
            assert json.loads(done.output or "null") == expected(f"t{number}", *case), case


@pytest.mark.parametrize("hosted", [False, True], ids=["worker", "in-process"])
def test_it_is_the_same_after_a_restart(tmp_path: Path, app: Path, hosted: bool) -> None:
    def waits(server: Served) -> bool:
        try:
            return any(type(event).__name__ == "TimerCreated" for event in server.workflows.history("wait-m"))
        except Exception:
            return False

    with serve(tmp_path, app, hosted) as server:
        server.start("top", "wait", '["LINEAGE", "LINEAGE"]')
        until(lambda: waits(server), "the child waits")
        server.process.kill()
        server.process.wait()
    with serve(tmp_path, app, hosted) as server:
        server.workflows.raise_event("wait-m", "go")
        done = server.ended("wait")
        assert done.status is Status.COMPLETED
        assert json.loads(done.output or "null") == expected("wait", "LINEAGE", "LINEAGE")
