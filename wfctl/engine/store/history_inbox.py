"""Statements on `history`, `inbox`, `gone`, `wanted` and `owner`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wfctl.engine.store import many
from wfctl.engine.store.codec import Calls, Known, Subject, decode_event, decode_row, encode, encode_row
from wfctl.engine.store.database import Connection, snapshot
from wfctl.engine.store.instances import Row
from wfctl.engine.store.values import Unreadable, from_micros, to_micros
from wfctl.model.events import NO_ID, Event, ExecutionSuspended, WorkflowStarted
from wfctl.model.status import Status


def read_history(db: Connection, key: int) -> list[Event]:
    return [event for _, events in read_rows(db, key) for event in events]


def read_rows(db: Connection, key: int) -> list[tuple[int, list[Event]]]:
    """Return the committed events of an instance, by the number of the row that they are in."""
    with snapshot(db):
        rows = db.execute("SELECT seq, at, events FROM history WHERE key = ? ORDER BY seq", (key,)).fetchall()
        subject = known(db, key) if rows else None
    calls: Calls = {}
    return [(seq, decode_row(text, at, subject, calls)) for seq, at, text in rows]


def known(db: Connection, key: int) -> Known | None:
    """Return what a history leaves out that stands in the row of its instance; None if there is no such instance."""
    found = db.execute("SELECT id, execution_id, output FROM instances WHERE key = ?", (key,)).fetchone()
    return None if found is None else Known(*found)


def histories(db: Connection, subjects: Mapping[int, Subject]) -> dict[int, tuple[list[Event], int]]:
    """Return the history of each of these, by key, with its last seq; nothing for one that has none."""
    found: dict[int, tuple[list[Event], int]] = {}
    calls: Calls = {}
    sql = "SELECT key, seq, at, events FROM history WHERE key IN"
    for key, seq, at, text in many.rows(db, sql, list(subjects), " ORDER BY key, seq"):
        if key not in found:
            calls = {}
        events, _ = found.get(key, ([], 0))
        events += decode_row(text, at, subjects[key], calls)
        found[key] = events, seq
    return found


def last_rows(db: Connection, subjects: Iterable[Row]) -> list[tuple[int, int, list[Event]]]:
    """Return the last row of the history of each of these: key, seq and events."""
    sql = "SELECT seq, at, events FROM history WHERE key = ? ORDER BY seq DESC LIMIT 1"
    found = ((row, db.execute(sql, (row.key,)).fetchone()) for row in subjects)
    return [(row.key, last[0], decode_row(last[2], last[1], row, {})) for row, last in found if last is not None]


def append_history(db: Connection, rows: Iterable[tuple[int, int, int, str]]) -> None:
    """Rows of (key, seq, time of the last event, encoded events)."""
    db.executemany("INSERT INTO history (key, seq, at, events) VALUES (?, ?, ?, ?)", rows)


def suspend(db: Connection, suspended: Sequence[tuple[Row, ExecutionSuspended]]) -> None:
    """Add the turn that suspends these to their histories, and have their owner forget what memory has of them."""
    keys = [row.key for row, _ in suspended]
    lasts = dict(many.rows(db, "SELECT key, max(seq) FROM history WHERE key IN", keys, " GROUP BY key"))
    rows = []
    for row, event in suspended:
        at = to_micros(event.timestamp)
        text = encode_row((WorkflowStarted(NO_ID, event.timestamp), event), at, row)
        rows.append((row.key, lasts.get(row.key, 0) + 1, at, text))
    append_history(db, rows)
    many.run(db, f"UPDATE instances SET status = {int(Status.SUSPENDED)} WHERE key IN", keys)
    put_gone(db, keys)


def wipe_history(db: Connection, keys: Iterable[int]) -> None:
    db.executemany("DELETE FROM history WHERE key = ?", [(key,) for key in keys])


class Arrival(NamedTuple):
    """A row of the inbox. `waits`: the instance's delayed start is not due, and this is no request to terminate it."""

    seq: int
    key: int
    root: int
    text: str
    waits: bool


def read_inbox(db: Connection, after: int, now: int, limit: int) -> list[Arrival]:
    """Return up to `limit` events behind `after`, oldest first; `now` is in microseconds."""
    sql = """
        SELECT inbox.seq, key, root, inbox.event,
            status = ? AND coalesce(wake_at, 0) > ? AND inbox.event NOT LIKE '[{"type":"ExecutionTerminated"%'
        FROM inbox JOIN instances USING (key) WHERE inbox.seq > ? ORDER BY inbox.seq LIMIT ?
    """
    return [*map(Arrival._make, db.execute(sql, (int(Status.PENDING), now, after, limit)))]


def max_inbox(db: Connection) -> int:
    found = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'inbox'").fetchone()
    return 0 if found is None else int(found[0])


def inbox_of(db: Connection, key: int) -> list[tuple[int, Event]]:
    rows = db.execute("SELECT seq, event FROM inbox WHERE key = ? ORDER BY seq", (key,))
    return [(seq, decode_event(text)) for seq, text in rows]


def inboxes(db: Connection, keys: Sequence[int]) -> dict[int, list[tuple[int, Event]]]:
    """Return what lies in the inbox of each of these; nothing for one that has nothing there."""
    found: dict[int, list[tuple[int, Event]]] = {}
    decoded: dict[str, Event] = {}  # what is raised to many is the same event
    for key, seq, text in many.rows(db, "SELECT key, seq, event FROM inbox WHERE key IN", keys, " ORDER BY key, seq"):
        event = decoded.get(text)
        if event is None:
            event = decoded[text] = decode_event(text)
        found.setdefault(key, []).append((seq, event))
    return found


def put_inbox(db: Connection, key: int, event: Event) -> int:
    """Append an event and return its seq."""
    cursor = db.execute("INSERT INTO inbox (key, event) VALUES (?, ?)", (key, encode((event,))))
    return int(cursor.lastrowid or 0)


def send(db: Connection, sent: Iterable[tuple[int, Event]]) -> None:
    """Append events to the inboxes of instances, by key."""
    db.executemany("INSERT INTO inbox (key, event) VALUES (?, ?)", [(key, encode((event,))) for key, event in sent])


def take_inbox(db: Connection, seqs: Sequence[int]) -> None:
    many.run(db, "DELETE FROM inbox WHERE seq IN", seqs)


def put_gone(db: Connection, keys: Sequence[int]) -> None:
    db.executemany("INSERT OR IGNORE INTO gone (key) VALUES (?)", [(key,) for key in keys])


def take_gone(db: Connection) -> list[int]:
    keys = [key for (key,) in db.execute("SELECT key FROM gone")]
    if keys:
        db.execute("DELETE FROM gone")
    return keys


def put_wanted(db: Connection, roots: Iterable[int], *, born: bool = False) -> None:
    """Leave trees to the owner."""
    db.executemany("INSERT OR IGNORE INTO wanted (root, born) VALUES (?, ?)", [(root, born) for root in roots])


def put_skipping(db: Connection, root: int, until: int) -> None:
    """Let the owner skip the time of a tree that is left to it, up to this moment of its clock (0: no end)."""
    db.execute("UPDATE wanted SET skip = ? WHERE root = ?", (until, root))


def any_wanted(db: Connection) -> bool:
    return db.execute("SELECT 1 FROM wanted LIMIT 1").fetchone() is not None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A tree that is left to the owner: `born` if nobody has set it in motion yet; `skip` as in `put_skipping`."""

    root: int
    born: bool
    skip: int | None


def take_wanted(db: Connection) -> list[Wanted]:
    """Take all entries."""
    rows = [Wanted(root, bool(born), skip) for root, born, skip in db.execute("SELECT root, born, skip FROM wanted")]
    if rows:
        db.execute("DELETE FROM wanted")
    return rows


@dataclass(frozen=True, slots=True)
class OwnerRow:
    """The owner's entry about itself; stale when it was killed (the file lock tells)."""

    pid: int
    since: int
    app: str | None
    workflows: tuple[str, ...]
    command: str | None = None  # serve, if it is that
    apps: tuple[str, ...] | None = None  # whose work is done now, as stored; None: not told


def put_owner(db: Connection, owner: OwnerRow | None) -> None:
    db.execute("DELETE FROM owner")
    if owner is not None:
        apps = None if owner.apps is None else json.dumps(owner.apps)
        values = (owner.pid, owner.since, owner.app, json.dumps(owner.workflows), owner.command, apps)
        db.execute("INSERT INTO owner (pid, since, app, workflows, command, apps) VALUES (?, ?, ?, ?, ?, ?)", values)


def put_owner_apps(db: Connection, apps: Sequence[str]) -> None:
    """Record whose work the owner does now, as stored."""
    db.execute("UPDATE owner SET apps = ?", (json.dumps(apps),))


def get_owner(db: Connection) -> OwnerRow | None:
    """Return what the owner says of itself. Raises Unreadable."""
    # An older schema has no columns for the command and the apps.
    found = db.execute("SELECT * FROM owner").fetchone()
    if found is None:
        return None
    try:
        from_micros(found[1])
        command = str(found[4]) if len(found) > 4 and found[4] is not None else None
        apps = tuple(map(str, json.loads(found[5]))) if len(found) > 5 and found[5] is not None else None
        return OwnerRow(int(found[0]), found[1], found[2], tuple(map(str, json.loads(found[3]))), command, apps)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise Unreadable("what its owner says of itself cannot be read") from error
