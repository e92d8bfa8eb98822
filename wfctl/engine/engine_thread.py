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

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from wfctl.engine.clock import Clock, EngineTime, SystemClock
from wfctl.engine.dispatcher import Changed, Dispatcher
from wfctl.engine.driven_trees import Scope
from wfctl.engine.execute.port import ActivityResult, Delivery, Executor, ExecutorFailed, LateTurn
from wfctl.engine.owner_lock import OwnerLock
from wfctl.engine.store import database, history_inbox
from wfctl.engine.store.history_inbox import OwnerRow
from wfctl.engine.store.place import BESIDE, Place
from wfctl.engine.store.values import to_micros
from wfctl.engine.transaction import Unit
from wfctl.errors import AppExited, DiskFull, StoreError, StoreGone, WfctlError
from wfctl.model.status import Status

T = TypeVar("T")

# How often an idle owner looks whether another process has written; the look costs some microseconds.
POLL_SECONDS = 0.005
# Turns, messages and time in one transaction at the most: what waits for the commit, or in another process for
# the write lock, waits no longer than these take.
MOST_TURNS = 2000
MOST_SECONDS = 0.5
MOST_MESSAGES = 4000
# After this many transactions in a row that could not be committed, the engine gives up and says why.
MOST_FAILURES = 5
# Seconds between two attempts on a full disk.
FIRST_PAUSE, MOST_PAUSE = 0.1, 2.0


class _Operation:
    __slots__ = ("call", "future", "value", "wanted")

    def __init__(self, call: Callable[[Unit], Any]) -> None:
        self.call = call
        self.future: Future[Any] = Future()
        self.value: Any = None
        self.wanted: bool | None = None

    def begin(self) -> bool:
        """Whether there is something to do for its caller, who cannot give it up from the first call on."""
        if self.wanted is None:
            self.wanted = self.future.set_running_or_notify_cancel()
        return self.wanted and not self.future.done()

    def fail(self, error: Exception) -> None:
        if self.begin():
            self.future.set_exception(error)

    def succeed(self) -> None:
        if self.begin():
            self.future.set_result(self.value)


class _DefectError(Exception):
    """An operation raised what it should not: its caller is told, and all others' work is done again without it."""

    def __init__(self, operation: _Operation, error: Exception) -> None:
        super().__init__(str(error))
        self.operation = operation
        self.error = error


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
        on_full: Callable[[DiskFull | None], None] | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        """`after_commit` is called on the engine's thread after every commit, with what it has written; it must not
        block and must not raise. Nor must `on_full`, which is called there when the disk is full, and with None when
        there is room again: with it, the host waits for room instead of giving up. `tell` is told of a migration."""
        self._store = store
        self._make_executor = executor
        self._app, self._workflows = app, tuple(workflows)
        self._clock = clock or SystemClock()
        self._after_commit = after_commit
        self._on_full = on_full
        self._tell = tell
        self._full: DiskFull | None = None
        self._full_pause = 0.0
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._lock = OwnerLock(store)
        self._thread: threading.Thread | None = None
        self._commits = threading.Condition()
        self._changes = 0
        self._stopping = False
        self._ended = False
        self._handed_over = False
        self._in_hand: list[Any] = []  # taken from the queue, and not answered yet
        self._failures = 0
        self._most_turns = MOST_TURNS
        self.error: WfctlError | None = None

    # --- from any thread ----------------------------------------------------------------------------------------

    def start(self, scope: Sequence[int] | None) -> bool:
        """Become the owner and run; False when another process is the owner.

        Raises StoreError.
        """
        db = database.open_store(self._store, tell=self._tell)
        try:
            owner = self._lock.take() or self._take_between_writes(db)
        except BaseException:
            db.close()
            raise
        if not owner:
            db.close()
            return False
        try:
            self._executor = self._make_executor(self._queue.put)
        except BaseException:
            self._lock.release()
            db.close()
            raise
        self._db = db
        self._dispatcher = Dispatcher(db, self._executor)
        self._scope = Scope(db, self._dispatcher, scope)
        self._time = EngineTime(self._clock)
        self._thread = threading.Thread(target=self._run, name="wfctl-engine", daemon=True)
        self._thread.start()
        return True

    def _take_between_writes(self, db: database.Connection) -> bool:
        """Take the lock while nobody writes: a process that drives nothing holds it within a transaction alone."""
        database.begin(db)
        try:
            return self._lock.take()
        finally:
            db.execute("ROLLBACK")

    def submit(self, call: Callable[[Unit], T]) -> Future[T]:
        """Run an operation on the engine's thread; the future has its result once that is committed.

        Raises WfctlError when it is called on that thread, which would wait for itself.
        """
        if self._thread is threading.current_thread():
            raise WfctlError(
                "workflow code cannot ask the engine that runs it", hint="use the client in an activity instead"
            )
        operation = _Operation(call)
        self._queue.put(operation)
        if self._thread is None or self._ended:
            self._fail_waiting(self.error or StoreError("the engine has stopped"))
        return operation.future

    def write(self, call: Callable[[Unit, database.Connection], T]) -> Future[T]:
        """As `submit`, for what is written beside the instances. `call` must undo its part before it raises, and raise
        nothing but WfctlErrors."""
        return self.submit(lambda unit: call(unit, self._db))

    def adopt(self, roots: Sequence[int]) -> None:
        """Drive these trees too."""
        self.submit(lambda unit: self._scope.adopt(roots)).result()

    def settled(self, roots: Sequence[int] | None) -> bool:
        """Whether nothing more can happen in these trees, or (None) in all that this host drives, without an outside
        event or a timer that is further away than SOON."""
        return self.submit(lambda unit: self._scope.settled(roots)).result()

    def completions(self) -> dict[Status, int]:
        """How many instances ended while this host drove, by status."""
        return dict(self._dispatcher.completions)

    def left_alone(self) -> dict[int, str]:
        """Keys and workflow names of what no worker here can run."""
        return self.submit(lambda unit: dict(self._dispatcher.memory.left_alone)).result()

    def unpark(self) -> None:
        """A worker has come: try everything again that had none."""
        self.submit(lambda unit: self._dispatcher.unpark())

    def tick(self) -> None:
        """Look at the clock now (for clocks that tests move)."""
        self._queue.put(None)

    @property
    def ended(self) -> bool:
        """Whether it drives no more: it was stopped, or failed with `error`."""
        return self._ended

    @property
    def changes(self) -> int:
        """How many commits changed more than a history: a status, a custom status, what is waited for."""
        return self._changes

    def wait_change(self, after: int, seconds: float) -> int:
        """Block until `changes` is above `after`, `seconds` at most; its value then."""
        with self._commits:
            self._commits.wait_for(lambda: self._changes > after or self._ended, seconds)
            return self._changes

    def stop(self, seconds: float | None = None) -> bool:
        """Stop driving and give up the ownership; activities that run are given up too, and run again later.

        False: workflow code has not come back within `seconds`, and the engine with it; it ends with the process.
        """
        self._stopping = True
        self._queue.put(None)
        if self._thread is None:
            return True
        self._thread.join(seconds)
        return not self._thread.is_alive()

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
        def take_up() -> None:
            self._dispatcher.begin(self._time.tick())
            owner = OwnerRow(os.getpid(), to_micros(self._dispatcher.now), self._app, self._workflows)
            history_inbox.put_owner(self._db, owner)
            self._scope.load()
            self._dispatcher.flush()

        self._transact(take_up)
        real = os.path.realpath(self._store)
        self._place = Place(self._store, [self._lock.path, *(Path(real + suffix) for suffix in BESIDE)])
        self._release()

    def _end_ownership(self) -> None:
        with contextlib.suppress(Exception):  # whatever code makes of its end, the ownership ends
            self._executor.close()
        try:
            if not self._handed_over and not isinstance(self.error, StoreGone):
                self._transact(lambda: history_inbox.put_owner(self._db, None))
        except Exception:  # the row is for people only, the lock counts
            pass
        finally:
            database.checkpoint(self._db)
            self._db.close()
            self._lock.release()
            self._ended = True  # whoever submits something from now on sees to its failing
            reason = self.error or StoreError("the engine has stopped")
            self._give_up(self._in_hand, reason)
            self._fail_waiting(reason)
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
        until_due = self._scope.seconds_to_due(self._time.now())
        if until_due is not None:
            timeout = min(timeout, max(0.0, until_due))
        try:
            first = self._queue.get(timeout=timeout)
        except queue.Empty:
            return []
        return [first, *self._at_hand()]

    def _at_hand(self) -> list[Any]:
        messages: list[Any] = []
        with contextlib.suppress(queue.Empty):
            while len(messages) < MOST_MESSAGES:
                messages.append(self._queue.get_nowait())
        return messages

    def _step(self, messages: list[Any]) -> None:
        self._in_hand = messages
        self._place.look()
        if not messages and not self._something_due():
            return
        while True:
            try:
                more = self._transaction(messages)
            except (StoreGone, AppExited):
                raise
            except Exception as error:
                messages = self._failed(messages, error)
                more = True
            else:
                self._succeeded(messages)
                messages = []
            self._in_hand = messages
            if self._stopping or not (more or messages):
                break
            # Turns may go on for ever, in a workflow that always continues as new: look at the queue between.
            messages += self._at_hand()
        self._most_turns = MOST_TURNS

    def _something_due(self) -> bool:
        """Whether a timer is due, or another process has written."""
        until_due = self._scope.seconds_to_due(self._time.now())
        if until_due is not None and until_due <= 0:
            return True
        try:
            return self._scope.others_wrote()
        except Exception:  # a transaction will meet the same trouble, and know what to do
            return True

    def _transaction(self, messages: list[Any]) -> bool:
        """Take in everything, run turns, write, commit, release; whether there are turns left to run."""
        dispatcher, scope = self._dispatcher, self._scope
        self._db.execute("BEGIN IMMEDIATE")
        dispatcher.begin(self._time.tick())
        scope.read_others()
        if self._full is not None:
            dispatcher.unpark()  # who asked for it meanwhile was refused
        for message in messages:
            if type(message) is ActivityResult:
                dispatcher.deliver_result(message)
            elif type(message) is LateTurn:
                dispatcher.turns.conclude_late(message.key, message.result)
            elif type(message) is ExecutorFailed:
                raise message.error
            elif message is not None:
                self._operate(message)
        scope.fire_due()
        turns_left = dispatcher.turns.run(self._most_turns, MOST_SECONDS)
        scope.written(dispatcher.flush())
        self._db.execute("COMMIT")
        if not self._handed_over:  # else the lock file is another owner's, or gone with the lock
            self._place.check()  # what went into a file that is gone must not be acknowledged
        scope.committed()
        self._release()
        return scope.more or turns_left

    def _release(self) -> None:
        """After a commit: let out what may leave the engine only now."""
        dispatcher = self._dispatcher
        effects, dispatcher.turns.effects = dispatcher.turns.effects, []
        if effects and not self._handed_over:  # else they are for the next owner, which finds them in the store
            self._executor.run_activities(effects)
        dispatcher.committed()
        changed, dispatcher.changed = dispatcher.changed, Changed([], [])
        if self._after_commit is not None:
            self._after_commit(changed)

    def _succeeded(self, messages: list[Any]) -> None:
        self._failures = 0
        if self._full is not None and self._on_full is not None:
            self._full, self._full_pause = None, 0.0
            self._on_full(None)
        for message in messages:
            if isinstance(message, _Operation):
                message.succeed()
        if self._dispatcher.news:
            self._dispatcher.news = False
            with self._commits:
                self._changes += 1
                self._commits.notify_all()

    def _operate(self, operation: _Operation) -> None:
        """Run an operation; its own errors are its caller's, and leave nothing behind."""
        if not operation.begin():
            return
        try:
            operation.value = operation.call(self._dispatcher)
        except WfctlError as error:
            operation.fail(error)
        except Exception as error:
            if database.is_trouble(error):
                raise
            raise _DefectError(operation, error) from error
        self._scope.follow()

    def _failed(self, messages: list[Any], error: Exception) -> list[Any]:
        """The transaction is void. The messages that are to be tried again; callers are told of trouble with the store.

        What is not trouble with the store is a defect, and must not stop what has nothing to do with it: an operation's
        goes to its caller; an instance's is found by running turns one by one, and stalls the instance.
        """
        latest, single = self._dispatcher.turns.latest, self._most_turns == 1
        self._rollback()
        self._dispatcher.drop_all()
        self._scope.rolled_back()
        if isinstance(error, _DefectError):
            error.operation.fail(database.explain_any(error.error, self._store))
            return [message for message in messages if message is not error.operation]
        if self._on_full is not None and database.is_full(error, self._store):
            return self._wait_for_room(messages, self._on_full)
        words = database.explain_any(error, self._store)
        self._failures += 1
        if self._failures >= MOST_FAILURES:
            raise words from error
        if not database.is_trouble(error) and latest is not None:
            self._most_turns = 1
            if single:
                self._dispatcher.turns.broken[latest] = f"the engine failed on it: {type(error).__name__}: {error}"
                self._most_turns = MOST_TURNS
            return messages
        self._give_up(messages, words)
        threading.Event().wait(0.1 * self._failures)
        return [message for message in messages if isinstance(message, ActivityResult)]

    def _wait_for_room(self, messages: list[Any], tell: Callable[[DiskFull], None]) -> list[Any]:
        """The disk is full: refuse all requests and keep all results until the next attempt. Returns the results."""
        if self._full is None:
            self._full = DiskFull(
                f"the disk of the store {self._store} is full: nothing of this request was recorded",
                hint="free some space there: the server goes on by itself, and nothing that it acknowledged is lost",
            )
            tell(self._full)
        kept = self._keep(messages, self._full)
        self._full_pause = min(2 * self._full_pause or FIRST_PAUSE, MOST_PAUSE)
        until = time.monotonic() + self._full_pause
        while not self._stopping:
            left = until - time.monotonic()
            if left > 0:
                with contextlib.suppress(queue.Empty):
                    kept += self._keep([self._queue.get(timeout=left)], self._full)
            elif database.has_room(self._store):
                break
            else:
                until += MOST_PAUSE
        return kept

    def _keep(self, messages: list[Any], error: DiskFull) -> list[Any]:
        """Refuse the operations among these. Returns the results of activities; turns are run again."""
        self._give_up(messages, error)
        return [message for message in messages if isinstance(message, ActivityResult)]

    def _give_up(self, messages: list[Any], error: WfctlError) -> None:
        for message in messages:
            if isinstance(message, _Operation):
                message.fail(error)

    def _hand_over(self) -> bool:
        """Give the ownership up inside the write transaction in which nobody wants anything of it: another process
        either committed its wish before (and is heard), or finds the lock free afterwards."""
        if self._scope.wanted():
            return False
        history_inbox.put_owner(self._db, None)
        self._handed_over = self._stopping = True
        self._lock.release()
        return True

    def _fail_waiting(self, error: WfctlError) -> None:
        self._give_up(self._at_hand(), error)
