"""The gRPC server: method paths are strings, so that no message of Dapr's is needed at run time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from wfctl.errors import StoreError
from wfctl.gateway.api_error import Trouble, trouble
from wfctl.gateway.listening.security import TokenCheck
from wfctl.gateway.log import Log
from wfctl.gateway.metrics import Metrics
from wfctl.gateway.tracing.trace_ids import INCOMING
from wfctl.gateway.unserved import grpc_block, message
from wfctl.wire.grpc_methods import Method
from wfctl.wire.http_routes import TOKEN_HEADER, Operation

# A handler gets the request (and, if it streams, the context) and returns the answer. Raises Trouble.
Handler = Callable[[Any], Awaitable[Any]]
StreamHandler = Callable[[Any, Any], Awaitable[None]]
Write = Callable[[Trouble], tuple[str, str]]
# Makes the request of its bytes. Raises DecodeError and Trouble.
Read = Callable[[bytes], Any]

# As Go's gRPC says it.
UNREADABLE = "grpc: error unmarshalling request: proto: cannot parse invalid wire-format data"
# Gets the method, the peer and the reason.
Lost = Callable[[Method, str, str], None]

_NO_LIMIT = 2**31 - 1

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
    # A connection that does not begin to speak HTTP/2, and one without a call (as daprd).
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.max_connection_idle_ms", 180_000),
    # By default grpc cancels calls at random while more than 1,000 wait for the server's loop, and all that have waited
    # for 30 s. No worker sends an answer twice: a cancelled one is lost. What waits takes little room, and is served.
    ("grpc.server.max_pending_requests", _NO_LIMIT),
    ("grpc.server.max_pending_requests_hard_limit", _NO_LIMIT),
    ("grpc.server_max_unrequested_time_in_server", 24 * 60 * 60),  # seconds
]
# grpc refuses what is larger unread. Up to this size, an answer above the server's own limit can be told from others,
# so that its turn or activity ends with a word about it.
_READ_BYTES = 64 * 1024 * 1024


def options(max_body: int, connections: int) -> list[tuple[str, int]]:
    """`max_body` limits what is received, in bytes. What is sent is not limited: a long history must get through."""
    read = max(max_body, _READ_BYTES)
    return [
        *OPTIONS,
        ("grpc.max_receive_message_length", read),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_allowed_incoming_connections", connections),
    ]


class Calls:
    """Turns handlers into grpc handlers: token, size, errors, metrics. `max_body` in bytes."""

    def __init__(self, token: TokenCheck, log: Log, metrics: Metrics, max_body: int) -> None:
        self._token = token
        self._log = log
        self._metrics = metrics
        self._max_body = max_body

    def unary(self, method: Method, handler: Handler, write: Write) -> grpc.RpcMethodHandler[Any, Any]:
        starts = method.name.startswith("Start")

        async def call(data: bytes, context: Any) -> Any:
            await self._authorize(context)
            if len(data) > self._max_body:
                await context.abort(*_too_large(len(data), self._max_body))
            if starts:
                INCOMING.set(_metadata(context, "traceparent"))
            return await self._handle(method, lambda: handler(method.request.FromString(data)), write, context)

        # Decoded by `call`: grpc would answer with the words of Python's exception.
        return grpc.unary_unary_rpc_method_handler(call, request_deserializer=None, response_serializer=_serialize)

    def answer(
        self, method: Method, handler: Handler, write: Write, lost: Lost, read: Read | None = None
    ) -> grpc.RpcMethodHandler[Any, Any]:
        """Make a handler as `unary` does, for a worker's answers: `lost` is told of one that could not be read.

        `read` is for answers that can be of more than one kind. grpc calls a unary handler only once it has the
        request, and says nothing of a call that ends before. A stream of one message is the same on the wire, and its
        handler is called when the call comes.
        """
        decode = read or method.request.FromString

        async def call(_: Any, context: Any) -> Any:
            await self._authorize(context)
            peer = context.peer()  # is not known any more once the call has ended
            data = None
            try:
                data = await context.read()
            finally:
                if not isinstance(data, bytes):
                    lost(method, peer, "it was cancelled, or is larger than can be read")
            if not isinstance(data, bytes):
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the answer cannot be read")

            async def handle() -> Any:
                try:
                    request = decode(data)
                except DecodeError as error:
                    lost(method, peer, str(error))
                    raise
                return await handler(request)

            return await self._handle(method, handle, write, context)

        return grpc.stream_unary_rpc_method_handler(call, response_serializer=_serialize)

    async def _handle(self, method: Method, handle: Callable[[], Awaitable[Any]], write: Write, context: Any) -> Any:
        try:
            return await handle()
        except DecodeError:
            await context.abort(grpc.StatusCode.INTERNAL, UNREADABLE)
        except (Trouble, StoreError) as error:
            refusal = error if isinstance(error, Trouble) else trouble(error, Operation.GET)
            code, text = write(refusal)
            self._metrics.failed(refusal)
            await context.abort(grpc.StatusCode[code], text)
        except Exception as error:
            if type(error).__module__.startswith("grpc"):
                raise
            self._log.error("a call failed", method=method.name, error=f"{type(error).__name__}: {error}")
            await context.abort(grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")

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


def _too_large(size: int, most: int) -> tuple[grpc.StatusCode, str]:
    """Return the refusal as grpc itself says it."""
    return grpc.StatusCode.RESOURCE_EXHAUSTED, f"SERVER: Received message larger than max ({size} vs. {most})"


def _serialize(message: Any) -> bytes:
    """Encode a message, unless its handler has done so itself, on another thread."""
    data: bytes = message if isinstance(message, bytes) else message.SerializeToString()
    return data


class Paths(grpc.GenericRpcHandler):  # type: ignore[misc,type-arg,unused-ignore]
    """All methods by path; what is not there is UNIMPLEMENTED, and where Dapr has it, says so."""

    def __init__(self, handlers: Iterable[tuple[Method, Any]]) -> None:
        self.replace(handlers)

    def replace(self, handlers: Iterable[tuple[Method, Any]]) -> None:
        """Serve other methods from now on."""
        self._handlers = {method.path: handler for method, handler in handlers}

    def service(self, handler_call_details: Any) -> Any:
        method = handler_call_details.method
        handler = self._handlers.get(method)
        if handler is None and (block := grpc_block(method)) is not None:
            return _unserved(block)
        return handler


def _unserved(block: str) -> grpc.RpcMethodHandler[Any, Any]:
    async def refuse(_: Any, context: Any) -> None:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, message(block))

    # Whatever the method's own kind is, it is the same on the wire up to here.
    return grpc.stream_stream_rpc_method_handler(refuse, request_deserializer=None, response_serializer=None)
