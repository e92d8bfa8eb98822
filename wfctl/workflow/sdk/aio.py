"""The async client: the methods of the sync client as coroutines that run on threads."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from wfctl.workflow.sdk.client import DaprWorkflowClient as _Client
from wfctl.workflow.sdk.logger import LoggerOptions
from wfctl.workflow.sdk.mcp import AsyncDaprMCPClient as DaprMCPClient
from wfctl.workflow.sdk.mcp import MCPToolDef

__all__ = ["DaprMCPClient", "DaprWorkflowClient", "MCPToolDef"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _in_thread(
    method: Callable[Concatenate[_Client, _P], _R],
) -> Callable[Concatenate[DaprWorkflowClient, _P], Coroutine[Any, Any, _R]]:
    """Make a method of the sync client a coroutine function with the same signature and docstring."""

    @functools.wraps(method)
    async def call(self: DaprWorkflowClient, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        return await asyncio.to_thread(method, self._client, *args, **kwargs)

    return call


class DaprWorkflowClient:
    """Manage workflow instances from async code.

    The methods are those of `wfctl.workflow.DaprWorkflowClient`, with the same arguments and errors; each call runs on
    a thread, so that the event loop is never blocked. Usable in `async with`.

    Args:
        host: accepted as by Dapr's SDK, without effect: the engine runs in this process.
        port: as `host`.
        logger_options: as `host`.
        max_grpc_message_length: as `host`.
    """

    def __init__(
        self,
        host: str | None = None,
        port: str | None = None,
        logger_options: LoggerOptions | None = None,
        max_grpc_message_length: int | None = None,
    ) -> None:
        self._client = _Client()

    schedule_new_workflow = _in_thread(_Client.schedule_new_workflow)
    get_workflow_state = _in_thread(_Client.get_workflow_state)
    wait_for_workflow_start = _in_thread(_Client.wait_for_workflow_start)
    wait_for_workflow_completion = _in_thread(_Client.wait_for_workflow_completion)
    raise_workflow_event = _in_thread(_Client.raise_workflow_event)
    terminate_workflow = _in_thread(_Client.terminate_workflow)
    pause_workflow = _in_thread(_Client.pause_workflow)
    resume_workflow = _in_thread(_Client.resume_workflow)
    purge_workflow = _in_thread(_Client.purge_workflow)
    list_workflow_instance_ids = _in_thread(_Client.list_workflow_instance_ids)
    get_workflow_history = _in_thread(_Client.get_workflow_history)
    rerun_workflow_from_event = _in_thread(_Client.rerun_workflow_from_event)

    async def iter_workflow_instance_ids(self, *, page_size: int = 1024) -> AsyncIterator[str]:
        """Iterate over the IDs of all instances, oldest first, reading page by page.

        Args:
            page_size: the number of IDs read at once.

        Yields:
            An instance ID. Instances that start meanwhile may be among them.

        Raises:
            ValueError: `page_size` is not positive.
        """
        token: str | None = None
        while True:
            page = await self.list_workflow_instance_ids(page_size=page_size, continuation_token=token)
            for instance_id in page.instance_ids:
                yield instance_id
            token = page.continuation_token
            if not token:
                return

    async def close(self) -> None:
        """Close the client. Nothing is open, so that it stays usable."""
        self._client.close()

    async def __aenter__(self) -> DaprWorkflowClient:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()
