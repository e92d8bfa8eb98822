"""The sockets that `wfctl serve` listens on."""

from __future__ import annotations

import asyncio
import socket

import pytest

from wfctl.gateway.listening.ports import listen_http


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
def test_no_answer_waits_for_an_acknowledgement(address: str) -> None:
    """With Nagle's algorithm, every answer but the first on a connection took 40 ms."""
    try:
        listening = listen_http(address, 0, lambda text: None)
    except OSError:
        pytest.skip(f"nothing can listen on {address} here")

    async def accepted() -> int:
        delays: asyncio.Queue[int] = asyncio.Queue()

        def met(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            delays.put_nowait(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(met, sock=listening):
            _, writer = await asyncio.open_connection(*listening.getsockname()[:2])
            without = await delays.get()
            writer.close()
            await writer.wait_closed()
            return without

    assert asyncio.run(accepted()), "asyncio turns the algorithm off"
