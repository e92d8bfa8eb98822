"""The workflows in the stores beside this file: written by an older wfctl, to be completed by this one.

With GOLDEN_MAKING set, activities that are to be caught under way fail, or never end; see make.py.
"""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import dapr.ext.workflow as wf

MAKING = os.environ.get("GOLDEN_MAKING")
HOUR = timedelta(hours=1)

wfr = wf.WorkflowRuntime()


@wfr.workflow(name="Echo")
def echo(ctx: Any, value: Any) -> Any:
    return (yield ctx.call_activity(back, input=value))


@wfr.workflow(name="Approval")
def approval(ctx: Any, order: Any) -> Any:
    ctx.set_custom_status("asked")
    decision = yield ctx.wait_for_external_event("approval")
    done = yield ctx.call_activity(back, input=[order, decision])
    ctx.set_custom_status("answered")
    return done


@wfr.workflow(name="Timer")
def timer(ctx: Any, value: Any) -> Any:
    yield ctx.create_timer(HOUR)
    return (yield ctx.call_activity(back, input=value))


@wfr.workflow(name="Either")
def either(ctx: Any, value: Any) -> Any:
    asked = ctx.wait_for_external_event("approval")
    rang = ctx.create_timer(HOUR)
    first = yield wf.when_any([asked, rang])
    return "rang" if first == rang else "asked"


@wfr.workflow(name="Retry")
def retry(ctx: Any, value: Any) -> Any:
    policy = wf.RetryPolicy(first_retry_interval=HOUR, max_number_of_attempts=3)
    return (yield ctx.call_activity(flaky, input=value, retry_policy=policy))


@wfr.workflow(name="Parent")
def parent(ctx: Any, child_id: Any) -> Any:
    return (yield ctx.call_child_workflow(approval, input="from the parent", instance_id=child_id))


@wfr.workflow(name="FanOut")
def fan_out(ctx: Any, count: Any) -> Any:
    return (yield wf.when_all([ctx.call_activity(slow, input=number) for number in range(count)]))


@wfr.workflow(name="Generations")
def generations(ctx: Any, left: Any) -> Any:
    yield ctx.create_timer(HOUR if left == 1 else timedelta(milliseconds=1))
    if left:
        ctx.continue_as_new(left - 1, save_events=True)
        return None
    return (yield ctx.wait_for_external_event("kept"))


@wfr.workflow(name="Changed")
def changed(ctx: Any, value: Any) -> Any:
    yield ctx.call_activity(slow if MAKING == "changed" else back, input=value)
    yield ctx.wait_for_external_event("approval")
    return value


@wfr.activity(name="Back")
def back(ctx: Any, value: Any) -> Any:
    return value


@wfr.activity(name="Flaky")
def flaky(ctx: Any, value: Any) -> Any:
    if MAKING:
        raise OSError("not yet")
    return value


@wfr.activity(name="Slow")
def slow(ctx: Any, number: Any) -> Any:
    if MAKING and number == 2:
        Path("busy").touch()
        time.sleep(3600)
    return number
