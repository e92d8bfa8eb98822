"""The history events of an instance, under Dapr's names.

An event that workflow code caused (`TaskScheduled`, `TimerCreated`, `ChildWorkflowInstanceCreated`,
`ExecutionCompleted`) carries the number of that action as `event_id`; every other event has `NO_ID`.
Payloads (`input`, `result`, ...) are the serialised text, kept as it came; None means that there is none.
Times are aware UTC datetimes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from typing import Any

from wfctl.model.status import Status

NO_ID = -1

# An external event awaited without a timeout has a timer that never fires, as Dapr's SDKs since 1.18 make it
# (9999-12-31T23:59:59.999999999Z there; Python's datetime ends at microseconds).
NEVER = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an activity or an instance failed."""

    error_type: str
    message: str
    stack_trace: str | None = None
    non_retriable: bool = False
    inner: Failure | None = None


@dataclass(frozen=True, slots=True)
class Parent:
    """The instance, and the action in it, that created a child."""

    task_scheduled_id: int
    instance_id: str
    name: str | None = None
    execution_id: str | None = None


class Origin(str, Enum):
    """What a timer is for; the values are the field names of the wire."""

    TIMER = "createTimer"
    EXTERNAL_EVENT = "externalEvent"
    ACTIVITY_RETRY = "activityRetry"
    CHILD_RETRY = "childWorkflowRetry"


class StallReason(str, Enum):
    """Why an instance stalled. NON_DETERMINISTIC is wfctl's own; on the wire it is PATCH_MISMATCH."""

    PATCH_MISMATCH = "PATCH_MISMATCH"
    VERSION_NOT_AVAILABLE = "VERSION_NOT_AVAILABLE"
    PAYLOAD_SIZE_EXCEEDED = "PAYLOAD_SIZE_EXCEEDED"
    NON_DETERMINISTIC = "NON_DETERMINISTIC"


@dataclass(frozen=True, slots=True)
class Event:
    """What all events have in common."""

    event_id: int
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class ExecutionStarted(Event):
    name: str
    input: str | None
    instance_id: str
    execution_id: str
    parent: Parent | None = None
    scheduled_start: datetime | None = None
    trace_parent: str | None = None  # W3C: the span of whoever started it


@dataclass(frozen=True, slots=True)
class ExecutionCompleted(Event):
    status: Status
    result: str | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class ExecutionTerminated(Event):
    """A request to terminate; `input` becomes the instance's output."""

    input: str | None = None
    recurse: bool = True
    reason: str | None = None  # wfctl's own: the wire has no place for it


@dataclass(frozen=True, slots=True)
class TaskScheduled(Event):
    """An activity was scheduled. Attempts of one call share `task_execution_id`."""

    name: str
    input: str | None = None
    task_execution_id: str = ""
    max_attempts: int | None = None  # wfctl's own, for `get`: the wire does not carry the retry policy
    rerun_parent: str | None = None
    app_id: str | None = None
    scope: int = 0  # history propagation: 0 none, 1 own, 2 lineage


@dataclass(frozen=True, slots=True)
class TaskCompleted(Event):
    task_scheduled_id: int
    result: str | None = None
    task_execution_id: str = ""


@dataclass(frozen=True, slots=True)
class TaskFailed(Event):
    task_scheduled_id: int
    failure: Failure
    task_execution_id: str = ""


@dataclass(frozen=True, slots=True)
class ChildWorkflowInstanceCreated(Event):
    instance_id: str
    name: str
    input: str | None = None
    max_attempts: int | None = None  # wfctl's own, as in TaskScheduled
    rerun_parent: str | None = None
    app_id: str | None = None
    scope: int = 0


@dataclass(frozen=True, slots=True)
class ChildWorkflowInstanceCompleted(Event):
    task_scheduled_id: int
    result: str | None = None


@dataclass(frozen=True, slots=True)
class ChildWorkflowInstanceFailed(Event):
    task_scheduled_id: int
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class TimerCreated(Event):
    """`subject` belongs to `origin`: the event's name, the task execution ID or the child's instance ID."""

    fire_at: datetime
    name: str | None = None
    origin: Origin = Origin.TIMER
    subject: str | None = None
    rerun_parent: str | None = None


@dataclass(frozen=True, slots=True)
class TimerFired(Event):
    timer_id: int
    fire_at: datetime


@dataclass(frozen=True, slots=True)
class WorkflowStarted(Event):
    """The first event of every turn: it sets the workflow's time."""

    version: str | None = None
    patches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventRaised(Event):
    name: str
    input: str | None = None


@dataclass(frozen=True, slots=True)
class ExecutionSuspended(Event):
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ExecutionResumed(Event):
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ExecutionStalled(Event):
    reason: StallReason
    description: str


@dataclass(frozen=True, slots=True)
class OtherEvent(Event):
    """An event of a runtime that knows more than wfctl: shown, never interpreted."""

    type: str
    fields: tuple[tuple[str, Any], ...] = ()


ActionEvent = TaskScheduled | TimerCreated | ChildWorkflowInstanceCreated


@dataclass(frozen=True, slots=True)
class HistoryChunk:
    """One instance's part of a propagated history."""

    instance_id: str
    workflow_name: str
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class PropagatedEvents:
    """What a call with a propagation scope hands on: the oldest ancestor's part first, the caller's last."""

    scope: int
    chunks: tuple[HistoryChunk, ...]
