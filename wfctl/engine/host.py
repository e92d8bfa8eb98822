"""The engine of a store: one thread that owns the write connection and does everything in it.

It takes operations, results and late turns from one queue, and due timers from the store: drain, decide, commit
once, release. What a caller is told, and what an executor is given to do, was committed before.

    host = Host(path, make_executor)
    if host.start(scope=[]):          # False: another process owns the store
        host.submit(lambda unit: operations.start(unit, request)).result()
    ...
    host.stop()

A host with `scope=None` drives everything in the store. With a list of roots it drives only these trees, those it
is asked to `adopt`, those whose instances its own operations touch, and those that other processes leave to it.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from wfctl.engine.clock import Clock, SystemClock, Ticks
from wfctl.engine.dispatch import Changed, Dispatcher
from wfctl.engine.execute.port import ActivityResult, Delivery, Executor, LateTurn
from wfctl.engine.owner import OwnerLock
from wfctl.engine.store import database, instances, work
from wfctl.engine.store.codec import decode, from_micros, to_micros
from wfctl.engine.store.work import OwnerRow
from wfctl.engine.unit import Unit
from wfctl.errors import StoreError, WfctlError
from wfctl.model.status import Status

T = TypeVar("T")

# How often an idle owner looks whether another process has written; the look costs some microseconds.
POLL_SECONDS = 0.005
# Turns and messages in one transaction at the most: what waits for the commit waits no longer than these take.
MOST_TURNS = 2000
MOST_MESSAGES = 4000
# After this many transactions in a row that could not be committed, the engine gives up and says why.
MOST_FAILURES = 5
# Up to this many trees are asked one by one when something is due; above it, all timers in the store are gone through.
FEW_TREES = 50
# "Soon", for `settled`: a timer that is further away does not keep a command waiting.
SOON = timedelta(seconds=10)


class _Operation:
    __slots__ = ("call", "future", "value")

    def __init__(self, call: Callable[[Unit], Any]) -> None:
        self.call = call
        self.future: Future[Any] = Future()
        self.value: Any = None


class Host:
    """`start`, `submit`, `stop`; all methods may be called from any thread."""

    def __init__(
        self,
        store: Path,
        executor: Callable[[Callable[[Delivery], None]], Executor],
        *,
        app: str | None = None,
        workflows: Sequence[str] = (),
        clock: Clock | None = None,
        after_commit: Callable[[Changed], None] | None = None,
    ) -> None:
        """`after_commit` is called on the engine's thread after every commit, with what it has written; it must not
        block and must not raise."""
        self._store = store
        self._make_executor = executor
        self._app, self._workflows = app, tuple(workflows)
        self._clock = clock or SystemClock()
        self._after_commit = after_commit
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._lock = OwnerLock(store)
        self._thread: threading.Thread | None = None
        self._commits = threading.Condition()
        self._changes = 0
        self._scope: set[int] | None = None
        self._stopping = False
        self._left_to_us: set[int] = set()  # roots that other processes rely on this one to drive
        self._handed_over = False
        self._due: int | None = None
        self._last_inbox = 0
        self._version = -1
        self._failures = 0
        self.error: WfctlError | None = None

    # --- from any thread ----------------------------------------------------------------------------------------

    def start(self, scope: Sequence[int] | None) -> bool:
        """Become the owner and run; False when another process is the owner.

        Raises StoreError.
        """
        db = database.open_store(self._store)
        if not self._lock.take():
            db.close()
            return False
        self._scope = None if scope is None else set(scope)
        self._db = db
        self._executor = self._make_executor(self._queue.put)
        self._dispatcher = Dispatcher(db, self._executor)
        self._ticks = Ticks(self._clock)
        self._thread = threading.Thread(target=self._run, name="wfctl-engine", daemon=True)
        self._thread.start()
        return True

    def submit(self, call: Callable[[Unit], T]) -> Future[T]:
        """Run an operation on the engine's thread; the future has its result once that is committed."""
        operation = _Operation(call)
        self._queue.put(operation)
        if self._thread is None or not self._thread.is_alive():
            self._fail_waiting(self.error or StoreError("the engine has stopped"))
        return operation.future

    def write(self, call: Callable[[Unit, database.Connection], T]) -> Future[T]:
        """As `submit`, for what is written beside the instances. `call` must undo its part before it raises, and raise
        nothing but WfctlErrors."""
        return self.submit(lambda unit: call(unit, self._db))

    def adopt(self, roots: Sequence[int]) -> None:
        """Drive these trees too."""
        self.submit(lambda unit: self._adopt(roots)).result()

    def settled(self, roots: Sequence[int] | None) -> bool:
        """Whether nothing more can happen in these trees, or (None) in all that this host drives, without an outside
        event or a timer that is further away than SOON."""
        return self.submit(lambda unit: self._settled(roots)).result()

    def completions(self) -> dict[Status, int]:
        """How many instances ended while this host drove, by status."""
        return self.submit(lambda unit: dict(self._dispatcher.completions)).result()

    def left_alone(self) -> dict[int, str]:
        """Keys and workflow names of what no worker here can run."""
        return self.submit(lambda unit: dict(self._dispatcher.memory.left_alone)).result()

    def unpark(self) -> None:
        """A worker has come: try everything again that had none."""
        self.submit(lambda unit: self._dispatcher.memory.unpark())

    def tick(self) -> None:
        """Look at the clock now (for clocks that tests move)."""
        self._queue.put(None)

    @property
    def changes(self) -> int:
        """How many commits changed more than a history: a status, a custom status, what is waited for."""
        return self._changes

    def wait_change(self, after: int, seconds: float) -> int:
        """Block until `changes` is above `after`, `seconds` at most; its value then."""
        with self._commits:
            self._commits.wait_for(lambda: self._changes > after or self.error is not None, seconds)
            return self._changes

    def stop(self) -> None:
        """Stop driving and give up the ownership; activities that run are given up too, and run again later."""
        self._stopping = True
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join()

    def finish(self) -> bool:
        """Stop, unless there is still something to do for another process that left it to this owner: then go on,
        and return False."""
        if self._thread is None or not self._thread.is_alive():
            return True
        if not self.submit(lambda unit: self._hand_over()).result():
            return False
        self.stop()
        return True

    # --- the engine's thread ------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._begin_ownership()
            while not self._stopping:
                self._step(self._drain())
        except WfctlError as error:
            self.error = error
        except Exception as error:  # a defect, or a store that is beyond repair: say so to whoever waits
            self.error = database.explain_any(error, self._store)
        finally:
            self._end_ownership()

    def _begin_ownership(self) -> None:
        now = self._ticks.next()
        owner = OwnerRow(os.getpid(), to_micros(now), self._app, self._workflows)
        self._transact(lambda: work.put_owner(self._db, owner))
        self._load(None if self._scope is None else sorted(self._scope))

    def _end_ownership(self) -> None:
        self._executor.close()
        try:
            if not self._handed_over:
                self._transact(lambda: work.put_owner(self._db, None))
        except Exception:  # the row is for people only, the lock counts
            pass
        finally:
            self._db.close()
            self._lock.release()
            self._fail_waiting(self.error or StoreError("the engine has stopped"))
            with self._commits:
                self._commits.notify_all()

    def _transact(self, write: Callable[[], object]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            write()
            self._db.execute("COMMIT")
        except BaseException:
            self._rollback()
            raise

    def _rollback(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _drain(self) -> list[Any]:
        """What is in the queue; waits until there is something, a timer is due, or another process has written."""
        timeout = POLL_SECONDS
        if self._due is not None:
            until_due = (from_micros(self._due) - self._clock.now()).total_seconds()
            timeout = min(timeout, max(0.0, until_due))
        try:
            messages = [self._queue.get(timeout=timeout)]
        except queue.Empty:
            return []
        try:
            while len(messages) < MOST_MESSAGES:
                messages.append(self._queue.get_nowait())
        except queue.Empty:
            pass
        return messages

    def _step(self, messages: list[Any]) -> None:
        version = work.data_version(self._db)
        due = self._due is not None and self._due <= to_micros(self._clock.now())
        if not messages and version == self._version and not due:
            return
        more = True
        while more and not self._stopping:
            operations = [m for m in messages if isinstance(m, _Operation)]
            try:
                more = self._transaction(messages)
            except Exception as error:
                self._failed(messages, operations, error)
                return
            self._failures = 0
            for operation in operations:
                if not operation.future.done():
                    operation.future.set_result(operation.value)
            if self._dispatcher.news:
                self._dispatcher.news = False
                with self._commits:
                    self._changes += 1
                    self._commits.notify_all()
            messages = []

    def _transaction(self, messages: list[Any]) -> bool:
        """Take in everything, run turns, write, commit, release; whether there are turns left to run."""
        dispatcher = self._dispatcher
        self._db.execute("BEGIN IMMEDIATE")
        dispatcher.begin(self._ticks.next())
        version = work.data_version(self._db)
        more = version != self._version and self._read_others()
        for message in messages:
            if type(message) is ActivityResult:
                dispatcher.deliver_result(message)
            elif type(message) is LateTurn:
                dispatcher.conclude_late(message.key, message.result)
            elif message is not None:
                self._operate(message)
        if self._due is not None and self._due <= to_micros(dispatcher.now):
            self._fire_due()
        turns_left = dispatcher.run_turns(MOST_TURNS)
        self._last_inbox = max(self._last_inbox, dispatcher.flush())
        if dispatcher.wake_changed:
            dispatcher.wake_changed = False
            self._due = self._next_due()
        self._db.execute("COMMIT")
        self._version = version if not more else -2
        self._release()
        return more or turns_left

    def _release(self) -> None:
        """After a commit: let out what may leave the engine only now."""
        dispatcher = self._dispatcher
        effects, dispatcher.effects = dispatcher.effects, []
        if effects:
            self._executor.run_activities(effects)
        dispatcher.committed()
        changed, dispatcher.changed = dispatcher.changed, Changed([], [])
        if self._after_commit is not None:
            self._after_commit(changed)

    def _operate(self, operation: _Operation) -> None:
        """Run an operation; its own errors are its caller's, and leave nothing behind."""
        try:
            operation.value = operation.call(self._dispatcher)
        except WfctlError as error:
            operation.future.set_exception(error)
        dispatcher = self._dispatcher
        if self._scope is not None:
            self._scope.update(dispatcher.born)
            self._adopt(sorted(dispatcher.touched))
        dispatcher.born.clear()
        dispatcher.touched.clear()

    def _failed(self, messages: list[Any], operations: list[_Operation], error: Exception) -> None:
        """The transaction is void: callers are told, results are kept for another try."""
        self._rollback()
        self._dispatcher.drop_all()
        self._version = -1
        self._last_inbox = 0
        words = database.explain_any(error, self._store)
        for operation in operations:
            if not operation.future.done():
                operation.future.set_exception(words)
        self._failures += 1
        if self._failures >= MOST_FAILURES:
            raise words from error
        results = [m for m in messages if isinstance(m, ActivityResult)]
        threading.Event().wait(0.1 * self._failures)
        for result in results:
            self._queue.put(result)

    # --- what others have written -------------------------------------------------------------------------------

    def _read_others(self) -> bool:
        """Take in what other processes have committed; whether there is more of it."""
        gone = work.take_gone(self._db)
        if gone:
            self._dispatcher.drop(gone)
        wanted = work.take_wanted(self._db)
        if self._scope is None:
            self._load_trees([root for root, born in wanted if born])
        else:
            self._adopt([root for root, _ in wanted])
            self._left_to_us.update(root for root, _ in wanted)
        if self._version == -1 and self._scope is not None:
            self._last_inbox = work.max_inbox(self._db)
            for root in sorted(self._scope):
                self._load_inbox(root)
        rows = work.read_inbox(self._db, self._last_inbox, to_micros(self._dispatcher.now), MOST_MESSAGES)
        for seq, key, text in rows:
            self._last_inbox = seq
            if self._in_scope(key):
                self._dispatcher.deliver_committed(key, seq, decode(text)[0])
        self._dispatcher.wake_changed = True
        return len(rows) == MOST_MESSAGES

    def _in_scope(self, key: int) -> bool:
        if self._scope is None:
            return True
        row = instances.by_key(self._db, key)
        return row is not None and row.root in self._scope

    def _adopt(self, roots: Sequence[int]) -> None:
        fresh = [] if self._scope is None else [root for root in roots if root not in self._scope]
        if fresh and self._scope is not None:
            self._scope.update(fresh)
            self._load_trees(fresh)

    def _load(self, roots: Sequence[int] | None) -> None:
        """At the start: take up what is unfinished, in steps small enough for memory."""

        def take_up() -> None:
            self._dispatcher.begin(self._ticks.next())
            if roots is None:
                work.take_wanted(self._db)
                for key in instances.busy_keys(self._db, None):
                    self._dispatcher.set_in_motion(key)
            else:
                self._load_trees(roots)
            self._dispatcher.flush()

        self._transact(take_up)
        self._release()

    def _load_trees(self, roots: Sequence[int]) -> None:
        for root in roots:
            for key in instances.busy_keys(self._db, root):
                self._dispatcher.set_in_motion(key)
            self._load_inbox(root)
        self._dispatcher.wake_changed = True

    def _load_inbox(self, root: int) -> None:
        for key in instances.tree_inbox(self._db, root):
            self._dispatcher.memory.get(key)

    # --- time ---------------------------------------------------------------------------------------------------

    def _next_due(self) -> int | None:
        held = self._dispatcher.held()
        if self._scope is None or len(self._scope) > FEW_TREES:
            return instances.next_due(self._db, self._scope, held)
        times = [instances.next_due_in(self._db, root, held) for root in self._scope]
        return min((time for time in times if time is not None), default=None)

    def _fire_due(self) -> None:
        now = to_micros(self._dispatcher.now)
        held = self._dispatcher.held()
        for key in instances.due(self._db, now, self._scope, held):
            self._dispatcher.fire_timers(key)
        self._dispatcher.wake_changed = True

    def _settled(self, roots: Sequence[int] | None) -> bool:
        """Runs inside a transaction, before its turns: what is still to be run is in the mailboxes."""
        dispatcher = self._dispatcher
        soon = to_micros(dispatcher.now + SOON)
        scope: Collection[int] | None = self._scope if roots is None else roots
        if dispatcher.memory.moves(scope):
            return False
        held = dispatcher.held()
        if scope is None or len(scope) > FEW_TREES:
            return not instances.moves(self._db, scope, soon, held)
        return not any(instances.moves_in(self._db, root, soon, held) for root in scope)

    def _hand_over(self) -> bool:
        """Give the ownership up inside the write transaction in which nobody wants anything of it: another process
        either committed its wish before (and is heard), or finds the lock free afterwards."""
        if work.any_wanted(self._db) or not self._settled(sorted(self._left_to_us)):
            return False
        work.put_owner(self._db, None)
        self._handed_over = self._stopping = True
        self._lock.release()
        return True

    def _fail_waiting(self, error: WfctlError) -> None:
        while True:
            try:
                message = self._queue.get_nowait()
            except queue.Empty:
                return
            if isinstance(message, _Operation) and not message.future.done():
                message.future.set_exception(error)
