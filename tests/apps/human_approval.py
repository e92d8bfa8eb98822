"""An order above a limit waits for somebody's approval, with a timeout."""

from dataclasses import dataclass
from datetime import timedelta

import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()


@dataclass
class Approval:
    approver: str
    approved: bool = True


@wfr.workflow(name="purchase_order_wf")
def purchase_order_workflow(ctx: wf.DaprWorkflowContext, order: dict):
    if order["cost"] < 1000:
        return "Auto-approved"
    yield ctx.call_activity(send_approval_request, input=order)
    approval_event = ctx.wait_for_external_event("approval_received")
    timeout_event = ctx.create_timer(timedelta(milliseconds=order.get("timeout_ms", 60_000)))
    winner = yield wf.when_any([approval_event, timeout_event])
    if winner == timeout_event:
        return "Canceled"
    approval = approval_event.get_result()
    if not approval["approved"]:
        return f"Rejected by '{approval['approver']}'"
    yield ctx.call_activity(place_order, input=order)
    return f"Approved by '{approval['approver']}'"


@wfr.workflow(name="approval_with_timeout")
def approval_with_timeout_workflow(ctx: wf.DaprWorkflowContext, timeout_ms: int):
    """The same with the timeout of the wait itself; a late approval is kept for the next wait."""
    try:
        approval = yield ctx.wait_for_external_event("Approval", timeout=timedelta(milliseconds=timeout_ms))
    except TimeoutError:
        return "timed out"
    return approval


@wfr.activity
def send_approval_request(ctx, order: dict) -> None:
    pass


@wfr.activity
def place_order(ctx, order: dict) -> None:
    pass


if __name__ == "__main__":
    wfr.start()
    client = wf.DaprWorkflowClient()
    instance_id = client.schedule_new_workflow(workflow=purchase_order_workflow, input={"cost": 2000})
    client.raise_workflow_event(instance_id, "approval_received", data={"approver": "Ann", "approved": True})
    print(client.wait_for_workflow_completion(instance_id))
    wfr.shutdown()
