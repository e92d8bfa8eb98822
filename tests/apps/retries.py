"""Retry policies for activities and children: one that helps, one that does not, an error not worth a retry."""

import threading
from collections import Counter
from datetime import timedelta

import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

retry_policy = wf.RetryPolicy(
    first_retry_interval=timedelta(milliseconds=20),
    max_number_of_attempts=5,
    backoff_coefficient=2,
    max_retry_interval=timedelta(milliseconds=50),
    retry_timeout=timedelta(seconds=100),
)
attempts: Counter = Counter()
lock = threading.Lock()


class NonRetryableError(Exception):
    """Known to the workflow engine by its name."""


def attempt(what: str) -> int:
    with lock:
        attempts[what] += 1
        return attempts[what]


@wfr.workflow
def retry_workflow(ctx: wf.DaprWorkflowContext, _: object):
    result = yield ctx.call_activity(flaky, input="x", retry_policy=retry_policy)
    child = yield ctx.call_child_workflow(flaky_child, input="y", retry_policy=retry_policy)
    failures = []
    for activity in (hopeless, forbidden):
        try:
            yield ctx.call_activity(activity, retry_policy=retry_policy)
        except wf.TaskFailedError as error:
            failures.append(f"{error.details.error_type}: {error.details.message}")
    return {"result": result, "child": child, "failures": failures}


@wfr.workflow
def flaky_child(ctx: wf.DaprWorkflowContext, word: str):
    result = yield ctx.call_activity(flaky, input=word)
    return result


@wfr.activity
def flaky(ctx: wf.WorkflowActivityContext, word: str) -> str:
    """Fails twice for each workflow."""
    if attempt(ctx.workflow_id + word) <= 2:
        raise ConnectionError("not yet")
    return word * 2


@wfr.activity
def hopeless(ctx):
    raise OSError("never")


@wfr.activity
def forbidden(ctx):
    raise NonRetryableError("do not try again")


if __name__ == "__main__":
    wfr.start()
    client = wf.DaprWorkflowClient()
    instance_id = client.schedule_new_workflow(workflow=retry_workflow)
    print(client.wait_for_workflow_completion(instance_id))
    wfr.shutdown()
