"""Private names of Dapr's SDK that frameworks on top of it import: JSON, and the channel that wfctl does not open."""

from __future__ import annotations

from typing import Any

from wfctl.workflow.payloads import MARKER as AUTO_SERIALIZED
from wfctl.workflow.payloads import from_json, to_json
from wfctl.workflow.registry import is_async_callable
from wfctl.workflow.sdk.util import getAddress as get_default_host_address

__all__ = [
    "AUTO_SERIALIZED",
    "INSECURE_PROTOCOLS",
    "SECURE_PROTOCOLS",
    "from_json",
    "get_default_host_address",
    "get_grpc_channel",
    "is_async_callable",
    "to_json",
]

SECURE_PROTOCOLS = ["https://", "grpcs://"]
INSECURE_PROTOCOLS = ["http://", "grpc://"]


def get_grpc_channel(*args: Any, **kwargs: Any) -> None:
    """Refuse to open a channel. Whoever replaces this function sets options that have no meaning here.

    Args:
        args: as the SDK's.
        kwargs: as the SDK's.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError("the engine runs in this process: there is no channel to it")
