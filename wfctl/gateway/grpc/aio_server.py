"""A gRPC server on grpc.aio, which is public: for a grpcio whose core has another interface than `core_server` uses."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc
import grpc.aio

from wfctl.gateway.grpc.serving import Answer, Find, Handler, Promise, Refused, Streaming, Unary


class AioServer:
    """See the port."""

    def __init__(self, options: Sequence[tuple[str, Any]]) -> None:
        self._server = grpc.aio.server(options=options)

    def add_insecure_port(self, address: str) -> int:
        return self._server.add_insecure_port(address)

    async def start(self, find: Find) -> None:
        self._server.add_generic_rpc_handlers((_Handlers(find),))
        await self._server.start()

    async def stop(self, grace: float | None) -> None:
        await self._server.stop(grace)


class _Handlers(grpc.GenericRpcHandler):  # type: ignore[misc,type-arg,unused-ignore]
    def __init__(self, find: Find) -> None:
        self._find = find

    def service(self, handler_call_details: Any) -> Any:
        return _as_grpc(self._find(handler_call_details.method))


def _as_grpc(handler: Handler) -> grpc.RpcMethodHandler[Any, Any]:
    if isinstance(handler, Unary):
        unary = handler.handle

        async def wait_for(data: bytes, context: Any) -> Any:
            return await _or_refuse(context, unary(data, _Call(context)))

        return grpc.unary_unary_rpc_method_handler(wait_for)
    if isinstance(handler, Promise):
        promise = handler.handle

        async def wait_for_promise(data: bytes, context: Any) -> Any:
            async def promised() -> bytes:
                return await asyncio.wrap_future(promise(data, _Call(context)))

            return await _or_refuse(context, promised())

        return grpc.unary_unary_rpc_method_handler(wait_for_promise)
    if isinstance(handler, Answer):
        answer = handler.handle

        async def at_once(_: Any, context: Any) -> Any:
            call, data = _Call(context), None
            try:
                data = await context.read()
            finally:
                if not isinstance(data, bytes):
                    with contextlib.suppress(Refused):
                        answer(None, call)
            if not isinstance(data, bytes):
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the request cannot be read")

            async def answered() -> bytes:
                return answer(data, call)

            return await _or_refuse(context, answered())

        # grpc calls a unary handler only once it has the request, and says nothing of a call that ends before. A stream
        # of one message is the same on the wire, and its handler is called when the call comes.
        return grpc.stream_unary_rpc_method_handler(at_once)
    if isinstance(handler, Streaming):
        streaming = handler

        async def stream(data: bytes, context: Any) -> None:
            await _Stream(context).run(data, streaming)

        return grpc.unary_stream_rpc_method_handler(stream)
    refused = Refused(handler.code, handler.text)

    async def refuse(_: Any, context: Any) -> None:
        await context.abort(grpc.StatusCode[refused.code], refused.text)

    # Whatever the method's own kind is, it is the same on the wire up to here.
    return grpc.stream_stream_rpc_method_handler(refuse)


async def _or_refuse(context: Any, work: Awaitable[bytes]) -> Any:
    try:
        return await work
    except Refused as refused:
        await context.abort(grpc.StatusCode[refused.code], refused.text)


class _Call:
    def __init__(self, context: Any) -> None:
        self._context = context
        self.peer: str = context.peer()  # is not known any more once the call has ended

    def metadata(self, wanted: str) -> str | None:
        return next((str(value) for key, value in self._context.invocation_metadata() or () if key == wanted), None)


class _Stream(_Call):
    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._messages: asyncio.Queue[tuple[bytes, Callable[[bool], None]] | Refused] = asyncio.Queue()

    def send(self, data: bytes, sent: Callable[[bool], None]) -> None:
        self._call(self._messages.put_nowait, (data, sent))

    def end(self, code: str, text: str) -> None:
        self._call(self._messages.put_nowait, Refused(code, text))

    def cut(self) -> None:
        if self._task is not None:
            self._call(self._task.cancel)

    def _call(self, call: Callable[..., object], *given: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server has stopped
            self._loop.call_soon_threadsafe(call, *given)

    async def run(self, data: bytes, handler: Streaming) -> None:
        try:
            over = handler.handle(data, self)
        except Refused as refused:
            await self._context.abort(grpc.StatusCode[refused.code], refused.text)
            return
        try:
            # Without this a client that waits for the headers would wait for the first message.
            await self._context.send_initial_metadata(())
            while True:
                message = await self._messages.get()
                if isinstance(message, Refused):
                    self._context.set_code(grpc.StatusCode[message.code])
                    self._context.set_details(message.text)
                    return
                await self._context.write(message[0])
                message[1](True)
        finally:
            over()
