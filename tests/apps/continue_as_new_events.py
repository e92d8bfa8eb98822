"""An accumulator that continues as new after every event and keeps those that wait."""

import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()


@wfr.workflow
def accumulator(ctx: wf.DaprWorkflowContext, state: dict):
    value = yield ctx.wait_for_external_event("Add")
    state = {"sum": state["sum"] + value, "left": state["left"] - 1}
    state = yield ctx.call_activity(store, input=state)
    if not state["left"]:
        return state["sum"]
    ctx.continue_as_new(state, save_events=True)


@wfr.activity
def store(ctx, state: dict) -> dict:
    return state


if __name__ == "__main__":
    wfr.start()
    client = wf.DaprWorkflowClient()
    instance_id = client.schedule_new_workflow(workflow=accumulator, input={"sum": 0, "left": 3})
    for n in (1, 2, 3):
        client.raise_workflow_event(instance_id, "add", data=n)
    print(client.wait_for_workflow_completion(instance_id))
    wfr.shutdown()
