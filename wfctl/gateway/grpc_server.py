"""The gRPC server: method paths are strings, so that no message of Dapr's is needed at run time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from wfctl.gateway.logs import Log
from wfctl.gateway.metrics import Metrics
from wfctl.gateway.security import TokenCheck
from wfctl.gateway.traces import INCOMING
from wfctl.gateway.trouble import Trouble
from wfctl.wire.methods import Method
from wfctl.wire.paths import TOKEN_HEADER

# A handler gets the request (and, if it streams, the context) and returns the answer. Raises Trouble.
Handler = Callable[[Any], Awaitable[Any]]
StreamHandler = Callable[[Any, Any], Awaitable[None]]
Write = Callable[[Trouble], tuple[str, str]]
# Makes the request of its bytes. Raises DecodeError and Trouble.
Read = Callable[[bytes], Any]

# As Go's gRPC says it.
UNREADABLE = "grpc: error unmarshalling request: proto: cannot parse invalid wire-format data"

OPTIONS = [
    # The SDKs ping idle connections; grpc's default server takes that for an attack and cuts them off after 2 minutes.
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 8000),
    # As daprd: a peer that answers no ping for 5 s is gone, and its work is given to others.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),  # the one that counts where data flows: a minute by default
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.so_reuseport", 0),
]


def options(max_body: int) -> list[tuple[str, int]]:
    """`max_body` limits what is received, in bytes. What is sent is not limited: a long history must get through."""
    return [*OPTIONS, ("grpc.max_receive_message_length", max_body), ("grpc.max_send_message_length", -1)]


class Calls:
    """Turns handlers into grpc handlers: token, errors, metrics."""

    def __init__(self, token: TokenCheck, log: Log, metrics: Metrics) -> None:
        self._token = token
        self._log = log
        self._metrics = metrics

    def unary(
        self, method: Method, handler: Handler, write: Write, read: Read | None = None
    ) -> grpc.RpcMethodHandler[Any, Any]:
        """`read` is for requests that can be of more than one kind."""
        starts = method.name.startswith("Start")
        decode = read or method.request.FromString

        async def call(data: bytes, context: Any) -> Any:
            await self._authorize(context)
            if starts:
                INCOMING.set(_metadata(context, "traceparent"))
            try:
                return await handler(decode(data))
            except DecodeError:
                await context.abort(grpc.StatusCode.INTERNAL, UNREADABLE)
            except Trouble as error:
                code, text = write(error)
                self._metrics.failed(error)
                await context.abort(grpc.StatusCode[code], text)
            except Exception as error:
                if type(error).__module__.startswith("grpc"):
                    raise
                self._log.error("a call failed", method=method.name, error=f"{type(error).__name__}: {error}")
                await context.abort(grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")

        # Decoded by `call`: grpc would answer with the words of Python's exception.
        return grpc.unary_unary_rpc_method_handler(call, request_deserializer=None, response_serializer=_serialize)

    def stream(self, method: Method, handler: StreamHandler) -> grpc.RpcMethodHandler[Any, Any]:
        """The handler writes encoded messages to the context itself."""

        async def call(data: bytes, context: Any) -> None:
            await self._authorize(context)
            try:
                request = method.request.FromString(data)
            except DecodeError:
                await context.abort(grpc.StatusCode.INTERNAL, UNREADABLE)
            await handler(request, context)

        return grpc.unary_stream_rpc_method_handler(call, request_deserializer=None, response_serializer=None)

    async def _authorize(self, context: Any) -> None:
        if self._token.open:
            return
        if not self._token.ok(_metadata(context, TOKEN_HEADER)):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "Unauthorized")


def _metadata(context: Any, wanted: str) -> str | None:
    return next((str(value) for key, value in context.invocation_metadata() or () if key == wanted), None)


def _serialize(message: Any) -> bytes:
    data: bytes = message.SerializeToString()
    return data


class Paths(grpc.GenericRpcHandler):  # type: ignore[misc,type-arg,unused-ignore]
    """All methods by path; what is not there is UNIMPLEMENTED."""

    def __init__(self, handlers: Iterable[tuple[Method, Any]]) -> None:
        self._handlers = {method.path: handler for method, handler in handlers}

    def service(self, handler_call_details: Any) -> Any:
        return self._handlers.get(handler_call_details.method)
