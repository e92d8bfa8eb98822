"""The HTTP listener over real sockets: clients that keep it waiting, and clients that it keeps waiting."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from limits import LIMIT_SECONDS

pytest.importorskip("uvicorn", reason="needs wfctl[serve]")

from wfctl.gateway.http.app import Answer, HttpApp, Request, Routes
from wfctl.gateway.listening import connections, listeners, ports
from wfctl.gateway.listening.security import HostCheck, TokenCheck
from wfctl.gateway.log import Log

LONG = b"x" * 30_000_000  # more than the system keeps for a connection
GET = b"GET /%s HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Site:
    def __init__(self, port: int, go: asyncio.Event, log: io.StringIO) -> None:
        self.port = port
        self.go = go  # lets the path /slow be answered
        self.log = log
        self.writers: list[asyncio.StreamWriter] = []

    async def connect(self, words: bytes = b"") -> Client:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        writer.write(words)
        await writer.drain()
        return reader, writer

    async def leave(self) -> None:
        for writer in self.writers:
            writer.transport.abort()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def closed(client: Client) -> bytes:
    """All that the server sent until it closed the connection."""
    with contextlib.suppress(ConnectionError):
        return await asyncio.wait_for(client[0].read(), LIMIT_SECONDS)
    return b""


async def status(client: Client) -> int:
    line = await asyncio.wait_for(client[0].readuntil(b"\r\n\r\n"), LIMIT_SECONDS)
    return int(line.split()[1])


@contextlib.asynccontextmanager
async def site() -> AsyncIterator[Site]:
    go = asyncio.Event()
    text = io.StringIO()

    async def ok(_: Request) -> Answer:
        return Answer(204)

    async def slow(_: Request) -> Answer:
        await go.wait()
        return Answer(204)

    async def long(_: Request) -> Answer:
        return Answer(200, LONG)

    routes = Routes()
    for name, handler in (("ok", ok), ("slow", slow), ("long", long)):
        routes.add("GET", f"/{name}", handler)
        routes.add("POST", f"/{name}", handler)
    log = Log(text)
    app = HttpApp(routes, TokenCheck(None), HostCheck("127.0.0.1"), 1_000_000, log)
    async with contextlib.AsyncExitStack() as stack:
        listening = ports.listen_http("127.0.0.1", 0, lambda line: None)
        stack.callback(listening.close)
        listeners.serve_http(stack, app, log, listening)
        port = listening.getsockname()[1]
        made = Site(port, go, text)
        yield made
        go.set()
        await made.leave()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "WAIT_SECONDS", 0.3)
    monkeypatch.setattr(connections, "SWEEP_SECONDS", 0.05)


class Skewed(asyncio.SelectorEventLoop):
    """A loop whose clock tests may put forward."""

    skew = 0.0

    def time(self) -> float:
        return super().time() + self.skew


def play(scenario: Callable[[Site], Awaitable[None]]) -> None:
    async def run() -> None:
        async with site() as made:
            await scenario(made)

    loop = Skewed()
    try:
        loop.run_until_complete(run())
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET /ok HTTP/1.1\r\nhost: 127", id="half a head"),
        pytest.param(b"POST /ok HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 10\r\n\r\nhalf", id="half a body"),
        pytest.param(GET % b"ok" + b"GET /o", id="half a second head"),
    ],
)
def test_who_does_not_send_a_whole_request_is_cut_off(words: bytes) -> None:
    async def scenario(site: Site) -> None:
        await closed(await site.connect(words))

    play(scenario)


def test_a_head_that_comes_in_drops_is_cut_off() -> None:
    async def scenario(site: Site) -> None:
        client = await site.connect(b"GET /ok HTTP/1.1\r\n")
        ended = asyncio.ensure_future(closed(client))
        with contextlib.suppress(ConnectionError):
            while not ended.done():
                client[1].write(b"x: y\r\n")
                await client[1].drain()
                await asyncio.wait({ended}, timeout=0.02)
        await ended

    play(scenario)


def test_a_body_that_keeps_coming_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pieces come 600 seconds apart on the loop's clock, and a client may keep silent for 1000."""
    monkeypatch.setattr(connections, "WAIT_SECONDS", 1000)
    pieces = 0
    received = connections.Connection.data_received

    def counted(self: connections.Connection, data: bytes) -> None:
        nonlocal pieces
        received(self, data)
        pieces += 1

    monkeypatch.setattr(connections.Connection, "data_received", counted)

    async def scenario(site: Site) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Skewed)
        idle = await site.connect()
        client = await site.connect(b"POST /ok HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 5\r\n\r\n")
        for number in range(1, 5):
            while pieces < number:
                gone = client[0].at_eof() or client[1].transport.is_closing()
                assert not gone, "it was cut off"
                await asyncio.sleep(0.001)
            loop.skew += 600
            await asyncio.sleep(0.1)  # sweeps happen, and find nobody silent for too long
            client[1].write(b"x")
        assert await closed(idle) == b""
        client[1].write(b"x")
        assert await status(client) == 204

    play(scenario)


def test_a_request_may_take_as_long_as_it_takes() -> None:
    async def scenario(site: Site) -> None:
        client = await site.connect(GET % b"slow")
        await closed(await site.connect())  # one that waits is cut off meanwhile
        site.go.set()
        assert await status(client) == 204

    play(scenario)


def test_a_long_answer_is_sent_to_whoever_reads_it_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "WAIT_SECONDS", 1.0)

    async def scenario(site: Site) -> None:
        client = await site.connect(GET % b"long")
        assert await status(client) == 200
        seen = 0
        while seen < len(LONG):
            part = await client[0].read(500_000)
            assert part
            seen += len(part)
            await asyncio.sleep(0.02)

    play(scenario)


def test_who_never_reads_an_answer_is_cut_off() -> None:
    async def scenario(site: Site) -> None:
        reader, writer = await site.connect(GET % b"long")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await closed(await site.connect())
        await closed(await site.connect())
        await closed(await site.connect())
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert len(await closed((reader, writer))) < len(LONG)

    play(scenario)


def test_at_the_limit_who_has_waited_longest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "most_connections", lambda: 5)
    monkeypatch.setattr(connections, "WAIT_SECONDS", 600)

    async def scenario(site: Site) -> None:
        working = await site.connect(GET % b"slow")
        waiting = [await site.connect() for _ in range(20)]
        for _ in range(5):
            assert await status(await site.connect(GET % b"ok")) == 204
        assert [await closed(client) for client in waiting] == [b""] * 20
        site.go.set()
        assert await status(working) == 204
        assert site.log.getvalue().count("too many HTTP connections") == 1

    play(scenario)


def test_while_all_are_at_work_the_next_one_is_served_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "most_connections", lambda: 5)

    async def scenario(site: Site) -> None:
        working = [await site.connect(GET % b"slow") for _ in range(8)]
        while "too many HTTP connections" not in site.log.getvalue():
            await asyncio.sleep(0.01)
        site.go.set()
        assert [await status(client) for client in working] == [204] * 8

    play(scenario)
