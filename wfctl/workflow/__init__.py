"""What workflow authors import: the public names of `dapr.ext.workflow` 1.19, with the same meaning.

wfctl imports an app with `dapr.ext.workflow` resolved to this package (see `hook`), so that the same file runs
here, on `wfctl serve` through the official SDK, and on Dapr. A name that the SDK does not export must not
be exported here either: an app that used it would run here only.
"""

from wfctl.workflow.sdk.activity_context import WorkflowActivityContext
from wfctl.workflow.sdk.client import DaprWorkflowClient
from wfctl.workflow.sdk.context import DaprWorkflowContext, when_all, when_any
from wfctl.workflow.sdk.management import UNSET, WorkflowHistoryEvent, WorkflowHistoryEventType, WorkflowInstanceIdPage
from wfctl.workflow.sdk.mcp import DaprMCPClient, MCPToolDef
from wfctl.workflow.sdk.propagation import (
    ActivityResult,
    ChildWorkflowResult,
    PropagatedHistory,
    PropagationNotFoundError,
    PropagationScope,
    WorkflowResult,
)
from wfctl.workflow.sdk.retry_policy import RetryPolicy
from wfctl.workflow.sdk.runtime import WorkflowRuntime, alternate_name
from wfctl.workflow.sdk.tasks import FailureDetails, TaskFailedError
from wfctl.workflow.sdk.workflow_state import WorkflowState, WorkflowStatus

__all__ = [
    "UNSET",
    "ActivityResult",
    "ChildWorkflowResult",
    "DaprMCPClient",
    "DaprWorkflowClient",
    "DaprWorkflowContext",
    "FailureDetails",
    "MCPToolDef",
    "PropagatedHistory",
    "PropagationNotFoundError",
    "PropagationScope",
    "RetryPolicy",
    "TaskFailedError",
    "WorkflowActivityContext",
    "WorkflowHistoryEvent",
    "WorkflowHistoryEventType",
    "WorkflowInstanceIdPage",
    "WorkflowResult",
    "WorkflowRuntime",
    "WorkflowState",
    "WorkflowStatus",
    "alternate_name",
    "when_all",
    "when_any",
]
