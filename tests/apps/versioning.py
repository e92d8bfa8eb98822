"""Named versions of a workflow, and patches within one."""

import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()


@wfr.versioned_workflow(name="versioned", version_name="v1", is_latest=False)
def versioned_v1(ctx: wf.DaprWorkflowContext, _: object):
    result = yield ctx.call_activity(work, input="v1")
    return result


@wfr.versioned_workflow(name="versioned", version_name="v2", is_latest=True)
def versioned_v2(ctx: wf.DaprWorkflowContext, _: object):
    yield ctx.wait_for_external_event("go")
    result = yield ctx.call_activity(work, input="v2")
    return result


@wfr.workflow
def patched(ctx: wf.DaprWorkflowContext, _: object):
    done = []
    if ctx.is_patched("patch1"):
        done.append((yield ctx.call_activity(work, input="patch1")))
    yield ctx.wait_for_external_event("go")
    if ctx.is_patched("patch2"):
        done.append((yield ctx.call_activity(work, input="patch2")))
    if ctx.is_patched("patch1"):
        done.append("patch1 again")
    return done


@wfr.activity
def work(ctx, what: str) -> str:
    return f"{what} done"


if __name__ == "__main__":
    wfr.start()
    client = wf.DaprWorkflowClient()
    instance_id = client.schedule_new_workflow(workflow="versioned")
    client.raise_workflow_event(instance_id, "go")
    print(client.wait_for_workflow_completion(instance_id))
    wfr.shutdown()
