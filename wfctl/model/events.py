"""The history events of an instance, under Dapr's names.

An event that records an action of the workflow's code (`TaskScheduled`, `TimerCreated`,
`ChildWorkflowInstanceCreated`, `ExecutionCompleted`) has the number of that action as `event_id`; every other event
has `NO_ID`. Payloads (`input`, `result`, ...) are the text as received, None if there is none. Times are aware UTC.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

from wfctl.model.failure import Failure as Failure
from wfctl.model.records import record
from wfctl.model.status import Status
from wfctl.model.times import NEVER as NEVER

NO_ID = -1


@record(frozen=True, slots=True)
class Parent:
    """The instance that created a child, and the number of its action."""

    task_scheduled_id: int
    instance_id: str
    name: str | None = None
    execution_id: str | None = None
    app_id: str | None = None  # the app that it belongs to


class Origin(str, Enum):
    """The purposes of timers. The values are the field names of Dapr's protocol."""

    TIMER = "createTimer"
    EXTERNAL_EVENT = "externalEvent"
    ACTIVITY_RETRY = "activityRetry"
    CHILD_RETRY = "childWorkflowRetry"


class StallReason(str, Enum):
    """The reasons of a stall. NON_DETERMINISTIC is wfctl's own: Dapr's protocol has PATCH_MISMATCH for it."""

    PATCH_MISMATCH = "PATCH_MISMATCH"
    VERSION_NOT_AVAILABLE = "VERSION_NOT_AVAILABLE"
    PAYLOAD_SIZE_EXCEEDED = "PAYLOAD_SIZE_EXCEEDED"
    NON_DETERMINISTIC = "NON_DETERMINISTIC"


@record(frozen=True, slots=True)
class Event:
    """The base of all events."""

    event_id: int
    timestamp: datetime


@record(frozen=True, slots=True)
class ExecutionStarted(Event):
    """The instance was started, by a client or by its parent."""

    name: str
    input: str | None
    instance_id: str
    execution_id: str
    parent: Parent | None = None
    scheduled_start: datetime | None = None
    trace_parent: str | None = None  # W3C trace context of the client that started it
    app_id: str | None = None  # the app that it belongs to, None for the store's own


@record(frozen=True, slots=True)
class ExecutionCompleted(Event):
    """The instance ended: completed, failed or terminated."""

    status: Status
    result: str | None = None
    failure: Failure | None = None


@record(frozen=True, slots=True)
class ExecutionTerminated(Event):
    """A request to terminate; `input` becomes the instance's output."""

    input: str | None = None
    recurse: bool = True
    reason: str | None = None  # wfctl's own: Dapr's protocol has no field for it


@record(frozen=True, slots=True)
class TaskScheduled(Event):
    """An activity was scheduled. The attempts of one call share their `task_execution_id`."""

    name: str
    input: str | None = None
    task_execution_id: str = ""
    max_attempts: int | None = None  # wfctl's own, for `get`: Dapr's protocol has no retry policy
    rerun_parent: str | None = None
    app_id: str | None = None  # the app that is to run it, None for the instance's own
    scope: int = 0  # history propagation: 0 none, 1 own history, 2 lineage


@record(frozen=True, slots=True)
class TaskCompleted(Event):
    """An activity returned its result."""

    task_scheduled_id: int
    result: str | None = None
    task_execution_id: str = ""
    supplied: bool = False  # wfctl's own: a rerun supplied the result, and the activity did not run


@record(frozen=True, slots=True)
class TaskFailed(Event):
    """An attempt of an activity failed."""

    task_scheduled_id: int
    failure: Failure
    task_execution_id: str = ""


@record(frozen=True, slots=True)
class ChildWorkflowInstanceCreated(Event):
    """A child workflow was created. The attempts of one call share their `instance_id`."""

    instance_id: str
    name: str
    input: str | None = None
    max_attempts: int | None = None  # wfctl's own, as in TaskScheduled
    rerun_parent: str | None = None
    app_id: str | None = None  # as in TaskScheduled
    scope: int = 0


@record(frozen=True, slots=True)
class ChildWorkflowInstanceCompleted(Event):
    """A child workflow completed."""

    task_scheduled_id: int
    result: str | None = None
    supplied: bool = False  # wfctl's own, as in TaskCompleted


@record(frozen=True, slots=True)
class ChildWorkflowInstanceFailed(Event):
    """A child workflow failed, was terminated or could not be created."""

    task_scheduled_id: int
    failure: Failure | None = None


@record(frozen=True, slots=True)
class TimerCreated(Event):
    """A timer was created.

    `subject` depends on `origin`: the name of the event, the task execution ID or the child's instance ID.
    """

    fire_at: datetime
    name: str | None = None
    origin: Origin = Origin.TIMER
    subject: str | None = None
    rerun_parent: str | None = None


@record(frozen=True, slots=True)
class TimerFired(Event):
    """A timer fired."""

    timer_id: int
    fire_at: datetime
    skipped_ms: int = 0  # wfctl's own: the tree's clock jumped so far for it


@record(frozen=True, slots=True)
class WorkflowStarted(Event):
    """A turn began: the first event of every turn, which sets the workflow's time."""

    version: str | None = None
    patches: tuple[str, ...] = ()


@record(frozen=True, slots=True)
class EventRaised(Event):
    """A client raised an event."""

    name: str
    input: str | None = None


@record(frozen=True, slots=True)
class ExecutionSuspended(Event):
    """The instance was suspended."""

    reason: str | None = None


@record(frozen=True, slots=True)
class ExecutionResumed(Event):
    """The instance was resumed."""

    reason: str | None = None


@record(frozen=True, slots=True)
class ExecutionStalled(Event):
    """The instance stalled: its code does not fit its history, or a message is too large."""

    reason: StallReason
    description: str


@record(frozen=True, slots=True)
class OtherEvent(Event):
    """An event of a type that wfctl does not know: shown, never interpreted."""

    type: str
    fields: tuple[tuple[str, Any], ...] = ()


ActionEvent = TaskScheduled | TimerCreated | ChildWorkflowInstanceCreated


# By the names under which stores and bundles keep them. OtherEvent is never kept: it is what a sidecar sent.
TYPES: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        ExecutionStarted,
        ExecutionCompleted,
        ExecutionTerminated,
        TaskScheduled,
        TaskCompleted,
        TaskFailed,
        ChildWorkflowInstanceCreated,
        ChildWorkflowInstanceCompleted,
        ChildWorkflowInstanceFailed,
        TimerCreated,
        TimerFired,
        WorkflowStarted,
        EventRaised,
        ExecutionSuspended,
        ExecutionResumed,
        ExecutionStalled,
    )
}


@record(frozen=True, slots=True)
class HistoryChunk:
    """The part of a propagated history that belongs to one instance."""

    instance_id: str
    workflow_name: str
    events: tuple[Event, ...]
    app_id: str | None = None


@record(frozen=True, slots=True)
class PropagatedEvents:
    """The history that a call hands on: the oldest ancestor's part first, the caller's last."""

    scope: int
    chunks: tuple[HistoryChunk, ...]
