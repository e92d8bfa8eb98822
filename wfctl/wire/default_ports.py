"""The ports that a Dapr sidecar listens on, unless it is told otherwise."""

from __future__ import annotations

HTTP_PORT = 3500
GRPC_PORT = 50001
