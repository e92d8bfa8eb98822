"""The types that the client's list, history and rerun methods take and return."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from wfctl.model.events import Event, Failure
from wfctl.workflow.sdk.tasks import FailureDetails
from wfctl.workflow.sdk.times import naive


class Unset:
    """The type of UNSET."""

    def __repr__(self) -> str:
        return "<unset>"


UNSET = Unset()
"""The default of `input` in a rerun: keep the recorded input. None clears it."""


@dataclass(frozen=True)
class WorkflowInstanceIdPage:
    """One page of instance IDs.

    Attributes:
        instance_ids: the IDs, oldest instance first.
        continuation_token: what to pass to read the next page; None on the last page.
    """

    instance_ids: list[str]
    continuation_token: str | None


class WorkflowHistoryEventType(Enum):
    """The types of history events. The values are the field names of Dapr's `HistoryEvent` message.

    UNKNOWN stands for every type that this version does not know.
    """

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
    """One event of an instance's history.

    Attributes:
        event_id: the number of the action that the event records, from 1; -1 if it records none.
        timestamp: when the event was recorded, naive UTC.
        event_type: the type.
        name: the name of the workflow, activity, timer or event; None if the type has none.
        task_scheduled_id: for a result, the `event_id` of the action that it belongs to; else None.
        failure_details: why the activity, child or instance failed; None if it did not.
    """

    event_id: int
    timestamp: datetime
    event_type: WorkflowHistoryEventType
    name: str | None
    task_scheduled_id: int | None
    failure_details: FailureDetails | None

    @property
    def is_rerunnable(self) -> bool:
        """Return True if `rerun_workflow_from_event` accepts this event: an activity, a timer or a child workflow."""
        return self.event_type in _RERUNNABLE

    @classmethod
    def of(cls, event: Event) -> WorkflowHistoryEvent:
        """Convert an event of wfctl's history.

        Args:
            event: the event.

        Returns:
            The same event in the types of Dapr's SDK.
        """
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
