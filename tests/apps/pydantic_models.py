"""Pydantic models as inputs and outputs: plain JSON on the wire, models in the code."""

from typing import Optional

from pydantic import BaseModel

import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()


class OrderRequest(BaseModel):
    order_id: str
    amount: float
    customer: Optional[str] = None


class OrderResult(BaseModel):
    order_id: str
    approved: bool
    message: str


@wfr.workflow(name="order_workflow")
def order_workflow(ctx: wf.DaprWorkflowContext, order: OrderRequest):
    assert isinstance(order, OrderRequest)
    raw = yield ctx.call_activity(approve_order, input=order)
    result = OrderResult.model_validate(raw)
    return result.model_copy(update={"message": result.message + "!"})


@wfr.activity(name="approve_order")
def approve_order(ctx: wf.WorkflowActivityContext, order: Optional[OrderRequest]) -> OrderResult:
    assert order is not None
    approved = order.amount <= 100
    return OrderResult(order_id=order.order_id, approved=approved, message="ok" if approved else "too much")


if __name__ == "__main__":
    wfr.start()
    client = wf.DaprWorkflowClient()
    instance_id = client.schedule_new_workflow(workflow=order_workflow, input=OrderRequest(order_id="o1", amount=42.0))
    print(client.wait_for_workflow_completion(instance_id))
    wfr.shutdown()
