"""Engine time: it never goes back, never stands still, and is the wall clock where that was not set back."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from wfctl.engine.clock import AHEAD_RATE, MICROSECOND, EngineTime

T0 = datetime(2030, 1, 1, tzinfo=timezone.utc)
ROUNDING = timedelta(microseconds=2)

seconds = st.floats(0, 10_000_000, allow_nan=False)
# What happens between two looks: real seconds pass, and somebody sets the clock by so many.
steps = st.lists(st.tuples(seconds, st.sampled_from([0.0, 0.0, 0.0, -3600.0, 3600.0, -0.01, 86400.0, -86400.0])))


class Steered:
    step = MICROSECOND

    def __init__(self) -> None:
        self.wall = T0
        self.real = 0.0

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.real

    def passes(self, seconds: float, set_by: float = 0.0) -> None:
        self.real += seconds
        self.wall += timedelta(seconds=seconds) + timedelta(seconds=set_by)


@given(steps)
def test_it_goes_on_as_fast_as_real_time_whatever_the_wall_clock_does(steps) -> None:
    clock = Steered()
    time = EngineTime(clock)
    before = time.now()
    for real, set_by in steps:
        clock.passes(real, set_by)
        now = time.now()
        assert now - before >= timedelta(seconds=real * AHEAD_RATE) - ROUNDING
        assert now >= clock.wall, "never behind the wall clock"
        before = now


@given(st.lists(seconds))
def test_it_is_the_wall_clock_where_that_is_never_set_back(passed) -> None:
    clock = Steered()
    time = EngineTime(clock)
    for real in passed:
        clock.passes(real, set_by=real % 7)
        assert time.now() == clock.wall


@given(steps)
def test_ticks_only_ever_grow(steps) -> None:
    clock = Steered()
    time = EngineTime(clock)
    ticks = [time.tick()]
    for real, set_by in steps:
        clock.passes(real, set_by)
        ticks += [time.tick(), time.tick()]
    assert ticks == sorted(set(ticks))


@given(st.floats(0.1, 3600), st.floats(0, 0.0005))
def test_it_comes_back_to_the_wall_clock(ahead, drift) -> None:
    """Also where the monotonic clock runs too fast by up to half a thousandth."""
    clock = Steered()
    time = EngineTime(clock)
    clock.passes(0, set_by=-ahead)
    for _ in range(100):
        clock.real += ahead * 21 * (1 + drift)
        clock.wall += timedelta(seconds=ahead * 21)
        time.now()
    assert time.now() == clock.wall


def test_a_suspended_machine_wakes_at_the_wall_clocks_time() -> None:
    clock = Steered()
    time = EngineTime(clock)
    clock.wall += timedelta(hours=8)  # and the monotonic clock stood still
    assert time.now() == clock.wall
