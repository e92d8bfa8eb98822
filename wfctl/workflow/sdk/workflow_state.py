"""The state of an instance, as `DaprWorkflowClient` returns it."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

from wfctl.model.instance import Instance
from wfctl.model.status import Status
from wfctl.workflow.sdk.tasks import FailureDetails
from wfctl.workflow.sdk.times import naive


class WorkflowStatus(Enum):
    """The status of an instance. The numbers are those of Dapr's SDK, not those of Dapr's protocol.

    PENDING: no turn has run yet. RUNNING. SUSPENDED: paused by a request. STALLED: the code does not fit the history.
    COMPLETED, FAILED and TERMINATED are final. UNKNOWN: a status that the SDK has no name for.
    """

    UNKNOWN = 0
    RUNNING = 1
    COMPLETED = 2
    FAILED = 3
    TERMINATED = 4
    PENDING = 5
    SUSPENDED = 6
    STALLED = 7


class OrchestrationFailedError(Exception):
    """Raised by `WorkflowState.raise_if_failed`.

    Args:
        message: what failed.
        failure_details: why, also an attribute of the exception.
    """

    def __init__(self, message: str, failure_details: FailureDetails) -> None:
        super().__init__(message)
        self.failure_details = failure_details


class WorkflowState:
    """A snapshot of an instance.

    Its attributes are `instance_id`, `name`, `runtime_status` (a WorkflowStatus), `created_at` and `last_updated_at`
    (naive UTC, from the history), `serialized_input`, `serialized_output`, `serialized_custom_status` (JSON text as
    stored, None if there is none or payloads were not asked for) and `failure_details` (None if it did not fail).

    Args:
        state: the instance in wfctl's own type. Authors never make a state.
        payloads: include input, output, custom status and failure.
    """

    def __init__(self, state: Instance, *, payloads: bool = True) -> None:
        self.instance_id = state.id
        self.name = state.name or ""
        self._status = _status(state.status)
        self.created_at = naive(state.created_at)
        self.last_updated_at = naive(state.updated_at)
        self.serialized_input = (state.input or None) if payloads else None
        self.serialized_output = (state.output or None) if payloads else None
        self.serialized_custom_status = (state.custom_status or None) if payloads else None
        failure = state.failure if payloads else None
        self.failure_details = None if failure is None else FailureDetails.of(failure)

    @property
    def runtime_status(self) -> WorkflowStatus:
        """Return the status of the instance."""
        return self._status

    def raise_if_failed(self) -> None:
        """Raise the failure of the instance, if it has one.

        Raises:
            OrchestrationFailedError: the instance failed, and the state was fetched with payloads.
        """
        if self.failure_details is not None:
            raise OrchestrationFailedError(
                f"workflow {self.instance_id!r} failed: {self.failure_details.message}", self.failure_details
            )

    def to_json(self) -> dict[str, Any]:
        """Make a dictionary of the state; it is no JSON text, in spite of the name.

        Returns:
            The attributes by name: the status by its name, times as datetimes, `failure_details` only if it failed.
        """
        shown: dict[str, Any] = {
            "instance_id": self.instance_id,
            "name": self.name,
            "runtime_status": self.runtime_status.name,
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "serialized_input": self.serialized_input,
            "serialized_output": self.serialized_output,
            "serialized_custom_status": self.serialized_custom_status,
        }
        if self.failure_details is not None:
            shown["failure_details"] = {
                "message": self.failure_details.message,
                "error_type": self.failure_details.error_type,
                "stack_trace": self.failure_details.stack_trace,
            }
        return shown

    def __str__(self) -> str:
        return json.dumps(self.to_json(), indent=4, sort_keys=True, default=str)


def _status(status: Status) -> WorkflowStatus:
    return WorkflowStatus.__members__.get(status.name, WorkflowStatus.UNKNOWN)
