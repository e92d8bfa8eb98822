"""What workflow authors import: the public names of `dapr.ext.workflow` 1.19, with the same meaning.

wfctl imports an app with `dapr.ext.workflow` resolved to this package (see `hook`), so that the same file runs
here, on `wfctl serve` through the official SDK, and on Dapr. A name that the SDK does not export must not
be exported here either: an app that used it would run here only.
"""

from wfctl.workflow.activity import WorkflowActivityContext
from wfctl.workflow.client import DaprWorkflowClient
from wfctl.workflow.context import DaprWorkflowContext, when_all, when_any
from wfctl.workflow.management import UNSET, WorkflowHistoryEvent, WorkflowHistoryEventType, WorkflowInstanceIdPage
from wfctl.workflow.mcp import DaprMCPClient, MCPToolDef
from wfctl.workflow.propagation import (
    ActivityResult,
    ChildWorkflowResult,
    PropagatedHistory,
    PropagationNotFoundError,
    PropagationScope,
    WorkflowResult,
)
from wfctl.workflow.retry import RetryPolicy
from wfctl.workflow.runtime import WorkflowRuntime, alternate_name
from wfctl.workflow.state import WorkflowState, WorkflowStatus
from wfctl.workflow.tasks import FailureDetails, TaskFailedError

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
