"""Statements on `event_waits` and `early_events`: the external events of live instances."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from wfctl.engine.store import many
from wfctl.engine.store.database import Connection
from wfctl.engine.store.values import maybe_micros, to_micros

if TYPE_CHECKING:
    from wfctl.engine.core.folded_state import EventWait


def put(db: Connection, key: int, waits: Sequence[EventWait], early: Iterable[tuple[str, datetime]]) -> None:
    """Replace the events that an instance waits for, and those that arrived before a wait (name, time)."""
    drop_waits(db, [key])
    add_waits(db, [(key, waits)])
    replace_early(db, key, early)


def drop_waits(db: Connection, keys: Sequence[int]) -> None:
    """Delete the events that these instances wait for."""
    many.run(db, "DELETE FROM event_waits WHERE key IN", keys)


def add_waits(db: Connection, waits: Iterable[tuple[int, Sequence[EventWait]]]) -> None:
    """Add events that instances wait for, by key."""
    db.executemany(
        "INSERT INTO event_waits (key, event_id, name, event, since, until) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (key, one.event_id, one.name.casefold(), one.name, to_micros(one.since), maybe_micros(one.until))
            for key, of_one in waits
            for one in of_one
        ],
    )


def replace_early(db: Connection, key: int, early: Iterable[tuple[str, datetime]]) -> None:
    """Replace the events of an instance that arrived before a wait (name, time)."""
    db.execute("DELETE FROM early_events WHERE key = ?", (key,))
    add_early(db, key, early)


def add_early(db: Connection, key: int, early: Iterable[tuple[str, datetime]]) -> None:
    """Add events that arrived before a wait (name, time)."""
    if rows := [(key, name, to_micros(at)) for name, at in early]:
        db.executemany("INSERT INTO early_events (key, event, at) VALUES (?, ?, ?)", rows)


def stand_in(db: Connection) -> None:
    """Let a reader of an older schema find rows that say what it knew, so that it asks the histories."""
    db.execute(
        "CREATE TEMP VIEW event_waits AS SELECT key, event_id, name, NULL AS event, NULL AS since, NULL AS until"
        " FROM main.event_waits"
    )
    db.execute("CREATE TEMP TABLE early_events (key INTEGER, event TEXT, at INTEGER)")
