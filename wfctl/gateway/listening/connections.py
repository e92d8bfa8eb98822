"""The HTTP connections of the server: how many there may be, and how long a client may keep one waiting.

uvicorn waits for ever for a request to come in, and asyncio, when no more files can be opened, writes the same
traceback thousands of times a second. So the server accepts connections itself, and makes a uvicorn protocol of each.

A connection *waits* while it is its client's turn: to send a request or the rest of one, or to read the answer. Those
that wait too long are closed, and where there are too many, the one that has waited longest makes room.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from wfctl.gateway.log import Log

# From the connection, or the last answer, until a request's headers are there; between two pieces of its body.
WAIT_SECONDS = 10.0
SWEEP_SECONDS = 1.0
# After this time without an accept error, or without a connection too many, the next one is logged again.
QUIET_SECONDS = 60.0
_RETRY_SECONDS = 1.0
_AT_A_TIME = 100


class Connection(H11Protocol):
    """uvicorn's, which tells `keeper` when its client's turn begins and ends."""

    def __init__(self, keeper: Connections, **given: Any) -> None:
        super().__init__(**given)
        self._keeper = keeper
        self.unread: int | None = None  # bytes of the answer when the keeper looked last

    @property
    def waits(self) -> bool:
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body

    @property
    def in_body(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete and self.cycle.more_body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._keeper.made(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._keeper.lost(self)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.in_body or not self.waits:  # a piece of a request's head is not enough
            self._keeper.moved(self)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._keeper.moved(self)


class Connections:
    """Belongs on the server's loop. `make` gets this object and returns the protocol of a new connection."""

    def __init__(
        self, listening: socket.socket, make: Callable[[Connections], Connection], most: int, log: Log
    ) -> None:
        self._listening = listening
        self._make = make
        self._most = most
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._beginning: set[asyncio.Task[Any]] = set()
        self._open: set[Connection] = set()
        self._waiting: dict[Connection, float] = {}  # since when; in that order
        self._told: dict[str, float] = {}
        self._timers: dict[Callable[[], None], asyncio.TimerHandle] = {}
        self._paused = True
        self._accept_again()
        self._sweep()

    def close(self) -> None:
        """Accept no more; those that are there stay."""
        self._paused = False
        self._loop.remove_reader(self._listening)
        for timer in self._timers.values():
            timer.cancel()

    # --- what connections tell ------------------------------------------------------------------------------------

    def made(self, connection: Connection) -> None:
        self._open.add(connection)
        self.moved(connection)

    def lost(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._waiting.pop(connection, None)
        self._accept_again()

    def moved(self, connection: Connection) -> None:
        """Let the time of a connection begin anew: its client has done something, or was answered."""
        self._waiting.pop(connection, None)
        connection.unread = None
        if connection.waits and connection in self._open:
            self._waiting[connection] = self._loop.time()
            self._accept_again()

    # --- accepting ------------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        for _ in range(_AT_A_TIME):
            if len(self._open) + len(self._beginning) >= self._most:
                self._tell("too many HTTP connections: those that wait longest are closed", most=self._most)
                self._make_room()
                return
            try:
                accepted, _ = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                reason = os.strerror(error.errno) if error.errno else str(error)
                self._tell("HTTP connections cannot be accepted", error=reason)
                self._make_room()
                return
            accepted.setblocking(False)
            self._begin(accepted)

    def _begin(self, accepted: socket.socket) -> None:
        task = self._loop.create_task(self._loop.connect_accepted_socket(lambda: self._make(self), accepted))
        self._beginning.add(task)
        task.add_done_callback(self._begun)

    def _begun(self, task: asyncio.Task[Any]) -> None:
        self._beginning.discard(task)
        if not task.cancelled():
            task.exception()  # its client has gone already

    def _make_room(self) -> None:
        """Close the connection that has waited longest; without one, let new clients wait in the system's queue."""
        oldest = next(iter(self._waiting), None)
        if oldest is not None:
            self._waiting.pop(oldest)
            oldest.transport.abort()
        elif not self._beginning:
            self._paused = True
            self._loop.remove_reader(self._listening)
            self._later(_RETRY_SECONDS, self._accept_again)

    def _accept_again(self) -> None:
        if self._paused:
            self._paused = False
            self._loop.add_reader(self._listening, self._accept)

    # --- closing --------------------------------------------------------------------------------------------------

    def _sweep(self) -> None:
        before = self._loop.time() - WAIT_SECONDS
        for connection, since in tuple(self._waiting.items()):
            if since > before:
                break
            del self._waiting[connection]
            if self._reads(connection):
                self._waiting[connection] = self._loop.time()
            else:
                connection.transport.abort()
        self._later(SWEEP_SECONDS, self._sweep)

    def _reads(self, connection: Connection) -> bool:
        """Tell whether its client has taken some of a long answer since the last look."""
        before, connection.unread = connection.unread, connection.transport.get_write_buffer_size()
        return connection.unread > 0 and (before is None or connection.unread < before)

    # --- both -----------------------------------------------------------------------------------------------------

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        self._timers[call] = self._loop.call_later(seconds, call)

    def _tell(self, words: str, **fields: object) -> None:
        """Once, until it has not happened for QUIET_SECONDS."""
        now = self._loop.time()
        last = self._told.get(words)
        self._told[words] = now
        if last is None or now - last > QUIET_SECONDS:
            self._log.warning(words, **fields)
