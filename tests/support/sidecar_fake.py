"""Small real servers for the sidecar's tests: HTTP by a function, broken HTTP by raw bytes, gRPC by a table."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from limits import LIMIT_SECONDS


@dataclass(frozen=True)
class Request:
    method: str
    path: str  # as sent, still encoded
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def line(self) -> str:
        query = "&".join(f"{key}={value}" for key, value in sorted(self.query.items()))
        return f"{self.method} {self.path}" + (f"?{query}" if query else "")


Answer = tuple[int, Any]  # status; JSON, or bytes as they are


@dataclass
class HttpServer:
    answer: Callable[[Request], Answer]
    seen: list[Request] = field(default_factory=list)
    url: str = ""

    @property
    def lines(self) -> list[str]:
        return [request.line for request in self.seen]


@contextmanager
def http_server(
    answer: Callable[[Request], Answer], wrap: Callable[[socket.socket], socket.socket] | None = None
) -> Iterator[HttpServer]:
    server = HttpServer(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {key.lower(): value for key, value in self.headers.items()}
            request = Request(self.command, parts.path, query, headers, body)
            server.seen.append(request)
            status, content = server.answer(request)
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            if not isinstance(content, bytes):
                self.send_header("content-type", "application/json")
            self.send_header("content-length", str(0 if status == 204 else len(data)))
            self.end_headers()
            if status != 204:
                self.wfile.write(data)

        do_GET = do_POST = handle_any

        def log_message(self, *args: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            return

    listener = Server(("127.0.0.1", 0), Handler)
    if wrap is not None:
        listener.socket = wrap(listener.socket)
    server.url = f"{'http' if wrap is None else 'https'}://127.0.0.1:{listener.server_port}"
    thread = threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join(LIMIT_SECONDS)


@contextmanager
def raw_server(reply: Callable[[socket.socket], None]) -> Iterator[str]:
    """Reads a request's head, then `reply` does what it likes with the connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    stopping = threading.Event()

    def serve() -> None:
        while not stopping.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.settimeout(5)
                    data = b""
                    while b"\r\n\r\n" not in data:
                        part = connection.recv(4096)
                        if not part:
                            break
                        data += part
                    if data:
                        reply(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stopping.set()
        # A blocked accept does not notice that its socket is closed: knock.
        with socket.create_connection(listener.getsockname()):
            pass
        thread.join(LIMIT_SECONDS)
        listener.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


METADATA = {
    "id": "orders",
    "runtimeVersion": "1.18.3",
    "components": [{"name": "s", "type": "state.sqlite", "version": "v1", "capabilities": ["ETAG", "ACTOR"]}],
    "actorRuntime": {"runtimeStatus": "RUNNING", "hostReady": True, "placement": "placement: connected"},
    "scheduler": {"connected_addresses": ["127.0.0.1:50006"]},
    "workflows": {"connectedWorkers": 1},
}


def no_job(cause: str = "rpc error: code = NotFound desc = job not found: x") -> tuple[int, Any]:
    """What a sidecar answers about a job that nobody has, by what its scheduler says."""
    return 500, {"errorCode": "DAPR_SCHEDULER_GET_JOB", "message": f"failed to get job due to: {cause}"}


def instance(instance_id: str, status: str = "RUNNING", **properties: str) -> dict[str, Any]:
    """The body of a get."""
    return {
        "instanceID": instance_id,
        "workflowName": "W",
        "createdAt": "2026-03-01T12:00:00.123456789Z",
        "lastUpdatedAt": "2026-03-01T12:00:01Z",
        "runtimeStatus": status,
        "properties": {f"dapr.workflow.{key}": value for key, value in properties.items()},
    }


MISSING = (404, {"errorCode": "ERR_INSTANCE_ID_NOT_FOUND", "message": "unable to find workflow with ..."})


@contextmanager
def grpc_server(handlers: Mapping[str, Callable[[Any, Any], Any]], port: int = 0) -> Iterator[str]:
    """Handlers by method name: `(request, context) -> answer`. Whatever has none is unimplemented."""
    import grpc

    from wfctl.wire import grpc_methods

    table: dict[str, dict[str, Any]] = {}
    for method in (*grpc_methods.TASK_HUB, *grpc_methods.RUNTIME, grpc_methods.GET_JOB):
        if method.name in handlers:
            service = method.path.split("/")[1]
            table.setdefault(service, {})[method.name] = grpc.unary_unary_rpc_method_handler(
                handlers[method.name],
                request_deserializer=method.request.FromString,
                response_serializer=lambda message: message.SerializeToString(),
            )
    server = grpc.server(futures.ThreadPoolExecutor(40), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers(
        tuple(grpc.method_handlers_generic_handler(service, calls) for service, calls in table.items())
    )
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield f"127.0.0.1:{bound}"
    finally:
        server.stop(0).wait(LIMIT_SECONDS)
