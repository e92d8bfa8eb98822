"""Cheap reads for a gateway: one instance without what it waits for, pages of IDs, history from a point on.

`reads` is for people, and folds the whole history for that; a gateway answers thousands of these a second.
"""

from __future__ import annotations

from wfctl.engine.store import instances
from wfctl.engine.store.codec import decode
from wfctl.engine.store.database import Connection
from wfctl.engine.store.instances import to_status
from wfctl.model.events import Event, EventRaised
from wfctl.model.instance import Instance
from wfctl.model.status import Status

# The size of a page of Dapr's ListInstanceIDs that names none.
DEFAULT_PAGE = 1024


def get(db: Connection, instance_id: str, *, payloads: bool = True) -> Instance | None:
    row = instances.find(db, instance_id)
    if row is None:
        return None
    return instances.to_instance(db, row, payloads=payloads)


def status(db: Connection, instance_id: str) -> Status | None:
    found = db.execute("SELECT status FROM instances WHERE id = ?", (instance_id,)).fetchone()
    return None if found is None else to_status(found[0])


def received(db: Connection, instance_id: str) -> tuple[str, ...]:
    """Return the names of the events that have arrived for an instance and that no turn has taken in; up to 100."""
    sql = "SELECT event FROM inbox JOIN instances USING (key) WHERE id = ? ORDER BY inbox.seq LIMIT 100"
    events = [decode(text)[0] for (text,) in db.execute(sql, (instance_id,))]
    return tuple(event.name for event in events if isinstance(event, EventRaised))


def ids_after(db: Connection, key: int, limit: int) -> list[tuple[int, str]]:
    """Return (key, instance ID) behind `key`, in the order of creation."""
    return db.execute("SELECT key, id FROM instances WHERE key > ? ORDER BY key LIMIT ?", (key, limit)).fetchall()


def history_after(db: Connection, key: int, seq: int) -> list[tuple[int, str]]:
    """Return the rows of history behind `seq` (0: all): their number, and their events, encoded as stored."""
    sql = "SELECT seq, events FROM history WHERE key = ? AND seq > ? ORDER BY seq"
    return db.execute(sql, (key, seq)).fetchall()


def history_rows(db: Connection, key: int) -> list[tuple[int, list[Event]]]:
    """Return the committed events, by the history row that they are in."""
    rows = db.execute("SELECT seq, events FROM history WHERE key = ? ORDER BY seq", (key,))
    return [(seq, decode(text)) for seq, text in rows]
