"""The async client: the methods of the sync one as coroutines, each on a thread of its own while it blocks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from wfctl.workflow.sdk.client import DaprWorkflowClient as _Client
from wfctl.workflow.sdk.logger import LoggerOptions
from wfctl.workflow.sdk.management import UNSET, WorkflowHistoryEvent, WorkflowInstanceIdPage
from wfctl.workflow.sdk.mcp import AsyncDaprMCPClient as DaprMCPClient
from wfctl.workflow.sdk.mcp import MCPToolDef
from wfctl.workflow.sdk.workflow_state import WorkflowState

__all__ = ["DaprMCPClient", "DaprWorkflowClient", "MCPToolDef"]


class DaprWorkflowClient:
    """See `wfctl.workflow.sdk.client.DaprWorkflowClient`; `async with` closes it."""

    def __init__(
        self,
        host: str | None = None,
        port: str | None = None,
        logger_options: LoggerOptions | None = None,
        max_grpc_message_length: int | None = None,
    ) -> None:
        self._client = _Client()

    async def schedule_new_workflow(self, workflow: Any, **options: Any) -> str:
        return await asyncio.to_thread(self._client.schedule_new_workflow, workflow, **options)

    async def get_workflow_state(self, instance_id: str, **options: Any) -> WorkflowState | None:
        return await asyncio.to_thread(self._client.get_workflow_state, instance_id, **options)

    async def wait_for_workflow_start(self, instance_id: str, **options: Any) -> WorkflowState | None:
        return await asyncio.to_thread(self._client.wait_for_workflow_start, instance_id, **options)

    async def wait_for_workflow_completion(self, instance_id: str, **options: Any) -> WorkflowState | None:
        return await asyncio.to_thread(self._client.wait_for_workflow_completion, instance_id, **options)

    async def raise_workflow_event(self, instance_id: str, event_name: str, **options: Any) -> None:
        await asyncio.to_thread(self._client.raise_workflow_event, instance_id, event_name, **options)

    async def terminate_workflow(self, instance_id: str, **options: Any) -> None:
        await asyncio.to_thread(self._client.terminate_workflow, instance_id, **options)

    async def pause_workflow(self, instance_id: str, **options: Any) -> None:
        await asyncio.to_thread(self._client.pause_workflow, instance_id, **options)

    async def resume_workflow(self, instance_id: str, **options: Any) -> None:
        await asyncio.to_thread(self._client.resume_workflow, instance_id, **options)

    async def purge_workflow(self, instance_id: str, recursive: bool = True, **options: Any) -> None:
        await asyncio.to_thread(self._client.purge_workflow, instance_id, recursive, **options)

    async def list_workflow_instance_ids(self, **options: Any) -> WorkflowInstanceIdPage:
        return await asyncio.to_thread(self._client.list_workflow_instance_ids, **options)

    async def iter_workflow_instance_ids(self, *, page_size: int = 1024) -> AsyncIterator[str]:
        token: str | None = None
        while True:
            page = await self.list_workflow_instance_ids(page_size=page_size, continuation_token=token)
            for instance_id in page.instance_ids:
                yield instance_id
            token = page.continuation_token
            if not token:
                return

    async def get_workflow_history(self, instance_id: str) -> list[WorkflowHistoryEvent]:
        return await asyncio.to_thread(self._client.get_workflow_history, instance_id)

    async def rerun_workflow_from_event(
        self, instance_id: str, event_id: int, *, input: Any = UNSET, **options: Any
    ) -> str:
        return await asyncio.to_thread(
            self._client.rerun_workflow_from_event, instance_id, event_id, input=input, **options
        )

    async def close(self) -> None:
        self._client.close()

    async def __aenter__(self) -> DaprWorkflowClient:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()
