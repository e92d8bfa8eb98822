"""The server on grpc's core, by itself: which one serves, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import weakref
from collections.abc import AsyncIterator
from concurrent.futures import Future
from typing import Any

import pytest
from limits import LIMIT_SECONDS, until

pytest.importorskip("uvicorn", reason="needs the extra serve")
import grpc
import grpc.aio

from wfctl.gateway.grpc import core_server
from wfctl.gateway.grpc.aio_server import AioServer
from wfctl.gateway.grpc.core_server import CoreServer
from wfctl.gateway.grpc.routing import OPTIONS
from wfctl.gateway.grpc.serving import Answer, Call, Find, Handler, Promise, Streaming, Unary
from wfctl.gateway.listening.listeners import grpc_server


def test_the_installed_grpc_has_the_core_that_is_known() -> None:
    async def scenario() -> None:
        notes: list[str] = []
        assert isinstance(grpc_server(OPTIONS, notes.append), CoreServer)
        assert not notes

    asyncio.run(scenario())


def test_another_core_is_left_to_grpc_aio_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything depends on it: not only once a call comes in."""

    class Other:
        """A queue that is asked in another way."""

    monkeypatch.setattr(core_server, "CompletionQueue", Other)

    async def scenario() -> None:
        notes: list[str] = []
        assert isinstance(grpc_server(OPTIONS, notes.append), AioServer)
        assert len(notes) == 1
        assert "poll" in notes[0]

    asyncio.run(scenario())


def test_what_goes_wrong_where_no_client_can_be_told_is_said_in_a_line(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise ValueError("no such number")

    async def scenario() -> None:
        notes: list[str] = []
        server = CoreServer(OPTIONS, notes.append)
        after = asyncio.Event()
        server.post(fail)
        server.post(after.set)
        await asyncio.wait_for(after.wait(), LIMIT_SECONDS)
        assert notes == ["a gRPC call failed: ValueError: no such number"]

    asyncio.run(scenario())
    assert capfd.readouterr().err == ""


@contextlib.asynccontextmanager
async def serving(find: Find) -> AsyncIterator[Any]:
    """A channel to a server that finds its methods so."""
    server = CoreServer(OPTIONS)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start(find)
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(None)


def test_a_handler_that_fails_ends_its_call_and_no_other() -> None:
    def broken(*_: Any) -> Any:
        raise ValueError("broken")

    failed: Future[bytes] = Future()
    failed.set_exception(ValueError("broken"))

    async def late(data: bytes, call: Call) -> bytes:
        broken()
        return data

    async def works(data: bytes, call: Call) -> bytes:
        return data

    handlers: dict[str, Handler] = {
        "/a/once": Answer(broken),
        "/a/late": Unary(late),
        "/a/at-first": Unary(broken),
        "/a/promise": Promise(broken),
        "/a/kept": Promise(lambda data, call: failed),
        "/a/stream": Streaming(broken),
        "/a/works": Unary(works),
    }

    async def scenario() -> None:
        async with serving(lambda path: handlers[path]) as channel:
            ended = await asyncio.gather(
                *(channel.unary_unary(path)(b"x", timeout=LIMIT_SECONDS) for path in handlers),
                channel.unary_unary("/a/not-found")(b"x", timeout=LIMIT_SECONDS),
                return_exceptions=True,
            )
            broke: list[Any] = [*ended]
            not_found = broke.pop()
            assert broke.pop() == b"x"
            assert [(error.code().name, error.details()) for error in broke] == [("INTERNAL", "ValueError: broken")] * 6
            assert not_found.code() is not grpc.StatusCode.DEADLINE_EXCEEDED

    asyncio.run(scenario())


def test_a_promise_is_answered_by_the_thread_that_keeps_it() -> None:
    promised: dict[bytes, Future[bytes]] = {}
    asked = threading.Event()

    def promise(data: bytes, call: Call) -> Future[bytes]:
        future = promised[data] = Future()
        if data == b"now":
            future.set_result(b"at once")
        asked.set()
        return future

    def keep() -> None:
        if asked.wait(LIMIT_SECONDS):
            promised[b"later"].set_result(b"kept")

    async def scenario() -> None:
        async with serving(lambda path: Promise(promise)) as channel:
            call = channel.unary_unary("/a/promise")
            assert await call(b"now", timeout=LIMIT_SECONDS) == b"at once"
            asked.clear()
            keeper = threading.Thread(target=keep)
            keeper.start()
            assert await call(b"later", timeout=LIMIT_SECONDS) == b"kept"
            keeper.join(LIMIT_SECONDS)

    asyncio.run(scenario())


def test_a_call_that_is_answered_is_let_go() -> None:
    """Cycles are looked for seldom in a server: thousands of calls would be kept until then."""
    calls: list[weakref.ref[Any]] = []
    promised: list[Future[bytes]] = []
    asked = threading.Event()

    def promise(data: bytes, call: Call) -> Future[bytes]:
        future: Future[bytes] = Future()
        calls.append(weakref.ref(call))
        promised.append(future)
        asked.set()
        return future

    async def scenario() -> None:
        async with serving(lambda path: Promise(promise)) as channel:
            answer = channel.unary_unary("/a/promise")(b"x", timeout=LIMIT_SECONDS)
            waiting = asyncio.ensure_future(answer.wait_for_connection())
            assert await asyncio.to_thread(asked.wait, LIMIT_SECONDS)
            promised.pop().set_result(b"kept")
            assert await answer == b"kept"
            waiting.cancel()
            await asyncio.to_thread(until, lambda: calls[0]() is None, "the end of the call")

    gc.disable()
    try:
        asyncio.run(scenario())
    finally:
        gc.enable()


def test_a_promise_is_given_up_where_its_client_no_longer_waits() -> None:
    promised: Future[bytes] = Future()
    asked, given_up = threading.Event(), threading.Event()
    promised.add_done_callback(lambda _: given_up.set())

    def promise(data: bytes, call: Call) -> Future[bytes]:
        asked.set()
        return promised

    async def scenario() -> None:
        async with serving(lambda path: Promise(promise)) as channel:
            waiting = channel.unary_unary("/a/promise")(b"x", timeout=LIMIT_SECONDS)
            waiting_task = asyncio.ensure_future(waiting.wait_for_connection())
            assert await asyncio.to_thread(asked.wait, LIMIT_SECONDS)
            waiting.cancel()
            assert await asyncio.to_thread(given_up.wait, LIMIT_SECONDS)
            assert promised.cancelled()
            waiting_task.cancel()

    asyncio.run(scenario())


def test_calls_that_come_while_the_server_stops_end() -> None:
    """The core aborts the whole process where it is asked for something too late."""

    async def late(data: bytes, call: Call) -> bytes:
        await asyncio.sleep(0)
        return data

    def at_once(data: bytes | None, call: Call) -> bytes:
        return data or b""

    def promise(data: bytes, call: Call) -> Future[bytes]:
        return Future()  # that nobody keeps

    handlers: dict[str, Handler] = {
        "/a/late": Unary(late),
        "/a/once": Answer(at_once),
        "/a/promise": Promise(promise),
    }

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
