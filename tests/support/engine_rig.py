"""A engine on a real file with workflows made on the spot, a clock that tests move, and a look at what is stored."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeVar

from limits import LIMIT_SECONDS

from wfctl.engine import operations
from wfctl.engine.clock import MICROSECOND
from wfctl.engine.core.folded_state import folded
from wfctl.engine.engine_thread import Engine
from wfctl.engine.execute.local import LocalExecutor
from wfctl.engine.store import clocks, database, history_inbox, instances
from wfctl.engine.store.instances import Row
from wfctl.engine.store.values import maybe_micros
from wfctl.engine.transaction import StoreUnit, Unit
from wfctl.model.apps import Apps
from wfctl.model.events import Event
from wfctl.model.instance import IfExists, StartRequest
from wfctl.model.status import Status
from wfctl.workflow.registry import Registry

T = TypeVar("T")


class Clock:
    """The time, moved by hand from an offset: what waits for real time (threads) still does."""

    step = MICROSECOND

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(timezone.utc) + self.offset

    def monotonic(self) -> float:
        return time.monotonic()


class Rig:
    def __init__(self, folder: Path) -> None:
        self.store = folder / "store.db"
        self.registry = Registry()
        self.others: dict[str, Registry] = {}  # of further apps, by their IDs
        self.clock = Clock()
        self.owner: Engine | None = None
        self.engines: list[Engine] = []

    def workflow(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        self.registry.add_workflow(fn.__name__, fn, replace=True)
        return fn

    def activity(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        self.registry.add_activity(fn.__name__, fn, replace=True)
        return fn

    # --- the owner ----------------------------------------------------------------------------------------------

    def own(
        self,
        scope: Sequence[int] | None = None,
        registry: Registry | None = None,
        others: dict[str, Registry] | None = None,
        **options: Any,
    ) -> Engine:
        app = registry or self.registry
        further = self.others if others is None else others
        engine = Engine(
            self.store,
            lambda deliver: LocalExecutor(app, deliver, others=further),
            clock=self.clock,
            workflows=app.workflow_names(),
            **options,
        )
        assert engine.start(scope)
        self.owner = engine
        self.engines.append(engine)
        return engine

    @property
    def engine(self) -> Engine:
        """The engine that owns the store. Raises AssertionError if none does."""
        assert self.owner is not None
        return self.owner

    def leave(self) -> None:
        """As a killed process would: what is committed stays, everything else goes."""
        self.engine.stop()
        self.owner = None

    def close(self) -> None:
        for engine in self.engines:
            engine.stop()

    def do(self, call: Callable[[Unit], Any]) -> Any:
        return self.engine.submit(call).result(LIMIT_SECONDS)

    def start(self, name: str, instance_id: str, input: str | None = None, **fields: Any) -> None:
        self.do(lambda unit: operations.start(unit, StartRequest(name, instance_id, input, **fields)))

    def raise_event(self, instance_id: str, name: str, data: str | None = None) -> None:
        self.do(lambda unit: operations.raise_event(unit, instance_id, name, data))

    def terminate(self, instance_id: str, output: str | None = None) -> None:
        self.do(lambda unit: operations.terminate(unit, instance_id, output, None, True))

    def advance(self, **delta: float) -> None:
        self.clock.offset += timedelta(**delta)
        if self.owner is not None:
            self.owner.tick()

    # --- another process ----------------------------------------------------------------------------------------

    def beside(self, call: Callable[[Unit], Any]) -> Any:
        """Run an operation as a process does that does not own the store."""
        db = database.open_store(self.store)
        try:
            db.execute("BEGIN IMMEDIATE")
            try:
                unit = StoreUnit(db, self.clock.now())
                value = call(unit)
                unit.flush()
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
        finally:
            db.close()
        return value

    def start_beside(self, name: str, instance_id: str, input: str | None = None, **fields: Any) -> None:
        self.beside(lambda unit: operations.start(unit, StartRequest(name, instance_id, input, **fields)))

    # --- looking ------------------------------------------------------------------------------------------------

    def look(self, read: Callable[[database.Connection], T]) -> T:
        db = database.open_store(self.store)
        try:
            return read(db)
        finally:
            db.close()

    def find(self, instance_id: str, apps: Apps = None) -> Row | None:
        return self.look(lambda db: instances.find(db, instance_id, apps))

    def row(self, instance_id: str) -> Row:
        row = self.find(instance_id)
        assert row is not None, f"{instance_id} is not there"
        return row

    def status(self, instance_id: str) -> Status | None:
        row = self.find(instance_id)
        return None if row is None else row.status

    def history(self, instance_id: str) -> list[Event]:
        key = self.key(instance_id)
        return self.look(lambda db: history_inbox.read_history(db, key))

    def key(self, instance_id: str) -> int:
        return self.row(instance_id).key

    def until(self, holds: Callable[[], T], what: object = "") -> T:
        deadline = time.monotonic() + LIMIT_SECONDS
        while True:
            found = holds()
            if found:
                return found
            assert self.owner is None or self.owner.error is None, self.owner.error
            assert time.monotonic() < deadline, f"never happened: {what() if callable(what) else what}"
            time.sleep(0.002)

    def ended(self, instance_id: str) -> Row:
        def terminal() -> bool:
            row = self.find(instance_id)
            return row is not None and row.status.terminal

        self.until(terminal, f"the end of {instance_id}")
        return self.row(instance_id)

    def reached(self, instance_id: str, status: Status) -> None:
        self.until(lambda: self.status(instance_id) is status, f"{instance_id} is {status.name}")

    def settle(self) -> None:
        engine = self.engine
        self.until(lambda: engine.settled(None), "settled")

    def waits_for(self, instance_id: str, event: str) -> None:
        sql = "SELECT 1 FROM event_waits JOIN instances USING (key) WHERE id = ? AND event_waits.name = ?"
        self.until(lambda: self.look(lambda db: db.execute(sql, (instance_id, event)).fetchone()), f"wait for {event}")


def replace_request(name: str, instance_id: str, input: str | None = None) -> StartRequest:
    return StartRequest(name, instance_id, input, if_exists=IfExists.REPLACE)


def inconsistencies(db: sqlite3.Connection) -> list[str]:
    """What in a store at rest does not fit together: rows against histories, inbox, waits and parents."""
    found: list[str] = []
    for values in db.execute(f"SELECT {instances.COLUMNS} FROM instances").fetchall():
        row = instances.to_row(values)
        state = folded(history_inbox.read_history(db, row.key))
        inbox = history_inbox.inbox_of(db, row.key)
        waits = sorted(db.execute("SELECT event_id, name FROM event_waits WHERE key = ?", (row.key,)).fetchall())
        early = sorted(db.execute("SELECT event, at FROM early_events WHERE key = ?", (row.key,)).fetchall())
        if state.started is not None and state.status() is not row.status:
            found.append(f"{row.id}: the row says {row.status.name}, its history {state.status().name}")
        if row.status.terminal and inbox:
            found.append(f"{row.id}: {row.status.name}, with {len(inbox)} events in the inbox")
        if state.started is not None and not row.status.terminal:
            if row.busy != state.open_activities():
                found.append(f"{row.id}: busy {row.busy}, open activities {state.open_activities()}")
            expected = None if row.status is Status.STALLED else maybe_micros(state.wake_at())
            clock = clocks.get(db, row.root)
            if expected is not None and clock is not None:
                expected = clock.real(expected)
            if row.wake_at != expected:
                found.append(f"{row.id}: wakes at {row.wake_at}, its history says {expected}")
        if early != sorted((name, maybe_micros(at)) for name, at in state.early_events()):
            found.append(f"{row.id}: early events {early}, its history says {state.early_events()}")
        if waits != sorted((wait.event_id, wait.name.casefold()) for wait in state.event_waits()):
            found.append(f"{row.id}: event_waits {waits}, its history says {state.event_waits()}")
        if row.status.terminal and row.wake_at is not None:
            found.append(f"{row.id}: finished, and wakes at {row.wake_at}")
    for table in ("inbox", "history", "event_waits", "early_events"):
        lost = db.execute(f"SELECT DISTINCT key FROM {table} WHERE key NOT IN (SELECT key FROM instances)").fetchall()
        if lost:
            found.append(f"{table} has rows of no instance: {lost}")
    return found
