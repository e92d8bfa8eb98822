"""Cheap reads for a gateway: one instance without what it waits for, pages of IDs, history from a point on.

`reads` is for people, and folds the whole history for that; a gateway answers thousands of these a second.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from wfctl.engine.store import history_inbox, instances
from wfctl.engine.store.codec import Calls, Known, decode_event, decode_row
from wfctl.engine.store.database import Connection, snapshot
from wfctl.engine.store.single import Single
from wfctl.engine.store.values import ODD, Unreadable
from wfctl.model.apps import Apps
from wfctl.model.events import Event, EventRaised
from wfctl.model.instance import Instance
from wfctl.model.status import Status

# The size of a page of Dapr's ListInstanceIDs that names none.
DEFAULT_PAGE = 1024


def of(db: Connection, found: Single, *, payloads: bool) -> Instance:
    """Return what the statement that found it says of an instance."""
    return instances.to_instance(db, found.row, last_event=found.last_event, payloads=payloads, begin=found.begin)


def status(db: Connection, instance_id: str, apps: Apps = None) -> Status | None:
    row = instances.find(db, instance_id, apps)
    return None if row is None else row.status


def received(db: Connection, key: int) -> tuple[str, ...]:
    """Return the names of the events that have arrived for an instance and that no turn has taken in; up to 100."""
    sql = "SELECT event FROM inbox WHERE key = ? ORDER BY seq LIMIT 100"
    events = [decode_event(text) for (text,) in db.execute(sql, (key,))]
    return tuple(event.name for event in events if isinstance(event, EventRaised))


def ids_after(db: Connection, key: int, limit: int, apps: Apps = None) -> list[tuple[int, str]]:
    """Return (key, instance ID) behind `key` in these apps, in the order of creation."""
    mine = "" if apps is None else f" AND {instances.of_these(apps)}"
    sql = f"SELECT key, id FROM instances WHERE key > ?{mine} ORDER BY key LIMIT ?"
    return db.execute(sql, (key, *(apps or ()), limit)).fetchall()


@dataclass(frozen=True, slots=True)
class StoredRows:
    """Rows of a history as they are stored: read on one thread, to be decoded on another."""

    rows: list[tuple[int, int, str]]  # number, time, events
    subject: Known | None
    calls: Calls  # of the rows before

    @property
    def characters(self) -> int:
        return sum(len(text) for _, _, text in self.rows)

    def decode(self) -> list[tuple[int, list[Event]]]:
        """Return the numbers of the rows, and their events. Raises Unreadable."""
        calls = dict(self.calls)
        return [(seq, decode_row(text, at, self.subject, calls)) for seq, at, text in self.rows]


def history_after(db: Connection, key: int, seq: int) -> StoredRows:
    """Return the rows of history behind `seq` (0: all). Raises Unreadable."""
    with snapshot(db):
        sql = "SELECT seq, at, events FROM history WHERE key = ? AND seq > ? ORDER BY seq"
        rows = db.execute(sql, (key, seq)).fetchall()
        calls = _calls_before(db, key, seq, [text for _, _, text in rows]) if seq else {}
        return StoredRows(rows, history_inbox.known(db, key), calls)


# What is escaped within a payload cannot look like this.
_RESULT_OF = re.compile(r'"type":"Task(?:Completed|Failed)"(?:,"at":-?\d+)?,"task_scheduled_id":(\d+)')
_CALL = re.compile(r'"type":"TaskScheduled","id":(\d+)')


def _calls_before(db: Connection, key: int, seq: int, texts: list[str]) -> Calls:
    """Return the calls in the rows up to `seq` that have their results in `texts`. Mostly the last row has them.

    Raises Unreadable."""
    try:
        wanted = {int(one) for text in texts for one in _RESULT_OF.findall(text)}
        wanted -= {int(one) for text in texts for one in _CALL.findall(text)}
    except ODD as error:
        raise Unreadable("an event in it cannot be read") from error
    calls: Calls = {}
    before = db.execute("SELECT at, events FROM history WHERE key = ? AND seq <= ? ORDER BY seq DESC", (key, seq))
    while wanted and (row := before.fetchone()) is not None:
        decode_row(row[1], row[0], None, calls)
        wanted -= calls.keys()
    return calls
