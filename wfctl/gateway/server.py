"""`wfctl serve`: an engine, and in front of it Dapr's HTTP and gRPC APIs, in one process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wfctl.engine.engine_thread import Engine
from wfctl.engine.execute import hosting
from wfctl.engine.retention import Retention
from wfctl.errors import WfctlError
from wfctl.gateway import child_process
from wfctl.gateway.assembly import Gateway
from wfctl.gateway.http.invocation import Callee, Invocation
from wfctl.gateway.listening import descriptors
from wfctl.gateway.listening.grpc_polling import older_way
from wfctl.gateway.listening.listeners import Bound, bind, http_app, serve_grpc, serve_http
from wfctl.gateway.listening.security import HostCheck, TokenCheck
from wfctl.gateway.loading import healthy
from wfctl.gateway.log import Log
from wfctl.gateway.misfits import misfits
from wfctl.gateway.run_template import AppRun
from wfctl.gateway.tracing.detect import span_exporter
from wfctl.render.theme import paint
from wfctl.wire.http_bodies import GRPC_PORT, SERVER

if TYPE_CHECKING:
    from wfctl.workflow.loading.app import App

# A stopping server lets the turns that are under way finish, for so long.
TURNS_SECONDS = 2.0
TICK_SECONDS = 0.5
# Before an app that has ended is started again.
FIRST_PAUSE_SECONDS, MOST_PAUSE_SECONDS = 1.0, 30.0
# Of the apps' lines at a terminal, in this order.
COLORS = ("cyan", "magenta", "green", "yellow", "blue", "red")
# A worker's windows: enough to keep it busy, few enough that its death makes little run again.
DEFAULT_TURNS = 100
DEFAULT_ACTIVITIES = 256


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of `wfctl serve`. `max_body` in bytes; a port of None is Dapr's own, or a free one.

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
    apps: tuple[AppRun, ...] = ()  # of a run of several, each with ports of its own
    restart: bool = False  # start an app again when it ends, instead of ending the run
    reload: bool = False  # start an app again when its code changes
    color: bool = False  # of the prefix of an app's lines
    retention: Retention = field(default_factory=Retention)
    ready_file: Path | None = None
    print_endpoints: bool = False
    # Makes the app's own DaprWorkflowClient talk to this engine; returns how to undo it.
    bind_client: Callable[[Engine], Callable[[], None]] = field(default=lambda engine: lambda: None)


@dataclass(slots=True)
class Running:
    """An app of the run with the ports that are its sidecar's, and its process once it is started."""

    app: AppRun
    bound: Bound
    prefix: str
    child: child_process.Child | None = None


class Server:
    def __init__(self, settings: Settings, runs: Sequence[Running], app: App | None, log: Log, files: int) -> None:
        """`files`: the limit of open files that the children are to have."""
        self._settings = settings
        self._files = files
        self._runs = runs
        self._app = app
        self._log = log
        self._stop = asyncio.Event()
        self._kept: list[asyncio.Task[int]] = []
        self._watching: list[asyncio.Task[None]] = []
        self._signals = 0
        self._status = 0

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def stop(self) -> None:
        self._stop.set()

    async def run(self) -> int:
        """Serve until told to stop, or until the child ends. Returns the exit status.

        Raises StoreError (the store cannot be used, or is driven by another process) and InvalidInput (the child cannot
        be started).
        """
        async with contextlib.AsyncExitStack() as stack:
            self._catch_signals(stack)
            gateway = await self._open(stack)
            self._announce(stack)
            stack.push_async_callback(self._wind_down, gateway)
            await self._watch(gateway)
        if gateway.engine.error is not None:
            raise gateway.engine.error
        return self._status

    async def _open(self, stack: contextlib.AsyncExitStack) -> Gateway:
        """Start the engine, then serve it on both ports."""
        settings, log = self._settings, self._log
        gateway = Gateway(
            stack,
            settings.store,
            log,
            bind_client=settings.bind_client,
            app=self._app,
            app_id=self._runs[0].app.app_id,
            most_turns=settings.most_turns,
            most_activities=settings.most_activities,
            may_have_workers=any(run.app.command for run in self._runs) or self._app is None,
            # One app alone shares its state and its instances with every other way to run it.
            apps=[app.app_id for app in settings.apps] if len(settings.apps) > 1 else (),
            retention=settings.retention,
            max_body=settings.max_body,
            log_level=log.level,
            exporter=span_exporter(os.environ, settings.app_id, log),
        )
        token = TokenCheck(settings.token)
        client = await self._http_client(stack)
        name = secrets.token_hex(8)
        for run, front in zip(self._runs, gateway.fronts, strict=True):
            front.about.extended |= {GRPC_PORT: str(run.bound.grpc_port), SERVER: name}
            app = http_app(
                gateway,
                log,
                front=front,
                token=token,
                hosts=HostCheck(settings.listen, settings.hosts, any_host=settings.token is not None),
                max_body=settings.max_body,
                shutdown=self.stop,
                stopping=lambda: self.stopping,
                invocation=None if client is None else Invocation(run.app.app_id, self._callees(), client),
            )
            serve_http(stack, app, log, run.bound.http)
            await serve_grpc(
                stack,
                run.bound.grpc,
                gateway,
                log,
                front=front,
                token=token,
                shutdown=self.stop,
                max_body=settings.max_body,
                unix=settings.grpc_unix,
            )
        return gateway

    async def _http_client(self, stack: contextlib.AsyncExitStack) -> Any:
        """Make what calls the apps of a run; None where there is only one."""
        if not self._settings.apps:
            return None
        import httpx

        return await stack.enter_async_context(httpx.AsyncClient(timeout=None, trust_env=False))

    def _callees(self) -> dict[str, Callee]:
        return {app.app_id: Callee(app.app_port, app.env.get("APP_API_TOKEN")) for app in self._settings.apps}

    # --- telling -------------------------------------------------------------------------------------------------

    def _announce(self, stack: contextlib.AsyncExitStack) -> None:
        settings = self._settings
        apps = [self._endpoints(run) for run in self._runs]
        said: dict[str, Any] = {
            **apps[0],
            "store": str(settings.store.absolute()),
            "pid": os.getpid(),
        }
        if settings.apps:
            said["apps"] = apps
            for each in apps:
                self._log.info("serving", app=each["appID"], http=each["httpEndpoint"], grpc=each["grpcEndpoint"])
            self._log.info("one store for all", store=said["store"])
        else:
            self._log.info("serving", http=said["httpEndpoint"], grpc=said["grpcEndpoint"], store=said["store"])
        if settings.print_endpoints:
            print(json.dumps(said), flush=True)  # noqa: T201
        if settings.ready_file is not None:
            beside = settings.ready_file.with_name(f".{settings.ready_file.name}.{os.getpid()}")
            beside.write_text(json.dumps(said) + "\n", encoding="utf-8")
            os.replace(beside, settings.ready_file)
            stack.callback(settings.ready_file.unlink, missing_ok=True)

    def _endpoints(self, run: Running) -> dict[str, Any]:
        host, http_port, grpc_port = _reachable(self._settings.listen), run.bound.http_port, run.bound.grpc_port
        return {
            "httpPort": http_port,
            "grpcPort": grpc_port,
            "httpEndpoint": f"http://{host}:{http_port}",
            "grpcEndpoint": f"{host}:{grpc_port}",
            "appID": run.app.app_id,
        }

    # --- the apps' processes -----------------------------------------------------------------------------------------

    async def _keep(self, run: Running) -> int:
        """Run an app until it ends, or for ever where it is to be started again. Returns its exit status.

        Raises InvalidInput: it cannot be started.
        """
        named = {"app": run.app.app_id} if self._settings.apps else {}
        pause = FIRST_PAUSE_SECONDS
        changes = self._changes(run.app.folder or Path.cwd())
        while True:
            began = asyncio.get_running_loop().time()
            run.child = await child_process.Child.start(
                run.app.command,
                self._environment(run),
                run.prefix,
                sys.stdout.buffer,
                sys.stderr.buffer,
                files=self._files,
                folder=run.app.folder,
                stdin=self._stdin(),
            )
            self._log.info("app started", **named, pid=run.child.pid)
            ended = asyncio.ensure_future(run.child.wait())
            changed = asyncio.ensure_future(changes.get())
            await asyncio.wait({ended, changed}, return_when=asyncio.FIRST_COMPLETED)
            if self._settings.reload and not self.stopping:
                if ended.done():
                    await run.child.flush()
                    self._log.warning("app ended: it is started again when its code changes", **named,
                                      status=ended.result())  # fmt: skip
                self._log.info("the code has changed: the app is started again", **named, files=await changed)
                await run.child.stop()
                continue
            changed.cancel()
            status = await ended
            await run.child.flush()
            if not self._settings.restart or self.stopping:
                self._log.info("app ended", **named, status=status)
                return status
            if asyncio.get_running_loop().time() - began > MOST_PAUSE_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            self._log.warning("app ended, and is started again", **named, status=status, seconds=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, MOST_PAUSE_SECONDS)

    def _changes(self, folder: Path) -> asyncio.Queue[str]:
        """Return a queue into which the changes of code in a folder come; none ever do without --reload."""
        queue: asyncio.Queue[str] = asyncio.Queue()
        if self._settings.reload:
            from wfctl.gateway.code_changes import code_changes

            async def watch() -> None:
                async for names in code_changes(folder, self._stop):
                    queue.put_nowait(", ".join(names[:3]) + (", ..." if len(names) > 3 else ""))

            self._watching.append(asyncio.ensure_future(watch()))
        return queue

    def _check_watching(self) -> None:
        """Say why nobody looks for changes any more, if that is so."""
        for task in [task for task in self._watching if task.done()]:
            self._watching.remove(task)
            error = None if task.cancelled() else task.exception()
            if error is not None:
                self._log.error("changes are not noticed any more", error=f"{type(error).__name__}: {error}")

    async def _keep_app(self, app: App, gateway: Gateway) -> None:
        """Load the app in the server again whenever its code changes."""
        changes = self._changes(app.path.parent if app.path is not None else Path.cwd())
        while True:
            files = await changes.get()
            try:
                await asyncio.to_thread(hosting.reload, app)
            except WfctlError as error:
                detail = getattr(error, "detail", None)
                if detail:
                    sys.stderr.write(detail.rstrip() + "\n")
                self._log.error("the changed app does not load: the code from before stays", error=error.message)
                continue
            names = app.registry.workflow_names()
            gateway.about.register(names)
            self._log.info("the code has changed: the app is loaded again", files=files, workflows=len(names))
            for instance_id, reason in await asyncio.to_thread(misfits, self._settings.store, app):
                self._log.warning(f"{instance_id} no longer fits the code", reason=reason)
            gateway.engine.try_all_again()

    def _environment(self, run: Running) -> dict[str, str]:
        env = child_process.environment(os.environ)
        if self._settings.apps:
            env |= run.app.env
            self._lead_here(env, run)
        return env

    def _lead_here(self, env: dict[str, str], run: Running) -> None:
        child_process.lead_here(
            env,
            app_id=run.app.app_id,
            host=_reachable(self._settings.listen),
            http_port=run.bound.http_port,
            grpc_port=run.bound.grpc_port,
            token=self._settings.token,
        )
        if run.app.app_port is not None:
            env["APP_PORT"] = str(run.app.app_port)

    def _stdin(self) -> int | None:
        """Give a single app the terminal to read from; of several, nobody could tell which one reads."""
        if not self._settings.apps and sys.stdin is not None and sys.stdin.isatty():
            return None
        return asyncio.subprocess.DEVNULL

    # --- running ---------------------------------------------------------------------------------------------------

    async def _watch(self, gateway: Gateway) -> None:
        """Wait until told to stop, until an app ends, or until the engine breaks."""
        stop = asyncio.ensure_future(self._stop.wait())
        self._kept = [asyncio.ensure_future(self._keep(run)) for run in self._runs if run.app.command]
        if self._app is not None and self._settings.reload:
            self._watching.append(asyncio.ensure_future(self._keep_app(self._app, gateway)))
        try:
            while not self.stopping:
                await asyncio.wait({stop, *self._kept}, timeout=TICK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                ended = next((task for task in self._kept if task.done()), None)
                if ended is not None:
                    self._status = ended.result()
                    return
                self._check_watching()
                broken = gateway.check()
                if broken is not None:
                    self._log.error("the engine has stopped", error=broken.message)
                    return
        finally:
            self._stop.set()
            stop.cancel()

    async def _wind_down(self, gateway: Gateway) -> None:
        """End the apps, while they still have a server; then the streams. The caller closes the servers."""
        self._stop.set()
        self._log.info("stopping")
        gateway.remote.drain()
        for task in (*self._kept, *self._watching):
            task.cancel()
        grace = child_process.GRACE_SECONDS if self._signals < 2 else 0.0
        children = [run.child for run in self._runs if run.child is not None]
        await asyncio.gather(
            *(child.stop(grace) for child in children), *self._kept, *self._watching, return_exceptions=True
        )
        deadline = asyncio.get_running_loop().time() + TURNS_SECONDS
        while gateway.remote.turns_in_hands and asyncio.get_running_loop().time() < deadline and self._signals < 2:
            await asyncio.sleep(0.02)
        gateway.waiters.close()
        gateway.work.end_streams()

    def _catch_signals(self, stack: contextlib.AsyncExitStack) -> None:
        loop = asyncio.get_running_loop()

        def caught() -> None:
            self._signals += 1
            self._stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, caught)
            stack.callback(loop.remove_signal_handler, number)


def _reachable(listen: str) -> str:
    """Return the address that a client on this machine uses."""
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
            with older_way() if settings.load is None else contextlib.nullcontext():
                runs = loop.run_until_complete(_bind(stack, settings, note))
            app = None
            if not settings.apps:
                bound = runs[0].bound
                child_process.lead_here(
                    os.environ,
                    app_id=settings.app_id,
                    host=_reachable(settings.listen),
                    http_port=bound.http_port,
                    grpc_port=bound.grpc_port,
                    token=settings.token,
                )
                if settings.load is not None:
                    with healthy(bound.http):
                        app = settings.load()
            return loop.run_until_complete(_run(settings, runs, app, log, files))
        finally:
            loop.run_until_complete(stack.aclose())


async def _bind(stack: contextlib.AsyncExitStack, settings: Settings, note: Callable[[str], None]) -> list[Running]:
    """Listen for every app. Dapr's own ports are the first one's, unless they are taken or others are asked for."""
    alone = AppRun(settings.app_id, None, settings.command, {}, None, settings.http_port, settings.grpc_port)
    apps = settings.apps or (alone,)
    width = max(len(app.app_id) for app in apps)
    runs: list[Running] = []
    for place, app in enumerate(apps):
        bound = await bind(
            stack,
            listen=settings.listen,
            http_port=app.http_port if app.http_port is not None or not place else 0,
            grpc_port=app.grpc_port if app.grpc_port is not None or not place else 0,
            max_body=settings.max_body,
            note=note,
        )
        prefix = f"{app.app_id:<{width}} | " if settings.apps else "app | "
        if settings.color:
            prefix = paint(prefix, COLORS[place % len(COLORS)])
        runs.append(Running(app, bound, prefix))
    return runs


async def _run(settings: Settings, runs: Sequence[Running], app: App | None, log: Log, files: int) -> int:
    return await Server(settings, runs, app, log, files).run()


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
