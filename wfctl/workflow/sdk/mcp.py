"""The MCP names of the SDK. MCP servers are resources of a Dapr sidecar: there are none to connect to here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MCP_WORKFLOW_PREFIX = "dapr.internal.mcp."


@dataclass(frozen=True)
class MCPToolDef:
    """A tool as its server describes it."""

    name: str
    description: str
    input_schema: dict[str, Any] = field(default_factory=dict)
    server_name: str = ""
    call_tool_workflow: str = ""


class _MCPClient:
    def __init__(
        self, *, timeout_in_seconds: int = 60, allowed_tools: set[str] | None = None, wf_client: Any = None
    ) -> None:
        if timeout_in_seconds <= 0:
            raise ValueError("timeout_in_seconds must be positive")

    def get_all_tools(self) -> list[MCPToolDef]:
        return []

    def get_server_tools(self, server_name: str) -> list[MCPToolDef]:
        return []

    def get_connected_servers(self) -> list[str]:
        return []


class DaprMCPClient(_MCPClient):
    def connect(self, mcpserver_name: str) -> None:
        """Raises NotImplementedError."""
        raise _no_servers(mcpserver_name)


class AsyncDaprMCPClient(_MCPClient):
    async def connect(self, mcpserver_name: str) -> None:
        """Raises NotImplementedError."""
        raise _no_servers(mcpserver_name)


def _no_servers(name: str) -> Exception:
    return NotImplementedError(f"MCP server {name!r} cannot be reached: MCP servers are resources of a Dapr sidecar")
