"""The addresses and channel options of Dapr's SDK, from its environment variables. wfctl itself uses neither."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

__all__ = ["getAddress", "get_grpc_channel_options"]


def get_grpc_channel_options(max_grpc_message_length: int | None = None) -> Sequence[tuple[str, Any]] | None:
    """Return the gRPC options for the size of a message.

    Args:
        max_grpc_message_length: the limit in bytes; 0 or None for that of DAPR_GRPC_MAX_INBOUND_MESSAGE_SIZE_BYTES.

    Returns:
        The options for both directions; None if nothing sets a limit.
    """
    size = max_grpc_message_length or int(os.environ.get("DAPR_GRPC_MAX_INBOUND_MESSAGE_SIZE_BYTES") or 0)
    if not size:
        return None
    return [("grpc.max_send_message_length", size), ("grpc.max_receive_message_length", size)]


def getAddress(host: str | None = None, port: str | None = None) -> str:
    """Return the address of a sidecar's gRPC API.

    Args:
        host: by default that of DAPR_RUNTIME_HOST, or 127.0.0.1.
        port: by default that of DAPR_GRPC_PORT, or 50001.

    Returns:
        HOST:PORT. Without both arguments, DAPR_GRPC_ENDPOINT if that is set.
    """
    if not host and not port and (endpoint := os.environ.get("DAPR_GRPC_ENDPOINT")):
        return endpoint
    host = host or os.environ.get("DAPR_RUNTIME_HOST") or "127.0.0.1"
    return f"{host}:{port or os.environ.get('DAPR_GRPC_PORT') or 50001}"
