"""A sidecar for the app of an embedded target: the gateway's APIs on free loopback ports, for an app's `DaprClient`.

It opens when the app imports `dapr.clients`, which reads its address from the environment. While the app is imported,
only the health paths and the metadata answer; once the engine runs, state, workflows and metadata do.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
import threading
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from wfctl.engine.engine_thread import Engine
from wfctl.engine.transaction import Transaction
from wfctl.errors import DiskFull
from wfctl.gateway.assembly import Front
from wfctl.gateway.child_process import lead_here
from wfctl.gateway.grpc.routing import Calls, Paths
from wfctl.gateway.listening.listeners import Bound, bind, http_app, serve_grpc, serve_http, serve_metadata
from wfctl.gateway.listening.security import HostCheck, TokenCheck
from wfctl.gateway.loading import healthy
from wfctl.gateway.log import Level, Log
from wfctl.gateway.metadata import About
from wfctl.gateway.metrics import Metrics
from wfctl.gateway.waiters import Waiters
from wfctl.gateway.workers.streams import WorkStreams
from wfctl.model.apps import OWN

T = TypeVar("T")

HOST = "127.0.0.1"
APP_ID = "wfctl"
MAX_BODY = 4 * 1024 * 1024
STOP_SECONDS = 5.0


class AppSidecar:
    """`environment` and `serve` may be called in any order, from any thread: both are needed for it to answer."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._token = secrets.token_urlsafe(24)
        self._log = Log(sys.stderr, Level.WARNING, as_json=False)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._bound: Bound | None = None
        self._paths: Paths | None = None
        self._stack = contextlib.AsyncExitStack()
        self._loading = contextlib.ExitStack()
        self._engine: tuple[Engine, Path, Sequence[str]] | None = None
        self._served: _Served | None = None

    def environment(self) -> Mapping[str, str]:
        """Open the ports, if that has not been done. Returns the variables that lead a client to them."""
        with self._lock:
            if self._bound is None:
                self._start_loop()
                self._bound = self._run(
                    bind(self._stack, listen=HOST, http_port=0, grpc_port=0, max_body=MAX_BODY, note=lambda line: None)
                )
                self._loading.enter_context(healthy(self._bound.http))
                self._paths = self._run(self._serve_metadata(self._bound))
                self._serve_if_ready()
            env: dict[str, str] = {}
            lead_here(
                env,
                app_id=APP_ID,
                host=HOST,
                http_port=self._bound.http_port,
                grpc_port=self._bound.grpc_port,
                token=self._token,
            )
            return env

    def serve(self, engine: Engine, store: Path, workflows: Sequence[str]) -> None:
        """Answer by this engine, which runs, and of which `committed` is told."""
        with self._lock:
            self._engine = engine, store, workflows
            self._serve_if_ready()

    def committed(self, transaction: Transaction) -> None:
        """Wake those who wait for an instance. On the engine's thread."""
        served = self._served
        if served is not None:
            served.waiters.changed(transaction.rows)

    def close(self) -> None:
        """Close the ports."""
        with self._lock:
            loop, self._loop = self._loop, None
            if loop is None:
                return
            if self._served is not None:
                self._served.waiters.close()
            self._loading.close()
            with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
                asyncio.run_coroutine_threadsafe(self._stack.aclose(), loop).result(STOP_SECONDS)
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join(STOP_SECONDS)

    def _serve_if_ready(self) -> None:
        if self._bound is not None and self._engine is not None and self._served is None:
            self._loading.close()
            self._served = self._run(self._serve(self._bound, *self._engine))

    async def _serve_metadata(self, bound: Bound) -> Paths:
        """Say over gRPC who this is: frameworks ask for it as they are imported."""
        calls = Calls(TokenCheck(self._token), self._log, Metrics(APP_ID, dict, {}), MAX_BODY)
        return await serve_metadata(self._stack, bound.grpc, calls, About(APP_ID, lambda: 0, ()))

    async def _serve(self, bound: Bound, engine: Engine, store: Path, workflows: Sequence[str]) -> _Served:
        served = _Served(engine, store, workflows)
        self._stack.callback(served.fronts[0].close)
        token = TokenCheck(self._token)
        app = http_app(
            served,
            self._log,
            token=token,
            hosts=HostCheck(HOST, (), any_host=False),
            max_body=MAX_BODY,
            shutdown=_nothing,
            stopping=lambda: False,
        )
        serve_http(self._stack, app, self._log, bound.http)
        await serve_grpc(
            self._stack,
            bound.grpc,
            served,
            self._log,
            token=token,
            shutdown=_nothing,
            max_body=MAX_BODY,
            unix=None,
            paths=self._paths,
        )
        return served

    def _start_loop(self) -> None:
        loop = self._loop = asyncio.new_event_loop()

        def run() -> None:
            asyncio.set_event_loop(loop)
            try:
                loop.run_forever()
            finally:
                loop.close()

        self._thread = threading.Thread(target=run, name="app-sidecar", daemon=True)
        self._thread.start()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class _Served:
    """What the APIs need of a gateway, on an engine that another one drives. No workers attach here."""

    full: DiskFull | None = None
    tracing = None
    work: WorkStreams | None = None
    workers = None

    def __init__(self, engine: Engine, store: Path, workflows: Sequence[str]) -> None:
        self.engine = engine
        self.waiters = Waiters()
        self._workflows = workflows
        self.metrics = Metrics(APP_ID, engine.completions, {})
        self.fronts = [Front(self, store, About(APP_ID, lambda: 0, workflows), None, (OWN,))]

    def idle(self) -> bool:
        """Return False: the engine runs the app's code, which is not for the threads of the gateway."""
        return False

    def attended(self, name: str, app_id: str | None) -> bool:
        """Tell whether the app runs workflows of this name."""
        return name in self._workflows


def _nothing() -> None:
    """Do not stop: the command ends when its work is done."""
