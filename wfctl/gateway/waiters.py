"""Wait for an instance to reach a status. The engine tells after each commit what changed; nobody polls."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from wfctl.engine.store.instances import Row
from wfctl.gateway.api_error import Trouble
from wfctl.model.status import Status
from wfctl.wire.error_codes import Problem
from wfctl.wire.http_routes import Operation

Until = Callable[[Status], bool]


class Waiters:
    """`changed` is called on the engine's thread, everything else on the server's loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[str, list[tuple[Until, asyncio.Future[None]]]] = {}

    def __contains__(self, instance_id: str) -> bool:
        """Return True if somebody waits for this instance."""
        return instance_id in self._waiting

    def changed(self, rows: Sequence[Row]) -> None:
        waiting = self._waiting
        if not waiting:
            return
        changes = [(row.id, row.status) for row in rows if row.id in waiting]
        if changes:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the server has stopped
                self._loop.call_soon_threadsafe(self._tell, changes)

    def _tell(self, changes: Sequence[tuple[str, Status]]) -> None:
        for instance_id, status in changes:
            for until, future in self._waiting.get(instance_id, ()):
                if not future.done() and until(status):
                    future.set_result(None)

    def close(self) -> None:
        """Let everybody go: the server stops. They are told to try again."""
        for entries in self._waiting.values():
            for _, future in entries:
                if not future.done():
                    future.set_exception(Trouble(Problem.UNAVAILABLE, Operation.WAIT, reason="the server stops"))

    async def wait(self, instance_id: str, until: Until, now: Callable[[], Status | None]) -> None:
        """Wait until the status satisfies `until`. `now` reads the committed one (None: there is no such instance)."""
        future: asyncio.Future[None] = self._loop.create_future()
        entry = (until, future)
        self._waiting.setdefault(instance_id, []).append(entry)
        try:
            # Only after the entry is in place: a commit in between is either read here or told of.
            status = now()
            if status is None or not until(status):
                await future
        finally:
            left = self._waiting[instance_id]
            left.remove(entry)
            if not left:
                del self._waiting[instance_id]
