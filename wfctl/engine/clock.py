"""The engine's clock, so that tests can move time."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import Protocol

# How fast engine time goes on by the monotonic clock while it is ahead of the wall clock. A little slower than real
# time, so that a monotonic clock that runs fast does not lead it away from the wall clock for good.
AHEAD_RATE = 0.999
# On Linux the plain monotonic clock stands still while the machine is suspended; this one does not.
_BOOT_TIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)
MICROSECOND = timedelta(microseconds=1)


class Clock(Protocol):
    step: timedelta  # how much later than the one before a transaction is at the least

    def now(self) -> datetime:
        """Return the wall-clock time, as an aware UTC datetime. It may jump either way."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some point in the past. They never decrease, and no setting of the clock moves them."""
        ...


class SystemClock:
    step = MICROSECOND

    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    def monotonic(self) -> float:
        return time.monotonic() if _BOOT_TIME is None else time.clock_gettime(_BOOT_TIME)


class StoppedClock:
    """A clock that stands still, for tests: what they see does not depend on the machine."""

    step = timedelta(0)

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return 0.0


class EngineTime:
    """The time that the engine stamps events with and measures timers by. It never goes back.

    It is the wall clock, as long as that does not go back. When the wall clock is set back, time goes on by the
    monotonic clock until the wall clock has caught up: a timer of five seconds takes five seconds either way. When the
    wall clock is set forward, or the machine was suspended, the wall clock wins at once.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._anchor = clock.now(), clock.monotonic()
        self._tick = self._anchor[0]

    def now(self) -> datetime:
        """Return the time; never earlier than what was returned before."""
        wall, monotonic = self._clock.now(), self._clock.monotonic()
        anchor, since = self._anchor
        without_steps = anchor + timedelta(seconds=(monotonic - since) * AHEAD_RATE)
        if wall < without_steps:
            return without_steps
        self._anchor = wall, monotonic
        return wall

    def tick(self) -> datetime:
        """Return the time, later than the tick before by the clock's step: so no two transactions have the same one,
        unless the clock stands still."""
        self._tick = max(self.now(), self._tick + self._clock.step)
        return self._tick
