"""Find out why an instance failed: the step, and the error, at the bottom of its failure.

A workflow's own failure mostly wraps another: `TaskFailedError: order-1: Activity task #6 failed: card declined`. The
*cause* is what it wraps: the failure of an activity, or of a child workflow and whatever made that fail. `cause_of`
finds it in the history, on every target; `failure.unwrapped` reads it out of the failure's text if there is no history.

A failed step is the cause of a failed workflow if the workflow's failure says so (it names the step's number, or has
the step's message in it), or if the workflow failed in the very turn in which it was told of the step's failure: its
code then raised an error of its own. A failure that the code handled is not a cause.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from wfctl.model.events import (
    ChildWorkflowInstanceFailed,
    Event,
    ExecutionCompleted,
    TaskFailed,
    TimerFired,
    WorkflowStarted,
)
from wfctl.model.failure import Cause, FailedStep, Failure, chain
from wfctl.model.steps import Step, StepStatus, steps_of

_NUMBER = re.compile(r"#(\d{1,9})\b")


def failed_with(history: Sequence[Event]) -> Failure | None:
    """Return the failure that a history ends with."""
    for event in reversed(history):
        if isinstance(event, ExecutionCompleted):
            return event.failure
    return None


def cause_of(
    failure: Failure,
    history: Sequence[Event],
    cause_of_child: Callable[[str, str | None], Cause | None] = lambda child, app_id: None,
) -> Cause:
    """Return the cause of the `failure` of an instance with this history.

    `cause_of_child` returns that of a failed child by its ID and the app that was asked to run it, None if it is not
    known.
    """
    step = _failed_step(failure, history)
    if step is None:
        return Cause(failure)
    at = step.completed_at
    found = FailedStep(
        step.kind, step.name, step.event_id, len(step.attempts), step.max_attempts, at, app_id=step.app_id
    )
    below = step.failure
    if step.kind == "child":
        found = replace(found, instance_id=step.child_id)
        child = None if step.child_id is None else cause_of_child(step.child_id, step.app_id)
        if child is not None and _same(child.failure, below):
            below = child.failure
            if child.step is not None:
                found = child.step
                if found.instance_id is None:
                    found = replace(found, instance_id=step.child_id)
    return Cause(failure if below is None else _joined(failure, below), found)


def _same(child: Failure, told: Failure | None) -> bool:
    """Return False if the child was restarted under its ID and has failed with another error since."""
    return told is None or (child.error_type, child.message) == (told.error_type, told.message)


def _joined(failure: Failure, below: Failure) -> Failure:
    """Put `below` at the bottom of `failure`, or replace the inner failure with the same type and message."""
    if failure.inner is None:
        return replace(failure, inner=below)
    if (failure.inner.error_type, failure.inner.message) == (below.error_type, below.message):
        return replace(failure, inner=below if below.inner is not None else replace(below, inner=failure.inner.inner))
    return replace(failure, inner=_joined(failure.inner, below))


def _failed_step(failure: Failure, history: Sequence[Event]) -> Step | None:
    failed = [step for step in steps_of(history) if step.status in (StepStatus.FAILED, StepStatus.TIMED_OUT)]
    if not failed:
        return None
    by_number = {attempt.event_id: step for step in failed for attempt in step.attempts}
    texts = [one.message for one in chain(failure)]
    for text in texts:
        for number in _NUMBER.findall(text):
            step = by_number.get(int(number))
            if step is not None and _tells_of(text, step):
                return step
    last_first = sorted(failed, key=lambda one: (one.completed_at or one.scheduled_at, one.event_id), reverse=True)
    for step in last_first:
        if any(_tells_of(text, step) for text in texts):
            return step
    told = [by_number[number] for number in _told_last(history) if number in by_number]
    return next((step for step in told if step.status is StepStatus.FAILED), None)


def _tells_of(text: str, step: Step) -> bool:
    """Return True if the text of a workflow's failure contains the step's failure."""
    if step.status is StepStatus.TIMED_OUT:
        return "timed out" in text.casefold() and bool(step.name) and (step.name or "").casefold() in text.casefold()
    return step.failure is not None and bool(step.failure.message) and step.failure.message in text


def _told_last(history: Sequence[Event]) -> list[int]:
    """Return the numbers of the actions whose failures the last turn received, the latest first."""
    told: list[int] = []
    for event in reversed(history):
        if isinstance(event, WorkflowStarted):
            break
        if isinstance(event, (TaskFailed, ChildWorkflowInstanceFailed)):
            told.append(event.task_scheduled_id)
        elif isinstance(event, TimerFired):
            told.append(event.timer_id)
    return told
