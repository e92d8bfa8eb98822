"""From handlers of messages to handlers of calls: token, size, errors, metrics.

Method paths are strings, so that no message of Dapr's is needed at run time."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Any

from google.protobuf.message import DecodeError

from wfctl.errors import StoreError
from wfctl.gateway.api_error import Trouble, trouble
from wfctl.gateway.grpc.serving import Answer, Call, Handler, Promise, Refused, Refusing, Stream, Streaming, Unary
from wfctl.gateway.listening.security import TokenCheck
from wfctl.gateway.log import Log
from wfctl.gateway.metrics import Metrics
from wfctl.gateway.promises import then
from wfctl.gateway.tracing.trace_ids import INCOMING
from wfctl.gateway.unserved import grpc_block, message
from wfctl.wire.grpc_methods import Method
from wfctl.wire.http_routes import TOKEN_HEADER, Operation

# Each gets the request and returns the answer. Raises Trouble.
Work = Callable[[Any], Awaitable[Any]]
QuickWork = Callable[[Any], Any]
LaterWork = Callable[[Any], "Future[Any]"]
# Gets the request and the stream, and returns what is called when that is over. Raises Refused.
StreamWork = Callable[[Any, Stream], Callable[[], None]]
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
    """Turns handlers of messages into handlers of calls. `max_body` in bytes."""

    def __init__(self, token: TokenCheck, log: Log, metrics: Metrics, max_body: int) -> None:
        self._token = token
        self._log = log
        self._metrics = metrics
        self._max_body = max_body

    def unary(self, method: Method, work: Work, write: Write) -> Handler:
        starts = method.name.startswith("Start")

        async def handle(data: bytes, call: Call) -> bytes:
            self._admit(data, call, starts=starts)
            with self._refusing(method, write):
                return _encoded(await work(method.request.FromString(data)))

        return Unary(handle)

    def promise(self, method: Method, work: LaterWork, write: Write) -> Handler:
        starts = method.name.startswith("Start")

        def handle(data: bytes, call: Call) -> Future[bytes]:
            self._admit(data, call, starts=starts)
            with self._refusing(method, write):
                promised = work(method.request.FromString(data))
            return then(promised, encode)

        def encode(done: Future[Any]) -> bytes:
            with self._refusing(method, write):
                return _encoded(done.result())

        return Promise(handle)

    def _admit(self, data: bytes, call: Call, *, starts: bool) -> None:
        self._authorize(call)
        if len(data) > self._max_body:
            # As grpc itself says it.
            words = f"SERVER: Received message larger than max ({len(data)} vs. {self._max_body})"
            raise Refused("RESOURCE_EXHAUSTED", words)
        if starts:
            INCOMING.set(call.metadata("traceparent"))

    def answer(self, method: Method, work: QuickWork, write: Write, lost: Lost, read: Read | None = None) -> Handler:
        """Make a handler for a worker's answers: `lost` is told of one that could not be read.

        `read` is for answers that can be of more than one kind.
        """
        decode = read or method.request.FromString

        def handle(data: bytes | None, call: Call) -> bytes:
            self._authorize(call)
            if data is None:
                lost(method, call.peer, "it was cancelled, or is larger than can be read")
                raise Refused("INVALID_ARGUMENT", "the answer cannot be read")
            try:
                try:
                    request = decode(data)
                except DecodeError as error:
                    lost(method, call.peer, str(error))
                    raise
                return _encoded(work(request))
            except Exception as error:
                raise self._refused(method, write, error) from error

        return Answer(handle)

    def stream(self, method: Method, work: StreamWork) -> Handler:
        def handle(data: bytes, stream: Stream) -> Callable[[], None]:
            self._authorize(stream)
            try:
                request = method.request.FromString(data)
            except DecodeError as error:
                raise Refused("INTERNAL", UNREADABLE) from error
            return work(request, stream)

        return Streaming(handle)

    @contextlib.contextmanager
    def _refusing(self, method: Method, write: Write) -> Iterator[None]:
        """Turn what goes wrong into the call's status. Raises Refused."""
        try:
            yield
        except Exception as error:
            raise self._refused(method, write, error) from error

    def _refused(self, method: Method, write: Write, error: Exception) -> Refused:
        if isinstance(error, DecodeError):
            return Refused("INTERNAL", UNREADABLE)
        if isinstance(error, (Trouble, StoreError)):
            refusal = error if isinstance(error, Trouble) else trouble(error, Operation.GET)
            self._metrics.failed(refusal)
            return Refused(*write(refusal))
        self._log.error("a call failed", method=method.name, error=f"{type(error).__name__}: {error}")
        return Refused("INTERNAL", f"{type(error).__name__}: {error}")

    def _authorize(self, call: Call) -> None:
        if not self._token.open and not self._token.ok(call.metadata(TOKEN_HEADER)):
            raise Refused("UNAUTHENTICATED", "Unauthorized")


def _encoded(message: Any) -> bytes:
    """Encode a message, unless that has been done, on another thread."""
    data: bytes = message if isinstance(message, bytes) else message.SerializeToString()
    return data


class Paths:
    """All methods by path; what is not there is UNIMPLEMENTED, and where Dapr has it, says so."""

    def __init__(self, handlers: Iterable[tuple[Method, Handler]]) -> None:
        self.replace(handlers)

    def replace(self, handlers: Iterable[tuple[Method, Handler]]) -> None:
        """Serve other methods from now on."""
        self._handlers = {method.path: handler for method, handler in handlers}

    def find(self, path: str) -> Handler:
        handler = self._handlers.get(path)
        if handler is not None:
            return handler
        block = grpc_block(path)
        return Refusing("UNIMPLEMENTED", "Method not found!" if block is None else message(block))
