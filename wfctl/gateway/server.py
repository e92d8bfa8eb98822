"""`wfctl serve`: an engine, and in front of it Dapr's HTTP and gRPC APIs, in one process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from wfctl.engine.host import Host
from wfctl.engine.retention import Retention
from wfctl.gateway import child, descriptors
from wfctl.gateway.engine import GatewayEngine
from wfctl.gateway.listeners import http_app, serve_grpc, serve_http
from wfctl.gateway.logs import Log
from wfctl.gateway.security import HostCheck, TokenCheck
from wfctl.gateway.tracing_wanted import tracing

if TYPE_CHECKING:
    from wfctl.workflow.app import App

# A stopping server lets the turns that are under way finish, for so long.
TURNS_SECONDS = 2.0
TICK_SECONDS = 0.5
# A worker's windows: enough to keep it busy, few enough that its death makes little run again.
DEFAULT_TURNS = 100
DEFAULT_ACTIVITIES = 256


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
    most_turns: int = DEFAULT_TURNS
    most_activities: int = DEFAULT_ACTIVITIES
    command: tuple[str, ...] = ()
    retention: Retention = field(default_factory=Retention)
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
        self._files = descriptors.raise_limit()
        async with contextlib.AsyncExitStack() as stack:
            self._catch_signals(stack)
            http_port, grpc_port = await self._open(stack)
            self._announce(stack, http_port, grpc_port)
            stack.push_async_callback(self._wind_down)
            if self._settings.command:
                await self._start_child(http_port, grpc_port)
            await self._watch()
        if self._engine.host.error is not None:
            raise self._engine.host.error
        return self._status

    async def _open(self, stack: contextlib.AsyncExitStack) -> tuple[int, int]:
        """The engine and both listeners; their ports."""
        settings, log = self._settings, self._log
        self._engine = engine = GatewayEngine(
            settings.store,
            log,
            app=settings.app,
            app_id=settings.app_id,
            most_turns=settings.most_turns,
            most_activities=settings.most_activities,
            may_have_workers=bool(settings.command) or settings.app is None,
            retention=settings.retention,
            max_body=settings.max_body,
            tracing=tracing(os.environ, settings.app_id, log),
        )
        await engine.open(stack, settings.bind_client)
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
        http_port = serve_http(stack, app, log, settings.listen, settings.http_port, self._note)
        grpc_port = await serve_grpc(
            stack,
            engine,
            log,
            token=token,
            max_body=settings.max_body,
            shutdown=self.stop,
            listen=settings.listen,
            port=settings.grpc_port,
            unix=settings.grpc_unix,
            note=self._note,
        )
        return http_port, grpc_port

    # --- telling -------------------------------------------------------------------------------------------------

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
        self._child = await child.Child.start(settings.command, env, "app | ", out, err, files=self._files)
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
            await self._child.stop(child.GRACE_SECONDS if self._signals < 2 else 0.0)
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
    """Run the server on an event loop of its own; see `Server.run`."""

    async def main() -> int:
        return await Server(settings, log, note).run()

    return asyncio.run(main())
