"""Wait for an instance to reach a status. The engine tells after each commit what changed; nobody polls."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from functools import partial
from typing import Any, NamedTuple, TypeVar

from wfctl.engine.store.instances import Row
from wfctl.gateway.api_error import Trouble
from wfctl.model.status import Status
from wfctl.wire.error_codes import Problem
from wfctl.wire.http_routes import Operation

T = TypeVar("T")

Until = Callable[[Status], bool]


class _Waiter(NamedTuple):
    until: Until
    read: Callable[[], Any]
    future: Future[Any]

    def look(self) -> None:
        """Give what is read to who waits, if it is there."""
        with contextlib.suppress(InvalidStateError):  # another thread has done so, or nobody waits any more
            try:
                found = self.read()
            except Exception as error:
                self.future.set_exception(error)
            else:
                if found is not None:
                    self.future.set_result(found)


class Waiters:
    """`changed` is called on the engine's thread, everything else on any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, list[_Waiter]] = {}

    def __contains__(self, instance_id: str) -> bool:
        """Return True if somebody waits for this instance."""
        return instance_id in self._waiting

    def changed(self, rows: Sequence[Row]) -> None:
        if not self._waiting:
            return
        for row in rows:
            for waiter in self._waiting.get(row.id, ()):
                if waiter.until(row.status):
                    waiter.look()

    def close(self) -> None:
        """Let everybody go: the server stops. They are told to try again."""
        with self._lock:
            waiting = [waiter for waiters in self._waiting.values() for waiter in waiters]
        for waiter in waiting:
            with contextlib.suppress(InvalidStateError):
                waiter.future.set_exception(Trouble(Problem.UNAVAILABLE, Operation.WAIT, reason="the server stops"))

    def wait(self, instance_id: str, until: Until, read: Callable[[], T | None]) -> Future[T]:
        """Return what will have what `read` returns, once that is not None. It reads what is committed: now, on this
        thread, and whenever the instance has come to a status that satisfies `until`, on the engine's."""
        waiter = _Waiter(until, read, Future())
        with self._lock:
            self._waiting[instance_id] = [*self._waiting.get(instance_id, ()), waiter]
        waiter.future.add_done_callback(partial(self._remove, instance_id))
        # Only now that it is in its place: a commit in between is either read here or told of.
        waiter.look()
        return waiter.future

    def _remove(self, instance_id: str, future: Future[Any]) -> None:
        with self._lock:
            left = [other for other in self._waiting[instance_id] if other.future is not future]
            if left:
                self._waiting[instance_id] = left
            else:
                del self._waiting[instance_id]
