"""History propagation: what a workflow or an activity is told of the workflows above it.

A call with `propagation=` hands the caller's history on, up to the call; `get_propagated_history()` of the one that is
called answers with it. The names and the queries are the SDK's; events are wfctl's own (`wfctl.model.events`), where
the SDK's are messages of its wire.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from wfctl.model.events import (
    ChildWorkflowInstanceCompleted,
    ChildWorkflowInstanceCreated,
    ChildWorkflowInstanceFailed,
    Event,
    PropagatedEvents,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
)
from wfctl.workflow.sdk.tasks import FailureDetails

# A chunk names its app; a workflow that runs without a sidecar has none.
APP_ID = "wfctl"


class PropagationScope(Enum):
    """How much history a call hands on: none, the caller's own, or that of its ancestors too."""

    NONE = 0
    OWN_HISTORY = 1
    LINEAGE = 2


class PropagationNotFoundError(Exception):
    """Nothing of that name was propagated."""


@dataclass(frozen=True)
class ActivityResult:
    """An activity as propagated history tells of it. Payloads are JSON text."""

    name: str
    started: bool
    completed: bool
    failed: bool
    input: str | None
    output: str | None
    error: FailureDetails | None


@dataclass(frozen=True)
class ChildWorkflowResult:
    """A child workflow as propagated history tells of it."""

    name: str
    started: bool
    completed: bool
    failed: bool
    output: str | None
    error: FailureDetails | None


@dataclass(frozen=True)
class WorkflowResult:
    """One workflow's part of a propagated history; lists are in the order of execution."""

    instance_id: str
    app_id: str
    name: str
    _events: Sequence[Event] = field(repr=False, default=())

    def get_activities_by_name(self, name: str) -> list[ActivityResult]:
        return [
            ActivityResult(name, True, done, failed, event.input, output, error)
            for event in self._events
            if isinstance(event, TaskScheduled) and event.name == name
            for done, failed, output, error in [_outcome(self._events, event)]
        ]

    def get_last_activity_by_name(self, name: str) -> ActivityResult:
        """Raises PropagationNotFoundError."""
        found = self.get_activities_by_name(name)
        if not found:
            raise PropagationNotFoundError(
                f"no activity named {name!r} in propagated history for workflow {self.name!r}"
            )
        return found[-1]

    def get_child_workflows_by_name(self, name: str) -> list[ChildWorkflowResult]:
        return [
            ChildWorkflowResult(name, True, *_outcome(self._events, event))
            for event in self._events
            if isinstance(event, ChildWorkflowInstanceCreated) and event.name == name
        ]

    def get_last_child_workflow_by_name(self, name: str) -> ChildWorkflowResult:
        """Raises PropagationNotFoundError."""
        found = self.get_child_workflows_by_name(name)
        if not found:
            raise PropagationNotFoundError(
                f"no child workflow named {name!r} in propagated history for workflow {self.name!r}"
            )
        return found[-1]


def _outcome(events: Iterable[Event], call: Event) -> tuple[bool, bool, str | None, FailureDetails | None]:
    """Completed, failed, output, error. Attempts share their task execution ID, but not the number of the action."""
    for event in events:
        if isinstance(event, (TaskCompleted, ChildWorkflowInstanceCompleted)):
            if event.task_scheduled_id == call.event_id:
                return True, False, event.result, None
        elif isinstance(event, (TaskFailed, ChildWorkflowInstanceFailed)) and event.task_scheduled_id == call.event_id:
            return False, True, None, None if event.failure is None else FailureDetails.of(event.failure)
    return False, False, None, None


class PropagatedHistory:
    """A propagated history: a part for each workflow, the oldest ancestor's first, the caller's last."""

    def __init__(self, events: Sequence[Event], scope: PropagationScope, chunks: Sequence[WorkflowResult]) -> None:
        self.events = list(events)
        self.scope = scope
        self._chunks = list(chunks)

    @classmethod
    def of(cls, given: PropagatedEvents | None, app_id: str | None = None) -> PropagatedHistory | None:
        if given is None:
            return None
        chunks = [
            WorkflowResult(chunk.instance_id, app_id or APP_ID, chunk.workflow_name, chunk.events)
            for chunk in given.chunks
        ]
        events = [event for chunk in given.chunks for event in chunk.events]
        return cls(events, PropagationScope(given.scope), chunks)

    def get_app_ids(self) -> list[str]:
        """Each once, in the order of the chain."""
        return list(dict.fromkeys(chunk.app_id for chunk in self._chunks))

    def get_events_by_app_id(self, app_id: str) -> list[Event]:
        return [event for chunk in self._chunks if chunk.app_id == app_id for event in chunk._events]

    def get_events_by_instance_id(self, instance_id: str) -> list[Event]:
        return [event for chunk in self._chunks if chunk.instance_id == instance_id for event in chunk._events]

    def get_events_by_workflow_name(self, workflow_name: str) -> list[Event]:
        return [event for chunk in self._chunks if chunk.name == workflow_name for event in chunk._events]

    def get_workflows(self) -> list[WorkflowResult]:
        return list(self._chunks)

    def get_workflows_by_name(self, name: str) -> list[WorkflowResult]:
        return [chunk for chunk in self._chunks if chunk.name == name]

    def get_last_workflow_by_name(self, name: str) -> WorkflowResult:
        """Raises PropagationNotFoundError."""
        found = self.get_workflows_by_name(name)
        if not found:
            raise PropagationNotFoundError(f"no workflow named {name!r} in propagated history")
        return found[-1]
