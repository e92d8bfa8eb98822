"""The MCP names of Dapr's SDK. MCP servers are resources of a Dapr sidecar, so wfctl has none to connect to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MCP_WORKFLOW_PREFIX = "dapr.internal.mcp."


@dataclass(frozen=True)
class MCPToolDef:
    """A tool of an MCP server.

    Attributes:
        name: the tool's name.
        description: what it does, in the server's words.
        input_schema: the JSON schema of its arguments.
        server_name: the server's name.
        call_tool_workflow: the name of the workflow that calls the tool.
    """

    name: str
    description: str
    input_schema: dict[str, Any] = field(default_factory=dict)
    server_name: str = ""
    call_tool_workflow: str = ""


class _MCPClient:
    """The part that both clients share.

    Args:
        timeout_in_seconds: accepted as by Dapr's SDK, without effect.
        allowed_tools: as `timeout_in_seconds`.
        wf_client: as `timeout_in_seconds`.

    Raises:
        ValueError: `timeout_in_seconds` is not positive.
    """

    def __init__(
        self, *, timeout_in_seconds: int = 60, allowed_tools: set[str] | None = None, wf_client: Any = None
    ) -> None:
        if timeout_in_seconds <= 0:
            raise ValueError("timeout_in_seconds must be positive")

    def get_all_tools(self) -> list[MCPToolDef]:
        """List the tools of all connected servers.

        Returns:
            An empty list.
        """
        return []

    def get_server_tools(self, server_name: str) -> list[MCPToolDef]:
        """List the tools of one server.

        Args:
            server_name: the server.

        Returns:
            An empty list.
        """
        return []

    def get_connected_servers(self) -> list[str]:
        """List the connected servers.

        Returns:
            An empty list.
        """
        return []


class DaprMCPClient(_MCPClient):
    """The client of MCP servers, which knows none without a Dapr sidecar."""

    def connect(self, mcpserver_name: str) -> None:
        """Refuse to connect.

        Args:
            mcpserver_name: the name of the server's resource.

        Raises:
            NotImplementedError: always.
        """
        raise _no_servers(mcpserver_name)


class AsyncDaprMCPClient(_MCPClient):
    """The async client of MCP servers, which knows none without a Dapr sidecar."""

    async def connect(self, mcpserver_name: str) -> None:
        """Refuse to connect.

        Args:
            mcpserver_name: the name of the server's resource.

        Raises:
            NotImplementedError: always.
        """
        raise _no_servers(mcpserver_name)


def _no_servers(name: str) -> Exception:
    return NotImplementedError(f"MCP server {name!r} cannot be reached: MCP servers are resources of a Dapr sidecar")
