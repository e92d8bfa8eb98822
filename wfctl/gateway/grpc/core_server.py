"""A gRPC server on grpc's core, without asyncio in between.

grpc.aio spends some 170 µs on a call, of which the core needs a sixth; it was the better half of what a chain of
activities cost. Here one thread takes the core's events. What can be answered at once is answered there, what waits for
a commit by the thread that commits; the rest becomes a task on the loop, and its answer leaves from there.

The core's Python interface is the one that grpc's own `grpc._server` is made of, and is not public: where an installed
grpcio has another one, `aio_server` serves in this one's place.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

import grpc
from grpc._cython.cygrpc import (  # type: ignore[import-not-found,unused-ignore]
    BatchOperationEvent,
    Call,
    CompletionQueue,
    ReceiveCloseOnServerOperation,
    ReceiveMessageOperation,
    RequestCallEvent,
    SendInitialMetadataOperation,
    SendMessageOperation,
    SendStatusFromServerOperation,
    Server,
)

from wfctl.gateway.grpc.serving import Answer, Find, Promise, Refused, Refusing, Streaming, Unary

# Calls that the core may hand over before it is asked for more.
_AHEAD = 32
_NO_FLAGS = 0
_OK = 0
_UNREADABLE = Refused("INVALID_ARGUMENT", "the request cannot be read")
# Tags of events that belong to no call.
_NEW_CALL = object()
_STOPPED = object()


def _check_core() -> None:
    """Look at what is used here before anything depends on it. Raises AttributeError or TypeError: it is different."""
    for kind, names in (
        (Server, ("register_completion_queue", "add_http2_port", "start")),
        (Server, ("request_call", "shutdown", "cancel_all_calls")),
        (CompletionQueue, ("poll",)),
        (Call, ("start_server_batch", "cancel", "peer")),
        (RequestCallEvent, ("tag", "success", "call", "call_details", "invocation_metadata")),
        (BatchOperationEvent, ("tag", "success", "batch_operations")),
        (ReceiveMessageOperation(_NO_FLAGS), ("message",)),
        (ReceiveCloseOnServerOperation(_NO_FLAGS), ("cancelled",)),
    ):
        for name in names:
            getattr(kind, name)
    SendInitialMetadataOperation(None, _NO_FLAGS)
    SendMessageOperation(b"", _NO_FLAGS)
    _status(Refused("OK", ""))


class CoreServer:
    """See the port. `note` is told, on any thread, of what goes wrong where no client can be told.

    Raises AttributeError and TypeError: the installed core is another one.
    """

    def __init__(self, options: Sequence[tuple[str, Any]], note: Callable[[str], None] = lambda words: None) -> None:
        _check_core()
        self._note = note
        self._loop = asyncio.get_running_loop()
        self._events = CompletionQueue()
        self._server = Server(tuple(options), False)
        self._server.register_completion_queue(self._events)
        self._find: Find = lambda path: Refusing("UNIMPLEMENTED", "Method not found!")
        self._thread: threading.Thread | None = None
        self._stopped: asyncio.Future[None] | None = None
        self._posted: deque[Callable[[], object]] = deque()
        self._posting = threading.Lock()

    def add_insecure_port(self, address: str) -> int:
        port: int = self._server.add_http2_port(address.encode())
        if not port:
            raise RuntimeError(f"Failed to bind to address {address}")
        return port

    async def start(self, find: Find) -> None:
        self._find = find
        self._server.start()
        for _ in range(_AHEAD):
            self._ask()
        self._thread = threading.Thread(target=self._take_events, name="wfctl-grpc", daemon=True)
        self._thread.start()

    async def stop(self, grace: float | None) -> None:
        if self._thread is None:
            return
        if self._stopped is None:
            self._stopped = self._loop.create_future()
            self._server.shutdown(self._events, _STOPPED)
        if grace is not None:
            await asyncio.wait({self._stopped}, timeout=grace)
        if not self._stopped.done():
            self._server.cancel_all_calls()
            await self._stopped

    def post(self, call: Callable[[], object]) -> None:
        """Call this on the loop, after what was posted before; from any thread."""
        with self._posting:
            first = not self._posted
            self._posted.append(call)
        if first:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the server has stopped
                self._loop.call_soon_threadsafe(self._call_posted)

    def create_task(self, work: Any) -> asyncio.Task[bytes]:
        return self._loop.create_task(work)

    def _call_posted(self) -> None:
        with self._posting:
            posted, self._posted = self._posted, deque()
        for call in posted:
            try:
                call()
            except Exception as error:  # one that goes wrong must not take the others along
                self._note_failed(error)

    # --- the thread of the events ----------------------------------------------------------------------------------

    def _ask(self) -> None:
        self._server.request_call(self._events, self._events, _NEW_CALL)

    def _take_events(self) -> None:
        while True:
            event = tag = None  # a call that is over must not be kept while the next event is waited for
            try:
                event = self._events.poll()
                tag = event.tag
                if tag is _NEW_CALL:
                    if event.success:
                        self._begin(event)
                elif tag is _STOPPED:
                    # The queue stays open as long as a call may use it: the core aborts the process where one begins
                    # something on a queue that is shut down.
                    self.post(self._note_end)
                    return
                else:
                    tag(event)
            except Exception as error:  # a call that goes wrong must not end the others
                self._note_failed(error)

    def _note_failed(self, error: Exception) -> None:
        self._note(f"a gRPC call failed: {type(error).__name__}: {error}")

    def _note_end(self) -> None:
        if self._stopped is not None and not self._stopped.done():
            self._stopped.set_result(None)

    def _begin(self, event: Any) -> None:
        try:
            handler = self._find(event.call_details.method.decode(errors="replace"))
            if isinstance(handler, Refusing):
                _Call(self, event).refuse(Refused(handler.code, handler.text))
            else:
                _CALLS[type(handler)](self, event, handler).begin()
        finally:  # others wait for nothing: the core has more calls to hand over
            if self._stopped is None:
                with contextlib.suppress(ValueError):  # it is told to stop at this moment
                    self._ask()


class _Call:
    """A call, from its first event to its last."""

    def __init__(self, server: CoreServer, event: Any) -> None:
        self._server = server
        self._call = event.call
        self._headers = event.invocation_metadata

    @functools.cached_property
    def peer(self) -> str:
        return _text(self._call.peer())

    def metadata(self, wanted: str) -> str | None:
        return next((_text(value) for key, value in self._headers or () if key == wanted), None)

    def run(self, done: Callable[[Any], object], *operations: Any) -> None:
        """Let the core carry this out; `done` gets the event of its end, on the thread of the events."""
        self._call.start_server_batch(operations, done)

    def answer(self, data: bytes) -> None:
        self.run(
            _nothing,
            SendInitialMetadataOperation(None, _NO_FLAGS),
            SendMessageOperation(data, _NO_FLAGS),
            SendStatusFromServerOperation(None, _OK, b"", _NO_FLAGS),
            *self._closing(),
        )

    def refuse(self, refused: Refused) -> None:
        self.run(_nothing, SendInitialMetadataOperation(None, _NO_FLAGS), _status(refused), *self._closing())

    def fail(self, error: BaseException) -> None:
        """End the call with what went wrong."""
        if not isinstance(error, Refused):
            error = Refused("INTERNAL", f"{type(error).__name__}: {error}")
        self.refuse(error)

    def settle(self, done: Future[bytes] | asyncio.Task[bytes], cancelled: str) -> None:
        """End the call with what came of it, or with these words if that was cancelled."""
        if done.cancelled():
            self.refuse(Refused("CANCELLED", cancelled))
            return
        error = done.exception()
        if error is None:
            self.answer(done.result())
        else:
            self.fail(error)

    def _closing(self) -> Sequence[Any]:
        """Return what ends a call that has not been told yet to say when its client has gone."""
        return (ReceiveCloseOnServerOperation(_NO_FLAGS),)


class _AnsweredCall(_Call):
    def __init__(self, server: CoreServer, event: Any, handler: Answer) -> None:
        super().__init__(server, event)
        self._handler = handler

    def begin(self) -> None:
        self.run(self._received, ReceiveMessageOperation(_NO_FLAGS))

    def _received(self, event: Any) -> None:
        try:
            answer = self._handler.handle(event.batch_operations[0].message(), self)
        except Exception as error:
            self.fail(error)
        else:
            self.answer(answer)


class _PromisedCall(_Call):
    """A call whose answer comes later, while it is watched whether its client still waits."""

    def __init__(self, server: CoreServer, event: Any, handler: Promise) -> None:
        super().__init__(server, event)
        self._handler = handler
        self._promise: Future[bytes] | None = None  # while it is waited for
        self._watched = False

    def begin(self) -> None:
        self.run(self._received, ReceiveMessageOperation(_NO_FLAGS))

    def _received(self, event: Any) -> None:
        data = event.batch_operations[0].message()
        try:
            if data is None:
                raise _UNREADABLE
            promise = self._handler.handle(data, self)
        except Exception as error:
            self.fail(error)
            return
        if not promise.done():
            self._promise, self._watched = promise, True
            self.run(self._closed, ReceiveCloseOnServerOperation(_NO_FLAGS))
        promise.add_done_callback(self._finish)

    def _closed(self, event: Any) -> None:
        promise = self._promise
        if event.batch_operations[0].cancelled() and promise is not None:
            promise.cancel()

    def _closing(self) -> Sequence[Any]:
        return () if self._watched else super()._closing()

    def _finish(self, promise: Future[bytes]) -> None:
        self._promise = None  # it keeps its callbacks, and with them this call
        self.settle(promise, "the client waits no more")


class _CallOnLoop(_Call):
    """A call whose request is handed to the loop, and whose end by the client is watched for."""

    def begin(self) -> None:
        self.run(self._received, ReceiveMessageOperation(_NO_FLAGS))
        self.run(self._closed, ReceiveCloseOnServerOperation(_NO_FLAGS))

    def _closing(self) -> Sequence[Any]:
        return ()

    def _received(self, event: Any) -> None:
        data = event.batch_operations[0].message()
        if data is None:
            self.refuse(_UNREADABLE)
        else:
            self._server.post(partial(self._start, data))

    def _start(self, data: bytes) -> None:
        raise NotImplementedError

    def _closed(self, event: Any) -> None:
        raise NotImplementedError


class _AwaitedCall(_CallOnLoop):
    def __init__(self, server: CoreServer, event: Any, handler: Unary) -> None:
        super().__init__(server, event)
        self._handler = handler
        self._task: asyncio.Task[bytes] | None = None
        self._gone = False  # its client no longer waits

    def _closed(self, event: Any) -> None:
        if event.batch_operations[0].cancelled():
            self._server.post(self._cancel)

    # --- on the loop -----------------------------------------------------------------------------------------------

    def _start(self, data: bytes) -> None:
        if not self._gone:
            self._task = self._server.create_task(self._work(data))
            self._task.add_done_callback(self._finish)

    async def _work(self, data: bytes) -> bytes:
        return await self._handler.handle(data, self)

    def _cancel(self) -> None:
        self._gone = True
        if self._task is not None:
            self._task.cancel()

    def _finish(self, task: asyncio.Task[bytes]) -> None:
        self._task = None
        self.settle(task, "the server stops")


class _StreamCall(_CallOnLoop):
    def __init__(self, server: CoreServer, event: Any, handler: Streaming) -> None:
        super().__init__(server, event)
        self._handler = handler
        self._over: Callable[[], None] | None = None
        self._begun = False
        self._gone = False
        self._ended = False

    def _closed(self, event: Any) -> None:
        self._server.post(self._note_end)

    def send(self, data: bytes, sent: Callable[[bool], None]) -> None:
        self.run(lambda event: sent(event.success), SendMessageOperation(data, _NO_FLAGS))

    def end(self, code: str, text: str) -> None:
        if not self._ended:
            self._ended = True
            self.run(_nothing, _status(Refused(code, text)))

    def refuse(self, refused: Refused) -> None:
        if self._begun:
            self.end(refused.code, refused.text)
        else:
            super().refuse(refused)

    def cut(self) -> None:
        self._call.cancel(grpc.StatusCode.CANCELLED.value[0], "the client takes nothing")

    # --- on the loop -----------------------------------------------------------------------------------------------

    def _start(self, data: bytes) -> None:
        if self._gone:
            return
        # Without this a client that waits for the headers would wait for the first message.
        self._begun = True
        self.run(_nothing, SendInitialMetadataOperation(None, _NO_FLAGS))
        try:
            self._over = self._handler.handle(data, self)
        except Exception as error:
            self.fail(error)

    def _note_end(self) -> None:
        self._gone = True
        if self._over is not None:
            self._over()


_CALLS: dict[type, Callable[[CoreServer, Any, Any], Any]] = {
    Answer: _AnsweredCall,
    Promise: _PromisedCall,
    Unary: _AwaitedCall,
    Streaming: _StreamCall,
}


def _nothing(event: Any) -> None:
    """Take note that something was carried out."""


def _status(refused: Refused) -> Any:
    code: int = grpc.StatusCode[refused.code].value[0]
    return SendStatusFromServerOperation(None, code, refused.text.encode(errors="replace"), _NO_FLAGS)


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
