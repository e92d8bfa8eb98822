"""Three activities, one after the other; the second half of the chain fails on demand and is compensated."""

import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()


@wfr.workflow(name="task_chain_workflow")
def task_chain(ctx: wf.DaprWorkflowContext, wf_input: int):
    try:
        result1 = yield ctx.call_activity(step1, input=wf_input)
        result2 = yield ctx.call_activity(step2, input=result1)
        result3 = yield ctx.call_activity(step3, input=result2)
    except Exception as error:
        yield ctx.call_activity(undo, input=str(error))
        raise
    return [result1, result2, result3]


@wfr.activity(name="step1")
def step1(ctx: wf.WorkflowActivityContext, activity_input: int):
    return activity_input + 1


@wfr.activity
def step2(ctx, activity_input: int):
    return activity_input * 2


@wfr.activity
def step3(ctx, activity_input: int):
    if activity_input < 0:
        raise ValueError("a negative number")
    return activity_input**2


@wfr.activity
def undo(ctx, reason: str):
    return None


if __name__ == "__main__":
    wfr.start()
    client = wf.DaprWorkflowClient()
    instance_id = client.schedule_new_workflow(workflow=task_chain, input=42)
    print(client.wait_for_workflow_completion(instance_id))
    wfr.shutdown()
