"""A store whose instances stand still: every time in it is fixed, so that its screens are always the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

from wfctl.engine.core.folded_state import EventWait
from wfctl.engine.store import database, event_waits, history_inbox, instances, logs
from wfctl.engine.store.codec import encode
from wfctl.engine.store.instances import Row
from wfctl.engine.store.values import to_micros
from wfctl.model import events as ev
from wfctl.model.events import NO_ID
from wfctl.model.failure import Failure
from wfctl.model.logs import LogLine
from wfctl.model.status import Status

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=timezone.utc)
TRACE = """Traceback (most recent call last):
  File "/srv/shop/orders.py", line 41, in charge
    bank.charge(order["card"], order["total"])
  File "/srv/shop/bank.py", line 12, in charge
    raise CardDeclined(f"card {card} was declined")
CardDeclined: card 4711 was declined
"""
ORDER = json.dumps(
    {
        "orderId": 1,
        "customer": {"name": "Ann Ünal", "tags": ["new", "[red]b[/red]"]},
        "lines": [{"sku": "A-1", "count": 2, "price": 9.5}, {"sku": "B-7", "count": 1, "price": 80}],
        "note": "leave it \x1b[31mat the door\x07",
        "gift": None,
    }
)


class Story:
    """One instance, told event by event; `at` are seconds before NOW."""

    def __init__(self, key: int, instance_id: str, name: str, began: float, payload: str | None = ORDER) -> None:
        self.row = Row(key, instance_id, name, Status.RUNNING, key, None, None, None, None, f"x{key}", 0)
        self.row.created_at = self.row.started_at = to_micros(_at(began))
        self.input = payload
        self.events: list[ev.Event] = [
            ev.WorkflowStarted(NO_ID, _at(began)),
            ev.ExecutionStarted(NO_ID, _at(began), name, payload, instance_id, f"x{key}"),
        ]
        self.waits: list[EventWait] = []
        self.logs: list[LogLine] = []

    def activity(
        self, number: int, name: str, began: float, ended: float | None = None, result: str = "true", error: str = ""
    ) -> Story:
        self.events.append(ev.TaskScheduled(number, _at(began), name, self.input, f"{self.row.id}-{number}"))
        if ended is not None:
            self.events.append(ev.WorkflowStarted(NO_ID, _at(ended)))
            if error:
                kind, _, message = error.partition(": ")
                failure = Failure(kind, message, TRACE)
                self.events.append(ev.TaskFailed(NO_ID, _at(ended), number, failure, f"{self.row.id}-{number}"))
            else:
                self.events.append(ev.TaskCompleted(NO_ID, _at(ended), number, result, f"{self.row.id}-{number}"))
        return self

    def waits_for(self, number: int, event: str, began: float) -> Story:
        self.events.append(ev.TimerCreated(number, _at(began), ev.NEVER, None, ev.Origin.EXTERNAL_EVENT, event))
        self.waits.append(EventWait(number, event, _at(began), None))
        return self

    def has_child(self, number: int, child: Story, began: float) -> Story:
        self.events.append(ev.ChildWorkflowInstanceCreated(number, _at(began), child.row.id, child.row.name, ORDER))
        child.row.parent, child.row.parent_id, child.row.root = self.row.key, self.row.id, self.row.root
        return self

    def ends(self, ended: float, output: str | None = '{"paid": true}', error: str = "") -> Story:
        failure = None
        if error:
            message = error.partition(": ")[2]
            failure = Failure("TaskFailedError", f"{self.row.id}: Activity task #2 failed: {message}", TRACE)
            self.row.failure = json.dumps({"error_type": failure.error_type, "message": failure.message})
        self.row.status = Status.FAILED if error else Status.COMPLETED
        self.row.completed_at, self.row.output = to_micros(_at(ended)), None if error else output
        number = max(event.event_id for event in self.events) + 1
        self.events.append(ev.ExecutionCompleted(number, _at(ended), self.row.status, self.row.output, failure))
        return self

    def suspended(self, at: float) -> Story:
        self.row.status = Status.SUSPENDED
        self.events.append(ev.ExecutionSuspended(NO_ID, _at(at), "stock count"))
        return self

    def logged(self, at: float, step: str, number: int, message: str) -> Story:
        self.logs.append(LogLine(_at(at), 30, step, number, "shop", message))
        return self


def _at(before: float) -> datetime:
    return NOW - timedelta(seconds=before)


def stories() -> list[Story]:
    """A shop: what is done, what failed for two reasons, what waits, what is paused, a parent with its child."""
    declined = "CardDeclined: card 4711 was declined"
    told = [
        Story(1, "order-1", "Checkout", 900).activity(1, "Reserve", 900, 899).activity(2, "Charge", 899, 897).ends(897),
        Story(2, "order-2", "Checkout", 400)
        .activity(1, "Reserve", 400, 399)
        .activity(2, "Charge", 399, 340, error=declined)
        .logged(345, "Charge", 2, "the bank says no\nfor the second time")
        .ends(340, error=declined),
        Story(3, "order-3", "Checkout", 300)
        .activity(1, "Reserve", 300, 280, error="ConnectionError: 10.0.0.3:5432 does not answer")
        .ends(280, error="ConnectionError: 10.0.0.3:5432 does not answer"),
        Story(4, "order-4", "Approval", 200).activity(1, "Ask", 200, 199).waits_for(2, "approval", 199),
        Story(5, "order-5", "Approval", 190).waits_for(1, "approval", 190).suspended(100),
    ]
    child = Story(7, "order-6:0001", "Approval", 119).waits_for(1, "approval", 119)
    told.append(Story(6, "order-6", "Family", 120).has_child(1, child, 119))
    told.append(child)
    for number in range(8, 40):
        began = 1500 - number * 30
        told.append(Story(number, f"order-{number}", "Checkout", began).activity(1, "Reserve", began, began - 2))
        told[-1].ends(began - 2)
    return told


def write(path: Path, told: Sequence[Story]) -> Path:
    db = database.open_store(path)
    db.execute("BEGIN IMMEDIATE")
    instances.insert(db, [one.row for one in told])
    history_inbox.append_history(
        db, [(one.row.key, 1, to_micros(one.events[-1].timestamp), encode(one.events)) for one in told]
    )
    for one in told:
        event_waits.put(db, one.row.key, one.waits, [])
        logs.put(db, [(one.row.key, line) for line in one.logs])
    db.execute("COMMIT")
    db.close()
    return path
