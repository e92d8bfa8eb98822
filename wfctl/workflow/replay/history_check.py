"""Holding what the code asks for against what history says it asked for."""

from __future__ import annotations

from dataclasses import replace

from wfctl.model.events import (
    NEVER,
    ActionEvent,
    ChildWorkflowInstanceCreated,
    Event,
    ExecutionCompleted,
    Origin,
    TaskScheduled,
    TimerCreated,
)
from wfctl.workflow.sdk.pending_actions import PendingActions
from wfctl.workflow.sdk.tasks import EventTask, RetryableTask


def confirm(pending: PendingActions, recorded: ActionEvent) -> str | None:
    """Strike off the request that this event confirms; a text when the code asks for something else.

    Waits without a timeout are lenient: SDKs before 1.18 did not record them, so one that history lacks is
    dropped and the later numbers move down, and a recorded one that the code no longer makes is passed over.
    """
    number = recorded.event_id
    asked = pending.actions.get(number)
    if asked is not None and _is_endless_wait(asked) and not _is_endless_wait(recorded):
        _drop(pending, number)
        asked = pending.actions.get(number)
    if _is_endless_wait(recorded) and (asked is None or not _is_endless_wait(asked)):
        return None
    if asked is None or type(asked) is ExecutionCompleted:
        return f"step {number}: history has {described(recorded)}, the code at hand {_instead(pending)}"
    if type(asked) is not type(recorded) or _name(asked) != _name(recorded):
        return f"step {number}: history has {described(recorded)}, the code at hand asks for {described(asked)}"
    del pending.actions[number]
    task = pending.tasks.get(number)
    if type(task) is RetryableTask:
        # History knows better than the computation: a rerun has the IDs of its source.
        if type(recorded) is TaskScheduled:
            task.subject = recorded.task_execution_id
        elif type(recorded) is ChildWorkflowInstanceCreated:
            task.subject = recorded.instance_id
    return None


def unconfirmed(pending: PendingActions) -> str | None:
    """A text when the code asked for something, in turns that history tells of, that history does not have."""
    if pending.continuation is not None:
        return "the code at hand continues as new where history goes on waiting"
    for number, asked in pending.actions.items():
        if not _is_endless_wait(asked):
            if type(asked) is ExecutionCompleted:
                return f"the code at hand {_completes(asked)}, where history goes on waiting"
            return f"step {number}: the code at hand asks for {described(asked)}, history has no such step"
    return None


def described(event: Event) -> str:
    if type(event) is TaskScheduled:
        return f"activity {event.name!r}"
    if type(event) is ChildWorkflowInstanceCreated:
        return f"child workflow {event.name!r}"
    if type(event) is TimerCreated:
        if event.origin is Origin.EXTERNAL_EVENT:
            return f"the wait for event {event.subject!r}"
        return "a timer" if event.origin is Origin.TIMER else "the timer of a retry"
    return type(event).__name__


def _instead(pending: PendingActions) -> str:
    if pending.continuation is not None:
        return "continues as new"
    for asked in pending.actions.values():
        if type(asked) is ExecutionCompleted:
            return _completes(asked)
    return "does not ask for it"


def _completes(completed: ExecutionCompleted) -> str:
    if completed.failure is not None:
        return f"fails with {completed.failure.error_type}: {completed.failure.message}"
    return "completes"


def _name(event: Event) -> str | None:
    # A timer is a timer, whatever for: its time may depend on a clock, and the SDK compares no more than this.
    return event.name if type(event) in (TaskScheduled, ChildWorkflowInstanceCreated) else None  # type: ignore[attr-defined]


def _is_endless_wait(event: Event) -> bool:
    return (
        type(event) is TimerCreated and event.fire_at == NEVER and event.origin in (Origin.EXTERNAL_EVENT, Origin.TIMER)
    )


def _drop(pending: PendingActions, number: int) -> None:
    """Forget the timer `number`, and move everything behind it down by one."""
    del pending.actions[number]
    pending.tasks.pop(number, None)
    for later in sorted(n for n in pending.actions if n > number):
        pending.actions[later - 1] = replace(pending.actions.pop(later), event_id=later - 1)
    for later in sorted(n for n in pending.tasks if n > number):
        task = pending.tasks.pop(later)
        if type(task) is EventTask:
            task.timer_id = later - 1
        pending.tasks[later - 1] = task
    pending.sequence -= 1
