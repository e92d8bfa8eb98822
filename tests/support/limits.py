"""How long a test waits for what must happen: no busy machine takes longer, and a broken program is found out."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

LIMIT_SECONDS = 120

T = TypeVar("T")


def until(holds: Callable[[], T], what: str | Callable[[], str] = "", pause: float = 0.01) -> T:
    """Return the first true value of `holds`. Raises AssertionError after LIMIT_SECONDS, with `what` never happened."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while True:
        value = holds()
        if value:
            return value
        assert time.monotonic() < deadline, f"never happened: {what() if callable(what) else what or holds}"
        time.sleep(pause)
