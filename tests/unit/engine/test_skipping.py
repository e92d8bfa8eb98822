"""Trees whose time is skipped, on a real store: order, time-outs, retries, what holds a clock, what bounds it."""

import contextlib
import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from engine_rig import Rig, inconsistencies
from hypothesis import given, settings
from hypothesis import strategies as st

from wfctl.engine import operations, retention, skipping
from wfctl.engine.store import clocks, inputs, reads
from wfctl.engine.transaction import Unit
from wfctl.errors import WrongState
from wfctl.model import events as ev
from wfctl.model.instance import RerunRequest, Skip
from wfctl.model.status import Status
from wfctl.model.times import NEVER
from wfctl.workflow.sdk.retry_policy import RetryPolicy
from wfctl.workflow.sdk.tasks import when_all, when_any

BEGIN = datetime(2031, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    install(made)
    yield made
    made.close()


def install(rig: Rig) -> None:
    marks = rig.__dict__.setdefault("marks", [])

    @rig.activity
    def mark(ctx, label):
        marks.append(label)
        return label

    @rig.activity
    def flaky(ctx, label):
        marks.append(label)
        raise ValueError(label)

    @rig.workflow
    def Branch(ctx, steps):
        begun = ctx.current_utc_datetime
        for kind, seconds, label in steps:
            if kind == "timer":
                yield ctx.create_timer(timedelta(seconds=seconds))
            elif kind == "event":
                with contextlib.suppress(TimeoutError):
                    yield ctx.wait_for_external_event("never", timeout=timedelta(seconds=seconds))
            elif kind == "race":
                slow = ctx.create_timer(timedelta(seconds=seconds * 1000))
                fast = ctx.create_timer(timedelta(seconds=seconds))
                assert (yield when_any([slow, fast])) is fast
            yield ctx.call_activity("mark", input=label)
        return round((ctx.current_utc_datetime - begun).total_seconds())

    @rig.workflow
    def Fan(ctx, branches):
        return (yield when_all([ctx.call_child_workflow("Branch", input=steps) for steps in branches]))

    @rig.workflow
    def Retried(ctx, _):
        policy = RetryPolicy(first_retry_interval=timedelta(hours=1), max_number_of_attempts=5, backoff_coefficient=2)
        try:
            yield ctx.call_activity("flaky", input="try", retry_policy=policy)
        except Exception:
            return "gave up"

    @rig.workflow
    def Monitor(ctx, n):
        yield ctx.create_timer(timedelta(hours=1))
        ctx.continue_as_new(n + 1)

    @rig.workflow
    def Approval(ctx, _):
        try:
            answer = yield ctx.wait_for_external_event("approval", timeout=timedelta(days=3))
        except TimeoutError:
            return "too late"
        yield ctx.create_timer(timedelta(days=1))
        return answer

    @rig.workflow
    def Reminder(ctx, _):
        yield ctx.create_timer(timedelta(days=3))
        return "reminded"


def start(rig: Rig, name: str, instance_id: str, input: str | None = None, **fields: Any) -> int:
    rig.start(name, instance_id, input, own_clock=True, now=fields.pop("now", BEGIN), **fields)
    return rig.key(instance_id)


def skip(rig: Rig, *roots: int, how: Skip = Skip()) -> None:  # noqa: B008 (it is frozen)
    rig.engine.skip(roots, how)
    rig.settle()


def took(rig: Rig, instance_id: str) -> timedelta:
    row = rig.row(instance_id)
    assert row.completed_at is not None
    return timedelta(microseconds=row.completed_at - row.created_at)


def ended_at(rig: Rig, instance_id: str) -> timedelta:
    """How long after its beginning an instance ended by its clock, to the minute."""
    return timedelta(minutes=round(took(rig, instance_id) / timedelta(minutes=1)))


# --- the order ----------------------------------------------------------------------------------------------------

STEPS = st.lists(st.tuples(st.sampled_from(["timer", "event", "race"]), st.integers(1, 500)), min_size=1, max_size=4)


@settings(max_examples=12)
@given(st.lists(STEPS, min_size=1, max_size=4))
def test_what_is_due_fires_in_the_order_of_its_time_across_a_tree(
    tmp_path_factory: pytest.TempPathFactory, branches: list[list[tuple[str, int]]]
) -> None:
    """The same as by the real clock, moved a little at a time."""
    rig = Rig(tmp_path_factory.mktemp("rig"))
    install(rig)
    try:
        due: dict[str, int] = {}
        program: list[list[list[Any]]] = []
        for number, steps in enumerate(branches):
            at, made = 0, []
            for index, (kind, minutes) in enumerate(steps):
                # Each time is due once, so that there is one right order.
                seconds = minutes * 60 * 7 + number
                at += seconds
                made.append([kind, seconds, f"{number}.{index}"])
                due[f"{number}.{index}"] = at
            program.append(made)
        rig.own([])
        skip(rig, start(rig, "Fan", "fan", json.dumps(program)))
        expected = [sum(seconds for _, seconds, _ in made) for made in program]
        longer = [taken - due for taken, due in zip(json.loads(rig.row("fan").output or ""), expected, strict=True)]
        assert all(0 <= seconds < 60 for seconds in longer), (
            "each branch took the time that it says, and that of its work"
        )
        skipped = list(rig.__dict__["marks"])
        rig.__dict__["marks"].clear()
        assert [due[label] for label in skipped] == sorted(due.values())

        rig.start("Fan", "slow", json.dumps(program))
        while not rig.until(lambda: _at_rest(rig)) or not rig.row("slow").status.terminal:
            wake = rig.look(lambda db: db.execute("SELECT min(wake_at) FROM instances").fetchone()[0])
            rig.advance(seconds=max(0.0, wake / 1e6 - rig.clock.now().timestamp()))
        assert rig.row("slow").output == json.dumps(expected)
        assert rig.__dict__["marks"] == skipped
        assert rig.look(inconsistencies) == []
    finally:
        rig.close()


def _at_rest(rig: Rig) -> bool:
    """Return True if nothing is to be done but to wait for a time."""
    busy = "SELECT 1 FROM instances WHERE busy > 0 OR wake_at <= ?"
    now = rig.clock.now().timestamp() * 1e6
    return not rig.do(lambda unit: unit.moves(None) or unit.store.execute(busy, (now,)).fetchone())  # type: ignore[attr-defined]


def test_a_reminder_after_three_days_takes_no_time(rig: Rig) -> None:
    rig.own([])
    skip(rig, start(rig, "Reminder", "r"))
    assert rig.row("r").output == '"reminded"'
    assert ended_at(rig, "r") == timedelta(days=3)
    (fired,) = [event for event in rig.history("r") if isinstance(event, ev.TimerFired)]
    assert fired.timestamp == fired.fire_at, "it fired when it was due, not later"
    assert fired.skipped_ms > timedelta(days=2, hours=23) / timedelta(milliseconds=1)
    clock = rig.look(lambda db: clocks.get(db, rig.key("r")))
    assert clock is not None
    assert clock.own_time.skipped == timedelta(microseconds=clock.ahead - clock.begun) > timedelta(days=2, hours=23)


def test_retries_with_hours_between_them(rig: Rig) -> None:
    rig.own([])
    skip(rig, start(rig, "Retried", "r"))
    assert rig.row("r").output == '"gave up"'
    assert rig.__dict__["marks"] == ["try"] * 5
    assert ended_at(rig, "r") == timedelta(hours=1 + 2 + 4 + 8)


def test_a_delayed_start_is_skipped_too(rig: Rig) -> None:
    rig.own([])
    root = start(rig, "Branch", "later", "[]", start_at=BEGIN + timedelta(days=30))
    assert rig.status("later") is Status.PENDING
    skip(rig, root)
    assert rig.row("later").status is Status.COMPLETED
    assert ended_at(rig, "later") == timedelta(days=30)


# --- what comes before time passes ---------------------------------------------------------------------------------


def test_time_stands_while_an_activity_runs(rig: Rig) -> None:
    begun, go = threading.Event(), threading.Event()

    @rig.activity
    def slow(ctx, _):
        begun.set()
        go.wait(60)
        return "activity"

    @rig.workflow
    def Slow(ctx, _):
        timer, work = ctx.create_timer(timedelta(hours=1)), ctx.call_activity("slow")
        winner = yield when_any([timer, work])
        return "timer" if winner is timer else winner.get_result()

    rig.own([])
    root = start(rig, "Slow", "s")
    rig.engine.skip([root], Skip())
    assert begun.wait(60)
    assert not rig.engine.settled(None)
    assert rig.status("s") is Status.RUNNING
    go.set()
    assert rig.ended("s").output == '"activity"'


def test_an_event_comes_before_its_time_out(rig: Rig) -> None:
    rig.own([])
    root = start(rig, "Approval", "a")
    rig.raise_event("a", "approval", '"yes"')
    skip(rig, root)
    assert rig.row("a").output == '"yes"'
    skip(rig, start(rig, "Approval", "b"))
    assert rig.row("b").output == '"too late"'
    assert ended_at(rig, "b") == timedelta(days=3)


def test_no_clock_jumps_for_what_is_paused(rig: Rig) -> None:
    rig.own([])
    root = start(rig, "Approval", "a")
    rig.waits_for("a", "approval")
    rig.do(lambda unit: operations.pause(unit, "a", None))
    skip(rig, root)
    assert rig.status("a") is Status.SUSPENDED
    rig.raise_event("a", "approval", '"yes"')
    rig.do(lambda unit: operations.resume(unit, "a", None))
    assert rig.ended("a").output == '"yes"'


def test_a_clock_stops_at_the_end_of_the_calendar(rig: Rig) -> None:
    rig.own([])
    root = start(rig, "Approval", "a", now=NEVER - timedelta(days=3, minutes=1))
    skip(rig, root, how=Skip(by=timedelta(days=1)))
    rig.advance(days=4)  # that clock would be in the year 10000
    skip(rig, root)
    assert rig.ended("a").output == '"too late"'
    late = rig.look(lambda db: reads.get(db, "a", payloads=False, driven=True))
    assert late is not None
    assert late.time(rig.clock.now()) == NEVER


def test_an_event_from_another_process_is_stamped_by_the_clock_of_the_tree(rig: Rig) -> None:
    rig.own([])
    root = start(rig, "Approval", "a")
    skip(rig, root, how=Skip(by=timedelta(days=1)))
    rig.beside(lambda unit: operations.raise_event(unit, "a", "approval", '"yes"'))
    skip(rig, root)
    (raised,) = [event for event in rig.history("a") if isinstance(event, ev.EventRaised)]
    assert timedelta(days=1) <= raised.timestamp - BEGIN < timedelta(days=1, hours=1)
    assert rig.ended("a").output == '"yes"'


def test_other_trees_keep_to_the_real_time(rig: Rig) -> None:
    rig.own(None)
    rig.start("Reminder", "real")
    root = start(rig, "Reminder", "own")
    other = start(rig, "Reminder", "not asked for")
    skip(rig, root)
    assert rig.status("own") is Status.COMPLETED
    assert rig.status("real") is rig.status("not asked for") is Status.RUNNING
    assert rig.look(lambda db: clocks.get(db, rig.key("real"))) is None
    rig.advance(days=3)
    assert rig.ended("real").output == rig.ended("not asked for").output
    assert ended_at(rig, "not asked for") == timedelta(days=3), "its clock goes on with the real one"
    assert rig.look(lambda db: clocks.get(db, other)).ahead == rig.look(lambda db: clocks.get(db, other)).begun  # type: ignore[union-attr]


# --- how far -------------------------------------------------------------------------------------------------------


def test_until_holds_the_clock_and_later_goes_on(rig: Rig) -> None:
    rig.own([])
    root = start(rig, "Approval", "a")
    skip(rig, root, how=Skip(until=BEGIN + timedelta(days=1)))
    assert rig.engine.held([root]) == [root]
    clock = rig.look(lambda db: clocks.get(db, root))
    assert clock is not None
    assert clock.time(rig.clock.now()) - BEGIN >= timedelta(days=1)
    skip(rig, root, how=Skip(by=timedelta(days=1)))
    assert rig.status("a") is Status.RUNNING
    rig.raise_event("a", "approval", '"yes"')
    rig.settle()
    assert rig.status("a") is Status.RUNNING, "the day after the approval is beyond the limit"
    skip(rig, root)
    assert rig.engine.held([root]) == []
    assert rig.row("a").output == '"yes"'


def test_a_monitor_for_ever_comes_to_its_bound(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skipping, "MOST_JUMPS", 20)
    rig.own([])
    root = start(rig, "Monitor", "m", "0")
    skip(rig, root)
    assert rig.engine.held([root]) == [root]
    assert rig.row("m").status is Status.RUNNING
    assert rig.look(lambda db: inputs.of(db, rig.key("m"))) == "20"
    skip(rig, root, how=Skip(by=timedelta(hours=50, minutes=30)))
    assert rig.look(lambda db: inputs.of(db, rig.key("m"))) == "70", "no bound but its own"


def test_what_has_ended_when_it_is_asked_for_again_is_settled(rig: Rig) -> None:
    rig.own([])
    root = start(rig, "Reminder", "r")
    for _ in range(30):  # among them one in the transaction in which it comes to its end
        rig.engine.skip([root], Skip())
    skip(rig, root)
    rig.engine.skip([root], Skip())
    rig.settle()
    assert rig.row("r").output == '"reminded"'


# --- the store -----------------------------------------------------------------------------------------------------


def test_the_clock_is_committed_with_the_turn(rig: Rig) -> None:
    """Given up between any two commits and taken up again, the tree comes to the same."""
    rig.own([])
    root = start(rig, "Branch", "b", '[["timer", 86400, "one"], ["event", 86400, "two"], ["race", 86400, "three"]]')
    for day in range(3):
        skip(rig, root, how=Skip(until=BEGIN + timedelta(days=day, hours=12)))
        rig.leave()
        rig.own([])
    skip(rig, root)
    assert rig.ended("b").output == str(3 * 86400)
    assert rig.__dict__["marks"] == ["one", "two", "three"]


def test_a_rerun_goes_on_by_the_same_clock(rig: Rig) -> None:
    rig.own([])
    skip(rig, start(rig, "Branch", "b", '[["timer", 86400, "one"], ["timer", 86400, "two"]]'))
    marked = [event.event_id for event in rig.history("b") if isinstance(event, ev.TaskScheduled)]
    rig.do(lambda unit: operations.rerun(unit, RerunRequest("b", marked[0], "again")))
    skip(rig, rig.key("again"))
    assert rig.ended("again").status is Status.COMPLETED
    times = [event.timestamp for event in rig.history("again")]
    assert times == sorted(times), "time does not go back"


def test_what_ended_is_kept_by_the_real_time(rig: Rig) -> None:
    rig.own([])
    future, past = start(rig, "Reminder", "future"), start(rig, "Branch", "past", "[]", now=BEGIN.replace(year=2001))
    skip(rig, future, past)
    week = retention.Retention(any=timedelta(days=7))

    def expired() -> list[int]:
        return rig.look(lambda db: retention.expired(db, week, rig.clock.now()))

    assert expired() == []
    rig.advance(days=8)
    assert sorted(expired()) == [future, past]
    rig.do(lambda unit: operations.purge(unit, "future", False, True))
    rig.do(lambda unit: operations.purge(unit, "past", False, True))
    left = "SELECT (SELECT count(*) FROM clocks) + (SELECT count(*) FROM real_ends)"
    assert rig.look(lambda db: db.execute(left).fetchone()[0]) == 0


def test_a_store_made_for_it_skips_whatever_it_is_driven_by(rig: Rig) -> None:
    assert rig.look(clocks.make_whole_store)
    rig.start_beside("Reminder", "before")
    rig.own(None)
    rig.start("Reminder", "here")
    rig.start_beside("Reminder", "beside")
    for instance_id in ("before", "here", "beside"):
        assert rig.ended(instance_id).output == '"reminded"'
    rig.leave()
    assert rig.look(clocks.make_whole_store), "it is made so already"


def test_an_owner_hears_that_its_store_was_made_for_it(rig: Rig) -> None:
    rig.own(None)
    rig.start("Reminder", "before")
    rig.do(lambda unit: operations.purge(unit, "before", True, True))
    assert rig.look(clocks.make_whole_store)
    rig.start("Reminder", "after")
    clock_of = rig.look(lambda db: clocks.get(db, rig.row("after").key))
    assert clock_of is not None


def test_a_store_with_instances_is_not_made_for_it_later(rig: Rig) -> None:
    rig.start_beside("Reminder", "r")
    assert not rig.look(clocks.make_whole_store)
    assert not rig.look(clocks.whole_store)


def test_serve_leaves_such_trees_alone(rig: Rig) -> None:
    """Neither its code nor its timers run, and what arrives is kept for whoever goes on."""
    rig.own([])
    root = start(rig, "Approval", "a")
    skip(rig, root, how=Skip(by=timedelta(days=1)))
    rig.leave()
    rig.own(None, leaves_clocks=True)
    rig.raise_event("a", "approval", '"yes"')
    rig.start("Branch", "real", "[]")
    assert rig.ended("real").status is Status.COMPLETED
    rig.advance(days=9)
    rig.settle()
    assert rig.engine.left_alone() == {root: "Approval"}
    assert rig.status("a") is Status.RUNNING
    with pytest.raises(WrongState):
        rig.do(lambda unit: operations.resume(unit, "a", None))
    rig.leave()
    rig.own([])
    skip(rig, root)
    assert rig.ended("a").output == '"yes"'


def test_another_owner_is_asked_to_skip(rig: Rig) -> None:
    from wfctl.engine.store import history_inbox

    rig.own([])
    rig.start_beside("Reminder", "r", own_clock=True)
    root = rig.key("r")

    def ask(unit: Unit) -> None:
        history_inbox.put_wanted(unit.store, [root])
        history_inbox.put_skipping(unit.store, root, 0)

    rig.beside(ask)
    assert rig.ended("r").output == '"reminded"'
