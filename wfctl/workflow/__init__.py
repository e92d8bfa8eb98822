"""The public names of `dapr.ext.workflow` 1.19, with the same meaning.

wfctl resolves `dapr.ext.workflow` to this package when it imports an app (see `loading.import_hook`), so that one file
runs in wfctl, on `wfctl serve` through Dapr's SDK, and on Dapr. Do not export a name that Dapr's SDK does not have: an
app that used it would run nowhere else.

`sdk` holds what authors import, `replay` runs workflow code, `loading` imports apps.
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
