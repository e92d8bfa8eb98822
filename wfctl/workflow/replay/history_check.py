"""The comparison of what the code asks for with what its history records."""

from __future__ import annotations

from collections.abc import Mapping
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
from wfctl.model.fit import Action, Difference, Misfit
from wfctl.model.status import Status
from wfctl.workflow.sdk.pending_actions import PendingActions
from wfctl.workflow.sdk.tasks import EventTask, RetryableTask


def confirm(pending: PendingActions, recorded: ActionEvent) -> Difference | None:
    """Remove the pending action that a recorded event confirms.

    Waits without a timeout are lenient, since SDKs before 1.18 did not record them: one that the history lacks is
    dropped, and later action numbers move down; a recorded one that the code no longer makes is skipped.

    Returns None, or the difference if the code asks for something else.
    """
    number = recorded.event_id
    asked = pending.actions.get(number)
    if asked is not None and _is_endless_wait(asked) and not _is_endless_wait(recorded):
        _drop(pending, number)
        asked = pending.actions.get(number)
    if _is_endless_wait(recorded) and (asked is None or not _is_endless_wait(asked)):
        return None
    if asked is None or type(asked) is ExecutionCompleted:
        text = f"step {number}: the history has {described(recorded)}, the code {_instead(pending)}"
        return Difference(Misfit.STEP, text, number, action_of(recorded), instead(pending))
    if type(asked) is not type(recorded) or _name(asked) != _name(recorded):
        text = f"step {number}: the history has {described(recorded)}, the code asks for {described(asked)}"
        return Difference(Misfit.STEP, text, number, action_of(recorded), action_of(asked))
    del pending.actions[number]
    task = pending.tasks.get(number)
    if type(task) is RetryableTask:
        # The history decides: after a rerun it has the IDs of the source instance, not the computed ones.
        if type(recorded) is TaskScheduled:
            task.subject = recorded.task_execution_id
        elif type(recorded) is ChildWorkflowInstanceCreated:
            task.subject = recorded.instance_id
    return None


def unconfirmed(pending: PendingActions) -> Difference | None:
    """Return the first action that the code asked for in a recorded turn and the history lacks, or None."""
    if pending.continuation is not None:
        text = "the code continues as new, where the history still waits"
        return Difference(Misfit.END, text, None, None, Action("continued"))
    return lacking(pending.actions)


def lacking(actions: Mapping[int, Event]) -> Difference | None:
    """Return the first of these actions that a history must have, where it has none of them; None if there is none."""
    for number, asked in actions.items():
        if not _is_endless_wait(asked):
            if type(asked) is ExecutionCompleted:
                text = f"the code {completes(asked)}, where the history still waits"
                return Difference(Misfit.END, text, None, None, action_of(asked))
            text = f"step {number}: the code asks for {described(asked)}, the history has no such step"
            return Difference(Misfit.STEP, text, number, None, action_of(asked))
    return None


def described(event: Event) -> str:
    """Describe an action in the words of the messages above."""
    if type(event) is TaskScheduled:
        return f"activity {event.name!r}"
    if type(event) is ChildWorkflowInstanceCreated:
        return f"child workflow {event.name!r}"
    if type(event) is TimerCreated:
        if event.origin is Origin.EXTERNAL_EVENT:
            return f"the wait for event {event.subject!r}"
        return "a timer" if event.origin is Origin.TIMER else "the timer of a retry"
    return type(event).__name__


def action_of(event: Event) -> Action:
    """Return an action, or the end of an instance, in few words."""
    if type(event) is TaskScheduled:
        return Action("activity", event.name)
    if type(event) is ChildWorkflowInstanceCreated:
        return Action("child", event.name)
    if type(event) is TimerCreated:
        if event.origin is Origin.EXTERNAL_EVENT:
            return Action("event", event.subject)
        return Action("timer" if event.origin is Origin.TIMER else "retry")
    assert type(event) is ExecutionCompleted
    if event.failure is not None:
        return Action("failed", event.failure.error_type)
    return Action(_ENDS.get(event.status, "completed"))


_ENDS = {Status.FAILED: "failed", Status.TERMINATED: "terminated"}


def instead(pending: PendingActions) -> Action:
    """Return how the code ends where it should ask for a step; `nothing` if it does not."""
    if pending.continuation is not None:
        return Action("continued")
    asked = ended(pending)
    return Action("nothing") if asked is None else action_of(asked)


def ended(pending: PendingActions) -> ExecutionCompleted | None:
    """Return the end of the code, if it has come to one in this turn."""
    return next((asked for asked in pending.actions.values() if type(asked) is ExecutionCompleted), None)


def _instead(pending: PendingActions) -> str:
    if pending.continuation is not None:
        return "continues as new"
    asked = ended(pending)
    return "does not ask for it" if asked is None else completes(asked)


def completes(completed: ExecutionCompleted) -> str:
    """Describe an end, as what the code does."""
    if completed.failure is not None:
        return f"fails with {completed.failure.error_type}: {completed.failure.message}"
    return "completes"


def _name(event: Event) -> str | None:
    # Timers are not compared further: their time may depend on a clock, and Dapr's SDK compares no more than this.
    return event.name if type(event) in (TaskScheduled, ChildWorkflowInstanceCreated) else None  # type: ignore[attr-defined]


def _is_endless_wait(event: Event) -> bool:
    return (
        type(event) is TimerCreated and event.fire_at == NEVER and event.origin in (Origin.EXTERNAL_EVENT, Origin.TIMER)
    )


def _drop(pending: PendingActions, number: int) -> None:
    """Remove the timer `number`, and lower every later action number by one."""
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
