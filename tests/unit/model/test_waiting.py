from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from wfctl.model.events import (
    NEVER,
    NO_ID,
    ChildWorkflowInstanceCreated,
    Event,
    ExecutionResumed,
    ExecutionStalled,
    ExecutionStarted,
    ExecutionSuspended,
    Failure,
    Origin,
    StallReason,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
)
from wfctl.model.instance import Waiting
from wfctl.model.status import TERMINAL, Status
from wfctl.model.waiting import needs_worker, waiting_for
from wfctl.render.views.waiting import waiting_text, waiting_word

T0 = datetime(2026, 1, 1, tzinfo=timezone.utc)
NOW = T0 + timedelta(hours=2, minutes=14)


def waits(history: list[Event], status: Status = Status.RUNNING) -> tuple[Waiting, ...]:
    return waiting_for(history, status, NOW, lambda child, app_id: Status.RUNNING)


def text(history: list[Event], status: Status = Status.RUNNING) -> list[str]:
    return [waiting_text(waiting, NOW) for waiting in waits(history, status)]


def test_event() -> None:
    wait = TimerCreated(1, T0, NOW + timedelta(hours=21), origin=Origin.EXTERNAL_EVENT, subject="approval")
    assert text([wait]) == ['event "approval" for 2h 14m (times out in 21h)']
    forever = TimerCreated(1, T0, NEVER, origin=Origin.EXTERNAL_EVENT, subject="approval")
    assert text([forever]) == ['event "approval" for 2h 14m']
    assert waits([wait])[0].event_id == 1


def test_activity_between_attempts() -> None:
    history: list[Event] = [
        TaskScheduled(1, T0, "ProcessPayment", None, "t", 5),
        TaskFailed(NO_ID, T0, 1, Failure("Timeout", "bank"), "t"),
        TaskScheduled(2, T0, "ProcessPayment", None, "t", 5),
        TaskFailed(NO_ID, NOW, 2, Failure("Timeout", "bank is\nclosed"), "t"),
        TimerCreated(3, NOW, NOW + timedelta(seconds=4), origin=Origin.ACTIVITY_RETRY, subject="t"),
    ]
    assert text(history) == [
        "activity ProcessPayment, attempt 3 of 5, next try in 4s, last error Timeout: bank is\\nclosed"
    ]
    assert waiting_word(waits(history), NOW) == "activity ProcessPayment 3/5"


def test_activity_at_work() -> None:
    assert text([TaskScheduled(1, T0, "A", None, "t")]) == ["activity A, running for 2h 14m"]
    assert text([TaskScheduled(1, T0, "A", None, "t"), TaskCompleted(NO_ID, T0, 1)]) == []


def test_child_and_timer() -> None:
    assert text([ChildWorkflowInstanceCreated(2, NOW, "12345678:0002", "C")]) == ["child 12345678:0002 (RUNNING)"]
    assert text([TimerCreated(1, T0, NOW + timedelta(minutes=5))]) == ["timer until 2026-01-01T02:19:00Z (in 5m)"]


def test_suspended_waits_for_a_resume_first() -> None:
    history: list[Event] = [
        TaskScheduled(1, T0, "A", None, "t"),
        ExecutionSuspended(NO_ID, T0, "old"),
        ExecutionResumed(NO_ID, T0),
        ExecutionSuspended(NO_ID, NOW - timedelta(minutes=1), "lunch"),
    ]
    assert text(history, Status.SUSPENDED) == ["a resume for 1m (lunch)", "activity A, running for 2h 14m"]


def test_stalled_waits_for_code_and_nothing_else() -> None:
    stalled = ExecutionStalled(NO_ID, T0, StallReason.NON_DETERMINISTIC, "event 1 was A and is B")
    assert text([TaskScheduled(1, T0, "A"), stalled], Status.STALLED) == ["other code: event 1 was A and is B"]
    assert text([], Status.STALLED)[0].startswith("other code")


def test_delayed_start() -> None:
    started = ExecutionStarted(NO_ID, T0, "W", None, "i", "e", scheduled_start=NOW + timedelta(hours=1))
    assert text([started], Status.PENDING) == ["its start at 2026-01-01T03:14:00Z (in 1h)"]
    assert text([], Status.PENDING) == []


def test_a_cell_says_what_is_waited_for_before_that_nothing_runs() -> None:
    driver = Waiting(kind="driver")
    code = Waiting(kind="code", last_error="version 'v2' of workflow 'V' is not available")
    timer = Waiting(kind="timer", until=NOW + timedelta(minutes=5))
    assert waiting_word((driver,), NOW) == "not running"
    assert waiting_word((driver, timer), NOW) == "timer in 5m, not running"
    assert waiting_word((driver, timer, timer), NOW) == "timer in 5m +1, not running"
    assert waiting_word((driver, code), NOW) == f"other code: {code.last_error}, not running"


@pytest.mark.parametrize(
    ("wait", "status", "needed"),
    [
        (None, Status.PENDING, True),
        (Waiting("start", until=NOW + timedelta(hours=1)), Status.PENDING, False),
        (None, Status.RUNNING, False),
        (Waiting("event", "go"), Status.RUNNING, False),
        (Waiting("event", "go", received=True), Status.RUNNING, True),
        (Waiting("activity", "A"), Status.RUNNING, True),
        (Waiting("activity", "A", until=NOW + timedelta(minutes=1)), Status.RUNNING, False),
        (Waiting("timer", until=NOW - timedelta(minutes=1)), Status.RUNNING, True),
        (Waiting("timer", until=NOW + timedelta(minutes=1)), Status.RUNNING, False),
        (Waiting("activity", "A"), Status.SUSPENDED, False),
        (Waiting("code"), Status.STALLED, False),
    ],
)
def test_who_needs_a_worker(wait: Waiting | None, status: Status, needed: bool) -> None:
    assert needs_worker([] if wait is None else [wait], status, NOW) is needed


def test_a_missing_worker_is_said_with_what_to_do() -> None:
    worker = Waiting("worker")
    assert "wfctl workers shows who is" in waiting_text(worker, NOW)
    assert waiting_word((worker,), NOW) == "no worker"
    assert waiting_word((worker, Waiting("activity", "A")), NOW) == "activity A, no worker"


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_finished_ones_wait_for_nothing(status: Status) -> None:
    assert waits([TaskScheduled(1, T0, "A")], status) == ()


def test_names_are_made_safe() -> None:
    wait = TimerCreated(1, T0, NEVER, origin=Origin.EXTERNAL_EVENT, subject="a\x1b[31m\nb")
    assert text([wait]) == ['event "a\\x1b[31m\\nb" for 2h 14m']
    assert "\x1b" not in waiting_word(waits([wait]), NOW)
