"""What a gRPC server calls, and what it offers to those: the port of `core_server` and `aio_server`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol


class Refused(Exception):
    """The call ends with this status, named as in grpc.StatusCode, and these words."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Call(Protocol):
    @property
    def peer(self) -> str:
        """Where the client is, in grpc's form."""
        ...

    def metadata(self, wanted: str) -> str | None:
        """Return the header that is named so."""
        ...


class Stream(Call, Protocol):
    """An answer of many messages. Its methods may be called from any thread."""

    def send(self, data: bytes, sent: Callable[[bool], None]) -> None:
        """Send a message. `sent` is called, on any thread, when the next one may be sent: with False if the stream is
        over."""
        ...

    def end(self, code: str, text: str) -> None:
        """End the stream, after what was sent."""
        ...

    def cut(self) -> None:
        """End the stream at once: its client takes nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Unary:
    """One message for another. `handle` runs on the server's loop, and may raise Refused; it is cancelled where the
    client no longer waits."""

    handle: Callable[[bytes, Call], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Promise:
    """One message for another, once it is there. `handle` is called on any thread and must not block; what it returns
    has the answer later, on any thread. Both may raise Refused. It is cancelled where the client no longer waits."""

    handle: Callable[[bytes, Call], Future[bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """One message for another, at once. `handle` is called on any thread and must not block; it may raise Refused. It
    gets None where the message was not received: the call was cancelled, or the message is too large to be read."""

    handle: Callable[[bytes | None, Call], bytes]


@dataclass(frozen=True, slots=True)
class Streaming:
    """Many messages for one. `handle` is called on the server's loop, and may raise Refused; what it returns is called
    there too, when the stream is over."""

    handle: Callable[[bytes, Stream], Callable[[], None]]


@dataclass(frozen=True, slots=True)
class Refusing:
    """Nothing is served here; the call ends with this status."""

    code: str
    text: str


Handler = Unary | Promise | Answer | Streaming | Refusing
# Returns the handler of a method by its path.
Find = Callable[[str], Handler]


class GrpcServer(Protocol):
    """Belongs on the loop on which it was made."""

    def add_insecure_port(self, address: str) -> int:
        """Listen on `host:port` or `unix:PATH`. Returns the port. Raises RuntimeError: it cannot be bound."""
        ...

    async def start(self, find: Find) -> None: ...

    async def stop(self, grace: float | None) -> None:
        """Accept no more calls, and cut those that are still there after `grace` seconds. May be called again."""
        ...
