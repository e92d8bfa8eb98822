"""History propagation: a workflow or an activity reads the history of the workflows above it.

A call with `propagation=` hands on the caller's history up to that call, and `get_propagated_history()` of the callee
returns it. The names and queries are those of Dapr's SDK; the events are wfctl's own (`wfctl.model.events`), where the
SDK has protobuf messages.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

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
    """The history that a call hands on.

    NONE: nothing. OWN_HISTORY: the caller's. LINEAGE: the caller's, and what the caller itself received.
    """

    NONE = 0
    OWN_HISTORY = 1
    LINEAGE = 2


class PropagationNotFoundError(Exception):
    """Raised when the propagated history has nothing of the name asked for."""


@dataclass(frozen=True)
class ActivityResult:
    """A call of an activity in a propagated history.

    Attributes:
        name: the activity's name.
        started: True: it was scheduled.
        completed: it returned a result.
        failed: it failed.
        input: JSON text; None if it has none.
        output: its result as JSON text; None if it has none, or has not completed.
        error: why it failed; None if it did not.
    """

    name: str
    started: bool
    completed: bool
    failed: bool
    input: str | None
    output: str | None
    error: FailureDetails | None


@dataclass(frozen=True)
class ChildWorkflowResult:
    """A call of a child workflow in a propagated history.

    Attributes:
        name: the workflow's name.
        started: True: it was created.
        completed: it completed.
        failed: it failed.
        output: JSON text; None if it has none, or has not completed.
        error: why it failed; None if it did not.
    """

    name: str
    started: bool
    completed: bool
    failed: bool
    output: str | None
    error: FailureDetails | None


@dataclass(frozen=True)
class WorkflowResult:
    """The part of a propagated history that belongs to one workflow instance.

    Attributes:
        instance_id: the instance.
        app_id: the app that ran it; "wfctl" for an app without an ID.
        name: the workflow's name.
    """

    instance_id: str
    app_id: str
    name: str
    _events: Sequence[Event] = field(repr=False, default=())

    def get_activities_by_name(self, name: str) -> list[ActivityResult]:
        """List the calls of an activity.

        Args:
            name: the activity's name.

        Returns:
            The calls in the order of execution, one for each attempt; empty if there is none.
        """
        return [
            ActivityResult(name, True, done, failed, event.input, output, error)
            for event in self._events
            if isinstance(event, TaskScheduled) and event.name == name
            for done, failed, output, error in [_outcome(self._events, event)]
        ]

    def get_last_activity_by_name(self, name: str) -> ActivityResult:
        """Get the last call of an activity.

        Args:
            name: the activity's name.

        Returns:
            The call, with its result so far.

        Raises:
            PropagationNotFoundError: it was not called.
        """
        found = self.get_activities_by_name(name)
        if not found:
            raise PropagationNotFoundError(
                f"no activity named {name!r} in propagated history for workflow {self.name!r}"
            )
        return found[-1]

    def get_child_workflows_by_name(self, name: str) -> list[ChildWorkflowResult]:
        """List the calls of a child workflow.

        Args:
            name: the child workflow's name.

        Returns:
            The calls in the order of execution, one for each attempt; empty if there is none.
        """
        return [
            ChildWorkflowResult(name, True, *_outcome(self._events, event))
            for event in self._events
            if isinstance(event, ChildWorkflowInstanceCreated) and event.name == name
        ]

    def get_last_child_workflow_by_name(self, name: str) -> ChildWorkflowResult:
        """Get the last call of a child workflow.

        Args:
            name: the child workflow's name.

        Returns:
            The call, with its result so far.

        Raises:
            PropagationNotFoundError: it was not called.
        """
        found = self.get_child_workflows_by_name(name)
        if not found:
            raise PropagationNotFoundError(
                f"no child workflow named {name!r} in propagated history for workflow {self.name!r}"
            )
        return found[-1]


def _outcome(events: Iterable[Event], call: Event) -> tuple[bool, bool, str | None, FailureDetails | None]:
    """Return completed, failed, output and error of a call. Each attempt has an action number of its own."""
    for event in events:
        if isinstance(event, (TaskCompleted, ChildWorkflowInstanceCompleted)):
            if event.task_scheduled_id == call.event_id:
                return True, False, event.result, None
        elif isinstance(event, (TaskFailed, ChildWorkflowInstanceFailed)) and event.task_scheduled_id == call.event_id:
            return False, True, None, None if event.failure is None else FailureDetails.of(event.failure)
    return False, False, None, None


class PropagatedHistory:
    """The history that a call received: a part for each workflow, the oldest ancestor's first, the caller's last.

    The attributes are `events` (all events in that order) and `scope` (a PropagationScope).

    Args:
        events: all events.
        scope: what was handed on.
        chunks: the parts.
    """

    def __init__(self, events: Sequence[Event], scope: PropagationScope, chunks: Sequence[WorkflowResult]) -> None:
        self.events = list(events)
        self.scope = scope
        self._chunks = list(chunks)

    @classmethod
    def of(cls, given: PropagatedEvents | None, app_id: str | None = None) -> PropagatedHistory | None:
        """Convert what wfctl's engine propagates.

        Args:
            given: the events; None if nothing was propagated.
            app_id: the app that ran the workflows.

        Returns:
            The history; None for None.
        """
        if given is None:
            return None
        chunks = [
            WorkflowResult(chunk.instance_id, chunk.app_id or app_id or APP_ID, chunk.workflow_name, chunk.events)
            for chunk in given.chunks
        ]
        events = [event for chunk in given.chunks for event in chunk.events]
        return cls(events, PropagationScope(given.scope), chunks)

    @classmethod
    def from_proto(cls, propagated_history: Any) -> PropagatedHistory | None:
        """Convert the message of Dapr's protocol.

        Args:
            propagated_history: a `PropagatedHistory` of the protocol; None if nothing was propagated.

        Returns:
            The history; None for None.

        Raises:
            ValueError: a part names no app, or holds an event that cannot be read.
        """
        if propagated_history is None:
            return None
        chunks = [_chunk(number, chunk) for number, chunk in enumerate(propagated_history.chunks)]
        events = [event for chunk in chunks for event in chunk._events]
        return cls(events, PropagationScope(propagated_history.scope), chunks)

    def get_app_ids(self) -> list[str]:
        """List the apps of the chain.

        Returns:
            Each app ID once, the oldest ancestor's first.
        """
        return list(dict.fromkeys(chunk.app_id for chunk in self._chunks))

    def get_events_by_app_id(self, app_id: str) -> list[Event]:
        """List the events of one app's workflows.

        Args:
            app_id: the app.

        Returns:
            The events, the oldest ancestor's first; empty if there is none.
        """
        return [event for chunk in self._chunks if chunk.app_id == app_id for event in chunk._events]

    def get_events_by_instance_id(self, instance_id: str) -> list[Event]:
        """List the events of one instance.

        Args:
            instance_id: the instance.

        Returns:
            The events in the order of its history; empty if it is not in the chain.
        """
        return [event for chunk in self._chunks if chunk.instance_id == instance_id for event in chunk._events]

    def get_events_by_workflow_name(self, workflow_name: str) -> list[Event]:
        """List the events of the workflows of a name.

        Args:
            workflow_name: the name.

        Returns:
            The events, the oldest ancestor's first; empty if there is none.
        """
        return [event for chunk in self._chunks if chunk.name == workflow_name for event in chunk._events]

    def get_workflows(self) -> list[WorkflowResult]:
        """List the workflows of the chain.

        Returns:
            Their parts of the history, the oldest ancestor's first.
        """
        return list(self._chunks)

    def get_workflows_by_name(self, name: str) -> list[WorkflowResult]:
        """List the workflows of a name.

        Args:
            name: the name.

        Returns:
            Their parts of the history, the oldest ancestor's first; empty if there is none.
        """
        return [chunk for chunk in self._chunks if chunk.name == name]

    def get_last_workflow_by_name(self, name: str) -> WorkflowResult:
        """Get the last workflow of a name in the chain: the one nearest to the callee.

        Args:
            name: the workflow's name.

        Returns:
            Its part of the history.

        Raises:
            PropagationNotFoundError: no workflow of the chain has this name.
        """
        found = self.get_workflows_by_name(name)
        if not found:
            raise PropagationNotFoundError(f"no workflow named {name!r} in propagated history")
        return found[-1]


def _chunk(number: int, chunk: Any) -> WorkflowResult:
    # What reads messages is above this package, and needs the extra `grpc`, as whoever has a message does.
    read = importlib.import_module("wfctl.wire.history_events").read_raw
    if not chunk.appId:
        raise ValueError(f"propagated history: chunk {number} has no appId")
    events: list[Event] = []
    for place, raw in enumerate(chunk.rawEvents):
        try:
            events.append(read(raw))
        except Exception as error:
            raise ValueError(
                f"propagated history: chunk {number} (app {chunk.appId!r}): rawEvents {place} cannot be read: {error}"
            ) from error
    return WorkflowResult(chunk.instanceId, chunk.appId, chunk.workflowName, events)
