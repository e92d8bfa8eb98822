"""New histories out of old ones."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from wfctl.engine.core.rerun import rerun
from wfctl.errors import InvalidInput, NotFound
from wfctl.model import events as ev
from wfctl.model.events import NO_ID, Event
from wfctl.model.instance import RerunRequest
from wfctl.model.status import Status

T0 = datetime(2026, 1, 1, tzinfo=timezone.utc)
NOW = T0 + timedelta(days=1)


def turn(*events: Event) -> list[Event]:
    return [ev.WorkflowStarted(NO_ID, T0), *events]


def scheduled(event_id: int) -> ev.TaskScheduled:
    return ev.TaskScheduled(event_id, T0, f"Step{event_id}", f'"{event_id}"', f"x:{event_id}")


def done(event_id: int) -> ev.TaskCompleted:
    return ev.TaskCompleted(NO_ID, T0, event_id, '"ok"', f"x:{event_id}")


STARTED = ev.ExecutionStarted(NO_ID, T0, "W", '"in"', "old", "x0")
CHAIN = [
    *turn(STARTED, scheduled(1)),
    *turn(done(1), scheduled(2)),
    *turn(done(2), scheduled(3)),
    *turn(done(3), ev.ExecutionCompleted(4, T0, Status.COMPLETED)),
]


def test_a_chain_keeps_what_came_before_the_step() -> None:
    made = rerun(CHAIN, RerunRequest("old", 2), "new", "x9", NOW)
    assert list(made.state.open) == [2]
    assert made.state.status() is Status.RUNNING
    assert [type(e).__name__ for e in made.history] == [
        "WorkflowStarted",
        "ExecutionStarted",
        "TaskScheduled",
        "WorkflowStarted",
        "TaskCompleted",
        "TaskScheduled",
    ]
    started = made.history[1]
    assert isinstance(started, ev.ExecutionStarted)
    assert (started.instance_id, started.execution_id, started.input) == ("new", "x9", '"in"')
    again = made.history[-1]
    assert isinstance(again, ev.TaskScheduled)
    assert again.rerun_parent == "old"
    assert again.input == '"2"'
    assert again.timestamp == NOW, "how long it takes is counted from here, and not from the first time"
    assert made.history[2].timestamp == T0


def test_the_input_of_the_step_can_be_replaced_even_by_nothing() -> None:
    made = rerun(CHAIN, RerunRequest("old", 2, input=None, overwrite_input=True), "new", "x9", NOW)
    again = made.history[-1]
    assert isinstance(again, ev.TaskScheduled)
    assert again.input is None


def test_a_fan_out_is_done_again_from_its_turn() -> None:
    fan = [
        *turn(STARTED, scheduled(1), scheduled(2), scheduled(3)),
        *turn(done(1), done(2), done(3), ev.ExecutionCompleted(4, T0, Status.COMPLETED)),
    ]
    assert list(rerun(fan, RerunRequest("old", 2), "new", "x9", NOW).state.open) == [1, 2, 3]


def test_what_was_still_open_is_issued_again() -> None:
    history = [
        *turn(STARTED, scheduled(1), scheduled(2)),
        *turn(done(2), scheduled(3)),
        *turn(done(1)),
        *turn(done(3), ev.ExecutionCompleted(4, T0, Status.COMPLETED)),
    ]
    assert list(rerun(history, RerunRequest("old", 3), "new", "x9", NOW).state.open) == [1, 3]


def test_a_timer_waits_its_whole_time_again() -> None:
    timer = ev.TimerCreated(1, T0, T0 + timedelta(minutes=5))
    fired = ev.TimerFired(NO_ID, T0, 1, T0)
    history = [*turn(STARTED, timer), *turn(fired, ev.ExecutionCompleted(2, T0, Status.FAILED))]
    made = rerun(history, RerunRequest("old", 1), "new", "x9", NOW)
    assert made.state.wake_at() == NOW + timedelta(minutes=5)


def test_a_child_gets_an_id_under_the_new_instance_or_the_one_given() -> None:
    child = ev.ChildWorkflowInstanceCreated(1, T0, "old:0001", "C")
    history = [*turn(STARTED, child), *turn(ev.ExecutionCompleted(2, T0, Status.FAILED))]

    def child_id(request: RerunRequest) -> str:
        event = rerun(history, request, "new", "x9", NOW).history[2]
        assert isinstance(event, ev.ChildWorkflowInstanceCreated)
        return event.instance_id

    assert child_id(RerunRequest("old", 1)) == "new:0001"
    assert child_id(RerunRequest("old", 1, new_child_id="mine")) == "mine"


@pytest.mark.parametrize(
    ("request_", "error", "words"),
    [
        (RerunRequest("old", 9), NotFound, "has no event with the number 9"),
        (RerunRequest("old", 4), NotFound, "ExecutionCompleted"),
        (RerunRequest("old", -1), NotFound, "has no event with the number -1"),
        (RerunRequest("old", 2, new_child_id="c"), InvalidInput, "child"),
    ],
)
def test_refusals(request_: RerunRequest, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        rerun(CHAIN, request_, "new", "x9", NOW)


def test_a_timer_takes_no_input() -> None:
    history = turn(STARTED, ev.TimerCreated(1, T0, T0))
    with pytest.raises(InvalidInput, match="timer"):
        rerun(history, RerunRequest("old", 1, overwrite_input=True), "new", "x9", NOW)
