"""`wfctl serve`: an engine, and in front of it Dapr's HTTP and gRPC APIs, in one process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from wfctl.engine.engine_thread import Host
from wfctl.engine.retention import Retention
from wfctl.gateway import child_process
from wfctl.gateway.assembly import GatewayEngine
from wfctl.gateway.listening import descriptors
from wfctl.gateway.listening.listeners import Bound, bind, http_app, serve_grpc, serve_http
from wfctl.gateway.listening.security import HostCheck, TokenCheck
from wfctl.gateway.loading import healthy
from wfctl.gateway.log import Log
from wfctl.gateway.tracing.detect import tracing
from wfctl.wire.http_bodies import GRPC_PORT, SERVER

if TYPE_CHECKING:
    from wfctl.workflow.loading.app import App

# A stopping server lets the turns that are under way finish, for so long.
TURNS_SECONDS = 2.0
TICK_SECONDS = 0.5
# A worker's windows: enough to keep it busy, few enough that its death makes little run again.
DEFAULT_TURNS = 100
DEFAULT_ACTIVITIES = 256


@dataclass(frozen=True, slots=True)
class Settings:
    """What `wfctl serve` was told. `max_body` in bytes; a port of None is Dapr's own, or a free one.

    `load` imports the app, once the server's ports are known and in the environment.
    """

    store: Path
    load: Callable[[], App] | None = None
    app_id: str = "wfctl"
    http_port: int | None = None
    grpc_port: int | None = None
    grpc_unix: Path | None = None
    listen: str = "127.0.0.1"
    hosts: tuple[str, ...] = ()
    token: str | None = None
    max_body: int = 4 * 1024 * 1024
    most_turns: int = DEFAULT_TURNS
    most_activities: int = DEFAULT_ACTIVITIES
    command: tuple[str, ...] = ()
    retention: Retention = field(default_factory=Retention)
    ready_file: Path | None = None
    print_endpoints: bool = False
    # Makes the app's own DaprWorkflowClient talk to this engine; returns how to undo it.
    bind_client: Callable[[Host], Callable[[], None]] = field(default=lambda host: lambda: None)


class Server:
    def __init__(self, settings: Settings, bound: Bound, app: App | None, log: Log, files: int) -> None:
        """`files`: the limit of open files that the child is to have."""
        self._settings = settings
        self._files = files
        self._bound = bound
        self._app = app
        self._log = log
        self._stop = asyncio.Event()
        self._signals = 0
        self._child: child_process.Child | None = None
        self._status = 0

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def stop(self) -> None:
        self._stop.set()

    async def run(self) -> int:
        """Serve until told to stop, or until the child ends; the exit status.

        Raises StoreError (the store cannot be used, or is driven by another process) and InvalidInput (the child cannot
        be started).
        """
        async with contextlib.AsyncExitStack() as stack:
            self._catch_signals(stack)
            await self._open(stack)
            self._announce(stack)
            stack.push_async_callback(self._wind_down)
            if self._settings.command:
                await self._start_child()
            await self._watch()
        if self._engine.host.error is not None:
            raise self._engine.host.error
        return self._status

    async def _open(self, stack: contextlib.AsyncExitStack) -> None:
        """Start the engine, then serve it on both ports."""
        settings, log = self._settings, self._log
        self._engine = engine = GatewayEngine(
            settings.store,
            log,
            app=self._app,
            app_id=settings.app_id,
            most_turns=settings.most_turns,
            most_activities=settings.most_activities,
            may_have_workers=bool(settings.command) or self._app is None,
            retention=settings.retention,
            max_body=settings.max_body,
            tracing=tracing(os.environ, settings.app_id, log),
        )
        await engine.open(stack, settings.bind_client)
        engine.about.extended |= {GRPC_PORT: str(self._bound.grpc_port), SERVER: secrets.token_hex(8)}
        token = TokenCheck(settings.token)
        app = http_app(
            engine,
            log,
            token=token,
            hosts=HostCheck(settings.listen, settings.hosts, any_host=settings.token is not None),
            max_body=settings.max_body,
            shutdown=self.stop,
            stopping=lambda: self.stopping,
        )
        serve_http(stack, app, log, self._bound.http)
        await serve_grpc(
            stack,
            self._bound.grpc,
            engine,
            log,
            token=token,
            shutdown=self.stop,
            max_body=settings.max_body,
            unix=settings.grpc_unix,
        )

    # --- telling -------------------------------------------------------------------------------------------------

    def _announce(self, stack: contextlib.AsyncExitStack) -> None:
        settings, http_port, grpc_port = self._settings, self._bound.http_port, self._bound.grpc_port
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

    async def _start_child(self) -> None:
        env = child_process.environment(os.environ)
        out, err = sys.stdout.buffer, sys.stderr.buffer
        self._child = await child_process.Child.start(
            self._settings.command, env, "app | ", out, err, files=self._files
        )
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
                broken = self._engine.check()
                if broken is not None:
                    self._log.error("the engine has stopped", error=broken.message)
                    return
        finally:
            self._stop.set()
            stop.cancel()

    async def _wind_down(self) -> None:
        """The child first, while it still has a server; then the streams; whoever calls closes the servers."""
        self._stop.set()
        self._log.info("stopping")
        self._engine.remote.drain()
        if self._child is not None:
            await self._child.stop(child_process.GRACE_SECONDS if self._signals < 2 else 0.0)
        deadline = asyncio.get_running_loop().time() + TURNS_SECONDS
        while self._engine.remote.turns_in_hands and asyncio.get_running_loop().time() < deadline and self._signals < 2:
            await asyncio.sleep(0.02)
        self._engine.waiters.close()
        self._engine.work.end_streams()

    def _catch_signals(self, stack: contextlib.AsyncExitStack) -> None:
        loop = asyncio.get_running_loop()

        def caught() -> None:
            self._signals += 1
            self._stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, caught)
            stack.callback(loop.remove_signal_handler, number)


def _reachable(listen: str) -> str:
    """The address that a client on this machine uses."""
    if listen in ("0.0.0.0", "::", "[::]"):
        return "127.0.0.1" if listen == "0.0.0.0" else "[::1]"
    return f"[{listen}]" if ":" in listen and not listen.startswith("[") else listen


def serve(settings: Settings, log: Log, note: Callable[[str], None]) -> int:
    """Bind the ports, load the app, run the server; see `Server.run`.

    Raises Unreachable (a port is taken) and AppError too. No event loop runs while the app is imported: it may run
    one of its own.
    """
    files = descriptors.raise_limit()
    with _event_loop() as loop:
        stack = contextlib.AsyncExitStack()
        try:
            bound = loop.run_until_complete(
                bind(
                    stack,
                    listen=settings.listen,
                    http_port=settings.http_port,
                    grpc_port=settings.grpc_port,
                    max_body=settings.max_body,
                    note=note,
                )
            )
            child_process.lead_here(
                os.environ,
                app_id=settings.app_id,
                host=_reachable(settings.listen),
                http_port=bound.http_port,
                grpc_port=bound.grpc_port,
                token=settings.token,
            )
            app = None
            if settings.load is not None:
                with healthy(bound.http):
                    app = settings.load()
            return loop.run_until_complete(_run(settings, bound, app, log, files))
        finally:
            loop.run_until_complete(stack.aclose())


async def _run(settings: Settings, bound: Bound, app: App | None, log: Log, files: int) -> int:
    return await Server(settings, bound, app, log, files).run()


@contextlib.contextmanager
def _event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Make a loop that is run several times, and ended as `asyncio.run` ends its own."""
    loop = asyncio.new_event_loop()
    try:
        yield loop
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
