"""Show the events of an instance, as they were committed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from wfctl.model.apps import DEFAULT_ID
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
from wfctl.model.routing import crosses_apps, routers
from wfctl.render.history_records import event_record, routed_record
from wfctl.render.json_records import Record
from wfctl.render.printer import View
from wfctl.render.table import Column
from wfctl.render.text import clean, shorten
from wfctl.render.times import millis_text, seconds_text, span
from wfctl.render.views.payload import payload_cell

DETAIL_MOST = 100


def failure_text(failure: Failure | None) -> str:
    """Return the type and message of a failure, shortened for a cell."""
    return "" if failure is None else shorten(f"{clean(failure.error_type)}: {clean(failure.message)}", DETAIL_MOST)


def _named(name: str, payload: str | None) -> str:
    return f"{clean(name)} {payload_cell(payload)}".rstrip()


def _in_app(event: TaskScheduled | ChildWorkflowInstanceCreated) -> str:
    return f" in the app {clean(event.app_id)}" if event.app_id else ""


def _timer(event: TimerCreated) -> str:
    until = "for ever" if event.fire_at.year >= NEVER.year else "until " + seconds_text(event.fire_at)
    if event.origin is Origin.EXTERNAL_EVENT:
        return f'wait for event "{clean(event.subject or event.name or "")}" {until}'
    if event.origin is Origin.TIMER:
        return f"{clean(event.name or '')} {until}".strip()
    return f"retry {until}"


def _completed(event: ExecutionCompleted) -> str:
    return f"{event.status.name} {failure_text(event.failure) or payload_cell(event.result)}".rstrip()


def _started(event: WorkflowStarted) -> str:
    words = [f"version {event.version}"] if event.version else []
    words += ["patches " + ", ".join(event.patches)] if event.patches else []
    return clean(", ".join(words))


def _result(event: TaskCompleted | ChildWorkflowInstanceCompleted) -> str:
    supplied = "supplied: " if event.supplied else ""
    return f"#{event.task_scheduled_id} {supplied}{payload_cell(event.result)}".rstrip()


def _fired(event: TimerFired) -> str:
    skipped = f" after {span(timedelta(milliseconds=event.skipped_ms))} of skipped time" if event.skipped_ms else ""
    return f"#{event.timer_id}{skipped}"


_DETAILS: dict[type[Event], Callable[..., str]] = {
    ExecutionStarted: lambda event: _named(event.name, event.input),
    ExecutionCompleted: _completed,
    ExecutionTerminated: lambda event: (payload_cell(event.input) + " " + clean(event.reason or "")).strip(),
    TaskScheduled: lambda event: _named(event.name, event.input) + _in_app(event),
    TaskCompleted: _result,
    TaskFailed: lambda event: f"#{event.task_scheduled_id} {failure_text(event.failure)}",
    ChildWorkflowInstanceCreated: lambda event: (
        f"{clean(event.instance_id)} {_named(event.name, event.input)}{_in_app(event)}"
    ),
    ChildWorkflowInstanceCompleted: _result,
    ChildWorkflowInstanceFailed: lambda event: f"#{event.task_scheduled_id} {failure_text(event.failure)}".rstrip(),
    TimerCreated: _timer,
    TimerFired: _fired,
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


def event_view(history: Sequence[Event] = ()) -> View[Event]:
    """Return the view of events. Their order is that of their commits.

    `history` is the whole one, whose records say which app each event is from and for, if it names any.
    """
    record: Callable[[Event], Record] = event_record
    if crosses_apps(history):
        router_of = {id(event): router for event, router in zip(history, routers(history, DEFAULT_ID), strict=True)}

        def routed(event: Event) -> Record:
            return routed_record(event, router_of[id(event)])

        record = routed
    return View(
        record=record,
        columns=(
            Column("EVENT", lambda event: str(event.event_id) if event.event_id >= 0 else "-", right=True, spare=2),
            Column("TIME", lambda event: millis_text(event.timestamp), spare=1),
            Column("TYPE", _kind),
            Column("DETAIL", lambda event: _detail(event), shrink=True),
        ),
    )
