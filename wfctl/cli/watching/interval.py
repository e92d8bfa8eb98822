"""How often to look at a target that somebody watches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from wfctl.client.port import Workflows

FRAME = 0.2  # seconds between two looks at least, and between two frames
STALE = 1.0  # look even if nothing was heard: a sidecar tells nothing, and that an owner is gone is no commit
WAITING = 0.2  # what a second of waiting for a target costs, in seconds of work


class Pace:
    """Looks that are never oftener than `least` seconds apart, and together cost `share` of the time at most.

    So a watch of a thousand instances is quick, one of a million is slow, and neither keeps a core or a sidecar busy.
    """

    def __init__(self, least: float = FRAME, share: float = 0.15) -> None:
        self._least = least
        self._share = share
        self._next = time.monotonic()

    def due(self) -> bool:
        return time.monotonic() >= self._next

    @contextmanager
    def look(self) -> Iterator[None]:
        began, busy = time.monotonic(), time.process_time()
        try:
            yield
        finally:
            self._next = began + self.interval(time.monotonic() - began, time.process_time() - busy)

    def interval(self, took: float, busy: float) -> float:
        """Seconds from the beginning of a look to that of the next. What it waited for others costs them something
        too, but less than this process's own work."""
        cost = busy + max(took - busy, 0.0) * WAITING
        return max(self._least, took, cost / self._share)


def wait_frame(workflows: Workflows) -> bool:
    """Let one frame's time pass; whether something may have changed meanwhile."""
    began = time.monotonic()
    workflows.changed(FRAME)
    left = FRAME - (time.monotonic() - began)
    if left < FRAME * 0.05:
        return False
    time.sleep(left)
    return True
