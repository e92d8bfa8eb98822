"""What the client's listing, history and rerun calls deal in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from wfctl.model.events import Event, Failure
from wfctl.workflow.sdk.tasks import FailureDetails
from wfctl.workflow.sdk.times import naive


class Unset:
    def __repr__(self) -> str:
        return "<unset>"


UNSET = Unset()
"""An input that was not given, where None means that it is to be cleared."""


@dataclass(frozen=True)
class WorkflowInstanceIdPage:
    """`continuation_token` is opaque; None on the last page."""

    instance_ids: list[str]
    continuation_token: str | None


class WorkflowHistoryEventType(Enum):
    """The values are the wire's field names, which are wfctl's event names with a small first letter."""

    UNKNOWN = "unknown"
    EXECUTION_STARTED = "executionStarted"
    EXECUTION_COMPLETED = "executionCompleted"
    EXECUTION_TERMINATED = "executionTerminated"
    EXECUTION_SUSPENDED = "executionSuspended"
    EXECUTION_RESUMED = "executionResumed"
    EXECUTION_STALLED = "executionStalled"
    TASK_SCHEDULED = "taskScheduled"
    TASK_COMPLETED = "taskCompleted"
    TASK_FAILED = "taskFailed"
    CHILD_WORKFLOW_INSTANCE_CREATED = "childWorkflowInstanceCreated"
    CHILD_WORKFLOW_INSTANCE_COMPLETED = "childWorkflowInstanceCompleted"
    CHILD_WORKFLOW_INSTANCE_FAILED = "childWorkflowInstanceFailed"
    DETACHED_WORKFLOW_INSTANCE_CREATED = "detachedWorkflowInstanceCreated"
    TIMER_CREATED = "timerCreated"
    TIMER_FIRED = "timerFired"
    EVENT_SENT = "eventSent"
    EVENT_RAISED = "eventRaised"
    CONTINUE_AS_NEW = "continueAsNew"
    WORKFLOW_STARTED = "workflowStarted"
    WORKFLOW_COMPLETED = "workflowCompleted"

    @classmethod
    def _missing_(cls, value: object) -> WorkflowHistoryEventType:
        return cls.UNKNOWN


_RERUNNABLE = frozenset(
    {
        WorkflowHistoryEventType.TASK_SCHEDULED,
        WorkflowHistoryEventType.TIMER_CREATED,
        WorkflowHistoryEventType.CHILD_WORKFLOW_INSTANCE_CREATED,
    }
)


@dataclass(frozen=True)
class WorkflowHistoryEvent:
    """One history event; `event_id` is -1 for events that no action of the workflow made."""

    event_id: int
    timestamp: datetime
    event_type: WorkflowHistoryEventType
    name: str | None
    task_scheduled_id: int | None
    failure_details: FailureDetails | None

    @property
    def is_rerunnable(self) -> bool:
        return self.event_type in _RERUNNABLE

    @classmethod
    def of(cls, event: Event) -> WorkflowHistoryEvent:
        kind = type(event).__name__
        failure = getattr(event, "failure", None)
        return cls(
            event.event_id,
            naive(event.timestamp),
            WorkflowHistoryEventType(kind[0].lower() + kind[1:]),
            getattr(event, "name", None) or None,
            getattr(event, "task_scheduled_id", None),
            FailureDetails.of(failure) if isinstance(failure, Failure) else None,
        )
