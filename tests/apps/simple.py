"""A bit of everything, as in a first tour."""

from datetime import timedelta

import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

retry_policy = wf.RetryPolicy(
    first_retry_interval=timedelta(milliseconds=10),
    max_number_of_attempts=3,
    backoff_coefficient=2,
    max_retry_interval=timedelta(seconds=1),
    retry_timeout=timedelta(seconds=100),
)


@wfr.workflow(name="hello_world_wf")
def hello_world_wf(ctx: wf.DaprWorkflowContext, wf_input: int):
    counter = yield ctx.call_activity(hello_act, input=1)
    counter = counter + (yield ctx.call_activity(hello_act, input=wf_input))
    counter = counter + (yield ctx.call_activity(hello_retryable_act, retry_policy=retry_policy))
    counter = counter + (yield ctx.call_child_workflow(child_retryable_wf, retry_policy=retry_policy))
    event = ctx.wait_for_external_event("event1")
    late = ctx.create_timer(timedelta(seconds=30))
    winner = yield wf.when_any([event, late])
    if winner == late:
        return "timed out"
    falsy = []
    for name in ("zero", "no", "empty", "nothing"):
        falsy.append((yield ctx.wait_for_external_event(name)))
    yield ctx.create_timer(timedelta(milliseconds=50))
    return {"counter": counter, "event": event.get_result(), "falsy": falsy}


@wfr.workflow(name="child_retryable_wf")
def child_retryable_wf(ctx: wf.DaprWorkflowContext):
    result = yield ctx.call_activity(hello_act, input=1000)
    return result


@wfr.workflow
def at_once(ctx: wf.DaprWorkflowContext, wf_input):
    """Not a generator: it completes in its first turn."""
    return [wf_input, ctx.is_replaying]


@wfr.workflow
def yields_no_task(ctx: wf.DaprWorkflowContext):
    yield ctx.call_activity(hello_act, input=1)
    yield 42


@wfr.activity(name="hello_act")
def hello_act(ctx: wf.WorkflowActivityContext, wf_input: int) -> int:
    return wf_input


@wfr.activity(name="hello_retryable_act")
def hello_retryable_act(ctx: wf.WorkflowActivityContext) -> int:
    return 100


if __name__ == "__main__":
    wfr.start()
    client = wf.DaprWorkflowClient()
    instance_id = client.schedule_new_workflow(workflow=hello_world_wf, input=10)
    client.raise_workflow_event(instance_id, "event1", data="hi")
    for name in ("zero", "no", "empty", "nothing"):
        client.raise_workflow_event(instance_id, name, data=None)
    print(client.wait_for_workflow_completion(instance_id))
    wfr.shutdown()
