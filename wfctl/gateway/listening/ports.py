"""Listening: the default ports, or free ones where these are taken."""

from __future__ import annotations

import socket
import stat
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from wfctl.errors import InvalidInput, Unreachable
from wfctl.wire.default_ports import GRPC_PORT, HTTP_PORT

Note = Callable[[str], None]


def listen_http(address: str, port: int | None, note: Note) -> socket.socket:
    """Return a listening socket; `port` None is the default or, where that is taken, any. Raises Unreachable."""
    try:
        return _bind(address, HTTP_PORT if port is None else port)
    except OSError as error:
        if port is not None:
            raise taken("HTTP", address, port, error) from error
    free = _bind(address, 0)
    note(f"port {HTTP_PORT} is taken: HTTP listens on {free.getsockname()[1]}")
    return free


def _bind(address: str, port: int) -> socket.socket:
    bare = address.strip("[]")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    # With its protocol: asyncio turns Nagle's algorithm off only for connections that say they are TCP. With the
    # algorithm, every answer but the first on a connection waits 40 ms for the client's delayed acknowledgement.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
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

    host = f"[{address}]" if ":" in address and not address.startswith("[") else address

    def bind(number: int) -> int:
        try:
            bound = add(f"{host}:{number}")
        except RuntimeError as error:
            raise OSError(str(error).splitlines()[0]) from error
        if not bound:
            raise OSError("cannot bind")
        return bound

    try:
        return bind(GRPC_PORT if port is None else port)
    except OSError as error:
        if port is not None:
            raise taken("gRPC", address, port, error) from error
    free = bind(0)
    note(f"port {GRPC_PORT} is taken: gRPC listens on {free}")
    return free


def listen_unix(path: Path, add: Callable[[str], int]) -> None:
    """Listen on a Unix socket, in the place of one that a dead server has left. `path` is absolute.

    Raises InvalidInput (something else is there, or nothing can be) and Unreachable (somebody listens there).
    """
    try:
        if stat.S_ISSOCK(path.lstat().st_mode):
            _knock(path)
            path.unlink()
        else:
            raise InvalidInput(
                f"--grpc-unix {path} is there already, and is no socket",
                hint="name another file, or move this one away",
            )
    except FileNotFoundError:
        pass
    except OSError as error:
        raise _no_socket(path, error) from error
    try:
        # Percent signs mean something in gRPC's addresses.
        add(f"unix:{quote(str(path))}")
    except RuntimeError as error:
        raise _no_socket(path, _reason(path)) from error


def _knock(path: Path) -> None:
    """Try to connect. Raises Unreachable: somebody listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knocking:
        try:
            knocking.connect(str(path))
        except ConnectionRefusedError:
            return
    raise Unreachable(
        f"cannot listen for gRPC on {path}: another program listens on it", hint="stop that one, or name another file"
    )


def _reason(path: Path) -> OSError:
    """Find out why gRPC cannot listen there, which it does not say."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trying:
            trying.bind(str(path))
        path.unlink()
    except OSError as error:
        return error
    return OSError("gRPC cannot bind it")


def _no_socket(path: Path, error: OSError) -> InvalidInput:
    return InvalidInput(
        f"cannot listen for gRPC on {path}: {error.strerror or error}",
        hint="--grpc-unix FILE, in a folder that is there",
    )


def taken(what: str, address: str, port: int, error: OSError) -> Unreachable:
    return Unreachable(
        f"cannot listen for {what} on {address}:{port}: {error.strerror or error}",
        hint="another program, or another wfctl serve, has this port; 0 takes any free one",
    )
