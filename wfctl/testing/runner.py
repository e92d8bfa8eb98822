"""Run a workflow for a test: a real engine on a store of its own, with a clock that stands still but where it jumps."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeVar

from wfctl.engine import operations
from wfctl.engine.app_client import EngineBackend
from wfctl.engine.clock import StoppedClock
from wfctl.engine.engine_thread import Engine
from wfctl.engine.execute.local import LocalExecutor
from wfctl.engine.execute.port import ActivityResult, ActivityTask, Delivery, Turn
from wfctl.engine.store import clocks, database, instances, reads
from wfctl.engine.store.clocks import TreeClock
from wfctl.engine.transaction import Transaction, Unit
from wfctl.errors import InvalidInput, TimedOut
from wfctl.model.apps import OWN
from wfctl.model.instance import Filter, Instance, Skip, StartRequest
from wfctl.model.turn import TurnResult
from wfctl.testing.apps import app_of
from wfctl.testing.outcome import Call, Run, call_in, run_of
from wfctl.testing.refusals import json_of, plainly
from wfctl.testing.replacements import Replaced
from wfctl.testing.script import Scripted, script_of
from wfctl.workflow.client_backend import bind_backend
from wfctl.workflow.registry import name_of

T = TypeVar("T")

LOOK_SECONDS = 0.05
MOST_JUMPS = 1000  # without `until`: a workflow that watches for ever would never end


@plainly
def run_workflow(
    workflow: Any,
    input: Any = None,
    *,
    app: Any = None,
    activities: Mapping[Any, Any] | None = None,
    children: Mapping[Any, Any] | None = None,
    events: Sequence[Scripted] | Mapping[str, Any] = (),
    now: datetime | None = None,
    until: timedelta | None = None,
    instance_id: str = "test",
    timeout: float = 30.0,
    folder: Path | None = None,
) -> Run:
    """Run a workflow to its end, or to where it waits for what is not to come.

    It runs on wfctl's engine, in a store of its own that is deleted afterwards. Its timers, time-outs and retries pass
    at once, in due order; `ctx.current_utc_datetime` follows.

    Args:
        workflow: the workflow: its name, or the function.
        input: its input: anything that can be written as JSON.
        app: what registers it: a path such as `orders.py`, the name of a module, a module, or a `WorkflowRuntime`.
            None: the module of the function, or else the app of `wfctl.toml` or WFCTL_APP.
        activities: what stands in for activities, by their names or functions. A value is the result, an exception
            is raised, a function (async or not) is called with the input; see `in_turn` and
            `takes`. Others run as they are.
        children: the same for child workflows.
        events: the events to raise; see `event`. A mapping of names to data: each as soon as it is waited for.
        now: when it begins, by its clock. None: now.
        until: how far its time is skipped, from its start; for workflows that never end. None: to its end.
        instance_id: the ID of the instance.
        timeout: how many seconds it may take in reality.
        folder: where a relative `app` and `wfctl.toml` are looked for. None: the current one.

    Returns:
        What became of it. A workflow that fails is an outcome, not an error.

    Raises:
        InvalidInput: there is no such workflow, activity or child, or its input cannot be written as JSON.
        AppError: the app cannot be imported.
        TimedOut: it has not come so far in `timeout` seconds, or has not ended after 1,000 timers without `until`.
    """
    loaded = app_of(app, workflow, folder)
    replaced = Replaced(loaded.registry, _by_name(activities), _by_name(children))
    name = name_of(workflow)
    if not replaced.registry.has_workflow(name):
        known = ", ".join(replaced.registry.workflow_names())
        raise InvalidInput(f"the app registers no workflow {name!r}", hint=f"registered: {known}")
    script = script_of(events)
    began = (now or datetime.now(timezone.utc)).astimezone(timezone.utc)
    request = StartRequest(name, instance_id, json_of(input, "the input"), own_clock=True, now=began)
    with tempfile.TemporaryDirectory(prefix="wfctl-test-", ignore_cleanup_errors=True) as made:
        trial = _Trial(Path(made) / "store.db", replaced, began, time.monotonic() + timeout)
        with trial.open():
            trial.start(request)
            trial.go_on(script, None if until is None else began + until)
            return trial.outcome()


def _by_name(given: Mapping[Any, Any] | None) -> dict[str, Any]:
    return {name_of(key): what for key, what in (given or {}).items()}


@dataclass(eq=False)
class _Sleeper:
    """An activity that takes time: it waits `until` it is that late by the workflow's clock, and then runs."""

    task: ActivityTask
    takes: timedelta
    until: datetime | None = None


class _Executor:
    """The app with stand-ins, for all apps: what is asked of another one has a stand-in too, or is missed.

    Activities that are to take time wait in `sleepers`."""

    def __init__(self, replaced: Replaced, deliver: Callable[[Delivery], None]) -> None:
        self._replaced = replaced
        self._deliver = deliver
        self._local = LocalExecutor(replaced.registry, self._answered)
        self._lock = threading.Lock()
        self._running: Counter[int] = Counter()  # activities at work, by the keys of their instances
        self.sleepers: list[_Sleeper] = []

    def has_app(self, app: str) -> bool:
        return True

    def knows(self, name: str, app: str) -> bool:
        return self._local.knows(name, OWN)

    def run_turn(self, turn: Turn) -> TurnResult | None:
        return self._local.run_turn(replace(turn, app_id=None))

    def run_activities(self, tasks: Sequence[ActivityTask]) -> None:
        at_once = []
        for task in tasks:
            takes = self._replaced.time(task.name)
            if takes is None:
                at_once.append(task)
            else:
                self.sleepers.append(_Sleeper(task, takes))
        self._run(at_once)

    def wake(self, sleeper: _Sleeper) -> None:
        """Run an activity whose time has passed."""
        self.sleepers.remove(sleeper)
        self._run([sleeper.task])

    def asleep(self) -> set[int]:
        """Return the keys of the instances whose activities all wait for time to pass."""
        with self._lock:
            return {one.task.key for one in list(self.sleepers) if not self._running[one.task.key]}

    def _run(self, tasks: Sequence[ActivityTask]) -> None:
        with self._lock:
            self._running.update(task.key for task in tasks)
        self._local.run_activities([replace(task, app_id=None) for task in tasks])

    def _answered(self, delivery: Delivery) -> None:
        if isinstance(delivery, ActivityResult):
            with self._lock:
                self._running[delivery.key] -= 1
        self._deliver(delivery)

    def forget(self, key: int) -> None:
        self._local.forget(key)

    def close(self) -> None:
        self._local.close()


class _Trial:
    def __init__(self, store: Path, replaced: Replaced, began: datetime, deadline: float) -> None:
        self._store = store
        self._began = began
        self._deadline = deadline
        self._calls: list[Call] = []
        self._ids: dict[int, str] = {}  # of instances, by their keys

        def executor(deliver: Callable[[Delivery], None]) -> _Executor:
            self._executor = _Executor(replaced, deliver)
            return self._executor

        self._engine = Engine(
            store,
            executor,
            clock=StoppedClock(began),
            after_commit=self._committed,
            asleep=_Asleep(lambda: self._executor),
        )

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        backend = EngineBackend(self._engine, self._store)
        bind_backend(backend)
        try:
            assert self._engine.start([])
            yield
        finally:
            bind_backend(None)
            backend.close()
            self._engine.stop(5.0)

    def _committed(self, transaction: Transaction) -> None:
        """Take note of what was asked for. On the engine's thread."""
        self._ids.update((row.key, row.id) for row in transaction.rows)
        for key, _, events in transaction.history:
            calls = (call_in(event, self._ids.get(key, "")) for event in events)
            self._calls += [call for call in calls if call is not None]

    # --- running --------------------------------------------------------------------------------------------------

    def start(self, request: StartRequest) -> None:
        self._id = self._do(lambda unit: operations.start(unit, request))
        self._root = self._read(lambda db: instances.find(db, self._id)).key  # type: ignore[union-attr]

    def go_on(self, script: list[Scripted], end: datetime | None) -> None:
        """Let time pass, jump by jump, and do what the script says, until nothing more is to come."""
        jumps = 0
        self._let_pass(Skip(jumps=0))
        while not self._instance().status.terminal:
            if self._raise_what_is_waited_for(script) or self._do_what_is_due(script):
                self._let_pass(Skip(jumps=0))
                continue
            before = self._skipped()
            if end is not None and self._now() >= end:
                return
            self._let_pass(Skip(until=min(filter(None, (end, *self._moments(script))), default=None), jumps=1))
            if self._skipped() == before and not self._may_be_due(script):
                return
            jumps += 1
            if jumps > MOST_JUMPS and end is None:
                raise TimedOut(
                    f"the workflow has not ended after {MOST_JUMPS:,} timers, {self._now() - self._began} on",
                    hint="until=timedelta(days=30) ends a test of a workflow that goes on for ever",
                )

    def _let_pass(self, skip: Skip) -> None:
        """Let the workflow go on as far as it does by itself, and time pass as far as `skip` says."""
        self._engine.skip([self._root], skip)
        seen = -1
        while not self._engine.settled([self._root]):
            if self._engine.error is not None:
                raise self._engine.error
            if time.monotonic() > self._deadline:
                waits = "; ".join(f"{one.kind} {one.name or ''}".strip() for one in self._instance().waiting_for)
                raise TimedOut(
                    f"the workflow is still at work: {waits or 'its own code'}", hint="timeout=60 gives more"
                )
            seen = self._engine.wait_change(seen, LOOK_SECONDS)
        now = self._now()
        for sleeper in list(self._executor.sleepers):
            sleeper.until = sleeper.until or now + sleeper.takes

    def _moments(self, script: list[Scripted]) -> list[datetime]:
        """Return when something is to happen that the workflow does not know of."""
        timed = [self._began + one.after for one in script if one.after is not None]
        return [*timed, *(sleeper.until for sleeper in list(self._executor.sleepers) if sleeper.until)]

    def _may_be_due(self, script: list[Scripted]) -> bool:
        return any(moment <= self._now() for moment in self._moments(script))

    def _do_what_is_due(self, script: list[Scripted]) -> bool:
        """Raise the next event whose time has come, or end an activity. Returns True if there was one."""
        now = self._now()
        for sleeper in list(self._executor.sleepers):
            if sleeper.until is not None and sleeper.until <= now:
                self._do(lambda unit, sleeper=sleeper: self._executor.wake(sleeper))  # type: ignore[misc]
                return True
        due = [one for one in script if one.after is not None and self._began + one.after <= now]
        for one in sorted(due, key=lambda one: one.after or timedelta(0))[:1]:
            script.remove(one)
            self._raise(one, one.to or self._id)
            return True
        return False

    def _raise_what_is_waited_for(self, script: list[Scripted]) -> bool:
        """Raise the first event without a time that is waited for. Returns True if there was one."""
        waits = self._read(lambda db: db.execute(_WAITS, (self._root, self._root)).fetchall())
        for one in script:
            if one.after is not None:
                continue
            for instance_id, name in waits:
                if name == one.name.casefold() and one.to in (None, instance_id):
                    script.remove(one)
                    self._raise(one, instance_id)
                    return True
        return False

    def _raise(self, one: Scripted, instance_id: str) -> None:
        data = json_of(one.data, f"the data of event {one.name!r}")
        self._do(lambda unit: operations.raise_event(unit, instance_id, one.name, data))

    # --- looking --------------------------------------------------------------------------------------------------

    def _instance(self) -> Instance:
        found = self._read(lambda db: reads.get(db, self._id, payloads=True, driven=True))
        assert found is not None
        return found

    def _now(self) -> datetime:
        """Return what the workflow's clock says."""
        return self._clock()[1]

    def _skipped(self) -> int:
        return self._clock()[0].ahead

    def _clock(self) -> tuple[TreeClock, datetime]:
        """Return the workflow's clock, and what it says."""

        def read(unit: Unit, db: database.Connection) -> tuple[TreeClock, datetime]:
            clock = clocks.get(db, self._root)
            assert clock is not None
            return clock, clock.time(unit.now)

        return self._engine.write(read).result()

    def outcome(self) -> Run:
        below = Filter(parent_id=self._id)
        history = self._read(lambda db: reads.history(db, self._id)) or ()
        children = self._read(lambda db: [*reads.select(db, below, payloads=True, driven=True)])
        return run_of(self._instance(), self._now(), history, list(self._calls), children)

    def _read(self, call: Callable[[database.Connection], T]) -> T:
        return self._engine.write(lambda unit, db: call(db)).result()

    def _do(self, call: Callable[[Unit], T]) -> T:
        return self._engine.submit(call).result()


class _Asleep:
    """The keys of the instances whose activities all wait for time to pass, for the engine."""

    def __init__(self, executor: Callable[[], _Executor]) -> None:
        self._executor = executor

    def __iter__(self) -> Iterator[int]:
        return iter(self._executor().asleep())

    def __len__(self) -> int:
        return len(self._executor().asleep())

    def __contains__(self, key: object) -> bool:
        return key in self._executor().asleep()


_WAITS = """
    SELECT id, event_waits.name FROM event_waits JOIN instances USING (key)
    WHERE (key = ? OR root = ?) AND status IN (0, 6, 7) ORDER BY key, event_id
"""
