"""From a history to steps: what an instance did, with attempts, children and real durations.

A history says *scheduled* in one event and *completed* in another, and spreads the attempts of one activity call over
many. A step is one thing that the workflow's code asked for:

- activity   all attempts of one call, joined by `task_execution_id`; the timers between them belong to it
- child      all attempts of one child workflow, joined by the child's instance ID
- timer      a timer that the code created
- event      a wait for an external event, resolved first in, first out by case-insensitive name; an event that came
             before anybody waited is a step of its own, RECEIVED
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
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


class StepStatus(str, Enum):
    RUNNING = "RUNNING"  # an activity or a child at work
    WAITING = "WAITING"  # a timer or an event that has not come
    RETRYING = "RETRYING"  # the last attempt failed, another follows
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"  # the event did not come in time
    RECEIVED = "RECEIVED"  # an event that came before anybody waited for it
    ABANDONED = "ABANDONED"  # open when the instance ended

    @property
    def open(self) -> bool:
        return self in (StepStatus.RUNNING, StepStatus.WAITING, StepStatus.RETRYING)


@dataclass(frozen=True, slots=True)
class Attempt:
    event_id: int
    scheduled_at: datetime
    completed_at: datetime | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """`event_id` is that of the first attempt. `until` is when an open step ends or goes on by itself."""

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

    @property
    def duration(self) -> timedelta | None:
        return None if self.completed_at is None else self.completed_at - self.scheduled_at


@dataclass(slots=True)
class _Draft:
    """A step that is still being put together."""

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

    def begin(self, event: Event) -> None:
        self.attempts.append(Attempt(event.event_id, event.timestamp))
        self.status, self.completed_at, self.until, self.failure = StepStatus.RUNNING, None, None, None

    def end(self, event_id: int, when: datetime, status: StepStatus, failure: Failure | None = None) -> None:
        self.status, self.completed_at, self.until, self.failure = status, when, None, failure
        for index, attempt in enumerate(self.attempts):
            if attempt.event_id == event_id and attempt.completed_at is None:
                self.attempts[index] = Attempt(event_id, attempt.scheduled_at, when, failure)

    def freeze(self, over: bool) -> Step:
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
        )


class _Fold:
    """One pass over a history. `by_id` finds the step that an action's number belongs to."""

    def __init__(self) -> None:
        self.drafts: list[_Draft] = []
        self.by_id: dict[int, _Draft] = {}
        self.calls: dict[str, _Draft] = {}
        self.children: dict[str, _Draft] = {}
        self.event_waits: dict[str, list[_Draft]] = {}
        self.over = False

    def add(self, draft: _Draft) -> _Draft:
        self.drafts.append(draft)
        return draft

    def task_scheduled(self, event: TaskScheduled) -> None:
        draft = self.calls.get(event.task_execution_id) if event.task_execution_id else None
        if draft is None:
            draft = self.add(_Draft("activity", event.name, event.event_id, StepStatus.RUNNING, event.timestamp))
            draft.input, draft.max_attempts = event.input, event.max_attempts
            if event.task_execution_id:
                self.calls[event.task_execution_id] = draft
        draft.begin(event)
        self.by_id[event.event_id] = draft

    def child_created(self, event: ChildWorkflowInstanceCreated) -> None:
        draft = self.children.get(event.instance_id)
        if draft is None or draft.status not in (StepStatus.FAILED, StepStatus.RETRYING):
            draft = self.add(_Draft("child", event.name, event.event_id, StepStatus.RUNNING, event.timestamp))
            draft.input, draft.max_attempts, draft.child_id = event.input, event.max_attempts, event.instance_id
            self.children[event.instance_id] = draft
        draft.begin(event)
        self.by_id[event.event_id] = draft

    def timer_created(self, event: TimerCreated) -> None:
        if event.origin in (Origin.ACTIVITY_RETRY, Origin.CHILD_RETRY):
            owners = self.calls if event.origin is Origin.ACTIVITY_RETRY else self.children
            draft = owners.get(event.subject or "")
            if draft is not None:
                draft.status, draft.completed_at, draft.until = StepStatus.RETRYING, None, event.fire_at
                return
        until = None if event.fire_at.year >= NEVER.year else event.fire_at
        if event.origin is Origin.EXTERNAL_EVENT:
            name = event.subject or event.name or ""
            draft = self.add(_Draft("event", name, event.event_id, StepStatus.WAITING, event.timestamp))
            self.event_waits.setdefault(name.casefold(), []).append(draft)
        else:
            draft = self.add(_Draft("timer", event.name, event.event_id, StepStatus.WAITING, event.timestamp))
        draft.until = until
        draft.attempts.append(Attempt(event.event_id, event.timestamp))
        self.by_id[event.event_id] = draft

    def timer_fired(self, event: TimerFired) -> None:
        draft = self.by_id.get(event.timer_id)
        if draft is None or draft.status is not StepStatus.WAITING:
            return
        if draft.kind == "event":
            self.event_waits[(draft.name or "").casefold()].remove(draft)
            draft.end(event.timer_id, event.timestamp, StepStatus.TIMED_OUT)
        else:
            draft.end(event.timer_id, event.timestamp, StepStatus.COMPLETED)

    def event_raised(self, event: EventRaised) -> None:
        waits = self.event_waits.get(event.name.casefold())
        if waits:
            draft = waits.pop(0)
            draft.end(draft.event_id, event.timestamp, StepStatus.COMPLETED)
        else:
            draft = self.add(_Draft("event", event.name, event.event_id, StepStatus.RECEIVED, event.timestamp))
            draft.completed_at = event.timestamp
        draft.result = event.input

    def task_completed(self, event: TaskCompleted | ChildWorkflowInstanceCompleted) -> None:
        draft = self.by_id.get(event.task_scheduled_id)
        if draft is not None and draft.status.open:
            draft.end(event.task_scheduled_id, event.timestamp, StepStatus.COMPLETED)
            draft.result = event.result

    def task_failed(self, event: TaskFailed | ChildWorkflowInstanceFailed) -> None:
        draft = self.by_id.get(event.task_scheduled_id)
        if draft is not None and draft.status.open:
            draft.end(event.task_scheduled_id, event.timestamp, StepStatus.FAILED, event.failure)

    def completed(self, event: ExecutionCompleted) -> None:
        self.over = True


_ACTIONS: dict[type[Event], Callable[[_Fold, Any], None]] = {
    TaskScheduled: _Fold.task_scheduled,
    TaskCompleted: _Fold.task_completed,
    TaskFailed: _Fold.task_failed,
    ChildWorkflowInstanceCreated: _Fold.child_created,
    ChildWorkflowInstanceCompleted: _Fold.task_completed,
    ChildWorkflowInstanceFailed: _Fold.task_failed,
    TimerCreated: _Fold.timer_created,
    TimerFired: _Fold.timer_fired,
    EventRaised: _Fold.event_raised,
    ExecutionCompleted: _Fold.completed,
}


def steps_of(history: Iterable[Event]) -> tuple[Step, ...]:
    """The steps of a history, in the order in which they began."""
    fold = _Fold()
    for event in history:
        action = _ACTIONS.get(type(event))
        if action is not None:
            action(fold, event)
    return tuple(draft.freeze(fold.over) for draft in fold.drafts)


def failed_step(steps: Iterable[Step]) -> Step | None:
    """The step to rerun a failed instance from: the last one that failed, or the earliest that ran beside it.

    Of a fan-out in which two branches failed, a rerun from the second would keep the failure of the first.
    """
    failed = [step for step in steps if step.status is StepStatus.FAILED and step.completed_at is not None]
    if not failed:
        return None
    last = max(failed, key=lambda step: (step.completed_at or step.scheduled_at, step.event_id))
    together = [s for s in failed if s.completed_at is not None and s.completed_at >= last.scheduled_at]
    return min(together, key=lambda step: step.event_id)
