from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from limits import LIMIT_SECONDS

from wfctl.client.connect import sidecar_answers


@contextmanager
def server(answer: bytes | None) -> Iterator[int]:
    """Answers each connection with these bytes; None: accepts and says nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    open_connections = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            open_connections.append(connection)
            if answer is not None:
                connection.recv(4096)
                connection.sendall(answer)
                connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(LIMIT_SECONDS)
        for connection in open_connections:
            connection.close()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
        (b'HTTP/1.1 500 Internal Server Error\r\n\r\n{"errorCode":"ERR_OUTBOUND_HEALTH_NOT_READY"}', True),
        (b"HTTP/1.1 200 OK\r\n\r\n<html>", False),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", False),
        (b"", False),
    ],
)
def test_who_is_a_sidecar(answer: bytes, expected: bool) -> None:
    with server(answer) as port:
        assert sidecar_answers(port=port) is expected


def test_a_server_that_says_nothing_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wfctl.client.connect.ANSWER_SECONDS", 0.05)
    with server(None) as port:
        assert not sidecar_answers(port=port)


def test_nobody_there_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """That nobody listens is known at once, however long somebody would be waited for."""
    for name in ("CONNECT_SECONDS", "ANSWER_SECONDS"):
        monkeypatch.setattr(f"wfctl.client.connect.{name}", 3600.0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert not sidecar_answers(port=port)
