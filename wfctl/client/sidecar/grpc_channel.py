"""Open the gRPC channel to a sidecar, with its limits and certificates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc

from wfctl import __version__
from wfctl.client.sidecar.endpoint import MOST_BYTES, Endpoint, GrpcAddress
from wfctl.errors import InvalidInput


def open_channel(endpoint: Endpoint, address: GrpcAddress) -> grpc.Channel:
    """Open a channel, which connects at its first call. Raises InvalidInput if the certificates cannot be read."""
    options: list[tuple[str, Any]] = [
        ("grpc.max_receive_message_length", MOST_BYTES),
        ("grpc.max_send_message_length", -1),
        ("grpc.primary_user_agent", f"wfctl/{__version__}"),
        ("grpc.enable_retries", 0),
    ]
    if address.local:
        options.append(("grpc.enable_http_proxy", 0))
    if not address.tls:
        return grpc.insecure_channel(address.target, options)
    try:
        roots = None if endpoint.ca_file is None else _system_roots() + endpoint.ca_file.read_bytes()
    except OSError as error:
        raise InvalidInput(f"the ca_file {endpoint.ca_file} cannot be used: {error.strerror}") from error
    return grpc.secure_channel(address.target, grpc.ssl_channel_credentials(roots), options)


def _system_roots() -> bytes:
    """Return the system's certificates: those given to gRPC replace its own."""
    import ssl  # takes longer to load than all that surrounds it

    file = ssl.get_default_verify_paths().cafile
    return Path(file).read_bytes() + b"\n" if file is not None else b""
