"""Async and sync activities side by side."""

import asyncio
import time

import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()


@wfr.workflow
def gather_workflow(ctx: wf.DaprWorkflowContext, names: list):
    fetched = yield wf.when_all([ctx.call_activity(fetch, input=name) for name in names])
    total = yield ctx.call_activity(count, input=fetched)
    try:
        yield ctx.call_activity(broken)
    except wf.TaskFailedError as error:
        return {"fetched": fetched, "total": total, "broken": error.details.message}


@wfr.activity
async def fetch(ctx: wf.WorkflowActivityContext, name: str) -> str:
    await asyncio.sleep(0.01)
    return name.upper()


@wfr.activity
def count(ctx: wf.WorkflowActivityContext, names: list) -> int:
    time.sleep(0.001)
    return sum(len(name) for name in names)


@wfr.activity(name="broken")
async def broken(ctx):
    await asyncio.sleep(0)
    raise ConnectionError("nobody there")


if __name__ == "__main__":
    wfr.start()
    client = wf.DaprWorkflowClient()
    instance_id = client.schedule_new_workflow(workflow=gather_workflow, input=["a", "bc", "def"])
    print(client.wait_for_workflow_completion(instance_id))
    wfr.shutdown()
