"""The state of an instance between two turns, folded from its history."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from wfctl.model import events as ev
from wfctl.model.events import NEVER, ActionEvent, Event, Origin
from wfctl.model.status import Status


class EventWait(NamedTuple):
    """A wait for an external event. `until` is None if it does not time out."""

    event_id: int
    name: str
    since: datetime
    until: datetime | None


@dataclass(slots=True)
class State:
    """Folded history. `open` holds the operations without a resolution, by event ID, oldest first.

    `early` holds the external events that arrived before any wait for them, as long as no wait has followed, by
    case-folded name: the name and the time of each.
    """

    started: ev.ExecutionStarted | None = None
    completed: ev.ExecutionCompleted | None = None
    suspended: bool = False
    stalled: ev.ExecutionStalled | None = None
    open: dict[int, ActionEvent] = field(default_factory=dict)
    early: dict[str, list[tuple[str, datetime]]] = field(default_factory=dict)
    version: str | None = None
    patches: tuple[str, ...] = ()

    def status(self) -> Status:
        if self.started is None:
            return Status.PENDING if self.stalled is None else Status.STALLED
        if self.completed is not None:
            return self.completed.status
        if self.stalled is not None:
            return Status.STALLED
        return Status.SUSPENDED if self.suspended else Status.RUNNING

    def wake_at(self) -> datetime | None:
        """Return the time of the next open timer; None when there is none that ever fires."""
        if self.completed is not None:
            return None
        due = [op.fire_at for op in self.open.values() if type(op) is ev.TimerCreated and op.fire_at != NEVER]
        return min(due) if due else None

    def open_activities(self) -> int:
        if self.completed is not None:
            return 0
        return sum(1 for op in self.open.values() if type(op) is ev.TaskScheduled)

    def event_waits(self) -> list[EventWait]:
        """Return the external events that are waited for."""
        if self.completed is not None:
            return []
        return [
            EventWait(event_id, op.subject or "", op.timestamp, None if op.fire_at.year >= NEVER.year else op.fire_at)
            for event_id, op in self.open.items()
            if type(op) is ev.TimerCreated and op.origin is Origin.EXTERNAL_EVENT
        ]

    def early_by_name(self) -> dict[str, list[tuple[str, datetime]]]:
        """Return `early`; nothing once the instance has ended. Its lists grow, or go as a whole."""
        return {} if self.completed is not None else self.early

    def early_events(self) -> list[tuple[str, datetime]]:
        """Return the name and the time of the external events that arrived early, see `early`."""
        return [one for events in self.early_by_name().values() for one in events]

    def event_timer(self, name: str, besides: Collection[int] = ()) -> int | None:
        """Return the ID of the oldest open timer that waits for the external event `name`, not one of `besides`."""
        folded = name.casefold()
        for event_id, op in self.open.items():
            if (
                type(op) is ev.TimerCreated
                and op.origin is Origin.EXTERNAL_EVENT
                and event_id not in besides
                and (op.subject or "").casefold() == folded
            ):
                return event_id
        return None


def fold(state: State, events: Iterable[Event]) -> None:
    """Apply committed events. Events without a rule change nothing."""
    for event in events:
        kind = type(event)
        if state.stalled is not None and kind is not ev.ExecutionStalled:
            state.stalled = None
        rule = _RULES.get(kind)
        if rule is not None:
            rule(state, event)


def folded(history: Iterable[Event]) -> State:
    state = State()
    fold(state, history)
    return state


def _execution_started(state: State, event: ev.ExecutionStarted) -> None:
    if state.started is None:
        state.started = event


def _execution_completed(state: State, event: ev.ExecutionCompleted) -> None:
    if state.completed is None:
        state.completed = event


def _workflow_started(state: State, event: ev.WorkflowStarted) -> None:
    if event.version is not None:
        state.version = event.version
    if event.patches:
        state.patches += event.patches


def _operation(state: State, event: ActionEvent) -> None:
    state.open.setdefault(event.event_id, event)


def _timer_created(state: State, event: ev.TimerCreated) -> None:
    _operation(state, event)
    if state.early and event.origin is Origin.EXTERNAL_EVENT:
        # The code only waits for what it has not got: it has read what came before.
        state.early.pop((event.subject or "").casefold(), None)


def _task_resolved(state: State, event: Any) -> None:
    state.open.pop(event.task_scheduled_id, None)


def _timer_fired(state: State, event: ev.TimerFired) -> None:
    state.open.pop(event.timer_id, None)


def _event_raised(state: State, event: ev.EventRaised) -> None:
    timer = state.event_timer(event.name)
    if timer is not None:
        del state.open[timer]
    else:
        state.early.setdefault(event.name.casefold(), []).append((event.name, event.timestamp))


def _suspended(state: State, event: Event) -> None:
    state.suspended = True


def _resumed(state: State, event: Event) -> None:
    state.suspended = False


def _stalled(state: State, event: ev.ExecutionStalled) -> None:
    state.stalled = event


_RULES: dict[type[Event], Callable[[State, Any], None]] = {
    ev.ExecutionStarted: _execution_started,
    ev.ExecutionCompleted: _execution_completed,
    ev.WorkflowStarted: _workflow_started,
    ev.TaskScheduled: _operation,
    ev.TimerCreated: _timer_created,
    ev.ChildWorkflowInstanceCreated: _operation,
    ev.TaskCompleted: _task_resolved,
    ev.TaskFailed: _task_resolved,
    ev.TimerFired: _timer_fired,
    ev.ChildWorkflowInstanceCompleted: _task_resolved,
    ev.ChildWorkflowInstanceFailed: _task_resolved,
    ev.EventRaised: _event_raised,
    ev.ExecutionSuspended: _suspended,
    ev.ExecutionResumed: _resumed,
    ev.ExecutionStalled: _stalled,
}

# Which kind of operation a resolution closes.
RESOLVES: dict[type[Event], type[Event]] = {
    ev.TaskCompleted: ev.TaskScheduled,
    ev.TaskFailed: ev.TaskScheduled,
    ev.TimerFired: ev.TimerCreated,
    ev.ChildWorkflowInstanceCompleted: ev.ChildWorkflowInstanceCreated,
    ev.ChildWorkflowInstanceFailed: ev.ChildWorkflowInstanceCreated,
}


def resolved_id(event: Any) -> int:
    """Return the event ID of the operation that this resolution closes."""
    if type(event) is ev.TimerFired:
        return event.timer_id
    return event.task_scheduled_id  # type: ignore[no-any-return]
