"""Reading for people: one instance, lists, counts. Works on any connection, also while the owner writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from wfctl.engine.store import causes, instances, reruns
from wfctl.engine.store.database import Connection
from wfctl.engine.store.instances import COLUMNS, Row, to_row
from wfctl.engine.store.values import from_micros, to_micros
from wfctl.errors import NotFound
from wfctl.model.instance import Count, Filter, Instance, Sort, Waiting
from wfctl.model.status import LIVE, Status

if TYPE_CHECKING:
    from wfctl.model.events import Event  # loaded by those alone who read a history, as what it is decoded with
    from wfctl.model.logs import LogLine

PAGE = 500

# The time of the last event lies in `history`, see the schema.
_UPDATED = "(SELECT at FROM history WHERE history.key = instances.key ORDER BY seq DESC LIMIT 1)"
_SORT_KEY = {
    Sort.CREATED: "created_at",
    Sort.UPDATED: f"coalesce({_UPDATED}, created_at)",
    Sort.FINISHED: "completed_at",
    Sort.NAME: "name",
    Sort.ID: "id",
}
_DESCENDING = frozenset({Sort.CREATED, Sort.UPDATED, Sort.FINISHED})


def get(db: Connection, instance_id: str, *, payloads: bool, driven: bool) -> Instance | None:
    """Return the instance. `driven` is false if no process drives the store: a live instance then waits for that."""
    with _snapshot(db):
        row = instances.find(db, instance_id)
        return None if row is None else _instances(db, [row], payloads, driven)[0]


def history(db: Connection, instance_id: str) -> list[Event] | None:
    from wfctl.engine.store import history_inbox

    with _snapshot(db):
        row = instances.find(db, instance_id)
        return None if row is None else history_inbox.read_history(db, row.key)


def log_lines(
    db: Connection, instance_id: str, *, after: int, step: str | None, level: int, limit: int | None
) -> list[LogLine] | None:
    """Return what the instance's code logged (see `logs.read`); None if there is no such instance."""
    from wfctl.engine.store import logs

    with _snapshot(db):
        row = instances.find(db, instance_id)
        return None if row is None else logs.read(db, row.key, after=after, step=step, level=level, limit=limit)


@contextmanager
def _snapshot(db: Connection) -> Iterator[None]:
    """All reads in here see the store at one moment; and one look for the owner's writes serves them all."""
    if db.in_transaction:
        yield
        return
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("COMMIT")


def select(db: Connection, filter: Filter, *, payloads: bool, driven: bool) -> Iterator[Instance]:
    """Yield the matching instances in the filter's order, read page by page, so that a long list costs no memory.

    Raises NotFound when `filter.after` does not exist.
    """
    where, values = _where(filter)
    key = _SORT_KEY[filter.sort]
    down = (filter.sort in _DESCENDING) != filter.reverse
    direction = "DESC" if down else "ASC"
    last: tuple[object, int] | None = None
    if filter.after is not None:
        last = db.execute(f"SELECT {key}, key FROM instances WHERE id = ?", (filter.after,)).fetchone()
        if last is None:
            raise NotFound(f"there is no instance '{filter.after}' to list from", instance_id=filter.after)
    left = filter.limit
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        conditions, arguments = list(where), list(values)
        if last is not None:
            condition, beyond_last = _beyond(key, last, down)
            conditions.append(condition)
            arguments += beyond_last
        sql = f"SELECT {COLUMNS}, {key} FROM instances"
        if conditions:
            sql += " WHERE " + " AND ".join(conditions)
        sql += f" ORDER BY {key} {direction}, key {direction} LIMIT ?"
        with _snapshot(db):
            rows = db.execute(sql, (*arguments, size)).fetchall()
            page = _instances(db, [to_row(found[:-1]) for found in rows], payloads, driven)
        yield from page
        if len(rows) < size:
            return
        last = (rows[-1][-1], rows[-1][0])
        left = None if left is None else left - len(rows)


def _beyond(key: str, last: tuple[object, int], down: bool) -> tuple[str, tuple[object, ...]]:
    """Return the condition for rows behind `last`. SQLite sorts NULL (not finished yet) below everything."""
    if last[0] is None:
        condition = f"({key} IS NULL AND key {'<' if down else '>'} ?)"
        return (condition if down else f"({condition} OR {key} IS NOT NULL)"), last[1:]
    condition = f"({key}, key) {'<' if down else '>'} (?, ?)"
    return (f"({condition} OR {key} IS NULL)" if down and key == "completed_at" else condition), last


def parents(db: Connection, ids: Sequence[str]) -> dict[str, str]:
    """Return the parents that are there, by child."""
    found: dict[str, str] = {}
    for start in range(0, len(ids), PAGE):
        part = ids[start : start + PAGE]
        sql = (
            "SELECT child.id, parent.id FROM instances AS child JOIN instances AS parent ON parent.key = child.parent"
            f" WHERE child.id IN ({', '.join('?' * len(part))})"
        )
        found.update(db.execute(sql, part))
    return found


def count(db: Connection, filter: Filter) -> list[Count]:
    where, values = _where(filter)
    sql = "SELECT status, name, count(*) FROM instances"
    if where:
        sql += " WHERE " + " AND ".join(where)
    sql += " GROUP BY status, name ORDER BY status, name"
    return [Count(instances.to_status(status), name, number) for status, name, number in db.execute(sql, values)]


def _where(filter: Filter) -> tuple[list[str], list[object]]:
    conditions: list[str] = []
    values: list[object] = []

    def add(condition: str, *arguments: object) -> None:
        conditions.append(condition)
        values.extend(arguments)

    if filter.statuses:
        add(f"status IN ({', '.join('?' * len(filter.statuses))})", *sorted(filter.statuses))
    if filter.name is not None:
        add("name = ?", filter.name)
    if filter.id_prefix:
        add("id >= ? AND id < ?", filter.id_prefix, _after_prefix(filter.id_prefix))
    for column, condition, when in (
        ("created_at", ">=", filter.created_after),
        ("created_at", "<", filter.created_before),
        ("completed_at", ">=", filter.finished_after),
        ("completed_at", "<", filter.finished_before),
    ):
        if when is not None:
            add(f"{column} {condition} ?", to_micros(when))
    if filter.parent_id is not None:
        add("parent = (SELECT key FROM instances WHERE id = ?)", filter.parent_id)
    if filter.waiting_event is not None:
        add("key IN (SELECT key FROM event_waits WHERE name = ?)", filter.waiting_event.casefold())
        add(f"status IN ({', '.join(str(int(s)) for s in sorted(LIVE))})")
    return conditions, values


def _after_prefix(prefix: str) -> str:
    """Return the least text greater than everything that begins with `prefix` (SQLite compares code points)."""
    return prefix + chr(0x10FFFF)


def _instances(db: Connection, rows: Sequence[Row], payloads: bool, driven: bool) -> list[Instance]:
    lineages = reruns.lineages(db, [row.key for row in rows])
    return [_instance(db, row, payloads, driven, lineages.get(row.key, (None, ()))) for row in rows]


def _instance(db: Connection, row: Row, payloads: bool, driven: bool, lineage: reruns.Lineage) -> Instance:
    cause = causes.of(db, row)
    return instances.to_instance(
        db,
        row,
        payloads=payloads,
        waiting_for=_waiting(db, row, driven),
        lineage=lineage,
        failure=None if cause is None else cause.failure,
        failed_step=None if cause is None else cause.step,
    )


def _waiting(db: Connection, row: Row, driven: bool) -> tuple[Waiting, ...]:
    if row.status.terminal:
        return ()
    from wfctl.engine.store import history_inbox
    from wfctl.model.waiting import waiting_for

    now = datetime.now(timezone.utc)

    def child_status(instance_id: str) -> Status | None:
        child = instances.find(db, instance_id)
        return None if child is None else child.status

    events = history_inbox.read_history(db, row.key)
    if row.status is Status.PENDING:
        events += [event for _, event in history_inbox.inbox_of(db, row.key)]
    waits = waiting_for(events, row.status, now, child_status)
    if not driven and _could_move(db, row, waits, now):
        return (Waiting("driver"), *waits)
    return waits


def _could_move(db: Connection, row: Row, waits: tuple[Waiting, ...], now: datetime) -> bool:
    """Return True if a driver would find something to do: an unread event, an activity, a timer that is due; here or
    in a child that is waited for."""
    from wfctl.engine.store import history_inbox

    if row.busy or history_inbox.inbox_of(db, row.key):
        return not any(wait.kind == "start" for wait in waits)
    if row.wake_at is not None and from_micros(row.wake_at) <= now:
        return True
    for wait in waits:
        child = None if wait.kind != "child" or wait.instance_id is None else instances.find(db, wait.instance_id)
        if child is not None and not child.status.terminal and _could_move(db, child, (), now):
            return True
    return False
