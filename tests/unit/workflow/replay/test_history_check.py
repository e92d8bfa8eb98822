"""Replays of hand-written histories: what matches, what stalls, versions and patches."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from datetime import timedelta
from typing import Any

from workflow_code import retrying, two_steps
from workflow_simulator import LATER, START, Live, completed, done, execution, failed, failure, only, raised, started

import wfctl.workflow as wf
from wfctl.model.events import (
    NEVER,
    ChildWorkflowInstanceCreated,
    Event,
    ExecutionCompleted,
    Origin,
    StallReason,
    TaskScheduled,
    TimerCreated,
)
from wfctl.model.status import Status
from wfctl.model.turn import TurnResult
from wfctl.workflow.registry import Registry
from wfctl.workflow.replay.live_workflow import LiveWorkflow


def replay(fn: Callable[..., Any], past: Sequence[Event], *new: Event) -> TurnResult:
    return Live(fn).run.turn([started(), execution("w"), *past], [started(LATER), *new])


def stall(result: TurnResult) -> str:
    assert result.stall is not None
    assert result.stall.reason is StallReason.NON_DETERMINISTIC
    return result.stall.description


def scheduled(number: int, name: str) -> TaskScheduled:
    return TaskScheduled(number, START, name)


def test_is_replaying() -> None:
    seen = []

    def w(ctx: Any) -> Generator[Any, Any, Any]:
        seen.append(ctx.is_replaying)
        yield ctx.call_activity("a")
        seen.append(ctx.is_replaying)
        yield ctx.call_activity("b")

    assert only(replay(w, [scheduled(1, "a")], done(1))).name == "b"
    assert seen == [True, False]


def test_code_that_asks_for_another_activity() -> None:
    text = stall(replay(two_steps, [scheduled(1, "x")]))
    assert "'w' no longer matches its history: step 1: the history has activity 'x'" in text
    assert "asks for activity 'a'" in text


def test_code_that_asks_for_something_of_another_kind() -> None:
    text = stall(replay(two_steps, [TimerCreated(1, START, LATER)]))
    assert "the history has a timer, the code asks for activity 'a'" in text
    child = ChildWorkflowInstanceCreated(1, START, "c1", "c")
    assert "history has child workflow 'c'" in stall(replay(two_steps, [child]))


def test_code_that_asks_for_less() -> None:
    text = stall(replay(two_steps, [scheduled(1, "a"), scheduled(2, "z")]))
    assert "step 2: the history has activity 'z', the code does not ask for it" in text


def test_code_that_asks_for_more() -> None:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        yield wf.when_all([ctx.call_activity("a"), ctx.call_activity("new")])

    text = stall(replay(w, [scheduled(1, "a")], done(1)))
    assert "step 2: the code asks for activity 'new', the history has no such step" in text


def test_code_that_ends_or_fails_or_continues_too_early() -> None:
    def ends(ctx: Any) -> Generator[Any, Any, Any]:
        yield ctx.call_activity("a")

    def fails(ctx: Any) -> Generator[Any, Any, Any]:
        yield ctx.call_activity("a")
        raise NameError("oops")

    def again(ctx: Any) -> Generator[Any, Any, Any]:
        yield ctx.call_activity("a")
        ctx.continue_as_new(1)

    past = [scheduled(1, "a"), started(), done(1), scheduled(2, "b")]
    assert "the history has activity 'b', the code completes" in stall(replay(ends, past))
    assert "fails with NameError: oops" in stall(replay(fails, past))
    assert "continues as new" in stall(replay(again, past))
    assert "continues as new, where the history still waits" in stall(replay(again, [*past[:3]]))
    assert "completes, where the history still waits" in stall(replay(ends, past[:3]))


def test_a_stall_ends_when_the_code_is_mended() -> None:
    past = [scheduled(1, "a")]
    assert replay(lambda ctx: 1, past, done(1)).stall is not None
    assert only(replay(two_steps, past, done(1))).name == "b"


def test_a_history_without_timers_of_endless_waits() -> None:
    """SDKs before 1.18 did not record them: the numbers behind them are lower by one."""

    def w(ctx: Any) -> Generator[Any, Any, Any]:
        event = ctx.wait_for_external_event("e")
        yield ctx.call_activity("a")
        got = yield event
        yield ctx.call_activity("b")
        return got

    assert only(replay(w, [scheduled(1, "a"), started(), done(1), raised("e", "5"), scheduled(2, "b")], done(2))) == (
        ExecutionCompleted(3, LATER, Status.COMPLETED, "5")
    )


def test_a_recorded_endless_wait_that_a_patch_moved() -> None:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        yield ctx.call_activity("a")

    waited = TimerCreated(2, START, NEVER, None, Origin.EXTERNAL_EVENT, "e")
    assert replay(w, [scheduled(1, "a"), waited]).stall is None


def test_ids_in_history_are_those_of_later_attempts() -> None:
    """A rerun has the execution IDs of its source."""
    past = [TaskScheduled(1, START, "a", "[1]", "from-history", 3)]
    w = retrying(first_retry_interval=timedelta(seconds=1), max_number_of_attempts=3)
    assert only(replay(w, past, failed(1))).subject == "from-history"


def versions() -> Registry:
    registry = Registry()
    registry.add_version("w", "v1", lambda ctx: "one", is_latest=False)
    registry.add_version("w", "v2", lambda ctx: "two", is_latest=True)
    return registry


def test_a_new_instance_takes_the_latest_version_and_an_old_one_keeps_its_own() -> None:
    result = LiveWorkflow(versions(), "i1").turn((), [started(), execution("w")])
    assert (completed(result), result.version) == ('"two"', "v2")
    result = LiveWorkflow(versions(), "i1").turn((), [started(version="v1"), execution("w")])
    assert (completed(result), result.version) == ('"one"', "v1")


def test_a_version_that_is_not_registered_stalls() -> None:
    past = [started(version="v0"), execution("w"), scheduled(1, "a")]
    result = LiveWorkflow(versions(), "i1").turn(past, [started(), done(1)])
    assert result.stall is not None
    assert result.stall.reason is StallReason.VERSION_NOT_AVAILABLE
    assert "'v0'" in result.stall.description
    assert "v1, v2" in result.stall.description


def test_versions_without_a_latest_one() -> None:
    registry = Registry()
    registry.add_version("w", "v1", lambda ctx: "one", is_latest=False)
    assert (
        "none of them registered as the latest"
        in failure(LiveWorkflow(registry, "i1").turn((), [started(), execution("w")])).message
    )


def patched(ctx: Any) -> Generator[Any, Any, Any]:
    seen = [ctx.is_patched("p1")]
    yield ctx.call_activity("a")
    seen += [ctx.is_patched("p2"), ctx.is_patched("p1")]
    return seen


def test_patches_apply_to_what_is_new() -> None:
    live = Live(patched)
    assert live.start().patches == ("p1",)
    result = live.feed(done(1))
    assert result.patches == ("p1", "p2", "p1")
    assert completed(result) == "[true, true, true]"


def test_patches_do_not_apply_to_what_is_replayed_without_them() -> None:
    result = replay(patched, [scheduled(1, "a")], done(1))
    assert result.patches == ("p2",)
    assert completed(result) == "[false, true, false]"


def test_patches_of_history_must_be_met() -> None:
    past = [started(patches=("p0", "p1")), execution("w"), scheduled(1, "a")]
    result = Live(patched).run.turn(past, [started(), done(1)])
    assert result.stall is not None
    assert result.stall.reason is StallReason.PATCH_MISMATCH
    past = [started(patches=("gone",)), execution("w"), scheduled(1, "other")]
    result = Live(patched).run.turn(past, [started(), done(1)])
    assert result.stall is not None
    assert result.stall.reason is StallReason.PATCH_MISMATCH
    assert "step 1" in result.stall.description
