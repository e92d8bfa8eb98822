"""Take a bundle into a store: all of it, or nothing.

It is read to its end into a store of its own first, a nameless file that goes with the process, and every line is
checked on the way. Then one transaction copies it into the store. So a bundle that is cut off never reaches the store,
a kill leaves all of it or nothing, and whoever drives the store waits for the copying alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from wfctl.bundle import Exported
from wfctl.engine.core.imported import Arrival, Unfit, arrival, of_own_app, renamed
from wfctl.engine.random_id import new_id
from wfctl.engine.store import causes, clocks, database, event_waits, history_inbox, instances, logs
from wfctl.engine.store.clocks import TreeClock
from wfctl.engine.store.codec import Calls, encode_failure, encode_row
from wfctl.engine.store.database import Connection
from wfctl.engine.store.instances import Row
from wfctl.engine.store.place import Place
from wfctl.engine.store.values import maybe_micros, to_micros
from wfctl.errors import Conflict, InvalidInput
from wfctl.model import ids
from wfctl.model.apps import stored
from wfctl.model.events import Event
from wfctl.model.failure import Cause
from wfctl.model.status import Status

# Instances between two commits of the nameless file.
PART = 1000
# Events in one row of history.
MOST_IN_A_ROW = 500
_NAMED = 3  # of the IDs that exist already


@dataclass(slots=True)
class Imported:
    """What a bundle brought: how many instances, and how many of them are paused."""

    instances: int = 0
    paused: int = 0


@dataclass(slots=True)
class _Member:
    """An instance that was rerun, or is a rerun."""

    key: int
    id: str
    rerun: bool
    later: tuple[str, ...]


def import_bundle(
    store: Path,
    bundle: Iterable[Exported],
    name: str,
    *,
    prefix: str = "",
    as_own: bool = False,
    tell: Callable[[str], None] = lambda text: None,
    progress: Callable[[int], None] = lambda count: None,
) -> Imported:
    """Import a bundle, with `prefix` before each ID, and with `as_own` into the store's own app, whatever app it was.

    `name` is what errors call the bundle; `tell` is told of a migration.

    Raises InvalidInput (with the line of the bundle), Conflict (an ID is taken) and StoreError; then nothing has
    changed.
    """
    stage = sqlite3.connect("", isolation_level=None, uri=True)
    try:
        with database.in_words(store):
            database.apply_migrations(stage, database.SCHEMA_VERSION)
            stage.execute("PRAGMA journal_mode=OFF")
            stage.execute("PRAGMA synchronous=OFF")
            staging = _Staging(stage, name, prefix, as_own)
            stage.execute("BEGIN")
            for one in bundle:
                staging.add(one)
                if staging.imported.instances % PART == 0:
                    stage.execute("COMMIT")
                    stage.execute("BEGIN")
                    progress(staging.imported.instances)
            staging.put_reruns()
            stage.execute("COMMIT")
            if staging.imported.instances:
                _copy(stage, store, staging.keys, tell)
            return staging.imported
    finally:
        stage.close()


class _Staging:
    """Puts instances into the nameless store, under keys in their order, from 1 on."""

    def __init__(self, db: Connection, name: str, prefix: str, as_own: bool) -> None:
        self._db = db
        self._as_own = as_own
        self._name = name
        self._prefix = prefix
        self._now = datetime.now(timezone.utc)
        self._keys: dict[tuple[str, str], int] = {}
        self._clocks: dict[int, TreeClock] = {}  # by the keys of the roots
        self._missed: set[tuple[str, str]] = set()  # parents that are not there, or not yet
        self._families: dict[tuple[str, str], list[_Member]] = {}  # by app and the ID of the original
        self._next_key = 1
        self.imported = Imported()

    def add(self, one: Exported) -> None:
        if self._prefix:
            one = renamed(one, lambda instance_id: self._prefix + instance_id)
        if self._as_own:
            one = of_own_app(one)
        fault = ids.fault(one.id)
        if fault is not None:
            raise self._error(one, fault.text, fault.hint)
        try:
            found = arrival(one, one.instance.time(self._now), new_id)
        except Unfit as unfit:
            raise self._error(one, str(unfit)) from None
        row = self._row(one, found)
        self._put_clock(one, row)
        if (row.app, one.id) in self._missed:
            raise self._error(one, "a child of this instance stands before it")
        self._keys[row.app, one.id] = row.key
        self._next_key = row.key + 1
        self._put(one, found, row)
        self._note_reruns(one, row)
        self.imported.instances += 1
        self.imported.paused += not row.status.terminal

    def _put_clock(self, one: Exported, row: Row) -> None:
        """Give a tree the clock that it had; for retention what has ended ends now."""
        if row.root == row.key and one.instance.own_time is not None:
            self._clocks[row.key] = clock = clocks.imported(row.key, one.instance.own_time)
            clocks.add(self._db, clock)
        if row.root not in self._clocks:
            return
        if row.wake_at is not None:
            row.wake_at = self._clocks[row.root].real(row.wake_at)
        if row.status.terminal:
            clocks.put_real_ends(self._db, [(row.key, to_micros(self._now))])

    def _row(self, one: Exported, found: Arrival) -> Row:
        instance, started, state = one.instance, found.started, found.state
        parent, execution = None, None
        if started.parent is not None:
            parent_app = stored(started.parent.app_id)
            parent_key = self._keys.get((parent_app, started.parent.instance_id))
            parent = None if parent_key is None else instances.by_key(self._db, parent_key)
            if parent is None:
                self._missed.add((parent_app, started.parent.instance_id))
        if started.parent is not None and parent is not None:
            execution = started.parent.execution_id or parent.execution_id  # Dapr may not tell
        completed = state.completed
        failure = None if completed is None else instance.failure or completed.failure
        wake_at = state.wake_at() if found.history else started.scheduled_start
        return Row(
            key=self._next_key,
            id=one.id,
            name=started.name,
            status=state.status(),
            root=self._next_key if parent is None else parent.root,
            parent=None if parent is None else parent.key,
            parent_id=None if started.parent is None else started.parent.instance_id,
            parent_task=None if started.parent is None else started.parent.task_scheduled_id,
            parent_execution=execution,
            execution_id=started.execution_id,
            created_at=to_micros(instance.created_at or started.timestamp),
            started_at=maybe_micros(instance.started_at),
            completed_at=None if completed is None else to_micros(completed.timestamp),
            wake_at=maybe_micros(wake_at),
            version=state.version,
            output=None if completed is None else completed.result,
            custom_status=instance.custom_status,
            failure=encode_failure(failure),
            app=stored(one.app_id),
        )

    def _put(self, one: Exported, found: Arrival, row: Row) -> None:
        db, key = self._db, row.key
        instances.insert(db, [row])
        history_inbox.append_history(db, _history_rows(row, found.history))
        for event in found.inbox:
            history_inbox.put_inbox(db, key, event)
        event_waits.put(db, key, found.state.event_waits(), found.state.early_events())
        if row.status is Status.FAILED and one.instance.failure is not None:
            causes.put(db, [(key, Cause(one.instance.failure, one.instance.failed_step))])
        if one.logs:
            logs.put(db, [(key, line) for line in one.logs])

    @property
    def keys(self) -> int:
        """Return how many keys are in use, those of reruns that are gone included."""
        return self._next_key - 1

    # --- reruns -------------------------------------------------------------------------------------------------

    def _note_reruns(self, one: Exported, row: Row) -> None:
        """Take note of a family, and leave keys free behind this one for reruns that are gone (`put_reruns`)."""
        instance = one.instance
        later = instance.rerun_as or ()
        if instance.rerun_of is None and not later:
            return
        member = _Member(row.key, one.id, instance.rerun_of is not None, later)
        self._families.setdefault((row.app, instance.rerun_of or one.id), []).append(member)
        self._next_key += len(later)

    def put_reruns(self) -> None:
        """Record which instance is a rerun of which: those of the bundle, and those that were gone already.

        A key says when a rerun was made: one that is gone gets a free key behind the rerun before it.
        """
        for (_, original), members in self._families.items():
            family = next((one.key for one in members if not one.rerun), members[0].key)
            keys = {one.id: one.key for one in members}
            rows = [(one.key, one.id) for one in members if one.rerun]
            for one in members:
                last = one.key
                for later in one.later:
                    if later not in keys:
                        keys[later] = last + 1
                        rows.append((keys[later], later))
                    last = keys[later]
            self._db.executemany(
                "INSERT OR IGNORE INTO reruns (key, id, family, original) VALUES (?, ?, ?, ?)",
                [(key, instance_id, family, original) for key, instance_id in rows],
            )

    def _error(self, one: Exported, what: str, hint: str | None = None) -> InvalidInput:
        return InvalidInput(f"{self._name}, line {one.line}: {what}", hint=hint, instance_id=one.id)


def _history_rows(row: Row, history: Sequence[Event]) -> Iterator[tuple[int, int, int, str]]:
    calls: Calls = {}
    for seq, start in enumerate(range(0, len(history), MOST_IN_A_ROW), 1):
        part = history[start : start + MOST_IN_A_ROW]
        at = to_micros(part[-1].timestamp)
        yield row.key, seq, at, encode_row(part, at, row, calls)


def _copy(stage: Connection, store: Path, keys: int, tell: Callable[[str], None]) -> None:
    """Copy all that is staged into the store, in one transaction. Raises Conflict."""
    database.open_store(store, tell=tell).close()
    place = Place(store)
    stage.execute("ATTACH ? AS store", (f"{store.absolute().as_uri()}?mode=rw",))
    stage.execute("PRAGMA store.synchronous=FULL")
    database.begin(stage)
    try:
        place.check()
        _check_ids(stage)
        first = _last_key(stage)
        for table, keyed, columns in _TABLES:
            moved = [f"{one} + :first" if one in keyed else one for one in columns]
            stage.execute(
                f"INSERT INTO store.{table} ({', '.join(columns)})"
                f" SELECT {', '.join(moved)} FROM main.{table} ORDER BY {columns[0] if table != 'inbox' else 'seq'}",
                {"first": first},
            )
        stage.execute("UPDATE store.keys SET floor = ?", (first + keys,))
        stage.execute("COMMIT")
    except BaseException:
        if stage.in_transaction:
            stage.execute("ROLLBACK")
        raise
    place.check()
    stage.execute("DETACH store")


def _last_key(db: Connection) -> int:
    """Return the last key that the store has ever given out."""
    found = db.execute(
        "SELECT max(coalesce((SELECT max(key) FROM store.instances), 0), (SELECT floor FROM store.keys))"
    )
    return int(found.fetchone()[0])


# What is copied: the tables, which of their columns are keys of instances, and all of them but the numbers of rows.
_TABLES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("instances", ("key", "root", "parent"), tuple(instances.COLUMNS.split(", "))),
    ("history", ("key",), ("key", "seq", "at", "events")),
    ("inbox", ("key",), ("key", "event")),
    ("event_waits", ("key",), ("key", "event_id", "name", "event", "since", "until")),
    ("early_events", ("key",), ("key", "event", "at")),
    ("failures", ("key",), ("key", "step", "error", "detail")),
    ("logs", ("key",), ("key", "at", "level", "step", "event_id", "logger", "message")),
    ("clocks", ("root",), ("root", "ahead", "begun")),
    ("real_ends", ("key",), ("key", "at")),
    ("reruns", ("key", "family"), ("key", "id", "family", "original")),
)


def _check_ids(db: Connection) -> None:
    """Raise Conflict where the store has one of the IDs."""
    same = "FROM main.instances AS one JOIN store.instances AS other ON other.id = one.id AND other.app = one.app"
    count = db.execute(f"SELECT count(*) {same}").fetchone()[0]
    if not count:
        return
    named = [name for (name,) in db.execute(f"SELECT one.id {same} ORDER BY one.key LIMIT {_NAMED}")]
    which = ", ".join(f"'{name}'" for name in named) + (", ..." if count > len(named) else "")
    what = "an ID is" if count == 1 else f"{count:,} IDs are"
    raise Conflict(
        f"{what} in use in this store already: {which}; nothing was imported",
        hint="--prefix desk- puts that before each ID; or import into another --store",
        instance_id=named[0] if count == 1 else None,
    )
