"""After a transaction that could not be committed: what is tried again, who is told, when the engine gives up."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from wfctl.engine.owned_store import OwnedStore
from wfctl.engine.store import database
from wfctl.engine.submission import DefectError, Message, refuse
from wfctl.errors import DiskFull

# Turns in one transaction: what waits for the commit, or in another process for the write lock, waits for these.
MOST_TURNS = 2000
# After this many transactions in a row that could not be committed, the engine gives up and says why.
MOST_FAILURES = 5
# Seconds between two attempts on a full disk.
FIRST_PAUSE, MOST_PAUSE = 0.1, 2.0


class Recovery:
    """`on_full` is told when the disk is full, and with None when there is room again; without it, a full disk is
    trouble as any other. Everything runs on the engine's thread; `stopping` is true once that is to end."""

    def __init__(
        self,
        path: Path,
        owned: OwnedStore,
        incoming: queue.SimpleQueue[Message],
        stopping: Callable[[], bool],
        on_full: Callable[[DiskFull | None], None] | None,
    ) -> None:
        self._path = path
        self._owned = owned
        self._incoming = incoming
        self._stopping = stopping
        self._on_full = on_full
        self._full: DiskFull | None = None
        self._full_pause = 0.0
        self._failures = 0
        self.most_turns = MOST_TURNS  # of the next transaction

    @property
    def disk_was_full(self) -> bool:
        """True until a transaction succeeds again."""
        return self._full is not None

    def succeeded(self) -> None:
        self._failures = 0
        if self._full is not None and self._on_full is not None:
            self._full, self._full_pause = None, 0.0
            self._on_full(None)

    def all_done(self) -> None:
        """Take note that no message of a failed transaction is left."""
        self.most_turns = MOST_TURNS

    def failed(self, messages: Sequence[Message], error: Exception) -> Sequence[Message]:
        """Roll back. Returns the messages that are to be tried again; callers are told of trouble with the store.

        What is not trouble with the store is a defect, and must not stop what has nothing to do with it: an operation's
        goes to its caller; an instance's is found by running turns one by one, and stalls the instance.
        Raises the error in words after too many failures in a row.
        """
        latest = self._owned.roll_back()
        if isinstance(error, DefectError):
            error.submission.fail(database.explain_any(error.error, self._path))
            return [message for message in messages if message is not error.submission]
        if self._on_full is not None and database.is_full(error, self._path):
            return self._wait_for_room(messages, self._on_full)
        words = database.explain_any(error, self._path)
        self._failures += 1
        if self._failures >= MOST_FAILURES:
            raise words from error
        if not database.is_trouble(error) and latest is not None:
            self._narrow_down(latest, error)
            return messages
        kept = refuse(messages, words)
        threading.Event().wait(0.1 * self._failures)
        return kept

    def _narrow_down(self, latest: int, error: Exception) -> None:
        """Run turns one by one; the instance on which one fails again is the one to stall."""
        if self.most_turns == 1:
            self._owned.mark_broken(latest, f"the engine failed on it: {type(error).__name__}: {error}")
            self.most_turns = MOST_TURNS
        else:
            self.most_turns = 1

    def _wait_for_room(self, messages: Sequence[Message], tell: Callable[[DiskFull | None], None]) -> Sequence[Message]:
        """Refuse all requests and keep all results until the next attempt. Returns the results; turns are run again."""
        if self._full is None:
            self._full = DiskFull(
                f"the disk of the store {self._path} is full: nothing of this request was recorded",
                hint="free some space there: the server goes on by itself, and nothing that it acknowledged is lost",
            )
            tell(self._full)
        kept = refuse(messages, self._full)
        self._full_pause = min(2 * self._full_pause or FIRST_PAUSE, MOST_PAUSE)
        until = time.monotonic() + self._full_pause
        while not self._stopping():
            left = until - time.monotonic()
            if left > 0:
                with contextlib.suppress(queue.Empty):
                    kept += refuse([self._incoming.get(timeout=left)], self._full)
            elif database.has_room(self._path):
                break
            else:
                until += MOST_PAUSE
        return kept
