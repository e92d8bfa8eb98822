"""Cheap reads for a gateway: one instance without what it waits for, pages of IDs, history from a point on.

`reads` is for people, and folds the whole history for that; a gateway answers thousands of these a second.
"""

from __future__ import annotations

from wfctl.engine.store import instances
from wfctl.engine.store.codec import decode
from wfctl.engine.store.database import Connection
from wfctl.model.apps import Apps, stored
from wfctl.model.events import Event, EventRaised
from wfctl.model.instance import Instance
from wfctl.model.status import Status

# The size of a page of Dapr's ListInstanceIDs that names none.
DEFAULT_PAGE = 1024


def get(db: Connection, instance_id: str, *, payloads: bool = True, apps: Apps = None) -> Instance | None:
    row = instances.find(db, instance_id, apps)
    if row is None:
        return None
    return instances.to_instance(db, row, payloads=payloads)


def status(db: Connection, instance_id: str, apps: Apps = None) -> Status | None:
    row = instances.find(db, instance_id, apps)
    return None if row is None else row.status


def received(db: Connection, instance_id: str, app_id: str | None) -> tuple[str, ...]:
    """Return the names of the events that have arrived for an instance and that no turn has taken in; up to 100."""
    sql = "SELECT event FROM inbox JOIN instances USING (key) WHERE id = ? AND app = ? ORDER BY inbox.seq LIMIT 100"
    events = [decode(text)[0] for (text,) in db.execute(sql, (instance_id, stored(app_id)))]
    return tuple(event.name for event in events if isinstance(event, EventRaised))


def ids_after(db: Connection, key: int, limit: int, apps: Apps = None) -> list[tuple[int, str]]:
    """Return (key, instance ID) behind `key` in these apps, in the order of creation."""
    mine = "" if apps is None else f" AND {instances.of_these(apps)}"
    sql = f"SELECT key, id FROM instances WHERE key > ?{mine} ORDER BY key LIMIT ?"
    return db.execute(sql, (key, *(apps or ()), limit)).fetchall()


def history_after(db: Connection, key: int, seq: int) -> list[tuple[int, str]]:
    """Return the rows of history behind `seq` (0: all): their number, and their events, encoded as stored."""
    sql = "SELECT seq, events FROM history WHERE key = ? AND seq > ? ORDER BY seq"
    return db.execute(sql, (key, seq)).fetchall()


def history_rows(db: Connection, key: int) -> list[tuple[int, list[Event]]]:
    """Return the committed events, by the history row that they are in."""
    rows = db.execute("SELECT seq, events FROM history WHERE key = ? ORDER BY seq", (key,))
    return [(seq, decode(text)) for seq, text in rows]
