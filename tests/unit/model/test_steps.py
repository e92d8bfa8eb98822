from __future__ import annotations

from datetime import datetime, timedelta, timezone

from wfctl.model.events import (
    NEVER,
    NO_ID,
    ChildWorkflowInstanceCompleted,
    ChildWorkflowInstanceCreated,
    ChildWorkflowInstanceFailed,
    Event,
    EventRaised,
    ExecutionCompleted,
    ExecutionStarted,
    Failure,
    Origin,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
    WorkflowStarted,
)
from wfctl.model.status import Status
from wfctl.model.steps import Step, StepStatus, failed_step, steps_of

T0 = datetime(2026, 1, 1, tzinfo=timezone.utc)
BOOM = Failure("ValueError", "boom")


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def summary(history: list[Event]) -> list[tuple[str, str | None, str, int]]:
    return [(step.kind, step.name, step.status.value, len(step.attempts)) for step in steps_of(history)]


def only(history: list[Event]) -> Step:
    [step] = steps_of(history)
    return step


def test_an_activity_from_scheduled_to_completed() -> None:
    step = only(
        [
            WorkflowStarted(NO_ID, at(0)),
            ExecutionStarted(NO_ID, at(0), "W", None, "i", "e"),
            TaskScheduled(1, at(1), "A", "5", "t1", 3),
            TaskCompleted(NO_ID, at(3.5), 1, '"r"', "t1"),
        ]
    )
    assert (step.status, step.event_id, step.input, step.result, step.max_attempts) == (
        StepStatus.COMPLETED,
        1,
        "5",
        '"r"',
        3,
    )
    assert step.duration == timedelta(seconds=2.5)


def test_the_attempts_of_one_call_are_one_step() -> None:
    history: list[Event] = [
        TaskScheduled(1, at(0), "A", None, "t1", 5),
        TaskFailed(NO_ID, at(1), 1, BOOM, "t1"),
        TimerCreated(2, at(1), at(4), origin=Origin.ACTIVITY_RETRY, subject="t1"),
    ]
    retrying = only(history)
    assert (retrying.status, retrying.until, retrying.completed_at) == (StepStatus.RETRYING, at(4), None)

    history += [TimerFired(NO_ID, at(4), 2, at(4)), TaskScheduled(3, at(4), "A", None, "t1", 5)]
    running = only(history)
    assert (running.status, running.until, [a.event_id for a in running.attempts]) == (StepStatus.RUNNING, None, [1, 3])

    done = only([*history, TaskCompleted(NO_ID, at(6), 3, "1", "t1")])
    assert done.status is StepStatus.COMPLETED
    assert done.duration == timedelta(seconds=6)
    assert done.failure is None
    assert [attempt.failure for attempt in done.attempts] == [BOOM, None]


def test_two_calls_of_one_activity_are_two_steps() -> None:
    assert summary([TaskScheduled(1, at(0), "A", None, "t1"), TaskScheduled(2, at(0), "A", None, "t2")]) == [
        ("activity", "A", "RUNNING", 1),
        ("activity", "A", "RUNNING", 1),
    ]
    assert len(steps_of([TaskScheduled(1, at(0), "A"), TaskScheduled(2, at(0), "A")])) == 2


def test_a_child_that_is_tried_again_keeps_its_id() -> None:
    history: list[Event] = [
        ChildWorkflowInstanceCreated(1, at(0), "i:0001", "C", "1"),
        ChildWorkflowInstanceFailed(NO_ID, at(1), 1, BOOM),
        TimerCreated(2, at(1), at(2), origin=Origin.CHILD_RETRY, subject="i:0001"),
        TimerFired(NO_ID, at(2), 2, at(2)),
        ChildWorkflowInstanceCreated(3, at(2), "i:0001", "C", "1"),
        ChildWorkflowInstanceCompleted(NO_ID, at(5), 3, "7"),
    ]
    step = only(history)
    assert (step.child_id, step.status, step.result, len(step.attempts)) == ("i:0001", StepStatus.COMPLETED, "7", 2)


def test_timers() -> None:
    step = only([TimerCreated(1, at(0), at(9)), TimerFired(NO_ID, at(9.1), 1, at(9))])
    assert (step.kind, step.status) == ("timer", StepStatus.COMPLETED)
    assert only([TimerCreated(1, at(0), at(9))]).until == at(9)


def test_events_are_received_first_in_first_out_in_any_case() -> None:
    steps = steps_of(
        [
            TimerCreated(1, at(0), NEVER, origin=Origin.EXTERNAL_EVENT, subject="Go"),
            TimerCreated(2, at(0), at(60), origin=Origin.EXTERNAL_EVENT, subject="go"),
            EventRaised(NO_ID, at(5), "GO", "1"),
        ]
    )
    assert [(s.event_id, s.status, s.result) for s in steps] == [
        (1, StepStatus.COMPLETED, "1"),
        (2, StepStatus.WAITING, None),
    ]
    assert steps[1].until == at(60)


def test_an_event_that_timed_out_takes_none_that_comes_later() -> None:
    assert summary(
        [
            TimerCreated(1, at(0), at(60), origin=Origin.EXTERNAL_EVENT, subject="go"),
            TimerFired(NO_ID, at(60), 1, at(60)),
            EventRaised(NO_ID, at(61), "go", None),
        ]
    ) == [("event", "go", "TIMED_OUT", 1), ("event", "go", "RECEIVED", 0)]


def test_what_is_open_at_the_end_is_abandoned() -> None:
    assert summary(
        [
            TaskScheduled(1, at(0), "A", None, "t1"),
            TimerCreated(2, at(0), at(9)),
            ExecutionCompleted(3, at(1), Status.COMPLETED),
        ]
    ) == [("activity", "A", "ABANDONED", 1), ("timer", None, "ABANDONED", 1)]


def test_a_second_answer_changes_nothing() -> None:
    history: list[Event] = [TaskScheduled(1, at(0), "A", None, "t"), TaskCompleted(NO_ID, at(1), 1, "1", "t")]
    assert steps_of([*history, TaskFailed(NO_ID, at(2), 1, BOOM, "t")]) == steps_of(history)
    assert steps_of([TaskCompleted(NO_ID, at(1), 9, "1"), TimerFired(NO_ID, at(1), 9, at(1))]) == ()


def test_the_failed_step() -> None:
    history: list[Event] = [
        TaskScheduled(1, at(0), "Caught", None, "t1"),
        TaskFailed(NO_ID, at(1), 1, BOOM, "t1"),
        TaskScheduled(2, at(2), "Left", None, "t2"),
        TaskScheduled(3, at(2), "Right", None, "t3"),
        TaskFailed(NO_ID, at(3), 3, BOOM, "t3"),
        TaskFailed(NO_ID, at(4), 2, BOOM, "t2"),
    ]
    found = failed_step(steps_of(history))
    assert found is not None
    assert found.name == "Left", "of branches that ran side by side, the first"
    assert failed_step(steps_of(history[:1])) is None
    sequence = failed_step(steps_of([*history[:2], *history[2:3], TaskFailed(NO_ID, at(4), 2, BOOM, "t2")]))
    assert sequence is not None
    assert sequence.name == "Left"
