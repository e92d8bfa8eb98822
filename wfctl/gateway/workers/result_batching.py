"""Workers' answers on their way to the engine: many in one transaction while there is much to do.

The engine commits what it finds in its queue. Answers of a busy worker come one by one, half a millisecond apart, and
a transaction for each costs more than what it writes. While a worker has plenty in its hands it does not notice
that the next item comes a few milliseconds later, so that answers may wait for each other that long; where little is
under way every answer goes on at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable

from wfctl.engine.execute.port import Delivery

WAIT_SECONDS = 0.01
# From so many items in workers' hands on: about twice what a worker gets done in WAIT_SECONDS.
BUSY = 32
MOST = 100


class Batches:
    """May be used from any thread. `held` counts the items in workers' hands."""

    def __init__(self, loop: asyncio.AbstractEventLoop, deliver: Callable[[Delivery], None]) -> None:
        self._loop = loop
        self._deliver = deliver
        self._waiting: list[Delivery] = []
        self._armed = False  # a timer runs, or is about to
        self._lock = threading.Lock()

    def add(self, delivery: Delivery, held: int) -> None:
        with self._lock:
            self._waiting.append(delivery)
            if held < BUSY or len(self._waiting) >= MOST:
                ready, arms = self._take(), False
            else:
                ready, arms = [], not self._armed
                self._armed = True
        self._go_on(ready)
        if not arms:
            return
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server has stopped
            self._loop.call_soon_threadsafe(self._loop.call_later, WAIT_SECONDS, self.flush)

    def flush(self) -> None:
        with self._lock:
            self._armed = False
            ready = self._take()
        self._go_on(ready)

    def _take(self) -> list[Delivery]:
        ready, self._waiting = self._waiting, []
        return ready

    def _go_on(self, ready: list[Delivery]) -> None:
        """Not under the lock: the engine may go on with it on this thread."""
        for delivery in ready:
            self._deliver(delivery)
