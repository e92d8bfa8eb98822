"""Code that an edit made non-deterministic: the instance stalls, and goes on when the code is mended."""

from __future__ import annotations

import json
import os

import pytest
from shell import Shell

GOOD = """
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="Order")
def order(ctx, _):
    yield ctx.call_activity(reserve, input=1)
    yield ctx.wait_for_external_event("go")
    value = yield ctx.call_activity(ship, input=2)
    return value

@wfr.activity(name="Reserve")
def reserve(ctx, n):
    return n

@wfr.activity(name="Ship")
def ship(ctx, n):
    return n
"""
BAD = GOOD.replace("ctx.call_activity(reserve, input=1)", "ctx.call_activity(ship, input=1)")


def test_stalls_and_goes_on(shell: Shell) -> None:
    shell.app(GOOD)
    shell.ok("start", "Order", "--id", "o1")
    shell.app(BAD)
    raised = shell.run("raise-event", "o1", "go")
    assert raised.status == 0, raised
    stalled = json.loads(shell.ok("get", "o1", "-o", "json"))
    assert stalled["runtimeStatus"] == "STALLED"
    told = shell.ok("get", "o1")
    assert "Reserve" in told
    assert "Ship" in told
    refused = shell.run("terminate", "o1")
    assert refused.status == 4
    assert "STALLED" in refused.err
    kept = shell.run("purge", "o1").err
    assert "--force" in kept
    assert "terminate" not in kept, "which is refused, and would lead back here"
    shell.run("run")
    assert json.loads(shell.ok("get", "o1", "-o", "json"))["runtimeStatus"] == "STALLED"
    history = json.loads(shell.ok("history", "o1", "-o", "json"))
    assert [event["type"] for event in history].count("ExecutionStalled") == 1

    shell.app(GOOD)
    shell.ok("run")
    done = json.loads(shell.ok("get", "o1", "-o", "json"))
    assert (done["runtimeStatus"], done["output"]) == ("COMPLETED", 2)


def test_a_wait_ends_with_a_stall(shell: Shell) -> None:
    """Whoever drives, and whatever is awaited; but code that fits is tried first."""
    shell.app(GOOD)
    shell.ok("start", "Order", "--id", "o1")
    shell.app(BAD)
    raised = shell.run("raise-event", "o1", "go", "--wait", "--timeout", "120s")
    assert raised.status == 12, raised
    assert "o1 STALLED, waits for other code" in raised.err
    for words in (
        ["wait", "o1"],
        ["wait", "o1", "--no-drive"],
        ["wait", "o1", "--for", "event=go"],
        ["result", "o1", "--wait"],
    ):
        waited = shell.run(*words, "--timeout", "120s")
        assert waited.status == 12, waited
        assert "o1 STALLED" in waited.err
    assert shell.run("wait", "o1", "--for", "stalled", "--timeout", "120s").status == 0

    shell.app(GOOD)
    mended = shell.run("wait", "o1", "--timeout", "120s")
    assert mended.status == 0, mended


def test_a_workflow_that_this_app_lacks_is_left_alone(shell: Shell) -> None:
    shell.app(GOOD)
    shell.ok("start", "Order", "--id", "o1", "--no-drive")
    shell.app(GOOD.replace('name="Order"', 'name="Other"'), "other.py")
    summary = shell.run("run")
    assert summary.status == 0
    assert "Order" in summary.err
    assert json.loads(shell.ok("get", "o1", "-o", "json"))["runtimeStatus"] == "PENDING"
    raised = shell.run("raise-event", "o1", "go")
    assert raised.status == 0
    assert "registers no workflow 'Order'" in raised.err
    shell.ok("terminate", "o1")
    assert json.loads(shell.ok("get", "o1", "-o", "json"))["runtimeStatus"] == "TERMINATED"


FORKING = """
import os
import sys
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="Forking")
def forking(ctx, _):
    value = yield ctx.call_activity(fork)
    return value

@wfr.activity(name="Fork")
def fork(ctx, _):
    child = os.fork()
    if child == 0:
        sys.exit("the child's end is not the activity's")
    return os.waitpid(child, 0)[1] != 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_an_activity_may_fork(shell: Shell) -> None:
    shell.app(FORKING)
    shell.ok("start", "Forking", "--id", "f1", "--wait", "--timeout", "120s")
    assert json.loads(shell.ok("result", "f1")) is True
