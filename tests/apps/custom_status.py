"""Custom status, replaying, and what is deterministic about a context."""

import json

import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()


@wfr.workflow
def status_workflow(ctx: wf.DaprWorkflowContext, steps: int):
    guids = [str(ctx.new_guid()), str(ctx.new_guid())]
    numbers = ctx.random()
    lucky = numbers.randint(0, 10**9)
    for step in range(steps):
        ctx.set_custom_status(json.dumps({"step": step + 1, "of": steps}))
        same = yield ctx.call_activity(echo, input=guids)
        if same != guids or guids[0] == guids[1]:
            return "guids changed"
    if (yield ctx.call_activity(echo, input=lucky)) != lucky:
        return "the random number changed"
    return "done"


@wfr.activity
def echo(ctx, value):
    return value


if __name__ == "__main__":
    wfr.start()
    client = wf.DaprWorkflowClient()
    instance_id = client.schedule_new_workflow(workflow=status_workflow, input=3)
    print(client.wait_for_workflow_completion(instance_id))
    wfr.shutdown()
