"""Answer on the HTTP port while the app is imported.

`DaprClient` asks for the sidecar's health until it gets an answer, so that an app that makes one as it is imported
would wait for a server that waits for the app.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from wfctl.wire import http_bodies
from wfctl.wire.http_routes import HEALTH, OUTBOUND_HEALTH


@contextlib.contextmanager
def healthy(listening: socket.socket) -> Iterator[None]:
    """Say on this socket that the server is there, and nothing else, for as long as the block lasts."""
    server = _Server(listening)
    answering = threading.Thread(target=server.serve_forever, args=(0.02,), name="loading", daemon=True)
    answering.start()
    try:
        yield
    finally:
        server.shutdown()
        answering.join()
        server.server_close()


class _Answer(BaseHTTPRequestHandler):
    timeout = 10.0  # seconds until a request has to be complete

    def _answer(self) -> None:
        if self.command == "GET" and self.path.partition("?")[0] in (HEALTH, OUTBOUND_HEALTH):
            self.send_response(204)
            self.end_headers()
            return
        body = json.dumps(http_bodies.write_error("ERR_HEALTH_NOT_READY", "the app is being loaded")).encode()
        self.send_response(503)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def log_message(self, *args: object) -> None:
        """Log nothing: the server's own log tells what matters."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, listening: socket.socket) -> None:
        super().__init__(("", 0), _Answer, bind_and_activate=False)
        self.socket.close()
        self.socket = listening.dup()  # the listening goes on when this one is closed

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked has gone."""
