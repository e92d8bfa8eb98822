"""Statements on `instances`."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from typing import TypeVar

from wfctl.engine.store import clocks, many, reruns
from wfctl.engine.store.database import Connection
from wfctl.engine.store.values import LIVE_SQL, Unreadable, decode_failure, from_micros, maybe_time
from wfctl.model.apps import OWN, Apps, told
from wfctl.model.failure import FailedStep, Failure
from wfctl.model.instance import Instance, Waiting
from wfctl.model.status import Status

T = TypeVar("T")


@dataclass(slots=True)
class Row:
    """One row of `instances`, column by column; times in microseconds since 1970 UTC."""

    key: int
    id: str
    name: str
    status: Status
    root: int
    parent: int | None
    parent_id: str | None
    parent_task: int | None
    parent_execution: str | None
    execution_id: str
    created_at: int
    started_at: int | None = None
    completed_at: int | None = None
    wake_at: int | None = None
    busy: int = 0
    version: str | None = None
    output: str | None = None
    custom_status: str | None = None
    failure: str | None = None
    stall: str | None = None
    app: str = OWN


# Due instances taken up in one transaction; the rest follow in the next.
MOST_DUE = 1000

_COLUMNS = [f.name for f in fields(Row)]
COLUMNS = ", ".join(_COLUMNS)
_CHANGING = (
    *("status", "execution_id", "started_at", "completed_at", "wake_at", "busy", "version"),
    *("output", "custom_status", "failure", "stall"),
)
_STATUSES = {status.value: status for status in Status}  # to call Status takes ten times as long
_BY_KEYS = f"SELECT {COLUMNS} FROM instances WHERE key IN"
# The time of the last event lies in `history`, see the schema.
LAST_EVENT = "(SELECT at FROM history WHERE history.key = instances.key ORDER BY seq DESC LIMIT 1)"
_LAST_EVENTS = f"SELECT key, {LAST_EVENT} FROM instances WHERE key IN"


def to_row(values: Sequence[object]) -> Row:
    """Read a row. Raises Unreadable."""
    if bytes in map(type, values) or values[1] is None or values[2] is None:
        raise Unreadable("an instance in it has no text where there must be one")
    row = Row(*values)  # type: ignore[arg-type]
    row.status = to_status(row.status)
    return row


def to_status(value: int) -> Status:
    """Read a status. Raises Unreadable."""
    status = _STATUSES.get(value)
    if status is None:
        raise Unreadable("the status of an instance in it is none")
    return status


def to_instance(
    db: Connection,
    row: Row,
    *,
    last_event: int | None,
    payloads: bool,
    begin: str | None = None,
    waiting_for: tuple[Waiting, ...] = (),
    lineage: reruns.Lineage = (None, ()),
    failure: Failure | None = None,
    failed_step: FailedStep | None = None,
    clock: clocks.TreeClock | None = None,
) -> Instance:
    """Return what the row says, with what the caller knows besides.

    `last_event`: the time of its last event, None where it has none (`last_events`). `begin`: the first row of its
    history, if that is at hand. `lineage`: what it is a rerun of, and the reruns of it. `failure` has more to it than
    the row's own.
    """
    if payloads:
        from wfctl.engine.store import inputs
    return Instance(
        id=row.id,
        name=row.name,
        status=row.status,
        created_at=from_micros(row.created_at),
        updated_at=from_micros(row.created_at if last_event is None else last_event),
        started_at=maybe_time(row.started_at),
        completed_at=maybe_time(row.completed_at),
        input=inputs.of(db, row.key, begin) if payloads else None,
        output=row.output if payloads else None,
        custom_status=row.custom_status,
        failure=decode_failure(row.failure) if failure is None else failure,
        failed_step=failed_step,
        parent_id=row.parent_id,
        version=row.version,
        stall=row.stall,
        waiting_for=waiting_for,
        rerun_of=lineage[0],
        rerun_as=lineage[1],
        own_time=None if clock is None else clock.own_time,
        app_id=told(row.app),
    )


def last_events(db: Connection, keys: Sequence[int]) -> dict[int, int]:
    """Return the time of the last event of each of these that has one."""
    return {key: at for key, at in many.rows(db, _LAST_EVENTS, keys) if at is not None}


def stand_in(db: Connection) -> None:
    """Let a reader of a schema without apps find all instances in the store's own."""
    db.execute("CREATE TEMP VIEW instances AS SELECT *, '' AS app FROM main.instances")


def by_wake_at(db: Connection) -> str:
    """Return the table to select from, with the index of `wake_at`, where there is one under this name (`stand_in`)."""
    stood_in = db.execute("SELECT 1 FROM temp.sqlite_master WHERE name = 'instances'").fetchone()
    return "instances INDEXED BY instances_wake" if stood_in is None else "instances"


def next_key(db: Connection) -> int:
    """Return the key that the next instance gets; only the holder of the write lock may use it."""
    found = db.execute("SELECT max(coalesce((SELECT max(key) FROM instances), 0), (SELECT floor FROM keys)) + 1")
    return int(found.fetchone()[0])


def insert(db: Connection, rows: Iterable[Row]) -> None:
    many.insert(
        db,
        "instances",
        _COLUMNS,
        (
            (
                *(r.key, r.id, r.name, int(r.status), r.root, r.parent, r.parent_id, r.parent_task, r.parent_execution),
                *(r.execution_id, r.created_at, r.started_at, r.completed_at, r.wake_at, r.busy, r.version),
                *(r.output, r.custom_status, r.failure, r.stall, r.app),
            )
            for r in rows
        ),
    )


def update(db: Connection, rows: Iterable[Row]) -> None:
    many.update(
        db,
        "instances",
        _CHANGING,
        (
            (
                *(int(r.status), r.execution_id, r.started_at, r.completed_at, r.wake_at, r.busy, r.version),
                *(r.output, r.custom_status, r.failure, r.stall, r.key),
            )
            for r in rows
        ),
    )


def find(db: Connection, instance_id: str, apps: Apps = None) -> Row | None:
    """Return the instance that has this ID in these apps. Raises InvalidInput: more than one has it."""
    if apps is None or len(apps) > 1:
        return of_apps(of_every_app(db, instance_id), instance_id, apps)
    sql = f"SELECT {COLUMNS} FROM instances WHERE id = ? AND app = ?"
    found = db.execute(sql, (instance_id, apps[0])).fetchone()
    return None if found is None else to_row(found)


def of_every_app(db: Connection, instance_id: str) -> dict[str, Row]:
    """Return the instances that have this ID, by app."""
    rows = db.execute(f"SELECT {COLUMNS} FROM instances WHERE id = ?", (instance_id,)).fetchall()
    return {row.app: row for row in map(to_row, rows)}


def find_all(db: Connection, ids: Sequence[str], apps: Apps = None) -> dict[str, Row]:
    """Return, by ID, what `find` returns for each; not those that it does not find. Raises InvalidInput."""
    found = ((one, of_apps(rows, one, apps)) for one, rows in of_ids(db, ids).items())
    return {one: row for one, row in found if row is not None}


def of_ids(db: Connection, ids: Sequence[str]) -> dict[str, dict[str, Row]]:
    """Return the instances that have these IDs, by ID and app."""
    found: dict[str, dict[str, Row]] = {}
    for values in many.rows(db, f"SELECT {COLUMNS} FROM instances WHERE id IN", ids):
        row = to_row(values)
        found.setdefault(row.id, {})[row.app] = row
    return found


def roots(db: Connection, ids: Sequence[str], apps: Apps = None) -> dict[str, int]:
    """Return, by ID, the root of the tree of each instance that `find` returns. Raises InvalidInput."""
    found: dict[str, dict[str, int]] = {}
    for instance_id, app, root in many.rows(db, "SELECT id, app, root FROM instances WHERE id IN", ids):
        found.setdefault(instance_id, {})[app] = root
    meant = ((one, of_apps(of_one, one, apps)) for one, of_one in found.items())
    return {one: root for one, root in meant if root is not None}


def of_apps(found: Mapping[str, T], instance_id: str, apps: Apps) -> T | None:
    """Return the one that is meant of the instances with this ID, by app. Raises InvalidInput: there are several."""
    if apps is not None:
        return next((found[app] for app in apps if app in found), None)
    if len(found) > 1:
        from wfctl.model import refusals

        raise refusals.in_several_apps(instance_id, list(found))
    return next(iter(found.values()), None)


def of_these(apps: Sequence[str]) -> str:
    """Return the condition that an instance is of one of these apps, which are its values."""
    mine = f"app IN ({', '.join('?' * len(apps))})"
    return mine if OWN in apps else f"{mine} AND app <> ''"  # as the index has it


def by_key(db: Connection, key: int) -> Row | None:
    found = db.execute(f"SELECT {COLUMNS} FROM instances WHERE key = ?", (key,)).fetchone()
    return None if found is None else to_row(found)


def by_keys(db: Connection, keys: Sequence[int]) -> list[Row]:
    """Return those that are there, in the order of `keys`."""
    found = {values[0]: to_row(values) for values in many.rows(db, _BY_KEYS, keys)}
    return [found[key] for key in keys if key in found]


def children(db: Connection, key: int) -> list[Row]:
    return [to_row(r) for r in db.execute(f"SELECT {COLUMNS} FROM instances WHERE parent = ? ORDER BY key", (key,))]


def children_of(db: Connection, keys: Sequence[int]) -> dict[int, list[Row]]:
    """Return what `children` returns for each of these."""
    found: dict[int, list[Row]] = {key: [] for key in keys}
    for values in many.rows(db, f"SELECT {COLUMNS} FROM instances WHERE parent IN", keys, " ORDER BY key"):
        row = to_row(values)
        assert row.parent is not None
        found[row.parent].append(row)
    return found


def parents_among(db: Connection, keys: Sequence[int]) -> set[int]:
    """Return those of these instances that have children."""
    return {key for (key,) in many.rows(db, "SELECT DISTINCT parent FROM instances WHERE parent IN", keys)}


def delete(db: Connection, keys: Sequence[int], coming: Iterable[int] = ()) -> None:
    """Delete instances with everything that belongs to them. `coming`: others that are not in the store yet."""
    if not keys:
        return
    last = max(keys)
    used = """
        UPDATE keys SET floor = :last
        WHERE floor < :last AND :last >= coalesce((SELECT max(key) FROM instances), 0)
    """
    db.execute(used, {"last": last})
    for table in ("instances", "history", "inbox", "event_waits", "early_events", "failures", "logs"):
        many.run(db, f"DELETE FROM {table} WHERE key IN", keys)
    reruns.forget(db, keys, coming)
    clocks.forget(db, keys)


def busy_keys(db: Connection, root: int | None) -> list[int]:
    """Return the keys of instances with activities to run, of one tree or of all. Of all, it goes through what is
    live."""
    if root is None:
        sql = f"""
            SELECT key FROM instances WHERE busy > 0 AND status IN ({LIVE_SQL})
            UNION ALL SELECT key FROM instances WHERE busy > 0 AND completed_at IS NOT NULL ORDER BY 1
        """
        return [key for (key,) in db.execute(sql)]
    return [key for (key,) in db.execute(f"SELECT key FROM ({_TREE}) WHERE busy > 0 ORDER BY key", (root, root))]


# A tree: its root by key, everything below by the partial index.
_TREE = """
    SELECT key, status, busy, wake_at FROM instances WHERE key = ?
    UNION ALL
    SELECT key, status, busy, wake_at FROM instances WHERE root = ? AND parent IS NOT NULL AND key <> root
"""


def due(
    db: Connection, until: int, scope: Collection[int] | None, blocked: Container[int], held: Container[int] = ()
) -> list[int]:
    """Return the keys of what is due by `until` and not blocked, earliest first; of these trees (None: all) but for
    those that are `held`."""
    rows = db.execute("SELECT key, root FROM instances WHERE wake_at <= ? ORDER BY wake_at", (until,))
    found = (key for key, root in rows if key not in blocked and root not in held and (scope is None or root in scope))
    return list(islice(found, MOST_DUE))


def next_due(
    db: Connection, scope: Collection[int] | None, blocked: Container[int], held: Container[int] = ()
) -> int | None:
    """Return when something is due next in the trees of these roots (None: all), not counting the keys in `blocked` and
    the trees that are `held`."""
    rows = db.execute("SELECT key, root, wake_at FROM instances WHERE wake_at IS NOT NULL ORDER BY wake_at")
    found = (
        wake_at
        for key, root, wake_at in rows
        if key not in blocked and root not in held and (scope is None or root in scope)
    )
    return next(found, None)


def next_due_in(db: Connection, root: int, blocked: Container[int]) -> int | None:
    """As `next_due`, for one tree, without going through the timers of others."""
    sql = f"SELECT key, wake_at FROM ({_TREE}) WHERE wake_at IS NOT NULL ORDER BY wake_at"
    return next((wake_at for key, wake_at in db.execute(sql, (root, root)) if key not in blocked), None)


def is_paused(db: Connection, key: object) -> bool:
    sql = "SELECT 1 FROM instances WHERE key = ? AND status = ?"
    return db.execute(sql, (key, int(Status.SUSPENDED))).fetchone() is not None


def due_in(db: Connection, root: int, until: int, blocked: Container[int]) -> list[int]:
    """As `due`, for one tree."""
    sql = f"SELECT key FROM ({_TREE}) WHERE wake_at <= ? ORDER BY wake_at"
    found = (key for (key,) in db.execute(sql, (root, root, until)) if key not in blocked)
    return list(islice(found, MOST_DUE))


def moves(
    db: Connection,
    scope: Collection[int] | None,
    until: int,
    busy: Iterable[int],
    blocked: Container[int],
    idle: Container[int],
    held: Container[int] = (),
) -> bool:
    """Return True if an activity runs in the trees of these roots (None: anywhere), or something that is not blocked
    is due by `until`, in a tree that is not `held`. The activities of what is `idle` do not run.

    `busy`: the keys of all that may have activities to run; the store is asked whether they still have."""
    roots = (root for key in busy if key not in idle for root in _root_if_busy(db, key))
    if any(scope is None or root in scope for root in roots):
        return True
    rows = db.execute(f"SELECT key, root FROM instances WHERE wake_at <= ? AND status IN ({LIVE_SQL})", (until,))
    return any(key not in blocked and root not in held and (scope is None or root in scope) for key, root in rows)


def _root_if_busy(db: Connection, key: int) -> list[int]:
    return [root for (root,) in db.execute("SELECT root FROM instances WHERE key = ? AND busy > 0", (key,))]


def moves_in(db: Connection, root: int, until: int, blocked: Container[int], idle: Container[int]) -> bool:
    """As `moves`, for one tree."""
    rows = db.execute(
        f"SELECT key, busy FROM ({_TREE}) WHERE busy > 0 OR (wake_at <= ? AND status IN ({LIVE_SQL}))",
        (root, root, until),
    )
    return any(key not in idle if busy else key not in blocked for key, busy in rows)


def runs_in(db: Connection, root: int, idle: Container[int]) -> bool:
    """Return True if an activity runs in this tree. The activities of what is `idle` do not."""
    return any(key not in idle for key in busy_keys(db, root))


def tree_keys(db: Connection, root: int) -> list[int]:
    """Return the keys of a tree."""
    return [key for (key,) in db.execute(f"SELECT key FROM ({_TREE})", (root, root))]


def tree_inbox(db: Connection, root: int) -> list[int]:
    """Return the keys of this tree with unconsumed events."""
    sql = f"SELECT DISTINCT inbox.key FROM inbox JOIN ({_TREE}) AS tree ON tree.key = inbox.key ORDER BY inbox.key"
    return [key for (key,) in db.execute(sql, (root, root))]
