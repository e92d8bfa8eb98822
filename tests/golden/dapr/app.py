"""The workflows in the bundle beside this file, which a real Dapr ran on the official SDK; see make.py.

As a program it is their worker: DAPR_GRPC_PORT says where the sidecar is.
"""

from __future__ import annotations

import signal
import threading
from datetime import timedelta
from typing import Any

import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()
RETRIES = wf.RetryPolicy(first_retry_interval=timedelta(milliseconds=100), max_number_of_attempts=3)
SOON = timedelta(milliseconds=200)


@wfr.workflow(name="Chain")
def chain(ctx: Any, order: Any) -> Any:
    first = yield ctx.call_activity(back, input={"order": order, "id": str(ctx.new_guid())})
    second = yield ctx.call_activity(back, input=[first, ctx.current_utc_datetime.isoformat()])
    return [first, second, ctx.app_id]


@wfr.workflow(name="Together")
def together(ctx: Any, count: int) -> Any:
    results = yield wf.when_all([ctx.call_activity(back, input=n) for n in range(count)])
    timer, event = ctx.create_timer(SOON), ctx.wait_for_external_event("never")
    first = yield wf.when_any([timer, event])
    return [sum(results), first == timer]


@wfr.workflow(name="Retries")
def retries(ctx: Any, value: Any) -> Any:
    try:
        yield ctx.call_activity(broken, input=value, retry_policy=RETRIES)
    except wf.TaskFailedError as error:
        return (yield ctx.call_activity(back, input=str(error)))


@wfr.workflow(name="Waits")
def waits(ctx: Any, value: Any) -> Any:
    try:
        yield ctx.wait_for_external_event("late", timeout=SOON)
    except TimeoutError:
        yield ctx.call_activity(back, input="too late")
    said = yield ctx.wait_for_external_event("said")
    return [value, said]


@wfr.workflow(name="Parent")
def parent(ctx: Any, value: Any) -> Any:
    child = yield ctx.call_child_workflow(chain, input=value)
    try:
        yield ctx.call_child_workflow(fails, input=value)
    except wf.TaskFailedError:
        return child


@wfr.workflow(name="Fails")
def fails(ctx: Any, value: Any) -> Any:
    yield ctx.call_activity(back, input=value)
    raise KeyError("nothing of that name")


@wfr.workflow(name="Again")
def again(ctx: Any, left: int) -> Any:
    yield ctx.call_activity(back, input=left)
    if left:
        ctx.continue_as_new(left - 1, save_events=True)
        return None
    return "the end"


@wfr.workflow(name="Patched")
def patched(ctx: Any, value: Any) -> Any:
    if ctx.is_patched("fraud-check"):
        yield ctx.call_activity(back, input="fraud")
    return (yield ctx.call_activity(back, input=value))


@wfr.versioned_workflow(name="Versioned", version_name="v1", is_latest=True)
def versioned(ctx: Any, value: Any) -> Any:
    return (yield ctx.call_activity(back, input=value))


@wfr.activity(name="Back")
def back(ctx: Any, value: Any) -> Any:
    return value


@wfr.activity(name="Broken")
def broken(ctx: Any, value: Any) -> Any:
    raise ValueError("card declined")


if __name__ == "__main__":
    wfr.start()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    ended.wait()
    wfr.shutdown()
