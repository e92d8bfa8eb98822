"""A store that this process owns: its lock, its write connection, and the transactions on it.

Each transaction takes in what has arrived, runs turns, writes, commits, and lets out what it holds, in this order.
All but `take` runs on the engine's thread.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from wfctl.engine.clock import Clock, EngineTime
from wfctl.engine.dispatcher import Dispatcher
from wfctl.engine.driven_trees import DrivenTrees
from wfctl.engine.execute.port import ActivityResult, Executor
from wfctl.engine.log_buffer import LogBuffer
from wfctl.engine.owner_lock import OwnerLock
from wfctl.engine.store import database, history_inbox
from wfctl.engine.store.history_inbox import OwnerRow
from wfctl.engine.store.log_room import LogRoom
from wfctl.engine.store.place import BESIDE, Place
from wfctl.engine.store.values import to_micros
from wfctl.engine.submission import DefectError, Message, Submission
from wfctl.engine.transaction import Transaction
from wfctl.errors import WfctlError
from wfctl.model.instance import Skip
from wfctl.model.status import Status

# Seconds that turns may take in one transaction: what waits for the commit waits no longer.
MOST_SECONDS = 0.5
# Seconds that the results of activities wait for the answer of the turn that they lead to, to be committed with it.
ANSWER_SECONDS = 0.005


class OthersWriteError(Exception):
    """Another process is writing. Nothing was done."""


class OwnedStore:
    @classmethod
    def take(
        cls,
        path: Path,
        executor: Executor,
        roots: Sequence[int] | None,
        clock: Clock,
        logs: LogBuffer,
        after_commit: Callable[[Transaction], None],
        tell: Callable[[str], None] | None,
        leaves_clocks: bool = False,
        asleep: Collection[int] = (),
        hand_out_turns: Callable[[], bool] = lambda: False,
    ) -> OwnedStore | None:
        """Become the owner of the store, to drive the trees of `roots` (None: all). Returns None if another process is.

        `after_commit` is called with each transaction that is committed. `tell` is told of a migration.
        `leaves_clocks`: trees with clocks of their own are left alone. `asleep`: see `Skipping`.
        `hand_out_turns`: see `Engine`.
        Raises StoreError.
        """
        db = database.open_store(path, tell=tell)
        lock = OwnerLock(path)
        try:
            owner = lock.take() or _take_between_writes(lock, db)
        except BaseException:
            db.close()
            raise
        if not owner:
            db.close()
            return None
        return cls(path, db, lock, executor, roots, clock, logs, after_commit, leaves_clocks, asleep, hand_out_turns)

    def __init__(
        self,
        path: Path,
        db: database.Connection,
        lock: OwnerLock,
        executor: Executor,
        roots: Sequence[int] | None,
        clock: Clock,
        logs: LogBuffer,
        after_commit: Callable[[Transaction], None],
        leaves_clocks: bool,
        asleep: Collection[int],
        hand_out_turns: Callable[[], bool],
    ) -> None:
        self.db = db
        self._path = path
        self._lock = lock
        self._dispatcher = Dispatcher(db, executor, leaves_clocks=leaves_clocks)
        self._trees = DrivenTrees(db, self._dispatcher, roots, may_skip=not leaves_clocks, asleep=asleep)
        self._time = EngineTime(clock)
        self._logs = logs
        self._after_commit = after_commit
        self._hand_out_turns = hand_out_turns
        self._place: Place | None = None  # known once SQLite has made its files
        self._room: LogRoom | None = None  # likewise
        self._handed_over = False

    # --- the ownership ------------------------------------------------------------------------------------------

    def begin(
        self, app: str | None, workflows: tuple[str, ...], command: str | None, apps: tuple[str, ...] | None
    ) -> None:
        """Record who owns the store, and take up what is unfinished."""
        self._dispatcher.begin(self._time.tick())
        owner = OwnerRow(os.getpid(), to_micros(self._dispatcher.now), app, workflows, command, apps)
        self._transact(lambda: self._take_up(owner))
        real = os.path.realpath(self._path)
        self._place = Place(self._path, [self._lock.path, *(Path(real + suffix) for suffix in BESIDE)])
        self._room = LogRoom(self._path, self.db)
        self._after_commit(self._dispatcher.committed())

    def _take_up(self, owner: OwnerRow) -> None:
        history_inbox.put_owner(self.db, owner)
        self._trees.load()
        self._dispatcher.flush()

    def hand_over(self) -> bool:
        """Give the ownership up, inside a transaction in which nobody wants anything of it. Returns False if somebody
        does.

        Another process has either committed its wish before (and is heard), or finds the lock free afterwards."""
        if self._trees.wanted():
            return False
        history_inbox.put_owner(self.db, None)
        self._handed_over = True
        self._lock.release()
        return True

    def close(self, *, gone: bool) -> None:
        """End the ownership. `gone`: the store is not there any more, or is another one."""
        try:
            if not self._handed_over and not gone:
                self._transact(self._leave)
        except Exception:  # the row is for people only, the lock counts
            pass
        finally:
            if self._room is not None:
                self._room.close()
            database.checkpoint(self.db)
            self.db.close()
            self._lock.release()

    def _leave(self) -> None:
        self._logs.write(self.db)
        history_inbox.put_owner(self.db, None)

    # --- transactions -------------------------------------------------------------------------------------------

    def run(
        self,
        messages: Collection[Message],
        most_turns: int,
        *,
        try_all: bool,
        wait_for_more: Callable[[float], Collection[Message]] = lambda seconds: (),
        waits: bool = True,
    ) -> bool:
        """Take in everything, run turns, write, commit, let out. Returns True if there is more to do.

        `try_all`: what waits for other code is tried again. `wait_for_more` waits so many seconds for further messages.
        Raises what goes wrong; the caller then rolls back. Without `waits`, raises OthersWriteError where it would have
        to wait for another process; then there is nothing to roll back.
        """
        dispatcher, trees = self._dispatcher, self._trees
        if self._room is not None:
            self._room.keep()
        trees.read_ahead()
        if waits:
            self.db.execute("BEGIN IMMEDIATE")
        elif not database.begin_at_once(self.db):
            raise OthersWriteError
        dispatcher.begin(self._time.tick())
        trees.read_others()
        if try_all:
            dispatcher.try_all_again()
        self._take_in(messages)
        trees.fire_due()
        turns_left = dispatcher.run_turns(most_turns, MOST_SECONDS)
        if self._hand_out_turns() and not turns_left:
            turns_left = self._take_answers(messages, most_turns, wait_for_more)
        dispatcher.flush()
        trees.written()
        self._logs.write(self.db)
        self.db.execute("COMMIT")
        if self._place is not None and not self._handed_over:  # else the lock file is another owner's, or gone with it
            self._place.check()  # what went into a file that is gone must not be acknowledged
        trees.committed()
        self._logs.committed()
        # After the ownership is handed over, activities are for the next owner, which finds them in the store.
        self._after_commit(dispatcher.committed(start_activities=not self._handed_over))
        return trees.more or turns_left

    def _take_in(self, messages: Iterable[Message]) -> None:
        for message in messages:
            if type(message) is not ActivityResult and isinstance(message, Submission):
                self._operate(message)
            elif message is not None:
                self._dispatcher.take(message)

    def _take_answers(
        self,
        messages: Collection[Message],
        most_turns: int,
        wait_for_more: Callable[[float], Collection[Message]],
    ) -> bool:
        """Let results of activities, for whose commit nobody waits, wait for the answers of their turns: a step is one
        commit then, not two. Returns True if turns are left."""
        until = time.monotonic() + ANSWER_SECONDS
        while messages and all(type(message) is ActivityResult for message in messages):
            left = until - time.monotonic()
            if left <= 0:  # results may go on coming
                break
            messages = wait_for_more(left)
            self._take_in(messages)
            if self._dispatcher.run_turns(most_turns, MOST_SECONDS):
                return True
            self._hand_out_turns()
        return False

    def _operate(self, submission: Submission) -> None:
        """Run an operation; its own errors are its caller's, and leave nothing behind."""
        if not submission.begin():
            return
        try:
            submission.value = submission.call(self._dispatcher)
        except WfctlError as error:
            submission.fail(error)
        except Exception as error:
            if database.is_trouble(error):
                raise
            raise DefectError(submission, error) from error
        self._trees.follow()

    def roll_back(self) -> int | None:
        """Undo the open transaction. Returns the key of the instance whose turn it ran last."""
        latest = self._dispatcher.transaction.latest
        try:
            self._end_transaction()
        finally:  # SQLite can be interrupted in a rollback too; what memory has of it must never be written
            self._dispatcher.roll_back()
            self._trees.rolled_back()
            self._logs.rolled_back()
        return latest

    def mark_broken(self, key: int, why: str) -> None:
        """Stall this instance at its next turn: the engine itself failed on it."""
        self._dispatcher.mark_broken(key, why)

    def _transact(self, write: Callable[[], object]) -> None:
        self.db.execute("BEGIN IMMEDIATE")
        try:
            write()
            self.db.execute("COMMIT")
        except BaseException:
            self._end_transaction()
            raise

    def _end_transaction(self) -> None:
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")

    # --- looking ------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Look from time to time whether the store is still the file that was opened. Raises StoreGone."""
        if self._place is not None:
            self._place.look()

    def seconds_to_due(self) -> float | None:
        return self._trees.seconds_to_due(self._time.now)

    def is_due(self) -> bool:
        """Return True if a timer is due."""
        until_due = self.seconds_to_due()
        return until_due is not None and until_due <= 0

    def something_due(self) -> bool:
        """Return True if a timer is due, or another process has written."""
        if self.is_due():
            return True
        try:
            return self._trees.others_wrote()
        except Exception:  # a transaction will meet the same trouble, and know what to do
            return True

    # --- operations on all that is driven, inside a submission ----------------------------------------------------

    def adopt(self, roots: Sequence[int]) -> None:
        self._trees.adopt(roots)

    def skip(self, roots: Sequence[int], skip: Skip) -> None:
        self._trees.skip(roots, skip)

    def held(self, roots: Sequence[int]) -> list[int]:
        return self._trees.held(roots)

    def settled(self, roots: Sequence[int] | None) -> bool:
        return self._trees.settled(roots)

    def left_alone(self) -> dict[int, str]:
        return self._dispatcher.left_alone()

    def try_all_again(self) -> None:
        self._dispatcher.try_all_again()

    def completions(self) -> Mapping[Status, int]:
        """Return the number of instances that ended in this ownership, by status. From any thread."""
        return self._dispatcher.completions


def _take_between_writes(lock: OwnerLock, db: database.Connection) -> bool:
    """Take the lock while nobody writes: a process that drives nothing holds it within a transaction alone."""
    database.begin(db)
    try:
        return lock.take()
    finally:
        db.execute("ROLLBACK")
