"""The owner's work on live instances, inside one transaction at a time.

`OwnedStore` opens a transaction, calls `begin`, hands in what arrives and what is due, runs turns
(`wfctl.engine.turns`), then calls `flush`, and commits. What a transaction lets out (`Transaction`) leaves after the
commit, and only then. Nothing here waits, and nothing here is called from another thread than the engine's.

Deviation from a strict reading of "workflow code sees a result only after the commit that recorded it": the
code sees it in the transaction that records it, and whatever the code does with it leaves the process only after that
commit. If the commit fails, the code's memory of it is dropped with the transaction (`roll_back`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from wfctl.engine.core import decide
from wfctl.engine.core.folded_state import folded
from wfctl.engine.execute.port import ActivityResult, Delivery, Executor, ExecutorFailed, LateTurn
from wfctl.engine.flush import write
from wfctl.engine.live_instance import LiveInstance
from wfctl.engine.live_instances import LiveInstances
from wfctl.engine.store import causes, clocks, history_inbox, instances
from wfctl.engine.store.clocks import TreeClock
from wfctl.engine.store.codec import decode_event
from wfctl.engine.store.database import Connection
from wfctl.engine.store.instances import Row
from wfctl.engine.store.values import EPOCH
from wfctl.engine.transaction import Transaction
from wfctl.engine.turns import Turns
from wfctl.model import events as ev
from wfctl.model.apps import Apps
from wfctl.model.events import NO_ID, Event
from wfctl.model.failure import Cause
from wfctl.model.status import Status

T = TypeVar("T")


class Dispatcher:
    """Implements `Unit` on the owner's connection, with instances kept live in memory."""

    def __init__(self, db: Connection, executor: Executor, *, leaves_clocks: bool = False) -> None:
        """`leaves_clocks`: trees with clocks of their own are left to another owner."""
        self._db = self.store = db
        self._executor = executor
        self._live = LiveInstances(db)
        self._readiness = self._live.readiness
        self._turns = Turns(self, self._live, executor, leaves_clocks=leaves_clocks)
        self.transaction = Transaction(EPOCH)
        # Asked of the store once, as long as no other process writes.
        self._whole_store: bool | None = None
        self._next_key: int | None = None
        self.completions: Counter[Status] = Counter()  # since the process owns the store
        self.busy: set[int] = set()  # keys of all that have activities to run, and of some that have been deleted

    # --- Unit ---------------------------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        return self.transaction.now

    def find(self, instance_id: str, apps: Apps = None) -> Row | None:
        return self._live.find(instance_id, apps)

    def pending(self, key: int) -> Sequence[Event]:
        live = self._live.get(key)
        return [] if live is None else [event for _, event in live.mailbox]

    def children(self, key: int) -> Sequence[Row]:
        return self._live.children(key)

    def history(self, key: int) -> Sequence[Event]:
        return self._live.history(key)

    def whole_store(self) -> bool:
        if self._whole_store is None:
            self._whole_store = clocks.whole_store(self._db)
        return self._whole_store

    def clock(self, root: int) -> TreeClock | None:
        live = self._live.known(root)
        return self._live.clock(root) if live is None else live.clock

    def create(
        self, row: Row, arriving: Sequence[Event], history: Sequence[Event] = (), clock: TreeClock | None = None
    ) -> None:
        row.key = self._new_key()
        row.root = row.root or row.key
        live = LiveInstance(row, folded(history), 0, new=True)
        live.appended = list(history)
        live.timers_changed = bool(history)
        if clock is not None:
            clock.root = row.root
            self._live.add_clock(clock)
        elif row.parent is not None and (parent := self._live.get(row.parent)) is not None:
            clock = parent.clock
        live.clock = clock
        self._live.keep(live)
        self._live.touch(live)
        if row.parent is None:
            self.transaction.born.append(row.key)
        if row.wake_at is not None:
            self.transaction.wake_changed = True
        for event in arriving:
            self.deliver(live, event)
        if row.busy:
            self._hand_out(live)

    def send(self, key: int, event: Event) -> None:
        live = self._live.get(key)
        if live is not None:
            self.transaction.touched.add(live.row.root)
            self.deliver(live, event)

    def suspend(self, row: Row, event: ev.ExecutionSuspended) -> None:
        self.send(row.key, event)

    def delete(self, keys: Sequence[int]) -> None:
        # Asked for only where something was rerun: to go through all that has changed for each purge would add up.
        coming = (live.row.key for live in self._live.dirty if live.new and live.row.key not in keys)
        instances.delete(self._db, keys, coming)
        self.drop(keys)
        self.transaction.wake_changed = self.transaction.news = True

    def cause(self, instance_id: str, app: str) -> Cause | None:
        row = self._live.find(instance_id, (app,))
        if row is None:
            return None
        live = self._live.known(row.key)
        return live.cause if live is not None and live.cause is not None else causes.of(self._db, row)

    # --- what arrives -------------------------------------------------------------------------------------------

    def take(self, delivery: Delivery) -> None:
        """Take in what an executor delivers. Raises the error of an executor that failed."""
        if type(delivery) is ActivityResult:
            self._deliver_result(delivery)
        elif isinstance(delivery, LateTurn):
            self._turns.conclude_late(delivery)
        elif isinstance(delivery, ExecutorFailed):
            raise delivery.error

    def deliver(self, live: LiveInstance, event: Event, seq: int | None = None) -> None:
        """Put an event into the mailbox; a turn will see it, or the inbox keep it."""
        live.mailbox.append((seq, event))
        self._live.touch(live)
        if live.row.key in self._readiness:
            self._try_again_for(live, event)
        elif not live.queued:
            self._live.queue(live)

    def _try_again_for(self, live: LiveInstance, event: Event) -> None:
        """Try a turn of an instance that waits for code, where the event may be one that needs none."""
        key, kind = live.row.key, type(event)
        if key in self._readiness and (
            kind is ev.ExecutionTerminated or (kind in decide.PAUSES and self._readiness.is_left_alone(key))
        ):
            self._live.try_again([key])

    def expect(self, ids: Sequence[str]) -> None:
        """Read the instances with these IDs, which the open transaction will ask for, with a few statements."""
        self._live.expect(ids)

    def others_wrote(self) -> None:
        """Take note that another process may have written since the last transaction."""
        self._whole_store = self._next_key = None

    def load(self, keys: Sequence[int]) -> None:
        """See to it that these instances are in memory, with their inboxes."""
        self._live.load(keys)

    def deliver_committed(self, arrived: Mapping[int, Sequence[tuple[int, str]]]) -> None:
        """Deliver events that other processes have put into the inbox, by the key of the instance: the seq of each and
        its text there."""
        absent = self.read_back(arrived)
        for key, events in arrived.items():
            live = None if key in absent else self._live.known(key)
            if live is not None:
                for seq, text in _not_here(live, events):
                    self.deliver(live, decode_event(text), seq)

    def read_back(self, keys: Iterable[int]) -> Container[int]:
        """See to it that these instances, for which something has come, are in memory, with all of their inboxes.
        Returns the keys of those that were not."""
        absent = dict.fromkeys(key for key in keys if self._live.known(key) is None)
        self._live.load([*absent])
        for live in filter(None, map(self._live.known, absent)):
            for _, event in live.mailbox:
                self._try_again_for(live, event)
        return absent

    def read_inbox(self, key: int) -> None:
        """See to it that all of the inbox of this instance is in its mailbox."""
        live = self._live.known(key)
        if live is None:
            self._live.load([key])
        else:
            for seq, event in _not_here(live, history_inbox.inbox_of(self._db, key)):
                self.deliver(live, event, seq)

    def _deliver_result(self, done: ActivityResult) -> None:
        live = self._live.get(done.key)
        if live is None:
            return
        scheduled = live.state.open.get(done.task_id)
        if type(scheduled) is not ev.TaskScheduled or scheduled.task_execution_id != done.task_execution_id:
            return
        now = self.transaction.now
        if live.clock is not None:
            now = live.time(now)
        if live.state.completed is not None:
            # An activity that the workflow did not wait for: it has run, and that is all there is to know.
            live.row.busy = max(0, live.row.busy - 1)
            live.changed = True
            self._live.touch(live)
        elif done.failure is not None:
            self.deliver(live, ev.TaskFailed(NO_ID, now, done.task_id, done.failure, done.task_execution_id))
        else:
            self.deliver(live, ev.TaskCompleted(NO_ID, now, done.task_id, done.result, done.task_execution_id))

    def set_in_motion(self, key: int) -> None:
        """Hand out the activities that have no result, as after a restart. Those of another app are left to it."""
        self.busy.add(key)
        live = self._live.get(key)
        if live is not None:
            self._hand_out(live)

    def _hand_out(self, live: LiveInstance) -> None:
        if self._turns.unknown(live):
            self._readiness.withhold(live.row.key)
            self._turns.leave_alone(live)
            return
        open_tasks = [op for op in live.state.open.values() if type(op) is ev.TaskScheduled]
        if live.row.busy != len(open_tasks):
            live.row.busy = len(open_tasks)
            live.changed = True
            self._live.touch(live)
        answered = {event.task_scheduled_id for _, event in live.mailbox if type(event) is ev.TaskCompleted}
        for task in open_tasks:
            if task.event_id not in answered:
                self._turns.schedule(live, task)

    def try_all_again(self) -> None:
        """Try everything again that waits for other code: some has come."""
        self._turns.forget_broken()
        withheld = self._readiness.release_withheld()
        self._live.try_again(self._readiness.all_that_wait_for_code())
        for key in withheld:
            live = self._live.get(key)
            if live is not None and live.row.busy:
                self.set_in_motion(key)

    def fire_timers(self, key: int) -> None:
        """Deliver the timers of this instance that are due; a delayed start becomes ready."""
        live = self._live.get(key)
        if live is None or self._readiness.in_flight(key):
            return
        if self._turns.leaves(live):
            self._turns.leave_alone(live)
            return
        skipped_ms = self.transaction.jumps.get(live.row.root, 0) // 1000
        for event in decide.due_timers(live.state, live.time(self.now), skipped_ms):
            timer_id = event.timer_id  # type: ignore[attr-defined]
            if timer_id not in live.posted_timers:
                live.posted_timers.add(timer_id)
                self.deliver(live, event)
        self._live.ready_if(live)

    def jump(self, root: int, by: int) -> None:
        """Set the clock of this tree forward, by microseconds."""
        clock = self.clock(root)
        if clock is not None:
            self._live.jump(clock, by)
            self.transaction.jumps[root] = by
            self.transaction.wake_changed = True

    def drop(self, keys: Sequence[int]) -> None:
        """Forget instances that are no longer in the store."""
        self._live.drop(keys)
        self.transaction.ended += keys

    def forget(self, keys: Sequence[int]) -> None:
        """Forget what memory has of instances that other processes have deleted or suspended."""
        rows = instances.by_keys(self._db, keys)
        there = [row.key for row in rows]
        self.drop([*{*keys}.difference(there)])
        for key in there:
            self._executor.forget(key)  # at once: a turn may follow in this transaction
        self._live.let_go(there)
        self.transaction.rows += rows
        self.transaction.history += history_inbox.last_rows(self._db, rows)
        self.transaction.news = True

    # --- turns --------------------------------------------------------------------------------------------------

    def run_turns(self, most: int, seconds: float) -> bool:
        """Run up to `most` turns, not much longer than `seconds`. Returns True if some are left."""
        return self._turns.run(most, seconds)

    @property
    def turns_left(self) -> int:
        """Return how many turns are to be run, or a few more."""
        return self._live.ready

    def mark_broken(self, key: int, why: str) -> None:
        """Stall this instance at its next turn: the engine itself failed on it."""
        self._turns.mark_broken(key, why)

    # --- questions ----------------------------------------------------------------------------------------------

    def is_live(self, key: int) -> bool:
        return self._live.known(key) is not None

    def moving(self) -> Collection[int]:
        """Return the roots of the trees in which a turn is to be run, or under way."""
        return self._live.moving()

    def moves(self, roots: Collection[int] | None) -> bool:
        """Return True if a turn in the trees of these roots (None: any) is to be run, or under way."""
        return self._live.moves(roots)

    @property
    def blocked(self) -> Container[int]:
        """The keys of the instances that can take no turn: what is due for them does not matter now."""
        return self._readiness

    @property
    def idle(self) -> Container[int]:
        """The keys of the instances whose activities do not run here."""
        return _Idle(self._live, self._turns)

    def left_alone(self) -> dict[int, str]:
        """Return what nobody here can run: the workflow's name, by the key of the instance."""
        return self._readiness.left_alone()

    # --- the transaction ----------------------------------------------------------------------------------------

    def _new_key(self) -> int:
        """Return the next key. They are given out in memory as long as nobody else writes."""
        key = instances.next_key(self._db) if self._next_key is None else self._next_key
        self._next_key = key + 1
        return key

    def begin(self, now: datetime) -> None:
        """Take note that a new transaction has begun."""
        self.transaction.now = now

    def flush(self) -> None:
        """Write what has changed."""
        dirty, self._live.dirty = self._live.dirty, []
        write(self._db, dirty, self.transaction)
        self._live.written(dirty)

    def committed(self, *, start_activities: bool = True) -> Transaction:
        """Let out what the transaction, which is committed, holds. Returns it.

        Lets go of what is finished, and of what has not been used for long."""
        done, self.transaction = self.transaction, Transaction(self.now)
        if done.activities and start_activities:
            self._executor.run_activities(done.activities)
        for row in done.rows:
            if row.busy:
                self.busy.add(row.key)
            else:
                self.busy.discard(row.key)
        for key in done.ended:
            self._executor.forget(key)
            self._live.release(key)
        for status in done.completions:
            self.completions[status] += 1
        for key in self._live.evict():
            self._executor.forget(key)
        return done

    def roll_back(self) -> None:
        """Forget all that is in memory: after a rollback only the store can be trusted."""
        for key in self._live.clear():
            self._executor.forget(key)
        self._whole_store = self._next_key = None
        self.transaction = Transaction(self.now)


def _not_here(live: LiveInstance, events: Iterable[tuple[int, T]]) -> list[tuple[int, T]]:
    """Return those of these events, each with its seq in the inbox, that the instance has not been given yet."""
    here = {seq for seq, _ in live.mailbox}.union(live.taken)
    return [one for one in events if one[0] not in here]


class _Idle:
    """The instances, by key, whose activities do not run here: left alone, or with activities of other apps only."""

    def __init__(self, live: LiveInstances, turns: Turns) -> None:
        self._live = live
        self._turns = turns

    def __contains__(self, key: object) -> bool:
        assert isinstance(key, int)
        if self._live.readiness.is_left_alone(key):
            return True
        live = self._live.get(key) if self._turns.any_waits_for_app else None
        return live is not None and not self._turns.runs_activities(live)
