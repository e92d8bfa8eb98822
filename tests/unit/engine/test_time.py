"""Timers and delayed starts under a clock that the test moves: days pass in seconds, engines come and go."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from engine_rig import Clock, Rig, inconsistencies

from wfctl.engine import operations
from wfctl.engine.clock import SystemClock
from wfctl.engine.store import instances
from wfctl.engine.store.values import from_micros, to_micros
from wfctl.model import events as ev
from wfctl.model.instance import StartRequest
from wfctl.model.status import Status
from wfctl.workflow import RetryPolicy

T0 = datetime(2030, 1, 1, tzinfo=timezone.utc)


class Hand(Clock):
    """A clock that only the test moves."""

    def __init__(self) -> None:
        super().__init__()
        self.time = T0

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    rig.clock = Hand()

    @rig.workflow
    def Sleep(ctx, hours):
        yield ctx.create_timer(timedelta(hours=hours))
        return hours

    yield rig
    rig.close()


def put_to(rig: Rig, when: datetime) -> None:
    assert isinstance(rig.clock, Hand)
    rig.clock.time = when


def move(rig: Rig, when: datetime) -> None:
    put_to(rig, when)
    rig.engine.tick()
    rig.settle()


def count(rig: Rig, status: Status) -> int:
    sql = "SELECT count(*) FROM instances WHERE status = ?"
    return rig.look(lambda db: db.execute(sql, (status,)).fetchone()[0])


def test_72_hours_of_a_thousand_timers_across_restarts(rig: Rig) -> None:
    hours = list(range(1, 73)) * 14
    random.Random(1).shuffle(hours)
    rig.own()

    def all_of_them(unit):
        for number, hour in enumerate(hours):
            operations.start(unit, StartRequest("Sleep", f"s{number}", str(hour)))

    rig.do(all_of_them)
    rig.settle()
    for hour in range(1, 73):
        if hour % 9 == 0:
            rig.leave()
            rig.own()
        move(rig, T0 + timedelta(hours=hour, minutes=-1))
        assert count(rig, Status.COMPLETED) == (hour - 1) * 14, "nothing early"
        move(rig, T0 + timedelta(hours=hour, seconds=1))
        assert count(rig, Status.COMPLETED) == hour * 14, "nothing late"
    assert rig.look(inconsistencies) == []


def test_what_fell_due_while_nobody_drove_fires_in_the_order_of_its_times(rig: Rig) -> None:
    order: list[int] = []

    @rig.workflow
    def Note(ctx, hours):
        yield ctx.create_timer(timedelta(hours=hours))
        order.append(hours)

    rig.own()
    hours = list(range(200))
    random.Random(2).shuffle(hours)
    for hour in hours:
        rig.start("Note", f"n{hour}", str(hour + 1))
    rig.settle()
    rig.leave()
    put_to(rig, T0 + timedelta(days=400))
    rig.own()
    rig.settle()
    assert order == list(range(1, 201))


def test_more_timers_at_once_than_a_transaction_takes(rig: Rig) -> None:
    number = instances.MOST_DUE * 2 + 500
    rig.own()

    def all_of_them(unit):
        for each in range(number):
            operations.start(unit, StartRequest("Sleep", f"s{each}", "24"))

    rig.do(all_of_them)
    rig.settle()
    move(rig, T0 + timedelta(hours=24))
    assert count(rig, Status.COMPLETED) == number
    assert rig.look(inconsistencies) == []


def test_a_delayed_start_begins_at_its_time_whoever_made_it(rig: Rig) -> None:
    rig.own()
    when = T0 + timedelta(hours=5)
    rig.start("Sleep", "here", "1", start_at=when)
    rig.start_beside("Sleep", "beside", "1", start_at=when)
    for restart in (False, True):
        if restart:
            rig.leave()
            rig.own()
        move(rig, when - timedelta(minutes=1 + restart))
        assert {rig.status("here"), rig.status("beside")} == {Status.PENDING}
    move(rig, when)
    for name in ("here", "beside"):
        row = rig.row(name)
        assert from_micros(row.started_at or 0) >= when
        assert (row.wake_at or 0) >= to_micros(when + timedelta(hours=1))
    move(rig, when + timedelta(hours=1, seconds=1))
    assert rig.status("here") is rig.status("beside") is Status.COMPLETED


def test_a_suspension_does_not_stop_the_clock(rig: Rig) -> None:
    rig.own()
    rig.start("Sleep", "late", "1")
    rig.start("Sleep", "early", "1")
    for name in ("late", "early"):
        rig.do(lambda unit, name=name: operations.pause(unit, name, None))  # type: ignore[misc]
    move(rig, T0 + timedelta(minutes=30))
    rig.do(lambda unit: operations.resume(unit, "early", None))
    move(rig, T0 + timedelta(hours=2))
    assert rig.status("early") is Status.COMPLETED
    assert rig.status("late") is Status.SUSPENDED, "a timer that is due meanwhile waits for the resume"
    rig.do(lambda unit: operations.resume(unit, "late", None))
    rig.settle()
    assert rig.status("late") is Status.COMPLETED


def test_an_owner_of_one_tree_is_not_kept_by_the_timers_of_others(rig: Rig) -> None:
    rig.own()

    def others(unit):
        for each in range(3000):
            operations.start(unit, StartRequest("Sleep", f"o{each}", "1"))

    rig.do(others)
    rig.settle()
    rig.leave()
    put_to(rig, T0 + timedelta(hours=3))
    rig.own(scope=[])
    rig.start("Sleep", "mine", "1")
    rig.settle()
    assert count(rig, Status.COMPLETED) == 0
    move(rig, T0 + timedelta(hours=5))
    assert rig.status("mine") is Status.COMPLETED
    assert count(rig, Status.COMPLETED) == 1, "the others' timers are due, and not this owner's concern"


def test_a_clock_that_goes_back_loses_nothing(rig: Rig) -> None:
    rig.own()
    rig.start("Sleep", "s1", "1")
    rig.settle()
    move(rig, T0 - timedelta(days=1))
    rig.start("Sleep", "s2", "1")
    rig.settle()
    rig.leave()
    rig.own()
    move(rig, T0 + timedelta(hours=2))
    assert rig.status("s1") is rig.status("s2") is Status.COMPLETED


class TestASetBackClock:
    """The clock is never put right again: all that is looked for happens while it is still back."""

    @pytest.fixture
    def rig(self, tmp_path: Path) -> Iterator[Rig]:
        rig = Rig(tmp_path)
        rig.clock = Clock()
        yield rig
        rig.close()

    @staticmethod
    def set_back(rig: Rig, **delta: float) -> None:
        rig.clock.offset -= timedelta(**delta)
        rig.engine.tick()

    def test_timers_go_on(self, rig: Rig) -> None:
        @rig.workflow
        def Nap(ctx, seconds):
            yield ctx.create_timer(timedelta(seconds=seconds))
            return "awake"

        rig.own()
        rig.start("Nap", "before", "0.5")
        self.set_back(rig, hours=1)
        rig.start("Nap", "after", "0.2")
        assert rig.ended("after").output == rig.ended("before").output == '"awake"'
        assert (rig.row("after").started_at or 0) > to_micros(rig.clock.now() + timedelta(minutes=59))

    def test_retries_go_on(self, rig: Rig) -> None:
        tries: list[int] = []

        @rig.workflow
        def Retried(ctx, _):
            policy = RetryPolicy(first_retry_interval=timedelta(milliseconds=50), max_number_of_attempts=3)
            return (yield ctx.call_activity("unlucky", retry_policy=policy))

        @rig.activity
        def unlucky(ctx, _):
            tries.append(len(tries))
            if len(tries) < 3:
                raise ValueError("not yet")
            return len(tries)

        rig.own()
        self.set_back(rig, hours=1)
        rig.start("Retried", "r1")
        assert rig.ended("r1").output == "3"

    def test_the_time_out_of_a_wait_goes_on(self, rig: Rig) -> None:
        @rig.workflow
        def Wait(ctx, _):
            yield ctx.wait_for_external_event("go", timeout=timedelta(milliseconds=100))

        rig.own()
        self.set_back(rig, days=400)
        rig.start("Wait", "w1")
        assert rig.ended("w1").status is Status.FAILED

    def test_what_another_process_sends_with_the_time_set_back_is_taken_in(self, rig: Rig) -> None:
        @rig.workflow
        def Wait(ctx, _):
            value = yield ctx.wait_for_external_event("go")
            yield ctx.create_timer(timedelta(milliseconds=50))
            return value

        rig.own()
        rig.start("Wait", "w1")
        self.set_back(rig, hours=1)
        rig.beside(lambda unit: operations.raise_event(unit, "w1", "go", "1"))
        rig.start_beside("Wait", "w2")
        rig.waits_for("w2", "go")
        rig.beside(lambda unit: operations.raise_event(unit, "w2", "go", "2"))
        assert (rig.ended("w1").output, rig.ended("w2").output) == ("1", "2")
        assert rig.look(inconsistencies) == []

    def test_a_process_that_begins_while_it_is_back_goes_by_the_clock_as_it_is(self, rig: Rig) -> None:
        @rig.workflow
        def Nap(ctx, seconds):
            yield ctx.create_timer(timedelta(seconds=seconds))

        rig.own()
        rig.start("Nap", "old", "1800")
        rig.settle()
        rig.leave()
        rig.clock.offset -= timedelta(hours=1)
        rig.own()
        rig.start("Nap", "new", "0.1")
        rig.ended("new")
        assert (rig.row("old").wake_at or 0) > to_micros(rig.clock.now() + timedelta(minutes=80)), (
            "at its recorded time"
        )
        rig.advance(minutes=91)
        rig.ended("old")

    def test_the_clock_of_the_system(self) -> None:
        clock = SystemClock()
        before = clock.monotonic()
        assert abs(clock.now() - datetime.now(timezone.utc)) < timedelta(minutes=1)
        assert clock.monotonic() >= before


def test_an_event_and_the_timeout_of_its_wait_in_one_turn_resolve_it_once(rig: Rig) -> None:
    @rig.workflow
    def Wait(ctx, _):
        return (yield ctx.wait_for_external_event("go", timeout=timedelta(hours=1)))

    rig.own()
    rig.start("Wait", "w1")
    rig.settle()
    rig.leave()
    rig.beside(lambda unit: operations.raise_event(unit, "w1", "go", "1"))
    put_to(rig, T0 + timedelta(hours=2))
    rig.own()
    assert rig.ended("w1").output == "1"
    rig.settle()
    assert not [event for event in rig.history("w1") if isinstance(event, ev.TimerFired)]
    assert rig.look(inconsistencies) == []
