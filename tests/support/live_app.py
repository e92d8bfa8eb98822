"""The worker of the live tests: workflows on the official Python SDK. DAPR_GRPC_PORT says where the sidecar is."""

from __future__ import annotations

import signal
import threading
from datetime import timedelta

import dapr.ext.workflow as wf

runtime = wf.WorkflowRuntime()


@runtime.activity(name="greet")
def greet(ctx, name):
    return f"hi {name}"


@runtime.activity(name="fail")
def fail(ctx, why):
    raise ValueError(f"bad {why}")


@runtime.activity(name="blow_up")
def blow_up(ctx, size):
    return "x" * size


@runtime.workflow(name="quick")
def quick(ctx, value):
    return {"got": value}


@runtime.workflow(name="chain")
def chain(ctx, name):
    greetings = []
    for number in range(3):
        greetings.append((yield ctx.call_activity(greet, input=f"{name}{number}")))
    return greetings


@runtime.workflow(name="wait_go")
def wait_go(ctx, name):
    ctx.set_custom_status("waiting")
    greeting = yield ctx.call_activity(greet, input=name)
    event = yield ctx.wait_for_external_event("go")
    return [greeting, event]


@runtime.workflow(name="sleeper")
def sleeper(ctx, _):
    yield ctx.create_timer(timedelta(hours=1))


@runtime.workflow(name="parent")
def parent(ctx, name):
    return (yield ctx.call_child_workflow(wait_go, input=name))


@runtime.workflow(name="adopting")
def adopting(ctx, name):
    return (yield ctx.call_child_workflow(wait_go, input=name, instance_id=name))


@runtime.workflow(name="failing")
def failing(ctx, why):
    yield ctx.call_activity(fail, input=why)


@runtime.workflow(name="oversize")
def oversize(ctx, size):
    for _ in range(8):
        yield ctx.call_activity(blow_up, input=size)


runtime.start()
ended = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: ended.set())
ended.wait()
runtime.shutdown()
