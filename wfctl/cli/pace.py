"""How often to look at a target that somebody watches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from wfctl.client.port import Workflows

FRAME = 0.2  # seconds between two looks at least, and between two frames
STALE = 1.0  # look even if nothing was heard: a sidecar tells nothing, and that an owner is gone is no commit


class Pace:
    """Looks that are never oftener than `least` seconds apart, and together take `share` of the time at most.

    So a watch of a thousand instances is quick, one of a million is slow, and neither keeps a core or a sidecar busy.
    """

    def __init__(self, least: float = FRAME, share: float = 0.15, clock: Callable[[], float] = time.monotonic) -> None:
        self._least = least
        self._share = share
        self._clock = clock
        self._next = clock()

    def due(self) -> bool:
        return self._clock() >= self._next

    @contextmanager
    def look(self) -> Iterator[None]:
        began = self._clock()
        yield
        ended = self._clock()
        self._next = max(began + self._least, ended + (ended - began) * (1 / self._share - 1))


def wait_frame(workflows: Workflows) -> bool:
    """Let one frame's time pass; whether something may have changed meanwhile."""
    began = time.monotonic()
    workflows.changed(FRAME)
    left = FRAME - (time.monotonic() - began)
    if left < FRAME * 0.05:
        return False
    time.sleep(left)
    return True
