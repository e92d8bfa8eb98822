"""Whole histories held against code: what differs first, at which line; and code that does not come back."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from workflow_programs import World, programs, workflow
from workflow_simulator import START, Live, Simulation, done, execution, failed, fired, raised, started

import wfctl.workflow as wf
from wfctl.model.events import (
    NO_ID,
    ChildWorkflowInstanceCreated,
    Event,
    EventRaised,
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionSuspended,
    ExecutionTerminated,
    Failure,
    TaskScheduled,
    TimerCreated,
)
from wfctl.model.fit import Action, Difference, Misfit, Recorded
from wfctl.model.status import Status
from wfctl.workflow.registry import Registry
from wfctl.workflow.replay.check import difference
from wfctl.workflow.replay.guard import Guard
from wfctl.workflow.replay.live_workflow import LiveWorkflow


def registry(*functions: Callable[..., Any]) -> Registry:
    found = Registry()
    for function in functions:
        found.add_workflow("w", function)
    return found


def two(ctx, _):
    a = yield ctx.call_activity("A")
    b = yield ctx.call_activity("B")
    return [a, b]


def history(function: Callable[..., Any] = two, events: Sequence[tuple[str, str | None]] = ()) -> list[Event]:
    """What the function leaves behind when it has run to its end."""
    found = registry(function)
    found.add_activity("A", lambda ctx: "A")
    found.add_activity("B", lambda ctx: "B")
    simulation = Simulation(found)
    simulation.run("w", None, events)
    return simulation.histories["i1"]


def check(function: Callable[..., Any], past: Sequence[Event], **options: Any) -> Difference | None:
    return difference(registry(function), Recorded("i1", "w", past), **options)


def found(function: Callable[..., Any], past: Sequence[Event], **options: Any) -> Difference:
    different = check(function, past, **options)
    assert different is not None
    return different


def line_of(different: Difference) -> str:
    assert different.place is not None
    assert different.place.file == __file__
    with open(__file__, encoding="utf-8") as source:
        return source.read().splitlines()[different.place.line - 1].strip()


def test_code_fits_its_own_history_at_every_turn() -> None:
    past = history()
    turns = [index for index, event in enumerate(past) if type(event).__name__ == "WorkflowStarted"]
    for end in (*turns, len(past)):
        assert check(two, past[:end], results=True) is None


def test_another_activity() -> None:
    def other(ctx, _):
        yield ctx.call_activity("A")
        yield ctx.call_activity("Reserve")

    for past in (history(), history()[:-2]):
        different = found(other, past)
        assert (different.kind, different.step) == (Misfit.STEP, 2)
        assert (different.recorded, different.asked) == (Action("activity", "B"), Action("activity", "Reserve"))
        assert different.text == "step 2: the history has activity 'B', the code asks for activity 'Reserve'"
        assert line_of(different) == 'yield ctx.call_activity("Reserve")'


def test_a_step_more_and_a_step_less() -> None:
    def more(ctx, _):
        yield ctx.call_activity("A")
        yield ctx.call_activity("B")
        yield ctx.create_timer(timedelta(hours=1))

    def beside(ctx, _):
        yield wf.when_all([ctx.call_activity("A"), ctx.call_activity("More")])

    def less(ctx, _):
        a = yield ctx.call_activity("A")
        return a

    past = history()
    different = found(more, past)
    assert (different.kind, different.step, different.recorded) == (Misfit.STEP, 3, Action("completed"))
    assert "asks for a timer, where the history completed" in different.text
    assert check(more, past[:-2]) is None
    different = found(beside, past[:3])
    assert (different.step, different.recorded, different.asked) == (2, None, Action("activity", "More"))
    assert line_of(different).startswith("yield wf.when_all")
    different = found(less, past)
    assert (different.step, different.asked) == (2, Action("completed"))
    assert line_of(different) == "return a"


def test_a_step_that_the_code_asks_for_and_the_end_hides() -> None:
    """The code asks for B beside A: the history lacks it when it goes on, though both end alike."""

    def one(ctx, _):
        return (yield ctx.call_activity("A"))

    def beside(ctx, _):
        other = ctx.call_activity("B")
        a = yield ctx.call_activity("A")
        return a if other else None

    first = [started(), execution("w"), TaskScheduled(1, START, "A")]
    ended = [*first, started(), done(1, "1"), ExecutionCompleted(2, START, Status.COMPLETED, "1")]
    assert check(one, ended) is None
    assert found(beside, ended).step == 1

    def behind(ctx, _):
        first = ctx.call_activity("A")
        ctx.call_activity("B")
        return (yield first)

    assert found(behind, ended).step == 2
    terminated = [started(), ExecutionTerminated(NO_ID, START), ExecutionCompleted(2, START, Status.TERMINATED)]
    assert found(behind, [*first, *terminated]).step == 2
    assert check(one, [*first, *terminated]) is None


def test_ends() -> None:
    def fails(ctx, _):
        yield ctx.call_activity("A")
        b = yield ctx.call_activity("B")
        raise KeyError(b)

    def other_result(ctx, _):
        yield from two(ctx, _)
        return "other"

    def again(ctx, _):
        yield from two(ctx, _)
        ctx.continue_as_new(1)

    def waits(ctx, _):
        yield from two(ctx, _)
        yield ctx.wait_for_external_event("paid")

    past, broken = history(), history(fails)
    different = found(fails, past)
    assert (different.kind, different.asked) == (Misfit.END, Action("failed", "KeyError"))
    assert line_of(different) == "raise KeyError(b)"
    assert "the code fails with KeyError" in different.text
    different = found(two, broken)
    assert (different.recorded, different.asked) == (Action("failed", "KeyError"), Action("completed"))
    assert "the code completes, where the history failed with KeyError: 'B'" in different.text
    assert check(fails, broken, results=True) is None
    assert check(other_result, past) is None
    assert 'the result is "other", that in the history' in found(other_result, past, results=True).text.replace(
        "'", '"'
    )
    assert "continues as new, where the history completed" in found(again, past).text
    different = found(waits, past)
    assert (different.step, different.asked) == (3, Action("event", "paid"))
    message = broken[-1]
    assert isinstance(message, ExecutionCompleted)
    assert message.failure is not None
    other_message = [*broken[:-1], replace(message, failure=Failure("KeyError", "'C'"))]
    assert check(fails, other_message) is None
    assert found(fails, other_message, results=True).kind is Misfit.END


def test_a_line_in_what_the_workflow_yields_from() -> None:
    def part(ctx):
        yield ctx.call_activity("A")
        yield ctx.call_activity("X")

    def whole(ctx, _):
        yield from part(ctx)

    assert line_of(found(whole, history())) == 'yield ctx.call_activity("X")'

    def waits_in_part(ctx):
        yield ctx.call_activity("A")
        yield ctx.wait_for_external_event("paid")

    def whole_waits(ctx, _):
        yield from waits_in_part(ctx)

    assert line_of(found(whole_waits, history())) == 'yield ctx.wait_for_external_event("paid")'


def test_the_line_of_a_retry_is_that_of_the_call() -> None:
    def retrying(ctx, _):
        policy = wf.RetryPolicy(first_retry_interval=timedelta(seconds=1), max_number_of_attempts=3)
        yield ctx.call_activity("A", retry_policy=policy)

    past = [started(), execution("w"), TaskScheduled(1, START, "A"), started()]
    past += [failed(1), TaskScheduled(2, START, "B")]
    different = found(retrying, past)
    assert different.asked == Action("retry")
    assert line_of(different) == 'yield ctx.call_activity("A", retry_policy=policy)'


def test_a_workflow_that_is_not_registered() -> None:
    different = difference(registry(two), Recorded("i1", "Gone", []))
    assert different is not None
    assert different.kind is Misfit.UNREGISTERED
    assert different.text == "workflow 'Gone' is not registered; registered: w"
    assert difference(registry(two), Recorded("i1", "w", [])) is None


def test_versions_and_patches() -> None:
    def new(ctx, _):
        if ctx.is_patched("fraud"):
            yield ctx.call_activity("Fraud")
        yield ctx.call_activity("A")
        yield ctx.call_activity("B")

    def other_patch(ctx, _):
        ctx.is_patched("others")
        yield ctx.call_activity("A")
        yield ctx.call_activity("B")

    assert check(new, history()) is None
    assert check(new, history()[:3]) is None
    patched = history(other_patch)
    assert check(other_patch, patched) is None
    assert found(two, patched).kind is Misfit.PATCHES
    assert "['others']" in found(two, patched).text
    versions = Registry()
    versions.add_version("w", "v2", two, is_latest=True)
    past = [started(version="v1"), *history()[1:]]
    different = difference(versions, Recorded("i1", "w", past))
    assert different is not None
    assert different.kind is Misfit.VERSION
    versions.add_version("w", "v1", two, is_latest=False)
    assert difference(versions, Recorded("i1", "w", past)) is None


def test_suspended_children_events_and_timers() -> None:
    def long(ctx, _):
        child = ctx.call_child_workflow("c")
        timer = ctx.create_timer(timedelta(hours=1))
        paid = ctx.wait_for_external_event("paid", timeout=timedelta(days=1))
        yield wf.when_all([child, timer, paid])
        yield ctx.call_activity("A")

    recorded = Live(long).start().events
    assert [type(event) for event in recorded] == [ChildWorkflowInstanceCreated, TimerCreated, TimerCreated]
    past = [started(), execution("w"), *recorded]
    assert check(long, past) is None
    more = [started(), ExecutionSuspended(NO_ID, START), raised("PAID", "1"), started(), fired(2)]
    assert check(long, [*past, *more]) is None
    more += [started(), ExecutionResumed(NO_ID, START)]
    assert check(long, [*past, *more]) is None

    def less(ctx, _):
        child = ctx.call_child_workflow("c")
        yield wf.when_all([child, ctx.wait_for_external_event("paid", timeout=timedelta(days=1))])

    different = found(less, [*past, *more])
    assert (different.step, different.recorded, different.asked) == (2, Action("timer"), Action("timer")) or (
        different.step == 3 and different.recorded == Action("event", "paid")
    )


def test_a_history_that_has_not_begun_is_judged_by_failures_alone() -> None:
    """As after a continue-as-new: what the code asks for then is new, unless it fails."""

    def broken(ctx, _):
        raise NameError("oops")
        yield

    past = [started(), execution("w"), EventRaised(NO_ID, START, "e")]
    assert check(two, past) is None
    assert "fails with NameError: oops, at its beginning" in found(broken, past).text


def test_code_that_does_not_come_back() -> None:
    def computes(ctx, _):
        yield ctx.call_activity("A")
        while True:
            with contextlib.suppress(Exception):
                len("x")

    def sleeps(ctx, _):
        yield ctx.call_activity("A")
        time.sleep(1000)

    def asks(ctx, _):
        while True:
            ctx.call_activity("A")

    past = history()
    with Guard(registry(computes), seconds=0.05) as guard:
        different = guard.difference(Recorded("i1", "w", past))
        assert different is not None
        assert (different.kind, different.text) == (Misfit.HANGS, "the code did not come back within 0.05 seconds")
        assert line_of(different) in ("while True:", "with contextlib.suppress(Exception):", 'len("x")')
    with Guard(registry(sleeps), seconds=0.05) as guard:
        different = guard.difference(Recorded("i1", "w", past))
        assert different is not None
        assert line_of(different) == "time.sleep(1000)"
    different = found(asks, past)
    assert different.kind is Misfit.HANGS
    assert "steps without end" in different.text
    assert line_of(different) == 'ctx.call_activity("A")'


def test_code_that_catches_everything_is_interrupted() -> None:
    def stubborn(ctx, _):
        while True:
            try:  # noqa: SIM105
                time.sleep(1000)
            except BaseException:
                pass

    with Guard(registry(stubborn), seconds=0.05) as guard:
        different = guard.difference(Recorded("i1", "w", history()))
    assert different is not None
    assert different.kind is Misfit.HANGS
    assert line_of(different) == "time.sleep(1000)"


def test_an_alarm_on_a_thread_that_is_not_the_main_one() -> None:
    def computes(ctx, _):
        while True:
            len("x")

    seen: list[Difference | None] = []

    def work() -> None:
        with Guard(registry(computes), seconds=0.05) as guard:
            seen.append(guard.difference(Recorded("i1", "w", history())))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen[0] is not None
    assert seen[0].kind is Misfit.HANGS


def test_what_the_code_prints_is_not_seen(capsys: pytest.CaptureFixture[str]) -> None:
    def talks(ctx, _):
        sys.stdout.write("out")
        sys.stderr.write("err")
        yield ctx.call_activity("A")
        assert not input()
        yield ctx.call_activity("B")

    with Guard(registry(talks)) as guard:
        different = guard.difference(Recorded("i1", "w", history()))
    assert different is not None
    assert "EOFError" in different.text
    assert capsys.readouterr() == ("", "")


# --- random programs --------------------------------------------------------------------------------------------------

UNIQUE = "unique"


def mutated(program: list[Any], at: int, how: str) -> list[Any]:
    """The program with its step `at` changed, which asks for the activity UNIQUE in the original."""
    changed = list(program)
    if how == "rename":
        changed[at] = ("activity", "other", program[at][2])
    elif how == "kind":
        changed[at] = ("child", UNIQUE, program[at][2])
    elif how == "insert":
        changed.insert(at, ("activity", "inserted", False))
    else:
        del changed[at]
    return changed


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs, st.data())
def test_a_changed_program_is_caught_at_its_step(program: Any, data: Any) -> None:
    at = data.draw(st.integers(0, len(program)))
    program.insert(at, ("activity", UNIQUE, data.draw(st.booleans())))
    original = Registry()
    original.add_workflow("interpret", workflow(wf, program))
    world = World(data.draw)
    live = LiveWorkflow(original, "i1")
    new = world.first()
    for _ in range(8):
        result = live.turn((), new)
        going = world.commit(new, result)
        assert difference(original, Recorded("i1", "interpret", world.history), results=True) is None
        if not going:
            break
        new = world.next()
    step = next((e.event_id for e in world.history if isinstance(e, TaskScheduled) and e.name == UNIQUE), None)
    assume(step is not None)
    assert step is not None
    changed = Registry()
    changed.add_workflow(
        "interpret",
        workflow(wf, mutated(program, at, data.draw(st.sampled_from(["rename", "kind", "insert", "delete"])))),
    )
    different = difference(changed, Recorded("i1", "interpret", world.history))
    assert different is not None
    assert different.kind is Misfit.STEP
    assert different.step is not None
    if different.asked == Action("completed"):  # which drops what the code has asked for before, in the same turn
        assert different.step <= step
    else:
        assert different.step == step
    assert different.place is not None
