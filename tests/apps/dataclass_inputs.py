"""Dataclasses, named tuples and namespaces as payloads; they come back as namespaces."""

from collections import namedtuple
from dataclasses import dataclass, field
from types import SimpleNamespace

import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

Point = namedtuple("Point", ["x", "y"])


@dataclass
class Line:
    sku: str
    quantity: int


@dataclass
class Order:
    customer: str
    lines: list = field(default_factory=list)


@wfr.workflow
def dataclass_workflow(ctx: wf.DaprWorkflowContext, customer: str):
    order = Order(customer, [Line("paper", 3), Line("pen", 4)])
    quantity = yield ctx.call_activity(total_quantity, input=order)
    moved = yield ctx.call_activity(move, input=Point(1, 2))
    named = yield ctx.call_activity(rename, input=SimpleNamespace(name=customer))
    return {"quantity": quantity, "moved": [moved.x, moved.y], "named": named.name}


@wfr.activity
def total_quantity(ctx, order: Order) -> int:
    return sum(line["quantity"] for line in order.lines)


@wfr.activity
def move(ctx, point) -> Point:
    return Point(point.x + 1, point.y + 1)


@wfr.activity
def rename(ctx, person) -> SimpleNamespace:
    return SimpleNamespace(name=person.name.title())


if __name__ == "__main__":
    wfr.start()
    client = wf.DaprWorkflowClient()
    instance_id = client.schedule_new_workflow(workflow=dataclass_workflow, input="ann")
    print(client.wait_for_workflow_completion(instance_id))
    wfr.shutdown()
