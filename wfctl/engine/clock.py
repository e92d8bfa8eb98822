"""The engine's clock, so that tests can move time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The time, as an aware UTC datetime."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(timezone.utc)


class Ticks:
    """Strictly increasing times of a clock, so that two events never have the same one unless of the same turn."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = clock.now()

    def next(self) -> datetime:
        now = self._clock.now()
        if now <= self._last:
            now = self._last + timedelta(microseconds=1)
        self._last = now
        return now
