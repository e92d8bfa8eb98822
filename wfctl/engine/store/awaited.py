"""Who waits for which external event, and what has arrived that nobody has read: from the tables alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from wfctl.engine.store import clocks, history_inbox, many, reads
from wfctl.engine.store.codec import decode_event
from wfctl.engine.store.database import Connection, snapshot
from wfctl.engine.store.instances import to_status
from wfctl.engine.store.values import LIVE_SQL, Unreadable, from_micros, maybe_time
from wfctl.model.apps import Apps
from wfctl.model.awaited import AwaitedEvent, EventGroup, EventState, merged, oldest_first
from wfctl.model.events import EventRaised
from wfctl.model.instance import Filter, OwnTime
from wfctl.model.steps import steps_of

_RAISED = 'inbox.event LIKE \'[{"type":"EventRaised"%\''
# A time in front of an ID, so that the ID of the least is found in one pass.
_DIGITS = 20

_OwnTimes = Callable[[int], OwnTime | None]


@dataclass(slots=True)
class _Inbox:
    """The external events that no turn has taken in: those that meet a wait, by the wait, and the others."""

    met: dict[tuple[int, int], datetime] = field(default_factory=dict)
    names: dict[tuple[int, int], tuple[str, str | None]] = field(default_factory=dict)
    others: list[AwaitedEvent] = field(default_factory=list)


def listed(db: Connection, filter: Filter, apps: Apps = None) -> list[AwaitedEvent]:
    """Return the events of the live instances of these apps that match, the oldest first; at most `filter.limit`."""
    with snapshot(db):
        one, values = _matching(db, filter, apps)
        own = _own_times(db)
        inbox = _read_inbox(db, one, values, own)
        found = [*inbox.others, *_early(db, one, values, filter.limit, own)]
        named, more = _named(filter)
        rows = _read(
            db,
            f"""
            SELECT w.key, w.event_id, w.name, w.event, w.since, w.until,
                one.id, one.name, one.status, one.root
            FROM event_waits AS w CROSS JOIN ({one}) AS one ON one.key = w.key{named}
            ORDER BY w.since, w.key LIMIT ?
            """,
            (*values, *more, -1 if filter.limit is None else filter.limit),
            *(2, 6, 7),
        )
        for key, event_id, folded, event, since, until, instance_id, name, status, root in rows:
            if event is None:
                event, since, until = _by_history(db, key, event_id) or (folded, None, None)
            arrived = inbox.met.get((key, event_id))
            state = EventState.WAITING if arrived is None else EventState.RECEIVED
            times = (maybe_time(since), maybe_time(until), arrived, own(root))
            found.append(AwaitedEvent(instance_id, name, to_status(status), event, state, *times))
        return oldest_first(found)[: filter.limit]


def _own_times(db: Connection) -> _OwnTimes:
    """Return what tells the clock of a tree by its root; None where it has none of its own."""
    if not clocks.any_clock(db):
        return lambda root: None

    @cache
    def own(root: int) -> OwnTime | None:
        clock = clocks.get(db, root)
        return None if clock is None else clock.own_time

    return own


def counted(db: Connection, filter: Filter, apps: Apps = None) -> list[EventGroup]:
    """Return how many match by event and workflow, the largest group first."""
    with snapshot(db):
        one, values = _matching(db, filter, apps)
        own = _own_times(db)
        inbox = _read_inbox(db, one, values, own)
        named, more = _named(filter)
        rows = _read(
            db,
            f"""
            SELECT coalesce(max(w.event), w.name), one.name, count(*), min(w.since), max(w.since),
                min(printf('%0{_DIGITS}d', coalesce(w.since, 0)) || one.id)
            FROM event_waits AS w CROSS JOIN ({one}) AS one ON one.key = w.key{named} GROUP BY w.name, one.name
            """,
            (*values, *more),
            *(0, 1, 5),
        )
        received = Counter((event.casefold(), name) for event, name in inbox.names.values())
        unread = [*inbox.others, *_early(db, one, values, None, own)]
    groups = []
    for event, name, count, oldest, newest, example in rows:
        here = received[event.casefold(), name]
        times = (maybe_time(oldest), maybe_time(newest), example[_DIGITS:])
        groups.append(EventGroup(event, name, count - here, here, 0, *times))
    groups += [EventGroup(each.event, each.name, unread=1, example=each.id) for each in unread]
    return merged(groups)


def _named(filter: Filter) -> tuple[str, tuple[str, ...]]:
    """Return the condition on the name of the event that is waited for, and its values."""
    if filter.waiting_event is None:
        return "", ()
    return " WHERE w.name = ?", (filter.waiting_event.casefold(),)


def _matching(db: Connection, filter: Filter, apps: Apps) -> tuple[str, Sequence[object]]:
    """Return the query of the live instances that match, and its values."""
    conditions, values = reads.where_of(db, filter, apps)
    conditions.append(f"status IN ({LIVE_SQL})")
    if reads.needs_more(db, filter):
        db.create_function("matches_more", 1, set(reads.keys(db, filter, apps)).__contains__)
        conditions.append("matches_more(key)")
    return f"SELECT key, id, name, status, root FROM instances WHERE {' AND '.join(conditions)}", values


def _read_inbox(db: Connection, one: str, values: Sequence[object], own: _OwnTimes) -> _Inbox:
    found = _Inbox()
    arrived: dict[int, list[EventRaised]] = defaultdict(list)
    whose: dict[int, tuple[str, str | None, int, int]] = {}
    sql = f"SELECT one.*, inbox.event FROM inbox JOIN ({one}) AS one USING (key) WHERE {_RAISED} ORDER BY inbox.seq"
    for key, instance_id, name, status, root, text in _read(db, sql, values, 1, 2, 5):
        event = decode_event(text)
        if isinstance(event, EventRaised):
            arrived[key].append(event)
            whose[key] = instance_id, name, status, root
    for key, event_id, folded in _waits_of(db, list(arrived)):
        first = next((each for each in arrived[key] if each.name.casefold() == folded), None)
        if first is not None:
            arrived[key].remove(first)
            found.met[key, event_id] = first.timestamp
            found.names[key, event_id] = first.name, whose[key][1]
    for key, events in arrived.items():
        instance_id, name, status, root = whose[key]
        found.others += [_unread(instance_id, name, status, each.name, each.timestamp, own(root)) for each in events]
    return found


def _waits_of(db: Connection, keys: Sequence[int]) -> Iterator[tuple[int, int, str]]:
    sql = "SELECT key, event_id, name FROM event_waits WHERE key IN"
    return many.rows(db, sql, keys, " ORDER BY key, event_id")


def _early(db: Connection, one: str, values: Sequence[object], limit: int | None, own: _OwnTimes) -> list[AwaitedEvent]:
    sql = f"SELECT one.*, e.event, e.at FROM early_events AS e JOIN ({one}) AS one USING (key) ORDER BY e.at LIMIT ?"
    return [
        _unread(instance_id, name, status, event, from_micros(at), own(root))
        for _, instance_id, name, status, root, event, at in _read(
            db, sql, (*values, -1 if limit is None else limit), 1, 2, 5
        )
    ]


def _read(db: Connection, sql: str, values: Sequence[object], *texts: int) -> list[Any]:
    """Return the rows, with a text in each of these columns. Raises Unreadable."""
    rows = db.execute(sql, values).fetchall()
    if any(bytes in map(type, row) or any(row[column] is None for column in texts) for row in rows):
        raise Unreadable("an event or an instance in it has no text where there must be one")
    return rows


def _unread(
    instance_id: str, name: str | None, status: int, event: str, at: datetime, own_time: OwnTime | None
) -> AwaitedEvent:
    state = EventState.UNREAD
    return AwaitedEvent(instance_id, name, to_status(status), event, state, arrived_at=at, own_time=own_time)


def _by_history(db: Connection, key: int, event_id: int) -> tuple[str, int | None, int | None] | None:
    """Return the name and the times of a wait that an older wfctl has recorded."""
    from wfctl.engine.store.values import maybe_micros, to_micros

    for step in steps_of(history_inbox.read_history(db, key)):
        if step.kind == "event" and step.event_id == event_id:
            return step.name or "", to_micros(step.scheduled_at), maybe_micros(step.until)
    return None
