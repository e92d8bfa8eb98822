"""The way from the screen to the target: threads that ask the port, so that keys are answered meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from typing import TypeVar

from wfctl.client.port import Workflows
from wfctl.errors import NotAuthenticated, StoreError, Unreachable, WfctlError

T = TypeVar("T")
Open = Callable[[], Workflows]
_Asked = tuple[Callable[[Workflows], object], "Future[object]"]

# After these the connection is closed, and the next question opens another: whatever went away may be back.
LOST = (Unreachable, StoreError, NotAuthenticated)


class Link:
    """One connection to the target, and the one thread that uses it. Questions are answered in their order."""

    def __init__(self, open: Open) -> None:
        self._open = open
        self._asked: SimpleQueue[_Asked | None] = SimpleQueue()
        self._workflows: Workflows | None = None
        self._thread: threading.Thread | None = None

    async def ask(self, call: Callable[[Workflows], T]) -> T:
        """Return what `call` returns, which runs in the link's thread. One that is cancelled before is not asked.

        Raises what `call` raises, and what opening the target raises.
        """
        future: Future[T] = Future()
        self._asked.put((call, future))  # type: ignore[arg-type]
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="wfctl-ui-link", daemon=True)
            self._thread.start()
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Close the connection once what is being asked is answered. Does not wait for it."""
        if self._thread is not None:
            self._asked.put(None)

    def _run(self) -> None:
        while (asked := self._asked.get()) is not None:
            call, future = asked
            if not future.set_running_or_notify_cancel():
                continue
            try:
                if self._workflows is None:
                    self._workflows = self._open()
                value = call(self._workflows)
            except BaseException as error:
                if isinstance(error, LOST):
                    self._drop()
                future.set_exception(error)
            else:
                future.set_result(value)
        self._drop()

    def _drop(self) -> None:
        workflows, self._workflows = self._workflows, None
        if workflows is not None:
            with suppress(WfctlError):
                workflows.close()


class Links:
    """The links to one target: what is looked at does not wait for a scan, nor either for what is being done.

    `look` is for small questions, which a person waits for; `scan` for what reads many instances; `act` for changes.
    """

    def __init__(self, open: Open) -> None:
        self.look, self.scan, self.act = Link(open), Link(open), Link(open)

    def close(self) -> None:
        for link in (self.look, self.scan, self.act):
            link.close()
