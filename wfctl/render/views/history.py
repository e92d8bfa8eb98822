"""Histories: events as committed, and steps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from wfctl.model.events import (
    NEVER,
    ChildWorkflowInstanceCompleted,
    ChildWorkflowInstanceCreated,
    ChildWorkflowInstanceFailed,
    Event,
    EventRaised,
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionStalled,
    ExecutionStarted,
    ExecutionSuspended,
    ExecutionTerminated,
    Failure,
    Origin,
    OtherEvent,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
    WorkflowStarted,
)
from wfctl.model.steps import Step, StepStatus
from wfctl.render.history_records import event_record, step_record
from wfctl.render.printer import View
from wfctl.render.table import Cell, Column
from wfctl.render.text import clean, shorten
from wfctl.render.theme import DIM, RED, step_style
from wfctl.render.times import age, millis_text, rfc3339, seconds_text, span
from wfctl.render.views.failure import step_failure
from wfctl.render.views.payload import payload_cell

DETAIL_MOST = 100


def _failure(failure: Failure | None) -> str:
    return "" if failure is None else shorten(f"{clean(failure.error_type)}: {clean(failure.message)}", DETAIL_MOST)


def _named(name: str, payload: str | None) -> str:
    return f"{clean(name)} {payload_cell(payload)}".rstrip()


def _timer(event: TimerCreated) -> str:
    until = "for ever" if event.fire_at.year >= NEVER.year else "until " + seconds_text(event.fire_at)
    if event.origin is Origin.EXTERNAL_EVENT:
        return f'wait for event "{clean(event.subject or event.name or "")}" {until}'
    if event.origin is Origin.TIMER:
        return f"{clean(event.name or '')} {until}".strip()
    return f"retry {until}"


def _completed(event: ExecutionCompleted) -> str:
    return f"{event.status.name} {_failure(event.failure) or payload_cell(event.result)}".rstrip()


def _started(event: WorkflowStarted) -> str:
    words = [f"version {event.version}"] if event.version else []
    words += ["patches " + ", ".join(event.patches)] if event.patches else []
    return clean(", ".join(words))


def _result(event: TaskCompleted | ChildWorkflowInstanceCompleted) -> str:
    supplied = "supplied: " if event.supplied else ""
    return f"#{event.task_scheduled_id} {supplied}{payload_cell(event.result)}".rstrip()


_DETAILS: dict[type[Event], Callable[..., str]] = {
    ExecutionStarted: lambda event: _named(event.name, event.input),
    ExecutionCompleted: _completed,
    ExecutionTerminated: lambda event: (payload_cell(event.input) + " " + clean(event.reason or "")).strip(),
    TaskScheduled: lambda event: _named(event.name, event.input),
    TaskCompleted: _result,
    TaskFailed: lambda event: f"#{event.task_scheduled_id} {_failure(event.failure)}",
    ChildWorkflowInstanceCreated: lambda event: f"{clean(event.instance_id)} {_named(event.name, event.input)}",
    ChildWorkflowInstanceCompleted: _result,
    ChildWorkflowInstanceFailed: lambda event: f"#{event.task_scheduled_id} {_failure(event.failure)}".rstrip(),
    TimerCreated: _timer,
    TimerFired: lambda event: f"#{event.timer_id}",
    WorkflowStarted: _started,
    EventRaised: lambda event: _named(event.name, event.input),
    ExecutionSuspended: lambda event: clean(event.reason or ""),
    ExecutionResumed: lambda event: clean(event.reason or ""),
    ExecutionStalled: lambda event: f"{event.reason.value} {clean(event.description)}",
}


def _kind(event: Event) -> str:
    return clean(event.type) if isinstance(event, OtherEvent) else type(event).__name__


def _detail(event: Event) -> str:
    describe = _DETAILS.get(type(event))
    return "" if describe is None else describe(event)


def event_view() -> View[Event]:
    """Rows in the order of the history: it is the order in which they were committed."""
    return View(
        record=event_record,
        columns=(
            Column("EVENT", lambda event: str(event.event_id) if event.event_id >= 0 else "-", right=True, spare=2),
            Column("TIME", lambda event: millis_text(event.timestamp), spare=1),
            Column("TYPE", _kind),
            Column("DETAIL", lambda event: _detail(event), shrink=True),
        ),
    )


def _tries(step: Step) -> str:
    if step.kind not in ("activity", "child"):
        return ""
    number = len(step.attempts)
    return f"{number}/{step.max_attempts}" if step.max_attempts else str(number)


def _took(step: Step, now: datetime) -> Cell:
    if step.duration is not None:
        return Cell(span(step.duration) if step.status is not StepStatus.RECEIVED else "")
    return Cell(age(now - step.scheduled_at), DIM) if step.status.open else Cell("")


def _step_detail(step: Step, now: datetime) -> Cell:
    if step.status is StepStatus.FAILED:
        return Cell(shorten(step_failure(step.failure), DETAIL_MOST), RED)
    errors = [attempt.failure for attempt in step.attempts if attempt.failure is not None]
    if step.status is StepStatus.RETRYING:
        following = f"next try in {age(step.until - now)}, " if step.until is not None else ""
        return Cell(following + (_failure(errors[-1]) if errors else ""))
    if step.status.open and step.until is not None:
        return Cell(f"until {seconds_text(step.until)}")
    if step.status.open and errors:
        return Cell("after " + _failure(errors[-1]))
    return Cell(payload_cell(step.result))


def step_view(now: datetime, begun: datetime | None = None) -> View[Step]:
    """`begun`: when the instance's first step began; the others are told from there."""
    return View(
        record=step_record,
        columns=(
            Column("EVENT", lambda step: str(step.event_id) if step.event_id >= 0 else "-", right=True, spare=4),
            Column("KIND", lambda step: step.kind, spare=3),
            Column("NAME", lambda step: clean(step.name or ""), shrink=True),
            Column("STATUS", lambda step: Cell(step.status.value, step_style(step.status))),
            Column("TRIES", _tries, spare=1),
            Column(
                "AT", lambda step: "" if begun is None else "+" + span(step.scheduled_at - begun), spare=2, right=True
            ),
            Column("STARTED AT", lambda step: rfc3339(step.scheduled_at), wide=True),
            Column("TOOK", lambda step: _took(step, now), right=True),
            Column("CHILD", lambda step: clean(step.child_id or ""), wide=True),
            Column("INPUT", lambda step: payload_cell(step.input), wide=True),
            Column("DETAIL", lambda step: _step_detail(step, now), shrink=True),
        ),
    )
