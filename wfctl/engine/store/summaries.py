"""Cheap reads for a gateway: one instance without what it waits for, pages of IDs, history from a point on.

`listing` reads for people, and folds the whole history for that; a gateway answers thousands of these a second.
"""

from __future__ import annotations

from wfctl.engine.store import instances
from wfctl.engine.store.codec import decode
from wfctl.engine.store.database import Connection
from wfctl.engine.store.instances import to_status
from wfctl.engine.store.values import decode_failure, from_micros, maybe_time
from wfctl.model.events import Event
from wfctl.model.instance import Instance
from wfctl.model.status import Status

_LAST_EVENT = "SELECT at FROM history WHERE key = ? ORDER BY seq DESC LIMIT 1"


def get(db: Connection, instance_id: str, *, payloads: bool = True) -> Instance | None:
    row = instances.find(db, instance_id)
    if row is None:
        return None
    last = db.execute(_LAST_EVENT, (row.key,)).fetchone()
    given = db.execute("SELECT input FROM inputs WHERE key = ?", (row.key,)).fetchone() if payloads else None
    return Instance(
        id=row.id,
        name=row.name,
        status=row.status,
        created_at=from_micros(row.created_at),
        updated_at=from_micros(row.created_at if last is None else last[0]),
        started_at=maybe_time(row.started_at),
        completed_at=maybe_time(row.completed_at),
        input=None if given is None else str(given[0]),
        output=row.output if payloads else None,
        custom_status=row.custom_status,
        failure=decode_failure(row.failure),
        parent_id=row.parent_id,
        version=row.version,
        stall=row.stall,
    )


def status(db: Connection, instance_id: str) -> Status | None:
    found = db.execute("SELECT status FROM instances WHERE id = ?", (instance_id,)).fetchone()
    return None if found is None else to_status(found[0])


def ids_after(db: Connection, key: int, limit: int) -> list[tuple[int, str]]:
    """(key, instance ID) behind `key`, in the order of creation."""
    return db.execute("SELECT key, id FROM instances WHERE key > ? ORDER BY key LIMIT ?", (key, limit)).fetchall()


def history_after(db: Connection, key: int, seq: int) -> tuple[list[Event], int]:
    """The committed events behind the history row `seq` (0: all), and the number of the last row."""
    events: list[Event] = []
    rows = db.execute("SELECT seq, events FROM history WHERE key = ? AND seq > ? ORDER BY seq", (key, seq))
    for number, text in rows:
        seq = number
        events += decode(text)
    return events, seq


def history_rows(db: Connection, key: int) -> list[tuple[int, list[Event]]]:
    """The committed events, by the history row that they are in."""
    rows = db.execute("SELECT seq, events FROM history WHERE key = ? ORDER BY seq", (key,))
    return [(seq, decode(text)) for seq, text in rows]
