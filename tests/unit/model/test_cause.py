from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from wfctl.model.cause import cause_of
from wfctl.model.events import (
    NO_ID,
    ChildWorkflowInstanceCreated,
    ChildWorkflowInstanceFailed,
    Event,
    ExecutionCompleted,
    Failure,
    Origin,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
    WorkflowStarted,
)
from wfctl.model.failure import Cause, FailedStep, cause_text, chain, headline, unwrapped
from wfctl.model.status import Status

T0 = datetime(2026, 1, 1, tzinfo=timezone.utc)
DECLINED = Failure("CardDeclined", "card declined", '  File "app.py", line 3, in charge\n')


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def turn(seconds: float, *events: Event) -> list[Event]:
    return [WorkflowStarted(NO_ID, at(seconds)), *events]


def end(seconds: float, failure: Failure) -> ExecutionCompleted:
    return ExecutionCompleted(99, at(seconds), Status.FAILED, None, failure)


def retried(failure: Failure) -> list[Event]:
    """An activity that fails twice, of three attempts at the most."""
    return [
        *turn(0, TaskScheduled(1, at(0), "ChargeCard", None, "t", 2)),
        *turn(
            1,
            TaskFailed(NO_ID, at(1), 1, failure, "t"),
            TimerCreated(2, at(1), at(2), None, Origin.ACTIVITY_RETRY, "t"),
        ),
        *turn(2, TimerFired(NO_ID, at(2), 2, at(2)), TaskScheduled(3, at(2), "ChargeCard", None, "t", 2)),
        *turn(3, TaskFailed(NO_ID, at(3), 3, failure, "t")),
    ]


@pytest.mark.parametrize(
    "words",
    [
        "order-1: Activity task #3 failed: card declined",  # Python, JavaScript
        "Task 'ChargeCard' (#3) failed with an unhandled exception: card declined",  # Java, .NET
        "card declined",  # Go hands the activity's error on
    ],
)
def test_the_step_that_the_workflow_failed_of(words: str) -> None:
    failure = Failure("TaskFailedError", words, "workflow's own")
    cause = cause_of(failure, [*retried(DECLINED), end(3, failure)])
    assert cause.failure == replace(failure, inner=DECLINED)
    assert cause.step == FailedStep("activity", "ChargeCard", 1, 2, 2, at(3))
    assert cause_text(cause.failure) == "CardDeclined: card declined"
    assert headline(cause.failure, cause.step) == "ChargeCard: card declined"


def test_an_error_of_its_own_about_a_failed_step() -> None:
    """The code caught the failure and raised another error at once."""
    failure = Failure("OrderFailed", "the order cannot be paid")
    cause = cause_of(failure, [*retried(DECLINED), end(3, failure)])
    assert [one.error_type for one in chain(cause.failure)] == ["OrderFailed", "CardDeclined"]


def test_a_failure_that_the_code_survived_is_no_cause() -> None:
    failure = Failure("ValueError", "no items")
    history = [
        *retried(DECLINED),
        TaskScheduled(4, at(3), "Tidy", None, "u"),
        *turn(4, TaskCompleted(NO_ID, at(4), 4, None, "u"), end(4, failure)),
    ]
    assert cause_of(failure, history) == Cause(failure)
    assert headline(failure, None) == "ValueError: no items"


def test_the_number_tells_which_of_several_failed_first() -> None:
    other = Failure("IOError", "disk full")
    failure = Failure("TaskFailedError", "i: Activity task #1 failed: card declined")
    history = [
        *turn(0, TaskScheduled(1, at(0), "ChargeCard", None, "t"), TaskScheduled(2, at(0), "Store", None, "u")),
        *turn(1, TaskFailed(NO_ID, at(1), 1, DECLINED, "t")),
        *turn(2, TaskFailed(NO_ID, at(2), 2, other, "u"), end(2, failure)),
    ]
    assert cause_of(failure, history).step == FailedStep("activity", "ChargeCard", 1, 1, None, at(1))


def child_history(failure: Failure) -> list[Event]:
    return [
        *turn(0, ChildWorkflowInstanceCreated(1, at(0), "kid", "Pay")),
        *turn(5, ChildWorkflowInstanceFailed(NO_ID, at(5), 1, Failure("TaskFailedError", "kid said so"))),
        end(5, failure),
    ]


def test_a_failed_child_leads_to_its_own_cause() -> None:
    failure = Failure("TaskFailedError", "Sub-orchestration task #1 failed: kid said so")
    below = Cause(Failure("TaskFailedError", "kid said so", inner=DECLINED), FailedStep("activity", "Charge", 7, 1))
    cause = cause_of(failure, child_history(failure), lambda child, app_id: {"kid": below}.get(child))
    assert [one.message for one in chain(cause.failure)] == [failure.message, "kid said so", "card declined"]
    assert cause.step == FailedStep("activity", "Charge", 7, 1, instance_id="kid")


def test_a_child_whose_own_code_failed() -> None:
    failure = Failure("TaskFailedError", "Sub-orchestration task #1 failed: kid said so")
    cause = cause_of(
        failure, child_history(failure), lambda child, app_id: Cause(Failure("TaskFailedError", "kid said so"))
    )
    assert cause.step == FailedStep("child", "Pay", 1, 1, None, at(5), "kid")


@pytest.mark.parametrize("now", [None, Cause(DECLINED, FailedStep("activity", "Charge", 7))])
def test_a_child_that_is_gone_or_another_by_now(now: Cause | None) -> None:
    failure = Failure("TaskFailedError", "Sub-orchestration task #1 failed: kid said so")
    cause = cause_of(failure, child_history(failure), lambda child, app_id: now)
    assert [one.message for one in chain(cause.failure)] == [failure.message, "kid said so"]
    assert cause.step == FailedStep("child", "Pay", 1, 1, None, at(5), "kid")


def test_an_event_that_did_not_come() -> None:
    failure = Failure("TimeoutError", "Timed out after 1s waiting for external event 'approval'")
    history = [
        *turn(0, TimerCreated(1, at(0), at(1), None, Origin.EXTERNAL_EVENT, "approval")),
        *turn(1, TimerFired(NO_ID, at(1), 1, at(1)), end(1, failure)),
    ]
    cause = cause_of(failure, history)
    assert (cause.failure, cause.step) == (failure, FailedStep("event", "approval", 1, 1, None, at(1)))


def test_what_a_worker_tells_by_itself_is_kept() -> None:
    """Workers in .NET and Java fill in inner failures."""
    socket = Failure("SocketException", "connection refused")
    told = Failure("TaskFailedException", "Task 'ChargeCard' (#3) failed", inner=replace(DECLINED, stack_trace=None))
    cause = cause_of(told, [*retried(DECLINED), end(3, told)])
    assert [one.stack_trace for one in chain(cause.failure)] == [None, DECLINED.stack_trace]
    deeper = replace(told, inner=replace(DECLINED, inner=socket))
    assert [one.error_type for one in chain(cause_of(deeper, [*retried(DECLINED), end(3, deeper)]).failure)] == [
        "TaskFailedException",
        "CardDeclined",
        "SocketException",
    ]


@pytest.mark.parametrize(
    ("text", "step", "message"),
    [
        ("o-1: Activity task #6 failed: card declined", FailedStep("activity", None, 6), "card declined"),
        (
            "Sub-orchestration task #1 failed: o-1:0001: Activity task #6 failed: no: funds",
            FailedStep("activity", None, 6),
            "no: funds",
        ),
        (
            "Task 'Charge' (#2) failed with an unhandled exception: no\nfunds",
            FailedStep("activity", "Charge", 2),
            "no\nfunds",
        ),
    ],
)
def test_what_a_text_tells_without_a_history(text: str, step: FailedStep, message: str) -> None:
    cause = unwrapped(Failure("TaskFailedError", text))
    assert (cause.step, cause.failure.inner) == (step, Failure("", message))
    assert unwrapped(Failure("ValueError", "no items")) == Cause(Failure("ValueError", "no items"))


def test_what_has_no_text() -> None:
    assert cause_text(Failure("OSError", "")) == "OSError"
    assert headline(Failure("OSError", ""), FailedStep("activity", None, 4)) == "activity #4: OSError"
