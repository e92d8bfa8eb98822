"""The two listeners of the server: HTTP by uvicorn, gRPC by grpc's core, both for handlers on the server's loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from wfctl.gateway.assembly import Front, Serving
from wfctl.gateway.grpc import routing
from wfctl.gateway.grpc.runtime import Runtime
from wfctl.gateway.grpc.serving import GrpcServer, Handler
from wfctl.gateway.grpc.state import StateCalls
from wfctl.gateway.grpc.task_hub import Hub
from wfctl.gateway.http.app import HttpApp, Invocation, Routes
from wfctl.gateway.http.sidecar_routes import SidecarRoutes
from wfctl.gateway.http.state_routes import StateRoutes
from wfctl.gateway.http.workflow_routes import WorkflowRoutes
from wfctl.gateway.listening import ports
from wfctl.gateway.listening.connections import Connection, Connections
from wfctl.gateway.listening.descriptors import most_connections
from wfctl.gateway.listening.security import HostCheck, TokenCheck
from wfctl.gateway.log import Log
from wfctl.gateway.metadata import About
from wfctl.gateway.workers.streams import WorkStreams
from wfctl.wire import grpc_methods
from wfctl.wire.grpc_methods import Method

Note = Callable[[str], None]


def http_app(
    gateway: Serving,
    log: Log,
    *,
    front: Front | None = None,
    token: TokenCheck,
    hosts: HostCheck,
    max_body: int,
    shutdown: Callable[[], None],
    stopping: Callable[[], bool],
    invocation: Invocation | None = None,
) -> HttpApp:
    """Make the HTTP API of one front; of the first if none is given."""
    routes = http_routes(gateway, front or gateway.fronts[0], shutdown, stopping)
    return HttpApp(routes, token, hosts, max_body, log, invocation)


def http_routes(gateway: Serving, front: Front, shutdown: Callable[[], None], stopping: Callable[[], bool]) -> Routes:
    routes = Routes()
    WorkflowRoutes(front.service, gateway.metrics).add_to(routes)
    StateRoutes(front.state).add_to(routes)
    SidecarRoutes(front.about, gateway.metrics, shutdown, stopping, lambda: gateway.full, gateway.workers).add_to(
        routes
    )
    return routes


@dataclass(frozen=True, slots=True)
class Bound:
    """Both listeners, before anything is served: nobody else can have their ports any more."""

    http: socket.socket
    grpc: GrpcServer
    grpc_port: int

    @property
    def http_port(self) -> int:
        port: int = self.http.getsockname()[1]
        return port


async def bind(
    stack: contextlib.AsyncExitStack,
    *,
    listen: str,
    http_port: int | None,
    grpc_port: int | None,
    max_body: int,
    note: Note,
) -> Bound:
    """Listen until `stack` is closed. Raises Unreachable: a port is taken."""
    http = ports.listen_http(listen, http_port, note)
    stack.callback(http.close)
    server = grpc_server(routing.options(max_body, most_connections()), note)
    stack.push_async_callback(server.stop, None)
    bound = ports.listen_grpc(listen, grpc_port, note, server.add_insecure_port)
    return Bound(http, server, bound)


def grpc_server(options: Sequence[tuple[str, Any]], note: Note) -> GrpcServer:
    """Make a server on grpc's core, or on grpc.aio where the installed grpcio has another core than is known here."""
    try:
        from wfctl.gateway.grpc.core_server import CoreServer

        return CoreServer(options, note)
    except (ImportError, AttributeError, TypeError) as error:
        note(f"the core of the installed grpcio is not known here: gRPC is served at more cost ({error})")
        from wfctl.gateway.grpc.aio_server import AioServer

        return AioServer(options)


def serve_http(stack: contextlib.AsyncExitStack, app: HttpApp, log: Log, listening: socket.socket) -> None:
    """Serve until `stack` is closed."""
    config = uvicorn.Config(
        app, lifespan="off", log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=2
    )
    logging.getLogger("uvicorn.error").addHandler(logging.NullHandler())  # the server's own log tells what matters
    server = _Uvicorn(config)
    serving = asyncio.ensure_future(server.serve(sockets=[]))  # which sees to the end of all connections

    def connection(keeper: Connections) -> Connection:
        return Connection(keeper, config=config, server_state=server.server_state, app_state={})

    connections = Connections(listening, connection, most_connections(), log)

    async def close() -> None:
        connections.close()
        server.should_exit = True
        await serving

    stack.push_async_callback(close)


class _Uvicorn(uvicorn.Server):
    """Signals are the server's business, not the HTTP library's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


async def serve_grpc(
    stack: contextlib.AsyncExitStack,
    server: GrpcServer,
    gateway: Serving,
    log: Log,
    *,
    front: Front | None = None,
    token: TokenCheck,
    shutdown: Callable[[], None],
    max_body: int,
    unix: Path | None,
    paths: routing.Paths | None = None,
) -> None:
    """Serve until `stack` is closed, on the Unix socket besides. Raises what `ports.listen_unix` does.

    `paths`: the server serves these already (see `serve_metadata`).
    """
    calls = routing.Calls(token, log, gateway.metrics, max_body)
    handlers = _handlers(gateway, front or gateway.fronts[0], calls, shutdown)
    if paths is not None:
        paths.replace(handlers)
        return
    if unix is not None:
        ports.listen_unix(unix.absolute(), server.add_insecure_port)
    await server.start(routing.Paths(handlers).find)
    stack.push_async_callback(server.stop, 1.0)


async def serve_metadata(
    stack: contextlib.AsyncExitStack, server: GrpcServer, calls: routing.Calls, about: About
) -> routing.Paths:
    """Serve what is known before there is an engine, until `stack` is closed. Returns what `serve_grpc` takes over."""

    async def metadata(_: Any) -> Any:
        return about.as_proto()

    method = next(method for method in grpc_methods.RUNTIME if method.name == "GetMetadata")
    paths = routing.Paths([(method, calls.unary(method, metadata, lambda trouble: trouble.runtime()))])
    await server.start(paths.find)
    stack.push_async_callback(server.stop, 1.0)
    return paths


def _handlers(
    gateway: Serving, front: Front, calls: routing.Calls, shutdown: Callable[[], None]
) -> list[tuple[Method, Handler]]:
    hub = Hub(front.service, front.about.app_id)
    runtime = Runtime(front.service, front.about, shutdown).methods(StateCalls(front.state).methods())
    return [
        *(
            (method, calls.unary(method, handler, lambda trouble: trouble.hub()))
            for method, handler in hub.methods().items()
        ),
        *(
            (method, calls.promise(method, handler, lambda trouble: trouble.hub()))
            for method, handler in hub.promises().items()
        ),
        *(
            (method, calls.unary(method, handler, lambda trouble: trouble.runtime()))
            for method, handler in runtime.items()
        ),
        *([] if gateway.work is None else _work_handlers(gateway.work, front, calls)),
    ]


def _work_handlers(work: WorkStreams, front: Front, calls: routing.Calls) -> list[tuple[Method, Handler]]:
    complete_turn = partial(work.complete_turn, front.app_id)
    answers: dict[Method, routing.QuickWork] = {
        grpc_methods.COMPLETE_ORCHESTRATOR: complete_turn,
        grpc_methods.COMPLETE_WORKFLOW: complete_turn,
        grpc_methods.COMPLETE_ACTIVITY: work.complete_activity,
    }
    turns = (grpc_methods.COMPLETE_ORCHESTRATOR, grpc_methods.COMPLETE_WORKFLOW)
    return [
        *(
            (
                method,
                calls.answer(
                    method,
                    handler,
                    lambda trouble: trouble.hub(),
                    work.answer_lost,
                    work.read if method in turns else None,
                ),
            )
            for method, handler in answers.items()
        ),
        (grpc_methods.WORK_ITEMS, calls.stream(grpc_methods.WORK_ITEMS, work.for_app(front.app_id))),
    ]
