"""The owner's work on live instances, inside one transaction at a time.

The host opens a transaction, hands in operations, results and due timers, calls `run_turns`, then `flush`, and
commits. `effects` are released by the host after the commit, and only then. Nothing here waits, and nothing
here is called from another thread than the engine's.

Deviation from a strict reading of "workflow code sees a result only after the commit that recorded it": the
code sees it in the transaction that records it, and whatever the code does with it leaves the process only after that
commit. If the commit fails, the code's memory of it is dropped with the transaction (`drop_all`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wfctl.engine import operations
from wfctl.engine.core import decide
from wfctl.engine.core.state import State, fold, folded
from wfctl.engine.execute.port import ActivityResult, ActivityTask, Executor, Turn
from wfctl.engine.live import Live
from wfctl.engine.memory import Memory, past
from wfctl.engine.store import instances, work
from wfctl.engine.store.codec import encode_failure, from_micros, to_micros
from wfctl.engine.store.database import Connection
from wfctl.engine.store.instances import Row
from wfctl.engine.writer import write
from wfctl.model import events as ev
from wfctl.model.events import NO_ID, Event
from wfctl.model.status import Status
from wfctl.model.turn import Stall, TurnResult


@dataclass(slots=True)
class Changed:
    """What a transaction has written: rows of instances, and key, seq and events of each new row of history."""

    rows: list[Row]
    history: list[tuple[int, int, list[Event]]]


class Dispatcher:
    """Implements `Unit` on the owner's connection, with instances kept live in memory."""

    def __init__(self, db: Connection, executor: Executor) -> None:
        self._db = db
        self._executor = executor
        self.memory = Memory(db)
        self._gone: list[int] = []  # to be forgotten by the executor after the commit
        self._next_key: int | None = None
        self.now: datetime = from_micros(0)
        self.effects: list[ActivityTask] = []  # to be released after the commit
        self.touched: set[int] = set()  # roots that were sent something since the host last looked
        self.born: list[int] = []  # roots that were created since then
        self.wake_changed = True  # the host must ask the store again when something is due next
        self.news = False  # a row of `instances` has changed since the host last looked, not only a history
        self.changed = Changed([], [])  # these rows
        self.completions: Counter[Status] = Counter()

    # --- Unit ---------------------------------------------------------------------------------------------------

    def find(self, instance_id: str) -> Row | None:
        return self.memory.find(instance_id)

    def pending(self, key: int) -> Sequence[Event]:
        live = self.memory.get(key)
        return [] if live is None else [event for _, event in live.mailbox]

    def children(self, key: int) -> Sequence[Row]:
        return self.memory.children(key)

    def history(self, key: int) -> Sequence[Event]:
        live = self.memory.known(key)
        return work.read_history(self._db, key) if live is None else past(self._db, live)

    def create(self, row: Row, started: ev.ExecutionStarted | None, history: Sequence[Event] = ()) -> None:
        row.key = self._new_key()
        row.root = row.root or row.key
        live = Live(row, folded(history), 0, new=True)
        live.appended = list(history)
        live.timers_changed = bool(history)
        self.memory.keep(live)
        self.memory.touch(live)
        if row.parent is None:
            self.born.append(row.key)
        if row.wake_at is not None:
            self.wake_changed = True
        if started is not None:
            self.deliver(live, started)
        for operation in live.state.open.values():
            if type(operation) is ev.TaskScheduled:
                self._schedule(live, operation)

    def send(self, key: int, event: Event) -> None:
        live = self.memory.get(key)
        if live is not None:
            self.touched.add(live.row.root)
            self.deliver(live, event)

    def delete(self, keys: Sequence[int]) -> None:
        instances.delete(self._db, keys)
        self.drop(keys)
        self.wake_changed = self.news = True

    # --- what arrives -------------------------------------------------------------------------------------------

    def deliver(self, live: Live, event: Event, seq: int | None = None) -> None:
        """Put an event into the mailbox; a turn will see it, or the inbox keep it."""
        live.mailbox.append((seq, event))
        if live.parked and type(event) is ev.ExecutionTerminated:
            self.memory.unpark([live.row.key])
        self.memory.touch(live)
        self.memory.ready_if(live)

    def deliver_committed(self, key: int, seq: int, event: Event) -> None:
        """An event that another process has put into the inbox."""
        known = self.memory.known(key)
        if known is None:
            self.memory.get(key)  # reads the inbox, this event included
        elif all(seq != other for other, _ in known.mailbox):
            self.deliver(known, event, seq)

    def deliver_result(self, done: ActivityResult) -> None:
        live = self.memory.get(done.key)
        if live is None:
            return
        if live.state.completed is not None:
            # An activity that the workflow did not wait for: it has run, and that is all there is to know.
            live.row.busy = max(0, live.row.busy - 1)
            live.changed = True
            self.memory.touch(live)
            return
        event: Event
        if done.failure is not None:
            event = ev.TaskFailed(NO_ID, self.now, done.task_id, done.failure, done.task_execution_id)
        else:
            event = ev.TaskCompleted(NO_ID, self.now, done.task_id, done.result, done.task_execution_id)
        scheduled = live.state.open.get(done.task_id)
        if type(scheduled) is ev.TaskScheduled and scheduled.task_execution_id == done.task_execution_id:
            self.deliver(live, event)

    def set_in_motion(self, key: int) -> None:
        """After a restart: hand out the activities that have no result."""
        live = self.memory.get(key)
        if live is None:
            return
        open_tasks = [op for op in live.state.open.values() if type(op) is ev.TaskScheduled]
        if live.row.busy != len(open_tasks):
            live.row.busy = len(open_tasks)
            live.changed = True
            self.memory.touch(live)
        self.effects += [self._task(live, op) for op in open_tasks]

    def fire_timers(self, key: int) -> None:
        """Deliver the timers of this instance that are due; a delayed start becomes ready."""
        live = self.memory.get(key)
        if live is None or live.in_flight is not None:
            return
        for event in decide.due_timers(live.state, self.now):
            timer_id = event.timer_id  # type: ignore[attr-defined]
            if timer_id not in live.posted_timers:
                live.posted_timers.add(timer_id)
                self.deliver(live, event)
        self.memory.ready_if(live)

    def drop(self, keys: Sequence[int]) -> None:
        """Forget instances that are no longer in the store."""
        self.memory.drop(keys)
        self._gone += keys

    def drop_all(self) -> None:
        """After a rollback: nothing in memory can be trusted, the store can."""
        for key in self.memory.clear():
            self._executor.forget(key)
        self._gone.clear()
        self.effects.clear()
        self.changed = Changed([], [])
        self._next_key = None
        self.wake_changed = True

    def held(self) -> set[int]:
        """Keys whose due times do not matter now: their turn is in flight, or other code is needed."""
        return self.memory.held | set(self.memory.left_alone)

    # --- turns --------------------------------------------------------------------------------------------------

    def run_turns(self, most: int) -> bool:
        """Run turns of what is ready, `most` at the most; whether some are left."""
        while most > 0:
            live = self.memory.next_ready()
            if live is None:
                return False
            self._run_turn(live)
            most -= 1
        return self.memory.any_ready

    def conclude_late(self, key: int, result: TurnResult | None) -> None:
        """The result of a turn that the executor answered later; None: run it again."""
        live = self.memory.known(key)
        if live is None or live.in_flight is None:
            return
        new, live.in_flight = live.in_flight, None
        self.memory.held.discard(key)
        if result is None:
            self.memory.ready_if(live)
            return
        self._conclude(live, new, result)
        self.memory.ready_if(live)
        self.wake_changed = True

    def _run_turn(self, live: Live) -> None:
        arrived = [event for _, event in live.mailbox]
        new = decide.admit(live.state, arrived)
        if not new:
            self._consume(live, len(arrived))
            return
        unknown = live.row.parent is None and not self._executor.knows(live.row.name)
        if unknown or self._not_due(live, new):
            if any(type(event) is ev.ExecutionTerminated for event in new):
                # No code is needed for this: a turn without actions ends as terminated.
                live.arrived = len(arrived)
                self._conclude(live, [ev.WorkflowStarted(NO_ID, self.now), *new], TurnResult())
            elif unknown:
                self.memory.park(live)
                self.memory.left_alone[live.row.key] = live.row.name
            return
        turn_events: list[Event] = [ev.WorkflowStarted(NO_ID, self.now), *new]
        key = live.row.key
        turn = Turn(key, live.row.id, live.row.name, lambda: self.history(key), turn_events)
        live.arrived = len(arrived)
        result = self._executor.run_turn(turn)
        if result is None:
            live.in_flight = turn_events
            self.memory.held.add(key)
        else:
            self._conclude(live, turn_events, result)

    def _not_due(self, live: Live, new: Sequence[Event]) -> bool:
        """Whether this is a delayed start whose time has not come."""
        if live.state.started is not None:
            return False
        started = next((event for event in new if type(event) is ev.ExecutionStarted), None)
        return started is None or (started.scheduled_start is not None and started.scheduled_start > self.now)

    def _conclude(self, live: Live, new: list[Event], result: TurnResult) -> None:
        """Apply a turn's result. What came in after the turn began stays in the mailbox."""
        stall = result.stall or decide.patch_mismatch(live.state, result)
        if stall is not None:
            self._stall(live, stall)
            return
        execution_id = "" if result.continue_as_new is None else operations.new_id()
        outcome = decide.conclude(live.state, new, result, self.now, execution_id)
        self._consume(live, live.arrived)
        row = live.row
        if row.started_at is None:
            row.started_at = to_micros(new[0].timestamp)
            live.changed = True
            live.timers_changed = row.wake_at is not None
        if outcome.again:
            self._continue_as_new(live, outcome.events)
            return
        answered = self._append(live, outcome.events)
        if row.custom_status != result.custom_status:
            row.custom_status = result.custom_status
            live.changed = True
        busy = row.busy + len(outcome.scheduled) - answered
        for child in outcome.children:
            operations.start_child(self, row, child)
        for task in outcome.scheduled:
            self._schedule(live, task)
        if outcome.completed is not None:
            if outcome.terminated is not None:
                busy = 0
                self._terminate_children(live, outcome.terminated)
            self._complete(live, outcome.completed)
        if busy != row.busy:
            row.busy = busy
            live.changed = True
        if row.version != live.state.version:
            row.version = live.state.version
            live.changed = True
        self._set_status(live)

    def _append(self, live: Live, events: Sequence[Event]) -> int:
        """Add to the history; how many activities got their result."""
        state = live.state
        answered = 0
        for event in events:
            kind = type(event)
            if kind is ev.TaskCompleted or kind is ev.TaskFailed:
                answered += 1
            elif kind in _TIMER_EVENTS:
                live.timers_changed = True
            fold(state, event)
        live.appended += events
        return answered

    def _continue_as_new(self, live: Live, fresh: list[Event]) -> None:
        """Void the history; the new generation's first events are its inbox, and it is ready at once."""
        self._executor.forget(live.row.key)
        live.state = State()
        live.appended = []
        live.posted_timers = set()
        live.wipe = live.timers_changed = live.changed = live.input_changed = True
        started = fresh[1]
        live.row.execution_id = started.execution_id  # type: ignore[attr-defined]
        live.row.busy = 0
        live.row.custom_status = None
        live.row.status = Status.RUNNING
        live.mailbox[:0] = [(None, event) for event in fresh[1:]]
        self.memory.touch(live)
        self.memory.ready_if(live)

    def _stall(self, live: Live, stall: Stall) -> None:
        """Record it, keep the events for the next try, which other code must make."""
        recorded = decide.stalled(live.state, stall, self.now)
        self.memory.park(live)
        live.row.stall = f"{stall.reason.value}: {stall.description}"
        self._append(live, recorded)
        live.row.status = Status.STALLED
        live.row.wake_at = None
        live.changed = True
        self._executor.forget(live.row.key)
        self.memory.touch(live)

    def _complete(self, live: Live, completed: ev.ExecutionCompleted) -> None:
        row = live.row
        row.completed_at = to_micros(completed.timestamp)
        row.output = completed.result
        row.failure = encode_failure(completed.failure)
        live.timers_changed = True
        live.changed = True
        self.completions[completed.status] += 1
        self._gone.append(row.key)
        if row.parent is None or row.parent_task is None:
            return
        parent = self.memory.get(row.parent)
        if parent is not None and parent.row.execution_id == row.parent_execution:
            self.deliver(parent, decide.child_resolution(completed, row.parent_task, self.now))

    def _terminate_children(self, live: Live, request: ev.ExecutionTerminated) -> None:
        if not request.recurse:
            return
        for child in self.children(live.row.key):
            if not child.status.terminal:
                self.send(child.key, ev.ExecutionTerminated(NO_ID, self.now, request.input, True, request.reason))

    def _set_status(self, live: Live) -> None:
        status = live.state.status()
        if status is not live.row.status:
            live.row.status = status
            live.row.stall = None
            live.changed = True

    def _schedule(self, live: Live, task: ev.TaskScheduled) -> None:
        self.effects.append(self._task(live, task))

    @staticmethod
    def _task(live: Live, task: ev.TaskScheduled) -> ActivityTask:
        return ActivityTask(live.row.key, live.row.id, task.event_id, task.name, task.input, task.task_execution_id)

    # --- bookkeeping --------------------------------------------------------------------------------------------

    def _consume(self, live: Live, count: int) -> None:
        for seq, event in live.mailbox[:count]:
            if seq is not None:
                live.taken.append(seq)
            if type(event) is ev.TimerFired:
                live.posted_timers.discard(event.timer_id)
        del live.mailbox[:count]
        self.memory.touch(live)

    def _new_key(self) -> int:
        """Keys are given out in memory while the write lock is held (`begin` resets the count)."""
        key = self._next_key if self._next_key is not None else instances.next_key(self._db)
        self._next_key = key + 1
        return key

    def begin(self, now: datetime) -> None:
        """A new transaction has begun."""
        self.now = now
        self._next_key = None

    def flush(self) -> int:
        """Write what has changed; the highest inbox seq written (0 if none)."""
        dirty, self.memory.dirty = self.memory.dirty, []
        written = write(self._db, dirty)
        self.news = self.news or written.news
        self.changed.rows += written.rows
        self.changed.history += written.appended
        self.wake_changed = self.wake_changed or written.wake_changed
        return written.last_inbox

    def committed(self) -> None:
        """After the commit: let go of what is finished, and of what has not been used for long."""
        for key in self._gone:
            self._executor.forget(key)
            self.memory.release(key)
        self._gone.clear()
        for key in self.memory.evict():
            self._executor.forget(key)


_TIMER_EVENTS = frozenset({ev.TimerCreated, ev.TimerFired, ev.EventRaised, ev.ExecutionStalled})
