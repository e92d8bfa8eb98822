"""Listening: the default ports, or free ones where these are taken."""

from __future__ import annotations

import socket
from collections.abc import Callable

from wfctl.errors import Unreachable

DEFAULT_HTTP = 3500
DEFAULT_GRPC = 50001

Note = Callable[[str], None]


def listen_http(address: str, port: int | None, note: Note) -> socket.socket:
    """A listening socket; `port` None is the default or, where that is taken, any. Raises Unreachable."""
    try:
        return _bind(address, DEFAULT_HTTP if port is None else port)
    except OSError as error:
        if port is not None:
            raise taken("HTTP", address, port, error) from error
    free = _bind(address, 0)
    note(f"port {DEFAULT_HTTP} is taken: HTTP listens on {free.getsockname()[1]}")
    return free


def _bind(address: str, port: int) -> socket.socket:
    bare = address.strip("[]")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((bare, port))
        listening.listen(1024)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening


def listen_grpc(address: str, port: int | None, note: Note, add: Callable[[str], int]) -> int:
    """`add` binds an `address:port` and returns the port (grpc's add_insecure_port). Raises Unreachable."""

    def bind(number: int) -> int:
        try:
            bound = add(f"{address}:{number}")
        except RuntimeError as error:
            raise OSError(str(error).splitlines()[0]) from error
        if not bound:
            raise OSError("cannot bind")
        return bound

    try:
        return bind(DEFAULT_GRPC if port is None else port)
    except OSError as error:
        if port is not None:
            raise taken("gRPC", address, port, error) from error
    free = bind(0)
    note(f"port {DEFAULT_GRPC} is taken: gRPC listens on {free}")
    return free


def taken(what: str, address: str, port: int, error: OSError) -> Unreachable:
    return Unreachable(
        f"cannot listen for {what} on {address}:{port}: {error.strerror or error}",
        hint="another program, or another wfctl serve, has this port; 0 takes any free one",
    )
