"""Threads of activities that have nothing else to do for the moment: the engine goes on there with what they return.

So a lone instance changes no thread between its steps. It is asked of the thread, not said of a result: a result that
another process has sent, or an event loop, comes on a thread that has something else to do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

_here = threading.local()


def enlist(is_idle: Callable[[], bool]) -> None:
    """Say of this thread that it runs activities, and when nothing else is at hand for it."""
    _here.is_idle = is_idle


def is_spare() -> bool:
    """Return True if this is the thread of an activity that has returned, and no other is at hand."""
    is_idle = getattr(_here, "is_idle", None)
    return is_idle is not None and is_idle()
