"""The steps of an instance, computed from its history: attempts, children and durations.

A history has one event for *scheduled* and another for *completed*, and one pair for each attempt of an activity call.
A step is one thing that the workflow's code asked for:

- activity   all attempts of one call, joined by `task_execution_id`, and the timers between them
- child      all attempts of one child workflow, joined by the child's instance ID
- timer      a timer that the code created
- event      a wait for an external event; waits of one (case-insensitive) name are met in their order. An event that
             arrives before a wait is a step of its own, RECEIVED
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from wfctl.model.events import (
    NEVER,
    ChildWorkflowInstanceCompleted,
    ChildWorkflowInstanceCreated,
    ChildWorkflowInstanceFailed,
    Event,
    EventRaised,
    ExecutionCompleted,
    Failure,
    Origin,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from wfctl.model.status import StepStatus as StepStatus


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a step. `completed_at` is None while it is open, `failure` unless it failed."""

    event_id: int
    scheduled_at: datetime
    completed_at: datetime | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `event_id` is that of its first attempt; `until` is when an open step ends or continues by itself.

    `app_id` is the app that was asked to run an activity or a child, None for the instance's own.
    """

    kind: str
    name: str | None
    event_id: int
    status: StepStatus
    scheduled_at: datetime
    completed_at: datetime | None
    attempts: tuple[Attempt, ...]
    max_attempts: int | None = None
    child_id: str | None = None
    until: datetime | None = None
    input: str | None = None
    result: str | None = None
    failure: Failure | None = None
    app_id: str | None = None

    @property
    def duration(self) -> timedelta | None:
        """Return the time from the first attempt to the end; None while the step is open."""
        return None if self.completed_at is None else self.completed_at - self.scheduled_at


@dataclass(slots=True)
class _StepBuilder:
    """A step while its events are read."""

    kind: str
    name: str | None
    event_id: int
    status: StepStatus
    scheduled_at: datetime
    attempts: list[Attempt] = field(default_factory=list)
    completed_at: datetime | None = None
    max_attempts: int | None = None
    child_id: str | None = None
    until: datetime | None = None
    input: str | None = None
    result: str | None = None
    failure: Failure | None = None
    app_id: str | None = None

    def begin(self, event: Event) -> None:
        self.attempts.append(Attempt(event.event_id, event.timestamp))
        self.status, self.completed_at, self.until, self.failure = StepStatus.RUNNING, None, None, None

    def end(self, event_id: int, when: datetime, status: StepStatus, failure: Failure | None = None) -> None:
        self.status, self.completed_at, self.until, self.failure = status, when, None, failure
        for index, attempt in enumerate(self.attempts):
            if attempt.event_id == event_id and attempt.completed_at is None:
                self.attempts[index] = Attempt(event_id, attempt.scheduled_at, when, failure)

    def build(self, over: bool) -> Step:
        status = StepStatus.ABANDONED if over and self.status.open else self.status
        return Step(
            kind=self.kind,
            name=self.name,
            event_id=self.event_id,
            status=status,
            scheduled_at=self.scheduled_at,
            completed_at=None if self.status.open else self.completed_at,
            attempts=tuple(self.attempts),
            max_attempts=self.max_attempts,
            child_id=self.child_id,
            until=None if over else self.until,
            input=self.input,
            result=self.result,
            failure=self.failure,
            app_id=self.app_id,
        )


class _HistoryReader:
    """The state of one pass over a history. `by_id` has the steps by the numbers of their actions."""

    def __init__(self) -> None:
        self.steps: list[_StepBuilder] = []
        self.by_id: dict[int, _StepBuilder] = {}
        self.calls: dict[str, _StepBuilder] = {}
        self.children: dict[str, _StepBuilder] = {}
        self.event_waits: dict[str, list[_StepBuilder]] = {}
        self.over = False

    def add(self, step: _StepBuilder) -> _StepBuilder:
        self.steps.append(step)
        return step

    def task_scheduled(self, event: TaskScheduled) -> None:
        step = self.calls.get(event.task_execution_id) if event.task_execution_id else None
        if step is None:
            step = self.add(_StepBuilder("activity", event.name, event.event_id, StepStatus.RUNNING, event.timestamp))
            step.input, step.max_attempts, step.app_id = event.input, event.max_attempts, event.app_id
            if event.task_execution_id:
                self.calls[event.task_execution_id] = step
        step.begin(event)
        self.by_id[event.event_id] = step

    def child_created(self, event: ChildWorkflowInstanceCreated) -> None:
        step = self.children.get(event.instance_id)
        again = step is not None and step.app_id == event.app_id
        if step is None or not again or step.status not in (StepStatus.FAILED, StepStatus.RETRYING):
            step = self.add(_StepBuilder("child", event.name, event.event_id, StepStatus.RUNNING, event.timestamp))
            step.input, step.max_attempts = event.input, event.max_attempts
            step.child_id, step.app_id = event.instance_id, event.app_id
            self.children[event.instance_id] = step
        step.begin(event)
        self.by_id[event.event_id] = step

    def timer_created(self, event: TimerCreated) -> None:
        if event.origin in (Origin.ACTIVITY_RETRY, Origin.CHILD_RETRY):
            owners = self.calls if event.origin is Origin.ACTIVITY_RETRY else self.children
            step = owners.get(event.subject or "")
            if step is not None:
                step.status, step.completed_at, step.until = StepStatus.RETRYING, None, event.fire_at
                return
        until = None if event.fire_at.year >= NEVER.year else event.fire_at
        if event.origin is Origin.EXTERNAL_EVENT:
            name = event.subject or event.name or ""
            step = self.add(_StepBuilder("event", name, event.event_id, StepStatus.WAITING, event.timestamp))
            self.event_waits.setdefault(name.casefold(), []).append(step)
        else:
            step = self.add(_StepBuilder("timer", event.name, event.event_id, StepStatus.WAITING, event.timestamp))
        step.until = until
        step.attempts.append(Attempt(event.event_id, event.timestamp))
        self.by_id[event.event_id] = step

    def timer_fired(self, event: TimerFired) -> None:
        step = self.by_id.get(event.timer_id)
        if step is None or step.status is not StepStatus.WAITING:
            return
        if step.kind == "event":
            self.event_waits[(step.name or "").casefold()].remove(step)
            step.end(event.timer_id, event.timestamp, StepStatus.TIMED_OUT)
        else:
            step.end(event.timer_id, event.timestamp, StepStatus.COMPLETED)

    def event_raised(self, event: EventRaised) -> None:
        waits = self.event_waits.get(event.name.casefold())
        if waits:
            step = waits.pop(0)
            step.end(step.event_id, event.timestamp, StepStatus.COMPLETED)
        else:
            step = self.add(_StepBuilder("event", event.name, event.event_id, StepStatus.RECEIVED, event.timestamp))
            step.completed_at = event.timestamp
        step.result = event.input

    def task_completed(self, event: TaskCompleted | ChildWorkflowInstanceCompleted) -> None:
        step = self.by_id.get(event.task_scheduled_id)
        if step is not None and step.status.open:
            step.end(event.task_scheduled_id, event.timestamp, StepStatus.COMPLETED)
            step.result = event.result

    def task_failed(self, event: TaskFailed | ChildWorkflowInstanceFailed) -> None:
        step = self.by_id.get(event.task_scheduled_id)
        if step is not None and step.status.open:
            step.end(event.task_scheduled_id, event.timestamp, StepStatus.FAILED, event.failure)

    def completed(self, event: ExecutionCompleted) -> None:
        self.over = True


_READERS: dict[type[Event], Callable[[_HistoryReader, Any], None]] = {
    TaskScheduled: _HistoryReader.task_scheduled,
    TaskCompleted: _HistoryReader.task_completed,
    TaskFailed: _HistoryReader.task_failed,
    ChildWorkflowInstanceCreated: _HistoryReader.child_created,
    ChildWorkflowInstanceCompleted: _HistoryReader.task_completed,
    ChildWorkflowInstanceFailed: _HistoryReader.task_failed,
    TimerCreated: _HistoryReader.timer_created,
    TimerFired: _HistoryReader.timer_fired,
    EventRaised: _HistoryReader.event_raised,
    ExecutionCompleted: _HistoryReader.completed,
}


def steps_of(history: Iterable[Event]) -> tuple[Step, ...]:
    """Return the steps of a history, in the order in which they began."""
    reader = _HistoryReader()
    for event in history:
        read = _READERS.get(type(event))
        if read is not None:
            read(reader, event)
    return tuple(step.build(reader.over) for step in reader.steps)


def failed_step(steps: Iterable[Step]) -> Step | None:
    """Return the step to rerun a failed instance from: the last one that failed, or the earliest that ran beside it.

    If two branches of a fan-out failed, a rerun from the second one would keep the failure of the first.
    """
    failed = [step for step in steps if step.status is StepStatus.FAILED and step.completed_at is not None]
    if not failed:
        return None
    last = max(failed, key=lambda step: (step.completed_at or step.scheduled_at, step.event_id))
    together = [s for s in failed if s.completed_at is not None and s.completed_at >= last.scheduled_at]
    return min(together, key=lambda step: step.event_id)
