"""The names of `dapr.ext.workflow` 1.19.0, pinned: none may be missing, none made up."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest

import wfctl.workflow as ours
from wfctl.workflow.loading import import_hook

NAMES = [
    "WorkflowRuntime",
    "DaprWorkflowClient",
    "DaprWorkflowContext",
    "WorkflowActivityContext",
    "WorkflowState",
    "WorkflowStatus",
    "WorkflowHistoryEvent",
    "WorkflowHistoryEventType",
    "WorkflowInstanceIdPage",
    "UNSET",
    "when_all",
    "when_any",
    "alternate_name",
    "RetryPolicy",
    "TaskFailedError",
    "FailureDetails",
    "PropagationScope",
    "PropagatedHistory",
    "PropagationNotFoundError",
    "WorkflowResult",
    "ActivityResult",
    "ChildWorkflowResult",
    "DaprMCPClient",
    "MCPToolDef",
]

MODULES = {
    "aio": ["DaprWorkflowClient", "DaprMCPClient", "MCPToolDef"],
    "aio.dapr_workflow_client": ["DaprWorkflowClient"],
    "aio.mcp": ["DaprMCPClient"],
    "dapr_workflow_client": ["DaprWorkflowClient"],
    "dapr_workflow_context": ["DaprWorkflowContext", "when_all", "when_any"],
    "logger": ["Logger", "LoggerOptions"],
    "logger.logger": ["Logger"],
    "logger.options": ["LoggerOptions"],
    "mcp": ["DaprMCPClient", "MCPToolDef", "MCP_WORKFLOW_PREFIX"],
    "propagation": ["PropagationScope", "PropagatedHistory", "PropagationNotFoundError", "WorkflowResult"],
    "retry_policy": ["RetryPolicy"],
    "workflow_activity_context": ["Activity", "WorkflowActivityContext"],
    "workflow_context": ["Workflow", "WorkflowContext"],
    "workflow_management": ["UNSET", "WorkflowHistoryEvent", "WorkflowHistoryEventType", "WorkflowInstanceIdPage"],
    "workflow_runtime": ["WorkflowRuntime", "alternate_name"],
    "workflow_state": ["WorkflowState", "WorkflowStatus"],
    "_durabletask.task": ["Task", "WhenAllTask", "WhenAnyTask", "TaskFailedError", "NonRetryableError", "when_all"],
}


@pytest.fixture(autouse=True)
def _hook() -> Iterator[None]:
    import_hook.install()
    yield
    import_hook.uninstall()


def test_no_name_is_missing_and_none_is_made_up() -> None:
    assert sorted(NAMES) == sorted(ours.__all__)
    assert all(hasattr(ours, name) for name in NAMES)


@pytest.mark.parametrize("module", MODULES)
def test_submodules(module: str) -> None:
    imported = importlib.import_module(f"dapr.ext.workflow.{module}")
    assert [name for name in MODULES[module] if not hasattr(imported, name)] == []


def test_all_spellings_give_the_same() -> None:
    import dapr.ext.workflow
    import dapr.ext.workflow as wf
    from dapr.ext import workflow
    from dapr.ext.workflow import WorkflowRuntime

    assert dapr.ext.workflow is wf is workflow is ours
    assert WorkflowRuntime is ours.WorkflowRuntime  # type: ignore[comparison-overlap]


def test_the_hook_leaves_the_package_itself_alone() -> None:

    assert ours.__name__ == "wfctl.workflow"
    assert ours.__spec__ is not None
    assert ours.__spec__.name == "wfctl.workflow"


def test_a_module_that_is_not_there() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"wfctl has no 'dapr.ext.workflow.nothing'"):
        importlib.import_module("dapr.ext.workflow.nothing")


def test_propagation_and_mcp_say_what_they_cannot_do() -> None:
    with pytest.raises(NotImplementedError, match="MCP server 'weather'"):
        ours.DaprMCPClient().connect("weather")
    assert ours.DaprMCPClient().get_all_tools() == []
    assert [scope.value for scope in ours.PropagationScope] == [0, 1, 2]
