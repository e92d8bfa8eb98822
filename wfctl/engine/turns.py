"""Run turns, and apply their results to the instances.

`Dispatcher` (`wfctl.engine.dispatcher`) hands in what arrives and writes what changes; both work inside the owner's
open transaction. Nothing here waits, and nothing here is called from another thread than the engine's.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from wfctl.engine import operations
from wfctl.engine.core import decide, propagate
from wfctl.engine.core.folded_state import State, fold
from wfctl.engine.execute.port import ActivityTask, Executor, LateTurn, Turn
from wfctl.engine.live_instance import LiveInstance
from wfctl.engine.live_instances import LiveInstances
from wfctl.engine.random_id import new_id
from wfctl.engine.store.codec import encode_failure
from wfctl.engine.store.values import to_micros
from wfctl.engine.transaction import Transaction, Unit
from wfctl.model import events as ev
from wfctl.model.apps import DEFAULT_ID, app_of_call, told
from wfctl.model.cause import cause_of
from wfctl.model.events import NO_ID, Event
from wfctl.model.failure import Cause
from wfctl.model.status import Status
from wfctl.model.turn import Stall, TurnResult


class Instances(Unit, Protocol):
    """The part of the dispatcher that turns need."""

    @property
    def transaction(self) -> Transaction: ...

    def deliver(self, live: LiveInstance, event: Event, seq: int | None = None) -> None: ...

    def cause(self, instance_id: str, app: str) -> Cause | None:
        """Return why an instance failed; None if it is gone, or has not failed."""
        ...


class Turns:
    def __init__(
        self, instances: Instances, live: LiveInstances, executor: Executor, *, leaves_clocks: bool = False
    ) -> None:
        """`leaves_clocks`: trees with clocks of their own are left to another owner."""
        self._instances = instances
        self._live = live
        self._readiness = live.readiness
        self._executor = executor
        self._leaves_clocks = leaves_clocks
        self.any_waits_for_app = False  # an activity was not handed out because its app is not here
        self._broken: dict[int, str] = {}  # instances on which the engine itself failed, and with what

    def run(self, most: int, seconds: float) -> bool:
        """Run up to `most` turns, not much longer than `seconds`. Returns True if some are left."""
        until = time.monotonic() + seconds
        while most > 0:
            live = self._live.next_ready()
            if live is None:
                return False
            self._instances.transaction.latest = live.row.key
            self._run_turn(live)
            most -= 1
            if time.monotonic() > until:
                break
        return self._live.ready > 0

    def mark_broken(self, key: int, why: str) -> None:
        """Run no turn of this instance, on which the engine itself failed: its next one stalls it."""
        self._broken[key] = why

    def forget_broken(self) -> None:
        self._broken.clear()

    def conclude_late(self, turn: LateTurn) -> None:
        """Apply the result of a turn that the executor answered later."""
        key, result = turn.key, turn.result
        live = self._live.known(key)
        new = self._readiness.end_turn(key, turn.new)
        if live is None or new is None:
            return
        if result is not None:
            self._instances.transaction.latest = key
            self._conclude(live, new, result, self._time(live))
            self._instances.transaction.wake_changed = True
        self._live.ready_if(live)

    def _run_turn(self, live: LiveInstance) -> None:
        arrived = [event for _, event in live.mailbox]
        new = decide.admit(live.state, arrived)
        if not new:
            self._consume(live, len(arrived))
            return
        row = live.row
        key = row.key
        if key in self._broken:
            self._stall(live, Stall(ev.StallReason.NON_DETERMINISTIC, self._broken[key]))
            return
        unknown = self.unknown(live)
        if unknown or (live.state.started is None and self._not_due(live, new)):
            if any(type(event) is ev.ExecutionTerminated for event in new):
                # A turn without actions ends as terminated.
                self._conclude_without_code(live, new, len(arrived))
            elif unknown:
                self._pause_or_resume(live)
                self.leave_alone(live)
            return
        now = self._time(live)
        turn_events: list[Event] = [ev.WorkflowStarted(NO_ID, now), *new]
        turn = Turn(
            key,
            row.id,
            row.name,
            lambda: self._instances.history(key),
            turn_events,
            lambda: self._received(live),
            told(row.app),
            past_committed=not (live.appended or live.wipe),
        )
        live.arrived = len(arrived)
        result = self._executor.run_turn(turn)
        if result is None:
            self._readiness.begin_turn(key, turn_events)
        else:
            self._conclude(live, turn_events, result, now)

    def _conclude_without_code(self, live: LiveInstance, new: Sequence[Event], arrived: int) -> None:
        live.arrived = arrived
        as_it_was = TurnResult([], live.row.custom_status, None, live.state.patches)
        now = self._time(live)
        self._conclude(live, [ev.WorkflowStarted(NO_ID, now), *new], as_it_was, now)

    def _pause_or_resume(self, live: LiveInstance) -> None:
        """Follow the requests to pause and to resume before all else in the mailbox, unless code is needed for it:
        to start the instance, or to give it what arrived while it was suspended."""
        asked = [item for item in live.mailbox if type(item[1]) in decide.PAUSES]
        state = live.state
        if not asked or state.started is None or state.stalled is not None:
            return
        new = decide.admit(state, [event for _, event in asked])
        if state.suspended and new and decide.held_back(self._instances.history(live.row.key)):
            return
        live.mailbox[:] = asked + [item for item in live.mailbox if type(item[1]) not in decide.PAUSES]
        if new:
            self._conclude_without_code(live, new, len(asked))
        else:
            self._consume(live, len(asked))

    def _time(self, live: LiveInstance) -> datetime:
        now = self._instances.transaction.now
        return now if live.clock is None else live.time(now)

    def leaves(self, live: LiveInstance) -> bool:
        """Return True if this owner leaves the instance alone for its clock: time is not skipped here."""
        return self._leaves_clocks and live.clock is not None

    def unknown(self, live: LiveInstance) -> bool:
        """Return True if this owner does not run the instance: nobody here registers its workflow, nor that of its
        root, so that it is another app's; its app is not here; or its clock is its own."""
        row = live.row
        if self._leaves_clocks and self.leaves(live):
            return True
        if self._executor.knows(row.name, row.app):
            return False
        if not self._executor.has_app(row.app):
            return True
        root = None if row.parent is None else self._live.row(row.root)
        return root is None or not self._executor.knows(root.name, root.app)

    def leave_alone(self, live: LiveInstance) -> None:
        row = live.row
        self._readiness.leave_alone(row.key, row.name if self._executor.has_app(row.app) else f"{row.app}/{row.name}")

    def _not_due(self, live: LiveInstance, new: Sequence[Event]) -> bool:
        """Return True if this instance, which has not started, is a delayed start whose time has not come."""
        started = next((event for event in new if type(event) is ev.ExecutionStarted), None)
        return started is None or (started.scheduled_start is not None and started.scheduled_start > self._time(live))

    def _conclude(self, live: LiveInstance, new: list[Event], result: TurnResult, now: datetime) -> None:
        """Apply a turn's result. What came in after the turn began stays in the mailbox."""
        stall = result.stall or (decide.patch_mismatch(live.state, result) if live.state.patches else None)
        if stall is not None:
            self._stall(live, stall)
            return
        bad = decide.unstorable(result)
        if bad is not None:
            result = _refused(result, new, "ValueError", f"{bad} is not valid Unicode: it has lone surrogates")
        twice = decide.repeated(live.state, new, result)
        if twice is not None:
            why = f"the worker gave two actions with the ID {twice}, which has to be the ID of one"
            result = _refused(result, new, "UnsupportedAction", why)
        execution_id = "" if result.continue_as_new is None else new_id()
        state = live.state
        outcome = decide.conclude(state, new, result, now, execution_id)
        self._consume(live, live.arrived)
        row = live.row
        if row.started_at is None:
            row.started_at = to_micros(new[0].timestamp)
            live.changed = True
            live.timers_changed = live.timers_changed or row.wake_at is not None
        if outcome.again:
            self._continue_as_new(live, outcome.events)
            return
        held = _held_activities(live) if state.suspended else []
        answered = self._append(live, outcome.events)
        if state.suspended or outcome.completed is not None:
            held = []
        if row.custom_status != result.custom_status:
            row.custom_status = result.custom_status
            live.changed = True
        busy = max(0, row.busy + len(held) + len(outcome.scheduled) - answered)
        for child in outcome.children:
            operations.start_child(self._instances, row, child)
        for task in (*held, *outcome.scheduled):
            self.schedule(live, task)
        if outcome.completed is not None:
            if outcome.terminated is not None:
                busy = 0
                self._terminate_children(live, outcome.terminated)
            self._complete(live, outcome.completed)
        if busy != row.busy:
            row.busy = busy
            live.changed = True
        if row.version != state.version:
            row.version = state.version
            live.changed = True
        self._set_status(live)

    def _append(self, live: LiveInstance, events: Sequence[Event]) -> int:
        """Add to the history. Returns the number of activities that got their result."""
        answered = 0
        for event in events:
            kind = type(event)
            if kind is ev.TaskCompleted or kind is ev.TaskFailed:
                answered += 1
            elif kind in _TIMER_EVENTS:
                live.timers_changed = True
        fold(live.state, events)
        live.appended += events
        return answered

    def _continue_as_new(self, live: LiveInstance, fresh: list[Event]) -> None:
        """Void the history; the new generation's first events are its inbox, and it is ready at once."""
        self._executor.forget(live.row.key)
        live.state = State()
        live.appended = []
        live.posted_timers = set()
        live.wipe = live.timers_changed = live.changed = True
        started = fresh[1]
        live.row.execution_id = started.execution_id  # type: ignore[attr-defined]
        live.row.busy = 0
        live.row.custom_status = None
        live.row.status = Status.RUNNING
        live.mailbox[:0] = [(None, event) for event in fresh[1:]]
        self._live.touch(live)
        self._live.ready_if(live)

    def _stall(self, live: LiveInstance, stall: Stall) -> None:
        """Record the stall; keep the events for the next try, which other code must make."""
        recorded = decide.stalled(live.state, stall, self._time(live))
        self._readiness.stall(live.row.key)
        # A description may quote what code has in its texts.
        live.row.stall = f"{stall.reason.value}: {stall.description}".encode(errors="backslashreplace").decode()
        self._append(live, recorded)
        live.row.status = Status.STALLED
        live.row.wake_at = None
        live.changed = True
        self._executor.forget(live.row.key)
        self._live.touch(live)

    def _complete(self, live: LiveInstance, completed: ev.ExecutionCompleted) -> None:
        row = live.row
        row.completed_at = to_micros(completed.timestamp)
        row.output = completed.result
        if completed.failure is not None:
            live.cause = cause_of(
                completed.failure,
                self._instances.history(row.key),
                lambda child, app_id: self._instances.cause(child, app_of_call(app_id, row.app)),
            )
            row.failure = encode_failure(live.cause.failure)
        live.timers_changed = True
        live.changed = True
        self._instances.transaction.completions.append(completed.status)
        self._instances.transaction.ended.append(row.key)
        if row.parent is None or row.parent_task is None:
            return
        parent = self._live.get(row.parent)
        if parent is not None and parent.row.execution_id == row.parent_execution:
            self._instances.deliver(parent, decide.child_resolution(completed, row.parent_task, self._time(live)))

    def _terminate_children(self, live: LiveInstance, request: ev.ExecutionTerminated) -> None:
        if not request.recurse:
            return
        for child in self._instances.children(live.row.key):
            if not child.status.terminal:
                self._instances.send(
                    child.key, ev.ExecutionTerminated(NO_ID, self._time(live), request.input, True, request.reason)
                )

    def _set_status(self, live: LiveInstance) -> None:
        status = live.state.status()
        if status is not live.row.status:
            live.timers_changed = live.timers_changed or live.row.status is Status.STALLED  # its timers count again
            live.row.status = status
            live.row.stall = None
            live.changed = True

    def schedule(self, live: LiveInstance, task: ev.TaskScheduled) -> None:
        """Hand the activity out after the commit; it waits where its app is not here."""
        row = live.row
        app = app_of_call(task.app_id, row.app)
        if not self._executor.has_app(app):
            self.any_waits_for_app = True
            return
        given = self._propagated(live, task) if task.scope else None
        self._instances.transaction.activities.append(
            ActivityTask(
                row.key, row.id, task.event_id, task.name, task.input, task.task_execution_id, given, told(app)
            )
        )

    def runs_activities(self, live: LiveInstance) -> bool:
        """Return True if an activity without a result has its app here."""
        tasks = (op for op in live.state.open.values() if type(op) is ev.TaskScheduled)
        return any(self._executor.has_app(app_of_call(task.app_id, live.row.app)) for task in tasks)

    def _propagated(
        self, live: LiveInstance, call: ev.TaskScheduled | ev.ChildWorkflowInstanceCreated
    ) -> ev.PropagatedEvents:
        received = self._received(live) if call.scope == propagate.LINEAGE else None
        row = live.row
        history = self._instances.history(row.key)
        # The app here is named to another one alone.
        named = row.app or (DEFAULT_ID if app_of_call(call.app_id, row.app) else None)
        return propagate.propagated(row.id, row.name, history, call, received, named)

    def _received(self, live: LiveInstance) -> ev.PropagatedEvents | None:
        """Return what the parent has propagated to this instance, for as long as the parent waits for it."""
        row = live.row
        parent = None if row.parent is None else self._live.get(row.parent)
        if parent is None or row.parent_task is None or parent.row.execution_id != row.parent_execution:
            return None
        call = parent.state.open.get(row.parent_task)
        if type(call) is not ev.ChildWorkflowInstanceCreated or not call.scope:
            return None
        return self._propagated(parent, call)

    def _consume(self, live: LiveInstance, count: int) -> None:
        for seq, event in live.mailbox[:count]:
            if seq is not None:
                live.taken.append(seq)
            if type(event) is ev.TimerFired:
                live.posted_timers.discard(event.timer_id)
        del live.mailbox[:count]
        if not live.dirty:
            self._live.touch(live)


def _held_activities(live: LiveInstance) -> list[ev.TaskScheduled]:
    """Return the activities of an instance that was imported, suspended: they count as busy, and run, once it is
    resumed."""
    if live.row.busy:
        return []
    return [op for op in live.state.open.values() if type(op) is ev.TaskScheduled]


def _refused(result: TurnResult, new: Sequence[Event], error_type: str, why: str) -> TurnResult:
    """Return the result of a workflow that failed because it asked for something that cannot be done."""
    failure = ev.Failure(error_type, why)
    completed = ev.ExecutionCompleted(NO_ID, new[0].timestamp, Status.FAILED, None, failure)
    return TurnResult([completed], None, result.version, result.patches)


_TIMER_EVENTS = frozenset({ev.TimerCreated, ev.TimerFired, ev.EventRaised, ev.ExecutionStalled})
