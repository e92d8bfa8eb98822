"""The things that an instance waits for, computed from its history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from wfctl.model.events import (
    Event,
    ExecutionResumed,
    ExecutionStalled,
    ExecutionStarted,
    ExecutionSuspended,
)
from wfctl.model.instance import Waiting
from wfctl.model.status import Status
from wfctl.model.steps import Step, StepStatus, steps_of

# Of a child, by its ID and the app that was asked to run it; None where it is not known.
ChildStatus = Callable[[str, str | None], Status | None]


def waiting_for(
    history: Sequence[Event],
    status: Status,
    now: datetime,
    child_status: ChildStatus,
) -> tuple[Waiting, ...]:
    """Return the things that an instance waits for: first the one that must happen before the others count.

    A suspended instance waits to be resumed, then for its open steps; a stalled one waits for other code alone.
    """
    if status.terminal:
        return ()
    if status is Status.PENDING:
        return _delayed_start(history, now)
    if status is Status.STALLED:
        return (_code(history),)
    open_steps = tuple(_step(step, child_status) for step in steps_of(history) if step.status.open)
    if status is Status.SUSPENDED:
        return (_resume(history), *open_steps)
    return open_steps


def is_elsewhere(app_id: str | None, history: Sequence[Event]) -> bool:
    """Return True if an activity or child that this history calls with `app_id` runs in another app."""
    started = next((event for event in history if isinstance(event, ExecutionStarted)), None)
    return app_id is not None and (started is None or app_id != started.app_id)


def with_received(waits: tuple[Waiting, ...], names: Iterable[str]) -> tuple[Waiting, ...]:
    """Mark the waits for events of these names, which have arrived: the oldest wait of a name for each."""
    arrived = Counter(name.casefold() for name in names)
    found: list[Waiting] = []
    for wait in waits:
        key = (wait.name or "").casefold()
        if wait.kind == "event" and arrived[key]:
            arrived[key] -= 1
            wait = replace(wait, received=True)
        found.append(wait)
    return tuple(found)


def needs_worker(waits: Sequence[Waiting], status: Status, now: datetime) -> bool:
    """Return True if a worker would find something to do, as far as these waits tell."""
    if status is Status.PENDING:
        return all(wait.kind != "start" for wait in waits)
    if status is not Status.RUNNING:
        return False
    return any(
        wait.received
        or (wait.kind == "activity" and wait.until is None)
        or (wait.until is not None and wait.until <= now)
        for wait in waits
    )


def _delayed_start(history: Sequence[Event], now: datetime) -> tuple[Waiting, ...]:
    for event in history:
        if isinstance(event, ExecutionStarted) and event.scheduled_start is not None and event.scheduled_start > now:
            return (Waiting("start", since=event.timestamp, until=event.scheduled_start),)
    return ()


def _code(history: Sequence[Event]) -> Waiting:
    for event in reversed(history):
        if isinstance(event, ExecutionStalled):
            return Waiting("code", name=event.reason.value, since=event.timestamp, last_error=event.description)
    return Waiting("code")


def _resume(history: Sequence[Event]) -> Waiting:
    since: datetime | None = None
    reason: str | None = None
    for event in history:
        if isinstance(event, ExecutionSuspended) and since is None:
            since, reason = event.timestamp, event.reason
        elif isinstance(event, ExecutionResumed):
            since, reason = None, None
    return Waiting("resume", since=since, last_error=reason)


def _step(step: Step, child_status: ChildStatus) -> Waiting:
    if step.kind in ("event", "timer"):
        return Waiting(step.kind, step.name, since=step.scheduled_at, until=step.until, event_id=step.event_id)
    retrying = step.status is StepStatus.RETRYING
    current = step.attempts[-1]
    errors = [attempt.failure for attempt in step.attempts if attempt.failure is not None]
    return Waiting(
        step.kind,
        step.name,
        since=(current.completed_at or current.scheduled_at) if retrying else current.scheduled_at,
        until=step.until,
        instance_id=step.child_id,
        status=child_status(step.child_id, step.app_id) if step.child_id is not None else None,
        attempt=len(step.attempts) + (1 if retrying else 0),
        max_attempts=step.max_attempts,
        last_error=f"{errors[-1].error_type}: {errors[-1].message}" if errors else None,
        event_id=step.event_id,
        app_id=step.app_id,
    )
