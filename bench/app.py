"""The workflows that are measured: the activity does nothing but return its input."""

import os
import threading

import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()
STUCK = "BENCH_STUCK" in os.environ  # for instances that are to be unfinished when their process is killed


@wfr.activity(name="Step")
def step(ctx, value):
    if STUCK:
        threading.Event().wait()
    return value


@wfr.workflow(name="Chain")
def chain(ctx, steps):
    value = 0
    for number in range(steps):
        value = yield ctx.call_activity(step, input=number)
    return value


@wfr.workflow(name="FanOut")
def fan_out(ctx, width):
    values = yield wf.when_all([ctx.call_activity(step, input=number) for number in range(width)])
    return len(values)


@wfr.workflow(name="Child")
def child(ctx, value):
    return value


@wfr.workflow(name="Family")
def family(ctx, width):
    values = yield wf.when_all([ctx.call_child_workflow(child, input=number) for number in range(width)])
    return len(values)


@wfr.workflow(name="Waiter")
def waiter(ctx, number):
    return (yield ctx.wait_for_external_event("go"))
