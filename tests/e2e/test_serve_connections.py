"""`wfctl serve` and clients that take up its connections: it must stay reachable, and its log small."""

from __future__ import annotations

import contextlib
import json
import resource
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("uvicorn", reason="needs wfctl[serve]")
import grpc
from limits import LIMIT_SECONDS
from serve_process import Served, served

from wfctl.wire import grpc_methods

FILES = 256
HALF_OPEN = 300


def files(soft: int, hard: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def half_open(stack: contextlib.ExitStack, address: tuple[str, int], words: bytes) -> None:
    """Connect, and send no more than `words`. The server may have closed it already."""
    with contextlib.suppress(ConnectionError):
        client = stack.enter_context(socket.create_connection(address, LIMIT_SECONDS))
        client.sendall(words)


def lines(server: Served) -> list[str]:
    return [json.loads(line)["msg"] if line.startswith("{") else line for line in server.log.read_text().splitlines()]


def test_half_open_connections_do_not_shut_others_out(tmp_path: Path) -> None:
    with served(tmp_path, before=files(FILES, FILES)) as server, contextlib.ExitStack() as stack:
        address = "127.0.0.1", server.endpoints["httpPort"]
        for number in range(HALF_OPEN):
            half_open(stack, address, b"GET /v1.0/healthz HTTP/1.1\r\nhost: x" if number % 2 else b"")
            if number % 50 == 49:
                assert httpx_get(server) == 204
        # No more than the words about the limit, and they once.
        assert lines(server).count("too many HTTP connections: those that wait longest are closed") == 1
        assert len(lines(server)) < 10, lines(server)


def httpx_get(server: Served) -> int:
    """On a connection of its own."""
    return httpx.get(server.endpoints["httpEndpoint"] + "/v1.0/healthz", timeout=LIMIT_SECONDS).status_code


def test_grpc_connections_leave_room_for_http(tmp_path: Path) -> None:
    with served(tmp_path, before=files(FILES, FILES)) as server, contextlib.ExitStack() as stack:
        address = "127.0.0.1", server.endpoints["grpcPort"]
        for _ in range(HALF_OPEN):
            half_open(stack, address, b"")
        assert httpx_get(server) == 204
        assert len(lines(server)) < 10, lines(server)[:10]
        stack.close()
        with grpc.insecure_channel(server.endpoints["grpcEndpoint"]) as channel:
            hello: Any = channel.unary_unary(grpc_methods.HELLO.path)
            hello(b"", timeout=LIMIT_SECONDS, wait_for_ready=True)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc; elsewhere the app has the server's limit")
def test_the_limit_of_files_is_raised_for_the_server_alone(tmp_path: Path) -> None:
    script = (
        "import os, resource, sys\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE), resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE))\n"
    )
    command = [sys.executable, "-c", script]
    with served(tmp_path, command=command, before=files(FILES, 1000)) as server:
        assert server.process.stdout is not None
        assert server.process.stdout.read().splitlines() == [f"app | ({FILES}, 1000) (1000, 1000)"]
