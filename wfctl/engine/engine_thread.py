"""The engine of a store: one thread that owns the write connection and does nearly everything in it.

It takes operations, results and late turns from one queue, and due timers from the store: drain, decide, commit
once, release. What a caller is told, and what an executor is given to do, was committed before.

    engine = Engine(path, make_executor)
    if engine.start(roots=[]):          # False: another process owns the store
        engine.submit(lambda unit: operations.start(unit, request)).result()
    ...
    engine.stop()

Where nobody else has anything to do, other threads run a transaction themselves while the engine's waits: whoever waits
for an operation in any case (`do`), and threads that have nothing else to do, with what an executor delivers on them
(`_go_on_here`). So an instance that runs alone changes no thread between its steps. Whoever works on the store holds
`_at_work`; in other modules "the engine's thread" is the one that holds it.

An engine with `roots=None` drives everything in the store. With a list of roots it drives only these trees, those it
is asked to `adopt`, those whose instances its own operations touch, and those that other processes leave to it.
"""

from __future__ import annotations

import contextlib
import contextvars
import queue
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TypeVar

from wfctl.engine.clock import Clock, SystemClock
from wfctl.engine.execute.port import ActivityResult, Delivery, Executor, LateTurn, Logged
from wfctl.engine.execute.spare_threads import is_lent, is_spare
from wfctl.engine.log_buffer import LogBuffer
from wfctl.engine.owned_store import OthersWriteError, OwnedStore
from wfctl.engine.recovery import Recovery
from wfctl.engine.store import database
from wfctl.engine.submission import Message, OwnCall, Submission, refuse
from wfctl.engine.transaction import Transaction, Unit
from wfctl.errors import AppExited, DiskFull, StoreError, StoreGone, WfctlError
from wfctl.model.instance import Skip
from wfctl.model.status import Status

T = TypeVar("T")

# How often an idle owner looks whether another process has written; the look costs some microseconds.
POLL_SECONDS = 0.005
# Messages in one transaction: as many as turns, so that events need not go through the inbox for want of a turn.
MOST_MESSAGES = 2000
# What may be taken in on the thread that delivers it.
_GOES_ON = (ActivityResult, LateTurn)


class Engine:
    """`start`, `submit`, `stop`; all methods may be called from any thread."""

    def __init__(
        self,
        store: Path,
        executor: Callable[[Callable[[Delivery], None]], Executor],
        *,
        app: str | None = None,
        workflows: Sequence[str] = (),
        command: str | None = None,
        clock: Clock | None = None,
        after_commit: Callable[[Transaction], None] | None = None,
        on_full: Callable[[DiskFull | None], None] | None = None,
        tell: Callable[[str], None] | None = None,
        on_log: Callable[[Logged], None] | None = None,
        leaves_clocks: bool = False,
        apps: Sequence[str] | None = None,
        asleep: Collection[int] = (),
        hand_out_turns: Callable[[], bool] = lambda: False,
    ) -> None:
        """`app`, `workflows`, `command` and `apps` are what other processes are told of the owner.

        `apps`: whose work is done now, as stored; None: not told.

        `executor` makes one that delivers through the function it is given.

        `after_commit` is called on the engine's thread after every commit, with what it has written; it must not
        block and must not raise. Nor must `on_full`, which is called there when the disk is full, and with None when
        there is room again: with it, the engine waits for room instead of giving up. `tell` is told of a migration.
        `on_log` is called with each line that the app logs, on the thread that logs it. `leaves_clocks`: trees with
        clocks of their own, whose time is skipped, are left alone. `asleep`: the keys of instances whose activities do
        nothing but wait for time to pass, which may then be skipped. `hand_out_turns` is called on the engine's thread
        before a commit, when turns were given to the executor: it may hand out those that need not wait for the commit,
        and returns True if an answer may come soon."""
        self._path = store
        self._queue: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._logs = LogBuffer()
        self._on_log = on_log
        self._executor = executor(self._deliver)
        self._app, self._workflows, self._command = app, tuple(workflows), command
        self._apps = None if apps is None else tuple(apps)
        self._clock = clock or SystemClock()
        self._after_commit = after_commit
        self._on_full = on_full
        self._tell = tell
        self._leaves_clocks = leaves_clocks
        self._asleep = asleep
        self._hand_out_turns = hand_out_turns
        self._owned: OwnedStore | None = None
        self._thread: threading.Thread | None = None
        self._commits = threading.Condition()
        self._changes = 0
        self._stopping = False
        self._ended = False
        self._news = False  # of the latest commits, which nobody was told of yet
        self._in_hand: Sequence[Message] = ()  # taken from the queue, and not answered yet
        self._at_work = threading.Lock()  # held by the thread that works on the store
        self._guest: int | None = None  # that thread, if it is not the engine's own
        self._context = contextvars.Context()  # for code on a guest's thread: it is to see nothing of the guest's own
        self._recovery: Recovery | None = None  # there once the engine's thread takes messages
        self.error: WfctlError | None = None

    # --- from any thread ----------------------------------------------------------------------------------------

    def start(self, roots: Sequence[int] | None) -> bool:
        """Become the owner of the store and run. Returns False if another process is the owner.

        Raises StoreError.
        """
        owned = OwnedStore.take(
            self._path,
            self._executor,
            roots,
            self._clock,
            self._logs,
            self._committed,
            self._tell,
            self._leaves_clocks,
            self._asleep,
            self._hand_out_turns,
        )
        if owned is None:
            return False
        self._owned = owned
        self._thread = threading.Thread(target=self._run, args=(owned,), name="wfctl-engine", daemon=True)
        self._thread.start()
        return True

    def submit(self, call: Callable[[Unit], T], *, here: bool = False) -> Future[T]:
        """Run an operation on the engine's thread; the future has its result once that is committed.

        `here`: on this thread, and before this returns, if the engine has nothing else to do (see `do`).
        Raises WfctlError when it is called on the engine's thread, which would wait for itself.
        """
        self._refuse_own_thread()
        submission = Submission(call)
        if here and self._run_here(submission, wary=True):
            return submission.future
        self._queue.put(submission)
        if self._thread is None or self._ended:
            refuse(self._at_hand(), self.error or StoreError("the engine has stopped"))
        return submission.future

    def do(self, call: Callable[[Unit], T]) -> T:
        """Run an operation, and return its result once that is committed: on this thread, if the engine has nothing
        else to do, which spares the change to its own and back. Its turns, if it leads to any, run here too then.

        Never on the main thread: Ctrl-C and other signals interrupt that one, anywhere, and workflow code that catches
        all exceptions would keep it. It may overtake what this thread has submitted and not waited for.
        Raises what the operation raises, and as `submit` does.
        """
        self._refuse_own_thread()
        own = OwnCall(call)
        if threading.current_thread() is threading.main_thread() or not self._run_here(own):
            return self.submit(call).result()
        if own.error is not None:
            raise own.error
        return own.value  # type: ignore[no-any-return]

    def _refuse_own_thread(self) -> None:
        if self._thread is threading.current_thread() or self._guest == threading.get_ident():
            raise WfctlError(
                "workflow code cannot ask the engine that runs it", hint="use the client in an activity instead"
            )

    def write(self, call: Callable[[Unit, database.Connection], T]) -> Future[T]:
        """Submit what is written beside the instances. `call` must undo its part before it raises, and raise
        nothing but WfctlErrors."""
        return self.submit(lambda unit: call(unit, self._store.db))

    def adopt(self, roots: Sequence[int]) -> None:
        """Drive these trees too."""
        self.submit(lambda unit: self._store.adopt(roots)).result()

    def skip(self, roots: Sequence[int], skip: Skip) -> None:
        """Drive these trees too, and skip the time of those that have clocks of their own: where nothing else is to be
        done in a tree, its clock jumps to the next timer, as far as `skip` says, or a limited number of times."""
        self.submit(lambda unit: self._store.skip(roots, skip)).result()

    def held(self, roots: Sequence[int]) -> list[int]:
        """Return those of these trees whose time was skipped as far as it was to be, and that wait for more."""
        return self.submit(lambda unit: self._store.held(roots)).result()

    def settled(self, roots: Sequence[int] | None) -> bool:
        """Return True if nothing more can happen in these trees (None: in all that this engine drives) without an
        outside event or a timer that is further away than SOON."""
        return self.submit(lambda unit: self._store.settled(roots)).result()

    def completions(self) -> dict[Status, int]:
        """Return the number of instances that ended while this engine drove, by status."""
        return {} if self._owned is None else dict(self._owned.completions())

    def left_alone(self) -> dict[int, str]:
        """Return what no worker here can run: the workflow's name, by the key of the instance."""
        return self.submit(lambda unit: self._store.left_alone()).result()

    def try_all_again(self) -> None:
        """Try everything again that had no worker: one has come."""
        self.submit(lambda unit: self._store.try_all_again())

    def tick(self) -> None:
        """Look at the clock now (for clocks that tests move)."""
        self._queue.put(None)

    @property
    def ended(self) -> bool:
        """True if it drives no more: it was stopped, or failed with `error`."""
        return self._ended

    @property
    def changes(self) -> int:
        """The number of commits that changed more than a history: a status, a custom status, what is waited for."""
        return self._changes

    def wait_change(self, after: int, seconds: float) -> int:
        """Block until `changes` is above `after`, up to `seconds`. Returns `changes`."""
        with self._commits:
            self._commits.wait_for(lambda: self._changes > after or self._ended, seconds)
            return self._changes

    def stop(self, seconds: float | None = None) -> bool:
        """Stop driving and give up the ownership; activities that run are given up too, and run again later.

        Returns False if workflow code has not come back within `seconds`; the engine then ends with the process.
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

    @property
    def _store(self) -> OwnedStore:
        assert self._owned is not None
        return self._owned

    def _deliver(self, delivery: Delivery) -> None:
        """Take what the executor delivers, on any thread."""
        if type(delivery) is Logged:
            self._logs.add([(delivery.key, delivery.line)])
            if self._on_log is not None:
                self._on_log(delivery)
        elif type(delivery) not in _GOES_ON or not self._go_on_here(delivery):
            self._queue.put(delivery)

    # --- on the thread of a guest -------------------------------------------------------------------------------

    def _go_on_here(self, delivery: Delivery) -> bool:
        """Run the transaction of this delivery on the thread that delivers, if that has nothing else to do either."""
        return self._is_idle() and is_spare() and self._run_here(delivery, wary=is_lent())

    def _is_idle(self) -> bool:
        """Return True if no message waits. What the engine's thread has in hand goes first: it waits for the lock,
        which favours nobody."""
        return self._queue.empty() and not self._in_hand

    def _run_here(self, message: Message, *, wary: bool = False) -> bool:
        """Run the transaction of this message on this thread, if nobody else has anything to do. Returns False if it
        is to be queued. Whatever else there is to do then, after an error too, is for the engine's thread.

        `wary`: nor may other processes write, or have written, or timers be due. That may be much, or take long, and
        others wait for this thread."""
        if not (self._is_idle() and self._at_work.acquire(blocking=False)):
            return False
        try:
            recovery = self._recovery
            if recovery is None or self._stopping:
                return False
            if wary and self._store.something_due():
                return False
            self._guest = threading.get_ident()
            messages = [message]
            more = self._context.run(self._store.run, messages, recovery.most_turns, try_all=False, waits=not wary)
            self._acknowledge(messages)
            until_due = self._store.seconds_to_due()
            if more or (until_due is not None and until_due < POLL_SECONDS):
                self._queue.put(None)
        except OthersWriteError:
            return False
        except BaseException:  # the engine's thread will meet it again, and knows what to do
            with contextlib.suppress(Exception):
                self._store.roll_back()
            return False
        finally:
            self._guest = None
            self._at_work.release()
        return True

    # --- the engine's thread ------------------------------------------------------------------------------------

    def _run(self, owned: OwnedStore) -> None:
        recovery = Recovery(self._path, owned, self._queue, lambda: self._stopping, self._on_full)
        try:
            owned.begin(self._app, self._workflows, self._command, self._apps)
            self._recovery = recovery
            while not self._stopping:
                messages = self._in_hand = self._drain(owned)
                # A guest at work looks at all that there is to look at, but for what has fallen due since.
                if self._at_work.acquire(blocking=bool(messages) or owned.is_due()):
                    try:
                        self._step(owned, recovery, messages)
                    finally:
                        self._at_work.release()
        except WfctlError as error:
            self.error = error
        except Exception as error:  # a defect, or a store that is beyond repair: say so to whoever waits
            self.error = database.explain_any(error, self._path)
        finally:
            with self._at_work:
                self._stopping = True
                self._end(owned)

    def _end(self, owned: OwnedStore) -> None:
        with contextlib.suppress(Exception):  # whatever code makes of its end, the ownership ends
            self._executor.close()
        try:
            owned.close(gone=isinstance(self.error, StoreGone))
        finally:
            self._ended = True  # whoever submits something from now on sees to its failing
            reason = self.error or StoreError("the engine has stopped")
            refuse(self._in_hand, reason)
            refuse(self._at_hand(), reason)
            with self._commits:
                self._commits.notify_all()

    def _drain(self, owned: OwnedStore) -> list[Message]:
        """Return what is in the queue. Waits until there is something, a timer is due, or it is time to look whether
        another process has written."""
        timeout = POLL_SECONDS
        until_due = owned.seconds_to_due()
        if until_due is not None:
            timeout = min(timeout, max(0.0, until_due))
        try:
            first = self._queue.get(timeout=timeout)
        except queue.Empty:
            return []
        return [first, *self._at_hand()]

    def _wait_for_more(self, messages: list[Message], seconds: float) -> list[Message]:
        """Wait for what the open transaction, of these messages, can take in besides, and add it to them."""
        try:
            first = self._queue.get(timeout=seconds)
        except queue.Empty:
            return []
        arrived = [first, *self._at_hand()]
        messages += arrived
        return arrived

    def _at_hand(self) -> list[Message]:
        messages: list[Message] = []
        with contextlib.suppress(queue.Empty):
            while len(messages) < MOST_MESSAGES:
                messages.append(self._queue.get_nowait())
        return messages

    def _step(self, owned: OwnedStore, recovery: Recovery, messages: list[Message]) -> None:
        owned.look()
        if not (messages or self._logs.due() or owned.something_due()):
            return
        while True:
            try:
                more = owned.run(
                    messages,
                    recovery.most_turns,
                    try_all=recovery.disk_was_full,
                    wait_for_more=partial(self._wait_for_more, messages),
                )
            except (StoreGone, AppExited):
                raise
            except Exception as error:
                messages = list(recovery.failed(messages, error))
                more = True
            else:
                recovery.succeeded()
                self._acknowledge(messages)
                messages = []
            self._in_hand = messages
            if self._stopping or not (more or messages):
                break
            # Turns may go on for ever, in a workflow that always continues as new: look at the queue between.
            messages += self._at_hand()
        recovery.all_done()

    def _hand_over(self) -> bool:
        if not self._store.hand_over():
            return False
        self._stopping = True
        return True

    def _committed(self, transaction: Transaction) -> None:
        if self._after_commit is not None:
            self._after_commit(transaction)
        self._news = self._news or transaction.news

    def _acknowledge(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if isinstance(message, Submission):
                message.succeed()
        if self._news:
            self._news = False
            with self._commits:
                self._changes += 1
                self._commits.notify_all()
