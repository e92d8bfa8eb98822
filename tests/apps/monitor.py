"""An eternal loop in slices: check, sleep, continue as new, until the job is healthy."""

from dataclasses import dataclass
from datetime import timedelta

import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()


@dataclass
class JobStatus:
    job_id: str
    checks: int


@wfr.workflow(name="status_monitor")
def status_monitor_workflow(ctx: wf.DaprWorkflowContext, job):
    status = yield ctx.call_activity(check_status, input=job)
    if status == "healthy":
        return {"job": job.job_id, "checks": job.checks + 1}
    if not ctx.is_replaying:
        print(f"Job '{job.job_id}' is {status}")
    yield ctx.create_timer(fire_at=timedelta(milliseconds=100))
    ctx.continue_as_new(JobStatus(job.job_id, job.checks + 1))


@wfr.workflow
def start_monitor(ctx: wf.DaprWorkflowContext, job_id: str):
    done = yield ctx.call_child_workflow(status_monitor_workflow, input=JobStatus(job_id, 0))
    return done


@wfr.activity
def check_status(ctx, job) -> str:
    return "healthy" if job.checks >= 3 else "unhealthy"


if __name__ == "__main__":
    wfr.start()
    client = wf.DaprWorkflowClient()
    instance_id = client.schedule_new_workflow(workflow=start_monitor, input="job1")
    print(client.wait_for_workflow_completion(instance_id))
    wfr.shutdown()
