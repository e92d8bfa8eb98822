"""HTTP without TLS to a sidecar on this machine: Python's own client, a third of httpx's time to import.

That is how most sidecars are reached, and a command is over in less time than httpx needs to be loaded.
"""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from wfctl.client.sidecar.endpoint import Endpoint, HttpAddress
from wfctl.client.sidecar.errors import broken, unreachable
from wfctl.client.sidecar.http_answer import CONNECT_SECONDS, HALF_AN_ANSWER, NO_ANSWER, Answer, Body, late
from wfctl.client.sidecar.lean_http import client
from wfctl.errors import WfctlError

_CHUNK = 1 << 16


class PlainHttp:
    """Any thread may use it; each request takes a connection that nobody uses, or a new one."""

    def __init__(self, endpoint: Endpoint, address: HttpAddress, headers: Mapping[str, str]) -> None:
        url = urlsplit(address.base)
        self._host, self._port, self._prefix = url.hostname or "", url.port or 80, url.path
        self._socket = address.socket
        self._where = address.shown
        self._headers = headers
        self._endpoint = endpoint
        self._idle: deque[client.HTTPConnection] = deque()

    def send(self, method: str, path: str, query: Mapping[str, str], data: bytes) -> Answer:
        """A kept connection that the other side was closing just then is no answer: a GET is sent once more."""
        seconds = self._endpoint.seconds()
        until = time.monotonic() + seconds
        target = self._prefix + path + (f"?{urlencode(query)}" if query else "")
        reused = bool(self._idle)
        try:
            return self._send(method, target, data, seconds, until)
        except WfctlError as error:
            if not reused or method != "GET" or not isinstance(error.__cause__, ConnectionError):
                raise
        self.close()
        return self._send(method, target, data, seconds, until)

    def _send(self, method: str, target: str, data: bytes, seconds: float, until: float) -> Answer:
        connection = self._take(seconds)
        kept = False
        try:
            sock = connection.sock  # the connection lets go of it where the answer is the last one
            sock.settimeout(max(0.001, until - time.monotonic()))
            connection.request(method, target, data or None, dict(self._headers))
            response = connection.getresponse()
            body = self._read(response, sock, until)
            answer = Answer(response.status, body, response.headers.get("date"), response.headers.get("location"))
            kept = not response.will_close
        except TimeoutError as error:
            raise late(self._where, seconds) from error
        except (OSError, client.HTTPException) as error:
            raise broken(self._where, _reason(error)) from error
        finally:
            if kept:
                self._idle.append(connection)
            else:
                connection.close()
        return answer

    def _read(self, response: client.HTTPResponse, sock: socket.socket, until: float) -> bytes:
        body = Body(self._where)
        while True:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            if sock.fileno() >= 0:
                sock.settimeout(left)
            chunk = response.read1(_CHUNK)
            if not chunk:
                break
            body.add(chunk)
        if response.length:
            raise client.IncompleteRead(b"", response.length)
        response.close()  # what is left is a connection that is ready for the next request
        return body.whole()

    def _take(self, seconds: float) -> client.HTTPConnection:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                break
            # Whatever there is to read before a request is the end: the other side has closed it.
            if connection.sock is not None and not select.select([connection.sock], [], [], 0)[0]:
                return connection
            connection.close()
        connection = client.HTTPConnection(self._host, self._port)
        try:
            connection.sock = self._connect(min(CONNECT_SECONDS, seconds))
        except OSError as error:
            raise self._nobody(error) from error
        return connection

    def _connect(self, seconds: float) -> socket.socket:
        if self._socket is None:
            found = socket.create_connection((self._host, self._port), seconds)
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return found
        found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            found.settimeout(seconds)
            found.connect(self._socket)
        except BaseException:
            found.close()
            raise
        return found

    def _nobody(self, error: OSError) -> WfctlError:
        if isinstance(error, TimeoutError):
            return unreachable(self._where, "no connection in time")
        return unreachable(self._where, (error.strerror or str(error)).lower())

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


def _reason(error: Exception) -> str:
    if isinstance(error, client.RemoteDisconnected):
        return NO_ANSWER
    if isinstance(error, client.IncompleteRead):
        return HALF_AN_ANSWER
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    return str(error) or type(error).__name__
