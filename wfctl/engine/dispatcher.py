"""The owner's work on live instances, inside one transaction at a time.

The host opens a transaction, hands in operations, results and due timers, runs turns (`wfctl.engine.turns`), then calls
`flush`, and commits. Effects are released by the host after the commit, and only then. Nothing here waits, and
nothing here is called from another thread than the engine's.

Deviation from a strict reading of "workflow code sees a result only after the commit that recorded it": the
code sees it in the transaction that records it, and whatever the code does with it leaves the process only after that
commit. If the commit fails, the code's memory of it is dropped with the transaction (`drop_all`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wfctl.engine.core import decide
from wfctl.engine.core.folded_state import folded
from wfctl.engine.execute.port import ActivityResult, Executor
from wfctl.engine.flush import write
from wfctl.engine.live_instance import Live
from wfctl.engine.live_instances import Memory, past
from wfctl.engine.store import causes, history_inbox, instances
from wfctl.engine.store.database import Connection
from wfctl.engine.store.instances import Row
from wfctl.engine.store.values import from_micros
from wfctl.engine.turns import Turns
from wfctl.model import events as ev
from wfctl.model.events import NO_ID, Event
from wfctl.model.failure import Cause
from wfctl.model.status import Status


@dataclass(slots=True)
class Changed:
    """What a transaction has written: rows of instances, and key, seq and events of each new row of history."""

    rows: list[Row]
    history: list[tuple[int, int, list[Event]]]


class Dispatcher:
    """Implements `Unit` on the owner's connection, with instances kept live in memory."""

    def __init__(self, db: Connection, executor: Executor) -> None:
        self._db = self.store = db
        self._executor = executor
        self.memory = Memory(db)
        self.turns = Turns(self, self.memory, executor)
        self._next_key: int | None = None
        self.now: datetime = from_micros(0)
        self.touched: set[int] = set()  # roots that were sent something since the host last looked
        self.born: list[int] = []  # roots that were created since then
        self.wake_changed = True  # the host must ask the store again when something is due next
        self.news = False  # a row of `instances` has changed since the host last looked, not only a history
        self.changed = Changed([], [])  # these rows
        self.completions: Counter[Status] = Counter()
        self._resting: set[int] = set()  # keys with activities that nobody here can be given

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
        return history_inbox.read_history(self._db, key) if live is None else past(self._db, live)

    def create(self, row: Row, arriving: Sequence[Event], history: Sequence[Event] = ()) -> None:
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
        for event in arriving:
            self.deliver(live, event)
        if row.busy:
            self._hand_out(live)

    def send(self, key: int, event: Event) -> None:
        live = self.memory.get(key)
        if live is not None:
            self.touched.add(live.row.root)
            self.deliver(live, event)

    def delete(self, keys: Sequence[int]) -> None:
        instances.delete(self._db, keys)
        self.drop(keys)
        self.wake_changed = self.news = True

    def cause(self, instance_id: str) -> Cause | None:
        row = self.memory.find(instance_id)
        if row is None:
            return None
        live = self.memory.known(row.key)
        return live.cause if live is not None and live.cause is not None else causes.of(self._db, row)

    # --- what arrives -------------------------------------------------------------------------------------------

    def deliver(self, live: Live, event: Event, seq: int | None = None) -> None:
        """Put an event into the mailbox; a turn will see it, or the inbox keep it."""
        live.mailbox.append((seq, event))
        self._unpark_for(live, event)
        self.memory.touch(live)
        self.memory.ready_if(live)

    def _unpark_for(self, live: Live, event: Event) -> None:
        """Try a turn of an instance that waits for code, where the event may be one that needs none."""
        kind = type(event)
        if live.parked and (
            kind is ev.ExecutionTerminated or (kind in decide.PAUSES and live.row.key in self.memory.left_alone)
        ):
            self.memory.unpark([live.row.key])

    def deliver_committed(self, key: int, events: Sequence[tuple[int, Event]]) -> None:
        """Events, with their seqs, that another process has put into the inbox."""
        known = self.memory.known(key)
        if known is None:
            live = self.memory.get(key)  # reads the inbox, these events included
            if live is not None:
                for _, event in events:
                    self._unpark_for(live, event)
            return
        here = {seq for seq, _ in known.mailbox}.union(known.taken)
        for seq, event in events:
            if seq not in here:
                self.deliver(known, event, seq)

    def read_inbox(self, key: int) -> None:
        """See to it that all of the inbox of this instance is in its mailbox."""
        if self.memory.known(key) is None:
            self.memory.get(key)
        else:
            self.deliver_committed(key, history_inbox.inbox_of(self._db, key))

    def deliver_result(self, done: ActivityResult) -> None:
        live = self.memory.get(done.key)
        if live is None:
            return
        scheduled = live.state.open.get(done.task_id)
        if type(scheduled) is not ev.TaskScheduled or scheduled.task_execution_id != done.task_execution_id:
            return
        if live.state.completed is not None:
            # An activity that the workflow did not wait for: it has run, and that is all there is to know.
            live.row.busy = max(0, live.row.busy - 1)
            live.changed = True
            self.memory.touch(live)
        elif done.failure is not None:
            self.deliver(live, ev.TaskFailed(NO_ID, self.now, done.task_id, done.failure, done.task_execution_id))
        else:
            self.deliver(live, ev.TaskCompleted(NO_ID, self.now, done.task_id, done.result, done.task_execution_id))

    def set_in_motion(self, key: int) -> None:
        """After a restart: hand out the activities that have no result. Those of another app are left to it."""
        live = self.memory.get(key)
        if live is not None:
            self._hand_out(live)

    def _hand_out(self, live: Live) -> None:
        if self.turns.unknown(live):
            self._resting.add(live.row.key)
            self.turns.leave_alone(live)
            return
        open_tasks = [op for op in live.state.open.values() if type(op) is ev.TaskScheduled]
        if live.row.busy != len(open_tasks):
            live.row.busy = len(open_tasks)
            live.changed = True
            self.memory.touch(live)
        answered = {event.task_scheduled_id for _, event in live.mailbox if type(event) is ev.TaskCompleted}
        self.turns.effects += [self.turns.activity_task(live, op) for op in open_tasks if op.event_id not in answered]

    def unpark(self) -> None:
        """Other code has come: try everything again that waits for some."""
        self.turns.broken.clear()
        resting, self._resting = self._resting, set()
        self.memory.unpark(set(self.memory.parked))
        for key in sorted(resting):
            live = self.memory.get(key)
            if live is not None and live.row.busy:
                self.set_in_motion(key)

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
        self._resting.difference_update(keys)
        self.turns.ended += keys

    def drop_all(self) -> None:
        """After a rollback: nothing in memory can be trusted, the store can."""
        for key in self.memory.clear():
            self._executor.forget(key)
        self.turns.ended.clear()
        self.turns.effects.clear()
        self.turns.completions.clear()
        self.born.clear()
        self.touched.clear()
        self.changed = Changed([], [])
        self._next_key = None
        self.wake_changed = True

    def held(self) -> set[int]:
        """Keys whose due times do not matter now: their turn is in flight, or other code is needed."""
        return self.memory.held

    # --- bookkeeping --------------------------------------------------------------------------------------------

    def _new_key(self) -> int:
        """Keys are given out in memory while the write lock is held (`begin` resets the count)."""
        key = self._next_key if self._next_key is not None else instances.next_key(self._db)
        self._next_key = key + 1
        return key

    def begin(self, now: datetime) -> None:
        """A new transaction has begun."""
        self.now = now
        self._next_key = None
        self.turns.latest = None

    def flush(self) -> int:
        """Write what has changed; the highest inbox seq written (0 if none)."""
        dirty, self.memory.dirty = self.memory.dirty, []
        written = write(self._db, dirty)
        self.news = self.news or written.news
        self.changed.rows += written.rows
        self.changed.history += written.appended
        self.wake_changed = self.wake_changed or written.wake_changed or self.turns.changed_wake
        self.turns.changed_wake = False
        return written.last_inbox

    def committed(self) -> None:
        """After the commit: let go of what is finished, and of what has not been used for long."""
        turns = self.turns
        for key in turns.ended:
            self._executor.forget(key)
            self.memory.release(key)
        turns.ended.clear()
        self.completions += turns.completions
        turns.completions.clear()
        for key in self.memory.evict():
            self._executor.forget(key)
