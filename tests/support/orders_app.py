"""The app of the contract suite: one workflow for each thing that an instance can do."""

import asyncio
from datetime import timedelta

import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()


@wfr.activity(name="AddOne")
def add_one(ctx, value):
    return value + 1


@wfr.activity(name="Boom")
def boom(ctx, message):
    raise ValueError(message)


@wfr.workflow(name="Echo")
def echo(ctx, value):
    return value
    yield


@wfr.workflow(name="Chain")
def chain(ctx, steps):
    value = 0
    for _ in range(steps):
        value = yield ctx.call_activity(add_one, input=value)
    return value


@wfr.workflow(name="Await")
def await_event(ctx, name):
    ctx.set_custom_status("waiting")
    value = yield ctx.wait_for_external_event(name)
    return value


@wfr.workflow(name="Sleep")
def sleep(ctx, seconds):
    yield ctx.create_timer(timedelta(seconds=seconds))
    return "slept"


@wfr.workflow(name="Fail")
def fail(ctx, message):
    yield ctx.call_activity(boom, input=message)


@wfr.workflow(name="Parent")
def parent(ctx, child_name):
    value = yield ctx.call_child_workflow(child_name, input="go")
    return value


@wfr.workflow(name="Stubborn")
def stubborn(ctx, message):
    policy = wf.RetryPolicy(first_retry_interval=timedelta(milliseconds=10), max_number_of_attempts=3)
    yield ctx.call_activity(boom, input=message, retry_policy=policy)


@wfr.workflow(name="Careless")
def careless(ctx, message):
    try:
        yield ctx.call_activity(boom, input=message)
    except wf.TaskFailedError:
        yield ctx.call_activity(add_one, input=1)
    raise RuntimeError("a bug of its own")


@wfr.workflow(name="Grandparent")
def grandparent(ctx, names):
    child, grandchild = names
    yield ctx.call_child_workflow(child, input=grandchild)


@wfr.workflow(name="Patient")
def patient(ctx, message):
    policy = wf.RetryPolicy(first_retry_interval=timedelta(hours=1), max_number_of_attempts=3)
    yield ctx.call_activity(boom, input=message, retry_policy=policy)


@wfr.activity(name="Forever")
async def forever(ctx, value):
    await asyncio.sleep(3600)


@wfr.workflow(name="Hang")
def hang(ctx, value):
    yield ctx.call_activity(forever, input=value)


@wfr.workflow(name="Countdown")
def countdown(ctx, left):
    if left > 0:
        ctx.continue_as_new(left - 1)
        return None
    return "zero"
    yield


@wfr.workflow(name="Elsewhere")
def elsewhere(ctx, value):
    return (yield ctx.call_activity("charge", input=value, app_id="payments"))
