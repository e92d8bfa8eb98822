"""Threads that have nothing else to do for the moment: the engine goes on there with what they deliver.

So a lone instance changes no thread between its steps. It is asked of the thread, not said of a delivery: the same
comes from threads that others wait for.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

_here = threading.local()


def enlist(is_idle: Callable[[], bool]) -> None:
    """Say of this thread that the engine may go on here, and when nothing else is at hand for it."""
    _here.is_idle = is_idle


@contextlib.contextmanager
def lent() -> Iterator[None]:
    """Let the engine go on here, for a short while, with what is delivered in the block."""
    _here.lent = True
    try:
        yield
    finally:
        _here.lent = False


def is_lent() -> bool:
    """Return True if this thread belongs to somebody else, for whom others wait."""
    return getattr(_here, "lent", False)


def is_spare() -> bool:
    """Return True if nothing else is at hand for this thread, and the engine may go on here."""
    is_idle = getattr(_here, "is_idle", None)
    return is_lent() if is_idle is None else is_idle()
