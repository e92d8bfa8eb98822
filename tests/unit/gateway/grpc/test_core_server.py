"""The server on grpc's core, by itself: which one serves, and how it ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from limits import LIMIT_SECONDS

pytest.importorskip("uvicorn", reason="needs the extra serve")
import grpc
import grpc.aio

from wfctl.gateway.grpc.core_server import CoreServer
from wfctl.gateway.grpc.routing import OPTIONS
from wfctl.gateway.grpc.serving import Answer, Call, Handler, Unary
from wfctl.gateway.listening.listeners import grpc_server


def test_the_installed_grpc_has_the_core_that_is_known() -> None:
    async def scenario() -> None:
        assert isinstance(grpc_server(OPTIONS), CoreServer)

    asyncio.run(scenario())


def test_calls_that_come_while_the_server_stops_end() -> None:
    """The core aborts the whole process where it is asked for something too late."""

    async def late(data: bytes, call: Call) -> bytes:
        await asyncio.sleep(0)
        return data

    def at_once(data: bytes | None, call: Call) -> bytes:
        return data or b""

    handlers: dict[str, Handler] = {"/a/late": Unary(late), "/a/once": Answer(at_once)}

    async def scenario() -> None:
        server = CoreServer(OPTIONS)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start(lambda path: handlers[path])
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as opened:
            channel: Any = opened
            calls = [channel.unary_unary(path)(b"x", timeout=LIMIT_SECONDS) for path in (*handlers,) * 50]
            assert await calls[0] == b"x"
            await asyncio.wait_for(server.stop(None), LIMIT_SECONDS)
            ended = await asyncio.gather(*calls, return_exceptions=True)
        assert all(one == b"x" or isinstance(one, grpc.RpcError) for one in ended)

    for _ in range(10):
        asyncio.run(scenario())
