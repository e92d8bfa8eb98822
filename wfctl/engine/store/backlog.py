"""What in the store is to be done now, whoever does it."""

from __future__ import annotations

import time

from wfctl.engine.store.codec import decode_event
from wfctl.engine.store.database import Connection
from wfctl.engine.store.values import from_micros
from wfctl.model.status import Status
from wfctl.model.workers import ACTIVITY, WORKFLOW, Queued, in_order

# What is suspended or stalled waits for somebody else than a worker.
_RUNNABLE = f"status IN ({int(Status.PENDING)}, {int(Status.RUNNING)})"
_DELAYED = f"(status = {int(Status.PENDING)} AND coalesce(wake_at, 0) > :now)"


def of(db: Connection) -> tuple[Queued, ...]:
    """Return the turns that are due, by workflow, and the activities without a result, whose names are in histories."""
    now = {"now": time.time_ns() // 1000}
    arrived = db.execute(
        f"""
        SELECT instances.name, count(DISTINCT inbox.key), min(inbox.seq), inbox.event
        FROM inbox JOIN instances USING (key) WHERE {_RUNNABLE} AND NOT {_DELAYED} GROUP BY instances.name
        """,
        now,
    )
    found = {name: (count, decode_event(event).timestamp) for name, count, _, event in arrived}
    due = db.execute(
        f"""
        SELECT name, count(*), min(wake_at) FROM instances
        WHERE wake_at <= :now AND {_RUNNABLE} AND NOT EXISTS (SELECT 1 FROM inbox WHERE inbox.key = instances.key)
        GROUP BY name
        """,
        now,
    )
    for name, count, wake_at in due:
        before = found.get(name)
        since = from_micros(wake_at)
        found[name] = (count, since) if before is None else (before[0] + count, min(before[1], since))
    (busy,) = db.execute(f"SELECT coalesce(sum(busy), 0) FROM instances WHERE busy > 0 AND {_RUNNABLE}").fetchone()
    turns = [Queued(WORKFLOW, name, count, since) for name, (count, since) in found.items()]
    return in_order([*turns, *([Queued(ACTIVITY, None, int(busy))] if busy else [])])
