"""Reading for people: one instance, lists, counts. Works on any connection, also while the owner writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from wfctl.engine.store import causes, clocks, instances, many, reruns
from wfctl.engine.store.clocks import TreeClock
from wfctl.engine.store.database import Connection, snapshot
from wfctl.engine.store.instances import COLUMNS, LAST_EVENT, Row, to_row
from wfctl.engine.store.values import LIVE_SQL, from_micros, maybe_time, to_micros
from wfctl.errors import NotFound
from wfctl.model.apps import OWN, Apps, app_of_call, stored
from wfctl.model.failure import cause_text
from wfctl.model.instance import Count, Failed, Filter, Instance, Sort, Waiting
from wfctl.model.matching import (
    is_glob,
    is_stuck,
    matches,
    may_be,
    name_matches,
    status_matches,
    text_matches,
)
from wfctl.model.status import LIVE, Status

if TYPE_CHECKING:
    from wfctl.model.events import Event  # loaded by those alone who read a history, as what it is decoded with
    from wfctl.model.logs import LogLine

PAGE = 500

_SORT_KEY = {
    Sort.CREATED: "created_at",
    Sort.UPDATED: f"coalesce({LAST_EVENT}, created_at)",
    Sort.FINISHED: "completed_at",
    Sort.NAME: "name",
    Sort.ID: "id",
    Sort.DUE: "wake_at",
    Sort.ANY: "created_at",
}
_DESCENDING = frozenset({Sort.CREATED, Sort.UPDATED, Sort.FINISHED, Sort.ANY})


def get(db: Connection, instance_id: str, *, payloads: bool, driven: bool, apps: Apps = None) -> Instance | None:
    """Return the instance of these apps.

    `driven` is false if no process executes the store: a live instance then waits for that.
    """
    from wfctl.engine.store import single

    found = single.find(db, instance_id, apps, payloads=payloads)
    if found is None:
        return None
    row = found.row
    if row.status.terminal and not found.related and (row.failure is None or found.detail is not None):
        return instances.to_instance(
            db,
            row,
            last_event=found.last_event,
            payloads=payloads,
            begin=found.begin,
            failed_step=None if found.detail is None else causes.decode_step(found.detail),
        )
    with snapshot(db):
        again = instances.find(db, instance_id, apps)
        return None if again is None else _instances(db, [again], payloads, driven)[0]


def of_rows(
    db: Connection, rows: Mapping[str, Row], *, payloads: bool, driven: bool, waiting: bool
) -> dict[str, Instance]:
    """Return these instances, by ID."""
    return dict(zip(rows, _instances(db, [*rows.values()], payloads, driven, waiting), strict=True))


def still_match(db: Connection, ids: Sequence[str], filter: Filter, apps: Apps = None) -> set[str]:
    """Return those of these IDs whose instance matches the filter, as far as the rows of `instances` tell."""
    if _rest(db, filter) is not None:
        return set()
    where, values = where_of(db, filter, apps)
    # As a column: as a condition it would be for SQLite to choose between the index of IDs and another one.
    sql = f"SELECT id, {' AND '.join(where) or '1'} FROM instances WHERE id IN"
    told: dict[str, bool] = {}
    for instance_id, matched in many.rows(db, sql, ids, before=values):
        told[instance_id] = bool(matched) and instance_id not in told  # what several apps have is to be looked at
    return {instance_id for instance_id, matched in told.items() if matched}


def history(db: Connection, instance_id: str, apps: Apps = None) -> list[Event] | None:
    from wfctl.engine.store import history_inbox

    with snapshot(db):
        row = instances.find(db, instance_id, apps)
        return None if row is None else history_inbox.read_history(db, row.key)


def log_lines(
    db: Connection,
    instance_id: str,
    *,
    after: int,
    step: str | None,
    level: int,
    limit: int | None,
    apps: Apps = None,
) -> list[LogLine] | None:
    """Return what the instance's code logged (see `logs.read`); None if there is no such instance."""
    from wfctl.engine.store import logs

    with snapshot(db):
        row = instances.find(db, instance_id, apps)
        return None if row is None else logs.read(db, row.key, after=after, step=step, level=level, limit=limit)


def select(
    db: Connection, filter: Filter, *, payloads: bool, driven: bool, waiting: bool = True, apps: Apps = None
) -> Iterator[Instance]:
    """Yield the matching instances of these apps in the filter's order.

    They are read page by page, so that a long list costs no memory.

    Without `waiting`, what live ones wait for is left out where the filter does not need it: it costs their histories.
    Raises NotFound when `filter.after` does not exist.
    """
    where, values = where_of(db, filter, apps)
    fits = _rest(db, filter)
    key = _SORT_KEY[filter.sort]
    down = (filter.sort in _DESCENDING) != filter.reverse
    last: tuple[object, int] | None = None
    if filter.after is not None:
        known = instances.find(db, filter.after, apps)
        if known is None:
            raise NotFound(f"there is no instance '{filter.after}' to list from", instance_id=filter.after)
        last = db.execute(f"SELECT {key}, key FROM instances WHERE key = ?", (known.key,)).fetchone()
    left = filter.limit
    for part in _parts(db, filter, apps, down, last):
        for page in _pages(db, part, where, values, fits, last, left, payloads, driven, waiting):
            yield from page
            left = None if left is None else left - len(page)
        last = None


@dataclass(frozen=True, slots=True)
class _Part:
    """What to go through in one order: its key, and what holds for all of its rows."""

    key: str
    down: bool
    condition: str | None = None
    table: str = "instances"
    statuses: tuple[Status, ...] = ()  # to be read one by one, and merged: the index has them apart


def _parts(db: Connection, filter: Filter, apps: Apps, down: bool, last: tuple[object, int] | None) -> list[_Part]:
    """Return what an order consists of, beginning with the part in which the row `last` is."""
    narrow = filter.name or filter.id_prefix or filter.parent_id or filter.waiting_event  # by an index of its own
    if filter.sort is not Sort.DUE:
        key = _SORT_KEY[filter.sort]
        merged = key == "created_at" and not narrow and (apps is None or OWN in apps)
        asked = filter.statuses or frozenset(Status)
        return [_Part(key, down, statuses=tuple(one for one in _possible(filter) if one in asked) if merged else ())]
    never = _Part("NULL", True, "wake_at IS NULL")  # what is due never, from the newest
    if last is not None and last[0] is None:
        return [never]
    # Whatever waits for a time is live: going by the statuses, SQLite would sort all of that.
    table = "instances" if narrow else instances.by_wake_at(db)
    return [_Part("wake_at", down, "wake_at IS NOT NULL", table), never]


def _pages(
    db: Connection,
    part: _Part,
    where: Sequence[str],
    values: Sequence[object],
    fits: Callable[[Instance, Row], bool] | None,
    last: tuple[object, int] | None,
    left: int | None,
    payloads: bool,
    driven: bool,
    waiting: bool,
) -> Iterator[list[Instance]]:
    """Yield the rows behind `last`, page by page, no more than `left` of them."""
    while left is None or left > 0:
        size = PAGE if left is None or fits is not None else min(PAGE, left)
        conditions, arguments = list(where), list(values)
        if part.condition is not None:
            conditions.append(part.condition)
        if last is not None:
            condition, beyond_last = _beyond(part.key, last, part.down)
            conditions.append(condition)
            arguments += beyond_last
        with snapshot(db):
            rows = _page(db, part, conditions, arguments, size)
            found = [to_row(one[:-1]) for one in rows]
            page = _instances(db, found, payloads, driven, waiting or fits is not None)
            if fits is not None:
                page = [one for one, row in zip(page, found, strict=True) if fits(one, row)][:left]
        yield page
        if len(rows) < size:
            return
        last = (rows[-1][-1], rows[-1][0])
        left = None if left is None else left - len(page)


def _page(
    db: Connection, part: _Part, conditions: Sequence[str], values: list[object], size: int
) -> list[tuple[Any, ...]]:
    """Return rows, each with the part's key behind its columns."""
    sql = f"SELECT {COLUMNS}, {part.key} FROM {part.table}"
    direction = "DESC" if part.down else "ASC"
    if part.statuses:
        arms = [
            " WHERE ".join((sql, " AND ".join((f"status = {int(status)}", *conditions)))) for status in part.statuses
        ]
        # By the numbers of columns: a merged select has no names.
        sql = f"{' UNION ALL '.join(arms)} ORDER BY {_LAST_COLUMN} {direction}, 1 {direction}"
        return db.execute(f"{sql} LIMIT ?", (*values * len(arms), size)).fetchall()
    if conditions:
        sql += " WHERE " + " AND ".join(conditions)
    order = f"key {direction}" if part.key == "NULL" else f"{part.key} {direction}, key {direction}"
    return db.execute(f"{sql} ORDER BY {order} LIMIT ?", (*values, size)).fetchall()


_LAST_COLUMN = COLUMNS.count(",") + 2


def _beyond(key: str, last: tuple[object, int], down: bool) -> tuple[str, tuple[object, ...]]:
    """Return the condition for rows behind `last`. SQLite sorts NULL (not finished yet) below everything."""
    if last[0] is None:
        condition = f"({key} IS NULL AND key {'<' if down else '>'} ?)"
        return (condition if down else f"({condition} OR {key} IS NOT NULL)"), last[1:]
    condition = f"({key}, key) {'<' if down else '>'} (?, ?)"
    return (f"({condition} OR {key} IS NULL)" if down and key == "completed_at" else condition), last


def parents(db: Connection, ids: Sequence[str], apps: Apps = None) -> dict[str, str]:
    """Return the parents that are there, by child."""
    sql = (
        "SELECT child.id, parent.id FROM instances AS child JOIN instances AS parent ON parent.key = child.parent"
        " WHERE child.id IN"
    )
    mine = "" if apps is None else f" AND child.app IN ({', '.join('?' * len(apps))})"
    return dict(many.rows(db, sql, ids, mine, apps or ()))


def keys(db: Connection, filter: Filter, apps: Apps = None) -> list[int]:
    """Return the keys of the matching instances, in no order. Ignores `sort`, `limit` and `after`."""
    if _rest(db, filter) is not None:
        every = replace(filter, limit=None, after=None, sort=Sort.CREATED)
        found = (
            instances.find(db, one.id, (stored(one.app_id),))
            for one in select(db, every, payloads=False, driven=True, apps=apps)
        )
        return [row.key for row in found if row is not None]
    where, values = where_of(db, filter, apps)
    sql = "SELECT key FROM instances"
    if where:
        sql += " WHERE " + " AND ".join(where)
    return [key for (key,) in db.execute(sql, values)]


def count(db: Connection, filter: Filter, apps: Apps = None) -> list[Count]:
    if _rest(db, filter) is not None:
        asked = filter.statuses or frozenset(Status)
        if filter.step is not None and Status.FAILED in asked and asked & LIVE and not _unrecorded(db):
            # Histories are read for live instances alone.
            failed = replace(filter, statuses=frozenset({Status.FAILED}))
            live = replace(filter, statuses=asked & LIVE)
            return sorted((*count(db, failed, apps), *count(db, live, apps)), key=_order)
        every = replace(filter, limit=None, after=None, sort=Sort.CREATED)
        counted = Counter((one.status, one.name) for one in select(db, every, payloads=False, driven=True, apps=apps))
        return [Count(status, name, number) for (status, name), number in sorted(counted.items())]
    asked = filter.statuses or frozenset(Status)
    if Status.COMPLETED in asked and not where_of(db, replace(filter, statuses=frozenset()), apps)[0]:
        return [one for one in _count_all(db) if one.status in asked]
    where, values = where_of(db, filter, apps)
    sql = f"SELECT status, name, count(*) FROM instances WHERE {' AND '.join(where)} GROUP BY status, name"
    return _counts(db.execute(sql, values))


def _count_all(db: Connection) -> list[Count]:
    """Return the counts of all instances.

    Mostly they are COMPLETED, and no index has those by name: they are what the others leave of each name. (To sort a
    million takes ten times as long.)"""
    most = int(Status.COMPLETED)
    others = " UNION ALL ".join(
        f"SELECT status, name, count(*) FROM instances WHERE status {which} {most} GROUP BY status, name"
        for which in "<>"
    )
    with snapshot(db):
        found = db.execute(others).fetchall()
        left = dict(db.execute("SELECT name, count(*) FROM instances GROUP BY name"))
    for _, name, number in found:
        left[name] -= number
    return _counts([*found, *((most, name, number) for name, number in left.items() if number)])


def _counts(rows: Iterable[tuple[int, str, int]]) -> list[Count]:
    return sorted((Count(instances.to_status(status), name, number) for status, name, number in rows), key=_order)


def _order(one: Count) -> tuple[Status, str | None]:
    return one.status, one.name


def failures(db: Connection, filter: Filter, apps: Apps = None) -> Iterator[Failed]:
    """Yield the failed instances that match, in no order: from the table `failures`, without their histories."""
    where, values = where_of(db, replace(filter, step=None, error=None), apps)
    where.append(f"status = {int(Status.FAILED)}")
    sql = f"""
        SELECT key, id, name, completed_at,
            (SELECT status FROM instances AS parent WHERE parent.key = instances.parent),
            (SELECT step FROM failures WHERE failures.key = instances.key),
            (SELECT error FROM failures WHERE failures.key = instances.key),
            (SELECT detail FROM failures WHERE failures.key = instances.key)
        FROM instances WHERE {" AND ".join(where)}
    """
    with snapshot(db):
        for key, instance_id, name, at, parent, step, error, detail in db.execute(sql, values):
            if error is None:
                row = instances.by_key(db, key)
                cause = None if row is None else causes.of(db, row)
                failed_step = None if cause is None else cause.step
                error = "" if cause is None else cause_text(cause.failure)
                step = None if failed_step is None else failed_step.name
            else:
                failed_step = causes.decode_step(detail)
            if filter.error is not None and not text_matches(filter.error, error):
                continue
            if filter.step is None or name_matches(filter.step, step):
                kind = None if failed_step is None else failed_step.kind
                below = parent == Status.FAILED
                yield Failed(instance_id, name, step, error, maybe_time(at), kind, parent is not None, below)


def needs_more(db: Connection, filter: Filter) -> bool:
    """Return True if `where_of` is not all that the filter asks for."""
    return _rest(db, filter) is not None


def where_of(db: Connection, filter: Filter, apps: Apps) -> tuple[list[str], list[object]]:
    """Return the conditions that SQL can judge, with their values. `_rest` judges the others."""
    found: list[str] = []
    values: list[object] = []

    def add(condition: str, *arguments: object) -> None:
        found.append(condition)
        values.extend(arguments)

    if apps is not None and filter.parent_app is None:
        add(instances.of_these(apps), *apps)
    if filter.statuses:
        add(f"status IN ({', '.join('?' * len(filter.statuses))})", *sorted(filter.statuses))
    if filter.name is not None:
        names = [filter.name] if not is_glob(filter.name) else _names(db, filter.name)
        add(f"name IN ({', '.join('?' * len(names))})", *names)
    if filter.id_prefix:
        add("id >= ? AND id < ?", filter.id_prefix, _after_prefix(filter.id_prefix))
    for column, condition, when in (
        ("created_at", ">=", filter.created_after),
        ("created_at", "<", filter.created_before),
        ("created_at", "<", filter.updated_before),  # for the index: nothing is updated before it is created
        ("completed_at", ">=", filter.finished_after),
        ("completed_at", "<", filter.finished_before),
        (_SORT_KEY[Sort.UPDATED], ">=", filter.updated_after),
        (_SORT_KEY[Sort.UPDATED], "<", filter.updated_before),
    ):
        if when is not None:
            add(f"{column} {condition} ?", to_micros(when))
    if filter.parent_id is not None:
        parents = "SELECT key FROM instances WHERE id = ?"
        if filter.parent_app is None:
            add(f"parent IN ({parents})", filter.parent_id)
        else:
            add(f"parent IN ({parents} AND app = ?)", filter.parent_id, filter.parent_app)
    if filter.waiting_event is not None:
        add("key IN (SELECT key FROM event_waits WHERE name = ?)", filter.waiting_event.casefold())
    if filter.custom_status is not None:
        db.create_function("custom_status_matches", 2, status_matches, deterministic=True)
        add("custom_status IS NOT NULL AND custom_status_matches(?, custom_status)", filter.custom_status)
    if filter.stuck is not None:
        since = to_micros(datetime.now(timezone.utc) - filter.stuck)
        add(f"created_at <= ? AND {_SORT_KEY[Sort.UPDATED]} <= ?", since, since)
    if filter.orphans:
        parent = f"SELECT 1 FROM instances AS p WHERE p.key = instances.parent AND p.status IN ({LIVE_SQL})"
        add(f"parent_id IS NOT NULL AND NOT EXISTS ({parent})")
    possible = _possible(filter)
    if len(possible) < len(Status):
        add(f"status IN ({', '.join(str(int(status)) for status in possible)})")
    if filter.error is not None:
        db.create_function("text_matches", 2, text_matches, deterministic=True)
        add(f"coalesce((SELECT text_matches(?, error) FROM failures WHERE {_MINE}), 1)", filter.error)
    if filter.step is not None:
        db.create_function("name_matches", 2, name_matches, deterministic=True)
        recorded = f"(SELECT name_matches(?, step) FROM failures WHERE {_MINE})"
        add(f"(status <> {int(Status.FAILED)} OR coalesce({recorded}, 1))", filter.step)
    return found, values


def _possible(filter: Filter) -> tuple[Status, ...]:
    """Return the statuses of instances that may match."""
    return tuple(status for status in Status if may_be(filter, status))


_MINE = "failures.key = instances.key"


def app_ids(db: Connection) -> list[str]:
    """Return the apps that instances are of by name, by hops through their index."""
    sql = """
        WITH RECURSIVE apps (app) AS (
            SELECT min(app) FROM instances WHERE app <> ''
            UNION ALL
            SELECT (SELECT min(app) FROM instances WHERE app > apps.app AND app <> '')
            FROM apps WHERE apps.app IS NOT NULL
        )
        SELECT app FROM apps WHERE app IS NOT NULL
    """
    return [app for (app,) in db.execute(sql)]


def _names(db: Connection, glob: str) -> list[str]:
    """Return the names of workflows that fit, by hops through their index."""
    sql = """
        WITH RECURSIVE names (name) AS (
            SELECT min(name) FROM instances
            UNION ALL
            SELECT (SELECT min(name) FROM instances WHERE name > names.name) FROM names WHERE names.name IS NOT NULL
        )
        SELECT name FROM names WHERE name IS NOT NULL
    """
    return [name for (name,) in db.execute(sql) if name_matches(glob, name)]


def _rest(db: Connection, filter: Filter) -> Callable[[Instance, Row], bool] | None:
    """Return what judges a row that SQL has let through; None where that is all.

    What a live instance waits for stands in its history; and why one failed, if an older wfctl recorded its failure.
    """
    if filter.stuck is None and not filter.retrying:
        if filter.step is None and filter.error is None:
            return None
        only_failed = filter.step is None or not (filter.statuses or LIVE) & LIVE
        if only_failed and not _unrecorded(db):
            return None
    judged = replace(filter, stuck=None)

    def fits(one: Instance, row: Row) -> bool:
        if filter.stuck is not None and not _stuck(db, one, row, filter.stuck):
            return False
        return matches(judged, one)

    return fits


def _unrecorded(db: Connection) -> bool:
    """Return True if the store has failures that an older wfctl recorded."""
    recorded = f"SELECT 1 FROM failures WHERE {_MINE}"
    sql = f"SELECT 1 FROM instances WHERE status = {int(Status.FAILED)} AND NOT EXISTS ({recorded})"
    return db.execute(sql + " LIMIT 1").fetchone() is not None


def _stuck(db: Connection, one: Instance, row: Row, age: timedelta) -> bool:
    """Return True as `is_stuck` does, or if something arrived so long ago that no turn has consumed."""
    now = datetime.now(timezone.utc)
    if is_stuck(one, age, one.time(now)):
        return True
    if any(waiting.kind in ("start", "resume") for waiting in one.waiting_for):
        return False
    from wfctl.engine.store import history_inbox

    arrived = [event.timestamp for _, event in history_inbox.inbox_of(db, row.key)]
    return bool(arrived) and min(arrived) <= now - age


def _after_prefix(prefix: str) -> str:
    """Return the least text greater than everything that begins with `prefix` (SQLite compares code points)."""
    return prefix + chr(0x10FFFF)


def _instances(
    db: Connection, rows: Sequence[Row], payloads: bool, driven: bool, waiting: bool = True
) -> list[Instance]:
    keys = [row.key for row in rows]
    lineages = reruns.lineages(db, keys)
    lasts = instances.last_events(db, keys)
    clock_of = clocks.of_roots(db, (row.root for row in rows))
    return [
        _instance(
            db,
            row,
            payloads,
            driven,
            lineages.get(row.key, (None, ())),
            waiting,
            clock_of.get(row.root),
            lasts.get(row.key),
        )
        for row in rows
    ]


def _instance(
    db: Connection,
    row: Row,
    payloads: bool,
    driven: bool,
    lineage: reruns.Lineage,
    waiting: bool,
    clock: TreeClock | None,
    last_event: int | None,
) -> Instance:
    cause = causes.of(db, row)
    return instances.to_instance(
        db,
        row,
        last_event=last_event,
        payloads=payloads,
        waiting_for=_waiting(db, row, driven, clock) if waiting else (),
        lineage=lineage,
        failure=None if cause is None else cause.failure,
        failed_step=None if cause is None else cause.step,
        clock=clock,
    )


def _waiting(db: Connection, row: Row, driven: bool, clock: TreeClock | None) -> tuple[Waiting, ...]:
    if row.status.terminal:
        return ()
    from wfctl.engine.store import history_inbox
    from wfctl.model.events import EventRaised
    from wfctl.model.waiting import waiting_for, with_received

    now = datetime.now(timezone.utc)

    def child_status(instance_id: str, app_id: str | None) -> Status | None:
        child = instances.find(db, instance_id, (app_of_call(app_id, row.app),))
        return None if child is None else child.status

    events = history_inbox.read_history(db, row.key)
    inbox = [event for _, event in history_inbox.inbox_of(db, row.key)]
    if row.status is Status.PENDING:
        events += inbox
    waits = waiting_for(events, row.status, now if clock is None else clock.time(now), child_status)
    if inbox:
        waits = with_received(waits, (event.name for event in inbox if isinstance(event, EventRaised)))
    if not driven:
        return (Waiting("driver"), *waits) if could_move(db, row, waits) else waits
    return (*_absent(db, row, waits), *waits)


def _absent(db: Connection, row: Row, waits: Sequence[Waiting]) -> Iterator[Waiting]:
    """Yield the apps, as far as they are named, without which this instance or what it waits for cannot go on."""
    needed = {row.app, *(stored(wait.app_id) for wait in waits if wait.app_id is not None)} - {OWN}
    if not needed:
        return
    from wfctl.engine.store.history_inbox import get_owner

    owner = get_owner(db)
    if owner is not None and owner.apps is not None:
        for app in sorted(needed.difference(owner.apps)):
            yield Waiting("app", app, app_id=app)


def names_apps(db: Connection) -> bool:
    """Return True if instances are of an app by name, so that it says something whose each is."""
    return db.execute("SELECT 1 FROM instances WHERE app <> '' LIMIT 1").fetchone() is not None


def could_move(db: Connection, row: Row, waits: tuple[Waiting, ...] = ()) -> bool:
    """Return True if a driver would find something to do: an unread event, an activity, a timer that is due; here or
    in a child that is waited for."""
    from wfctl.engine.store import history_inbox

    if row.busy or history_inbox.inbox_of(db, row.key):
        return not any(wait.kind == "start" for wait in waits)
    if row.wake_at is not None and from_micros(row.wake_at) <= datetime.now(timezone.utc):
        return True
    for wait in waits:
        if wait.kind != "child" or wait.instance_id is None:
            continue
        child = instances.find(db, wait.instance_id, (app_of_call(wait.app_id, row.app),))
        if child is not None and not child.status.terminal and could_move(db, child):
            return True
    return False
