"""`wfctl serve`: an engine, and in front of it Dapr's HTTP and gRPC APIs, in one process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc.aio
import uvicorn

from wfctl.engine.dispatch import Changed
from wfctl.engine.execute.local import LocalExecutor
from wfctl.engine.execute.port import Delivery, Executor
from wfctl.engine.execute.remote import RemoteExecutor
from wfctl.engine.execute.remote_both import BothExecutor
from wfctl.engine.host import Host
from wfctl.engine.store import database
from wfctl.errors import StoreError
from wfctl.gateway import child, grpc_server, ports
from wfctl.gateway.grpc_hub import Hub
from wfctl.gateway.grpc_runtime import Runtime
from wfctl.gateway.histories import Histories
from wfctl.gateway.http import HttpApp, Routes
from wfctl.gateway.http_sidecar import SidecarRoutes
from wfctl.gateway.http_workflows import WorkflowRoutes
from wfctl.gateway.logs import Log
from wfctl.gateway.metadata import About
from wfctl.gateway.metrics import Metrics
from wfctl.gateway.security import HostCheck, TokenCheck
from wfctl.gateway.service import Service
from wfctl.gateway.waiters import Waiters
from wfctl.gateway.work import WorkStreams
from wfctl.wire import methods

if TYPE_CHECKING:
    from wfctl.workflow.app import App

# A stopping server lets the turns that are under way finish, for so long.
TURNS_SECONDS = 2.0
TICK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What `wfctl serve` was told. `max_body` in bytes; a port of None is Dapr's own, or a free one."""

    store: Path
    app: App | None = None
    app_id: str = "wfctl"
    http_port: int | None = None
    grpc_port: int | None = None
    grpc_unix: Path | None = None
    listen: str = "127.0.0.1"
    hosts: tuple[str, ...] = ()
    token: str | None = None
    max_body: int = 4 * 1024 * 1024
    most_turns: int = 100
    most_activities: int = 256
    command: tuple[str, ...] = ()
    ready_file: Path | None = None
    print_endpoints: bool = False
    # Makes the app's own DaprWorkflowClient talk to this engine; returns how to undo it.
    bind_client: Callable[[Host], Callable[[], None]] = field(default=lambda host: lambda: None)


class Server:
    def __init__(self, settings: Settings, log: Log, note: Callable[[str], None]) -> None:
        self._settings = settings
        self._log = log
        self._note = note
        self._stop = asyncio.Event()
        self._signals = 0
        self._child: child.Child | None = None
        self._status = 0

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def stop(self) -> None:
        self._stop.set()

    async def run(self) -> int:
        """Serve until told to stop, or until the child ends; the exit status.

        Raises StoreError (the store cannot be used, or is driven by another process), Unreachable (a port is taken)
        and InvalidInput (the child cannot be started).
        """
        async with contextlib.AsyncExitStack() as stack:
            self._catch_signals(stack)
            await self._open_engine(stack)
            http_port = self._open_http(stack)
            grpc_port = await self._open_grpc(stack)
            self._announce(stack, http_port, grpc_port)
            stack.push_async_callback(self._wind_down)
            if self._settings.command:
                await self._start_child(http_port, grpc_port)
            await self._watch()
        if self._host.error is not None:
            raise self._host.error
        return self._status

    # --- putting it together --------------------------------------------------------------------------------------

    async def _open_engine(self, stack: contextlib.AsyncExitStack) -> None:
        settings = self._settings
        database.open_store(settings.store).close()
        self._waiters = Waiters(asyncio.get_running_loop())
        self._past = Histories(settings.store)
        stack.callback(self._past.close)
        self._work = WorkStreams(self._past, self._connected, self._log, settings.most_turns, settings.most_activities)
        app = settings.app
        names: Sequence[str] = () if app is None else app.registry.workflow_names()

        def make(deliver: Callable[[Delivery], None]) -> Executor:
            remote = RemoteExecutor(deliver, on_forget=self._work.forget)
            self._remote = self._work.executor = remote
            if app is None:
                return remote
            return BothExecutor(app.registry, LocalExecutor(app.registry, deliver), remote)

        # Whoever starts a workflow through the store file is told of unknown names only if no worker may know them.
        known = names if not settings.command else ()
        self._host = Host(
            settings.store,
            make,
            app=None if app is None else app.spec,
            workflows=known,
            after_commit=self._committed,
        )
        stack.callback(settings.bind_client(self._host))
        if not self._host.start(None):
            raise StoreError(
                f"another process drives the store {settings.store}",
                hint="stop the other wfctl serve, or serve another file with --store",
            )
        stack.push_async_callback(asyncio.to_thread, self._host.stop)
        attended = app is not None
        self._service = Service(self._host, settings.store, self._waiters, lambda: attended or self._remote.workers > 0)
        stack.callback(self._service.close)
        self._about = About(settings.app_id, lambda: self._remote.workers, names)
        self._metrics = Metrics(settings.app_id)
        self._metrics.completions = self._host.completions
        self._metrics.gauges = {
            "dapr_runtime_workflow_connected_workers": ("Open work item streams.", lambda: self._remote.workers),
            "wfctl_turns_pending": ("Turns given to workers or waiting for one.", lambda: self._remote.counts()[0]),
            "wfctl_activities_pending": (
                "Activities given to workers or waiting for one.",
                lambda: self._remote.counts()[1],
            ),
        }

    def _committed(self, changed: Changed) -> None:
        """On the engine's thread."""
        self._past.note(changed.history)
        self._remote.released()
        self._waiters.changed(changed.rows)

    def _connected(self) -> None:
        self._host.unpark()

    def _open_http(self, stack: contextlib.AsyncExitStack) -> int:
        settings = self._settings
        routes = Routes()
        WorkflowRoutes(self._service, self._metrics).add_to(routes)
        SidecarRoutes(self._about, self._metrics, self.stop, lambda: self.stopping).add_to(routes)
        hosts = HostCheck(settings.listen, settings.hosts, any_host=settings.token is not None)
        app = HttpApp(routes, TokenCheck(settings.token), hosts, settings.max_body, self._log)
        listening = ports.listen_http(settings.listen, settings.http_port, self._note)
        stack.callback(listening.close)
        server = _Uvicorn(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=2,
            )
        )
        serving = asyncio.ensure_future(server.serve(sockets=[listening]))

        async def close() -> None:
            server.should_exit = True
            await serving

        stack.push_async_callback(close)
        port: int = listening.getsockname()[1]
        return port

    async def _open_grpc(self, stack: contextlib.AsyncExitStack) -> int:
        settings = self._settings
        calls = grpc_server.Calls(TokenCheck(settings.token), self._log, self._metrics)
        hub, runtime = Hub(self._service), Runtime(self._service, self._about, self.stop)
        handlers: list[tuple[methods.Method, Any]] = [
            (method, calls.unary(method, handler, lambda error: error.hub()))
            for method, handler in hub.methods().items()
        ]
        for method in (methods.COMPLETE_ORCHESTRATOR, methods.COMPLETE_WORKFLOW):
            handlers.append((method, calls.unary(method, self._work.complete_turn, lambda error: error.hub())))
        complete = calls.unary(methods.COMPLETE_ACTIVITY, self._work.complete_activity, lambda error: error.hub())
        handlers.append((methods.COMPLETE_ACTIVITY, complete))
        handlers.append((methods.WORK_ITEMS, calls.stream(methods.WORK_ITEMS, self._work.get_work_items)))
        handlers += [
            (method, calls.unary(method, handler, lambda error: error.runtime()))
            for method, handler in runtime.methods({}).items()
        ]
        server = grpc.aio.server(options=grpc_server.options(settings.max_body))
        server.add_generic_rpc_handlers((grpc_server.Paths(handlers),))
        port = ports.listen_grpc(settings.listen, settings.grpc_port, self._note, server.add_insecure_port)
        if settings.grpc_unix is not None:
            server.add_insecure_port(f"unix:{settings.grpc_unix.absolute()}")
        await server.start()
        stack.push_async_callback(server.stop, 1.0)
        return port

    def _announce(self, stack: contextlib.AsyncExitStack, http_port: int, grpc_port: int) -> None:
        settings = self._settings
        host = _reachable(settings.listen)
        said = {
            "httpPort": http_port,
            "grpcPort": grpc_port,
            "httpEndpoint": f"http://{host}:{http_port}",
            "grpcEndpoint": f"{host}:{grpc_port}",
            "appID": settings.app_id,
            "store": str(settings.store.absolute()),
            "pid": os.getpid(),
        }
        self._log.info("serving", http=said["httpEndpoint"], grpc=said["grpcEndpoint"], store=said["store"])
        if settings.print_endpoints:
            print(json.dumps(said), flush=True)  # noqa: T201
        if settings.ready_file is not None:
            beside = settings.ready_file.with_name(f".{settings.ready_file.name}.{os.getpid()}")
            beside.write_text(json.dumps(said) + "\n", encoding="utf-8")
            os.replace(beside, settings.ready_file)
            stack.callback(settings.ready_file.unlink, missing_ok=True)

    async def _start_child(self, http_port: int, grpc_port: int) -> None:
        settings = self._settings
        env = child.environment(
            os.environ, app_id=settings.app_id, http_port=http_port, grpc_port=grpc_port, token=settings.token
        )
        out, err = sys.stdout.buffer, sys.stderr.buffer
        self._child = await child.Child.start(settings.command, env, "app | ", out, err)
        self._log.info("app started", pid=self._child.pid)

    # --- running ---------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Until told to stop; until the child ends; until the engine breaks."""
        stop = asyncio.ensure_future(self._stop.wait())
        ended = None if self._child is None else asyncio.ensure_future(self._child.wait())
        try:
            while not self.stopping:
                await asyncio.wait({stop} if ended is None else {stop, ended}, timeout=TICK_SECONDS,
                                   return_when=asyncio.FIRST_COMPLETED)  # fmt: skip
                if ended is not None and ended.done():
                    self._status = ended.result()
                    self._log.info("app ended", status=self._status)
                    return
                if self._host.error is not None:
                    self._log.error("the engine has stopped", error=self._host.error.message)
                    return
                self._work.drop_stuck()
                again = self._remote.expire()
                if again:
                    self._log.warning("turns without an answer are given out again", count=again)
        finally:
            self._stop.set()
            stop.cancel()

    async def _wind_down(self) -> None:
        """The child first, while it still has a server; then the streams; whoever calls closes the servers."""
        self._stop.set()
        self._log.info("stopping")
        self._remote.drain()
        if self._child is not None:
            await self._child.stop(child.GRACE_SECONDS if self._signals < 2 else 0.0)
        deadline = asyncio.get_running_loop().time() + TURNS_SECONDS
        while self._remote.turns_in_hands and asyncio.get_running_loop().time() < deadline and self._signals < 2:
            await asyncio.sleep(0.02)
        self._waiters.close()
        self._work.end_streams()

    def _catch_signals(self, stack: contextlib.AsyncExitStack) -> None:
        loop = asyncio.get_running_loop()

        def caught() -> None:
            self._signals += 1
            self._stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, caught)
            stack.callback(loop.remove_signal_handler, number)


class _Uvicorn(uvicorn.Server):
    """Signals are the server's business, not the HTTP library's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


def _reachable(listen: str) -> str:
    """The address that a client on this machine uses."""
    if listen in ("0.0.0.0", "::", "[::]"):
        return "127.0.0.1" if listen == "0.0.0.0" else "[::1]"
    return f"[{listen}]" if ":" in listen and not listen.startswith("[") else listen


def serve(settings: Settings, log: Log, note: Callable[[str], None]) -> int:
    """Run the server on an event loop of its own; see `Server.run`."""

    async def main() -> int:
        return await Server(settings, log, note).run()

    return asyncio.run(main())
