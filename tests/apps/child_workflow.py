"""A parent with children: one with a derived ID, one with an ID of its own, several at a time, one that fails."""

import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()


@wfr.workflow
def main_workflow(ctx: wf.DaprWorkflowContext, depth: int):
    first = yield ctx.call_child_workflow(workflow=child, input=depth)
    named = yield ctx.call_child_workflow("child", input=0, instance_id=f"{ctx.instance_id}-named")
    both = yield wf.when_all([ctx.call_child_workflow(child, input=n) for n in (0, 1)])
    try:
        yield ctx.call_child_workflow(failing_child)
        failure = None
    except wf.TaskFailedError as error:
        failure = error.details.error_type
    return {"first": first, "named": named, "both": both, "failure": failure}


@wfr.workflow
def child(ctx: wf.DaprWorkflowContext, depth: int):
    """Its IDs depend on the parent's: only the part behind it is returned."""
    own = ctx.instance_id.rpartition(":")[2] if ":" in ctx.instance_id else "named"
    if not depth:
        return [own]
    below = yield ctx.call_child_workflow(child, input=depth - 1)
    return [own, *below]


@wfr.workflow
def failing_child(ctx):
    yield ctx.call_activity(refuse)


@wfr.activity
def refuse(ctx):
    raise PermissionError("no")


if __name__ == "__main__":
    wfr.start()
    client = wf.DaprWorkflowClient()
    instance_id = client.schedule_new_workflow(workflow=main_workflow, input=2)
    print(client.wait_for_workflow_completion(instance_id))
    wfr.shutdown()
