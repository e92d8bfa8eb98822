"""Many activities at a time, and a sum of what they return; one of them may fail."""

from typing import List

import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()


@wfr.workflow(name="batch_processing")
def batch_processing_workflow(ctx: wf.DaprWorkflowContext, wf_input: int):
    work_batch = yield ctx.call_activity(get_work_batch, input=wf_input)
    parallel_tasks = [ctx.call_activity(process_work_item, input=work_item) for work_item in work_batch]
    outputs = yield wf.when_all(parallel_tasks)
    total = sum(outputs)
    yield ctx.call_activity(process_results, input=total)
    return {"count": len(outputs), "total": total}


@wfr.activity(name="get_batch")
def get_work_batch(ctx, batch_size: int) -> List[int]:
    return list(range(batch_size))


@wfr.activity
def process_work_item(ctx, work_item: int) -> int:
    if work_item == 13:
        raise RuntimeError("item 13 cannot be processed")
    return work_item * 2


@wfr.activity(name="final_process")
def process_results(ctx, final_result: int):
    pass


if __name__ == "__main__":
    wfr.start()
    client = wf.DaprWorkflowClient()
    instance_id = client.schedule_new_workflow(workflow=batch_processing_workflow, input=10)
    print(client.wait_for_workflow_completion(instance_id))
    wfr.shutdown()
