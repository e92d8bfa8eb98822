"""Where a plain JSON object meets code that wants an object, the command says how the SDK is told."""

from __future__ import annotations

import json
from pathlib import Path

from harness import Cli

from wfctl.model.failure_advice import MARKER
from wfctl.workflow import payloads

APP = """
import dataclasses
import dapr.ext.workflow as wf
wfr = wf.WorkflowRuntime()

@dataclasses.dataclass
class Order:
    id: str

@wfr.workflow
def outer(ctx, order: Order):
    found = yield ctx.call_activity(inner, input=order)
    return found

@wfr.activity
def inner(ctx, order: Order):
    return order.id
"""


def test_a_plain_object_for_a_dataclass(cli: Cli, app: Path) -> None:
    assert MARKER == payloads.MARKER
    (app / "app.py").write_text(APP)
    ran = cli("start", "outer", "--id", "one", "--input", '{"id": "a"}', "--wait")
    assert ran.status == 10
    assert "'dict' object has no attribute 'id'" in ran.err
    assert """try: a JSON object is a dict to a workflow or an activity, here and on Dapr: use ['id']""" in ran.err
    assert MARKER in cli("get", "one").out.replace("\n", "")
    marked = json.dumps({"id": "a", MARKER: True})
    assert cli("start", "outer", "--id", "two", "--input", marked, "--wait").status == 0
    assert "try:" not in cli("get", "two").out
