"""Timers by delay and by time of day, and races between them."""

from datetime import timedelta

import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()


@wfr.workflow
def timer_workflow(ctx: wf.DaprWorkflowContext, delay_ms: int):
    started = ctx.current_utc_datetime
    yield ctx.create_timer(timedelta(milliseconds=delay_ms))
    yield ctx.create_timer(ctx.current_utc_datetime + timedelta(milliseconds=delay_ms))
    passed = ctx.current_utc_datetime - started >= timedelta(milliseconds=2 * delay_ms)

    slow = ctx.create_timer(timedelta(hours=1))
    quick = ctx.call_activity(quick_activity)
    winner = yield wf.when_any([slow, quick])
    first = "quick" if winner == quick else "slow"

    # Wait for one at a time until all are there, whatever the order.
    pending = [ctx.call_activity(quick_activity, input=n) for n in range(3)]
    seen = []
    while pending:
        done = yield wf.when_any(pending)
        seen.append(done.get_result())
        pending.remove(done)

    nested = yield wf.when_any(
        [
            wf.when_all([ctx.call_activity(quick_activity, input=n) for n in (7, 8)]),
            ctx.create_timer(timedelta(hours=1)),
        ]
    )
    return {"passed": passed, "first": first, "seen": sorted(seen), "nested": nested.get_result()}


@wfr.activity
def quick_activity(ctx, number=None):
    return number


if __name__ == "__main__":
    wfr.start()
    client = wf.DaprWorkflowClient()
    instance_id = client.schedule_new_workflow(workflow=timer_workflow, input=20)
    print(client.wait_for_workflow_completion(instance_id))
    wfr.shutdown()
