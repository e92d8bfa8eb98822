"""The engine with what a gateway needs around it: workers' queues, waiters, the service, metadata, metrics."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from logging import INFO
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from wfctl.engine.engine_thread import Engine
from wfctl.engine.execute import spare_threads
from wfctl.engine.execute.combined import BothExecutor
from wfctl.engine.execute.hosting import executor_of
from wfctl.engine.execute.port import ActivityResult, Delivery, Executor, Logged
from wfctl.engine.execute.remote import RemoteExecutor
from wfctl.engine.execute.watched import WatchedExecutor
from wfctl.engine.garbage import collect_rarely
from wfctl.engine.retention import Retention
from wfctl.engine.store import clocks, database, history_inbox
from wfctl.engine.transaction import Transaction
from wfctl.errors import DiskFull, StoreError, WfctlError
from wfctl.gateway.cleanup import Cleaning
from wfctl.gateway.endings import Endings
from wfctl.gateway.log import Log
from wfctl.gateway.metadata import About
from wfctl.gateway.metrics import Metrics
from wfctl.gateway.service import Service
from wfctl.gateway.state_service import StateService
from wfctl.gateway.waiters import Waiters
from wfctl.gateway.workers.history_cache import Histories
from wfctl.gateway.workers.report import WorkersReport
from wfctl.gateway.workers.result_batching import BUSY, Batches
from wfctl.gateway.workers.streams import WorkStreams
from wfctl.model.apps import OWN, Apps, stored
from wfctl.model.logs import WORKFLOW

if TYPE_CHECKING:
    from wfctl.gateway.tracing.spans import Exporter, Tracing
    from wfctl.workflow.loading.app import App


class Serving(Protocol):
    """What is behind the ports: an engine, and who waits for its instances."""

    @property
    def engine(self) -> Engine: ...
    @property
    def waiters(self) -> Waiters: ...
    @property
    def tracing(self) -> Tracing | None: ...
    @property
    def metrics(self) -> Metrics: ...
    @property
    def full(self) -> DiskFull | None: ...
    @property
    def fronts(self) -> Sequence[Front]: ...
    @property
    def work(self) -> WorkStreams | None: ...
    @property
    def workers(self) -> WorkersReport | None: ...
    def attended(self, name: str, app_id: str | None) -> bool: ...
    def idle(self) -> bool: ...


class Front:
    """The part of the gateway that one app's ports serve.

    `app_id` is None where there is only one app, whose ID is in `about`. `apps`: whose instances its ports show.
    """

    def __init__(self, gateway: Serving, store: Path, about: About, app_id: str | None, apps: Apps) -> None:
        self.app_id = app_id
        self.about = about
        self.service = Service(
            gateway.engine,
            store,
            gateway.waiters,
            lambda name: gateway.attended(name, app_id),
            gateway.idle,
            gateway.tracing,
            app_id,
            apps,
        )
        self.state = StateService(gateway.engine, store, app_id)

    def close(self) -> None:
        self.service.close()
        self.state.close()


class Gateway:
    """Owns the store and drives it until `stack` is closed.

    `service`, `state` and `about` are those of the first of `fronts`.
    """

    def __init__(
        self,
        stack: contextlib.AsyncExitStack,
        store: Path,
        log: Log,
        *,
        bind_client: Callable[[Engine], Callable[[], None]] = lambda engine: lambda: None,
        app: App | None = None,
        app_id: str = "wfctl",
        most_turns: int,
        most_activities: int,
        may_have_workers: bool = True,
        retention: Retention | None = None,
        exporter: Exporter | None = None,
        max_body: int = 4 * 1024 * 1024,
        apps: Sequence[str] = (),
        log_level: int = INFO,
    ) -> None:
        """Start the engine.

        `apps`: the IDs of the apps that share the engine, each with ports of its own; none where there is one app,
        `app_id`.
        `bind_client` makes the app's own client use it, and returns how to undo that. With `may_have_workers`, workers
        may bring workflows that the app does not register, so that whoever starts one through the store file must not
        be told that the name is unknown.
        Raises StoreError: the store cannot be used, or another process drives it.
        """
        self._store = store
        self._log = log
        self._app = app
        self._log_level = log_level
        self._apps = tuple(apps)
        self._app_id = app_id
        self._told_apps: tuple[str, ...] = () if app is None else (OWN, stored(app_id))
        self._endings: Endings | None = None
        self._told: set[tuple[str, str]] = set()
        self._own: WatchedExecutor | None = None
        names: Sequence[str] = () if app is None else app.registry.workflow_names()
        self.full: DiskFull | None = None  # while the disk is, and requests are refused

        _check_clocks(store, log)
        self._past = Histories(store, app_id=apps[0] if apps else app_id)
        stack.callback(self._past.close)
        self.tracing = None
        if exporter is not None:
            from wfctl.gateway.tracing.spans import Tracing

            self.tracing = Tracing(exporter, store)
            stack.callback(self.tracing.close)
        self.waiters = Waiters()
        self.engine = Engine(
            store,
            self._executor,
            app=None if app is None else app.spec,
            workflows=() if may_have_workers else names,
            command="serve",
            apps=self._told_apps,
            after_commit=self._committed,
            on_full=self._disk_full,
            on_log=self._app_logged,
            leaves_clocks=True,
            hand_out_turns=self._hand_out_turns,
        )
        self.work = WorkStreams(
            self.remote,
            self._past,
            self._worker_came,
            self._tell_apps,
            log,
            most_turns=most_turns,
            most_activities=most_activities,
            most_bytes=max_body,
            tracing=self.tracing,
        )
        stack.callback(bind_client(self.engine))
        if not self.engine.start(None):
            raise StoreError(
                f"another process is executing the store {store}",
                hint="stop the other wfctl serve, or serve another file with --store",
            )
        collect_rarely()
        stack.push_async_callback(asyncio.to_thread, self.engine.stop)
        stack.callback(self._batches.flush)
        abouts = [About(one, partial(self.remote.workers_of, one), ()) for one in self._apps]
        self.fronts = [Front(self, store, one, one.app_id, self._shown(one.app_id)) for one in abouts] or [
            Front(self, store, About(app_id, lambda: self.remote.workers, names), None, (OWN, stored(app_id)))
        ]
        for front in self.fronts:
            stack.callback(front.close)
        self.service, self.state, self.about = self.fronts[0].service, self.fronts[0].state, self.fronts[0].about
        self.workers = WorkersReport(
            self.remote,
            lambda: None if self._own is None else self._own.as_worker(),
            self.engine.left_alone,
            app_id,
            self._apps,
        )
        self._endings = Endings(log, self.service.whole)
        self._cleaning = Cleaning(retention or Retention(), log)
        self.metrics = Metrics(app_id, self.engine.completions, {
            "dapr_runtime_workflow_connected_workers": ("Open work item streams.", lambda: self.remote.workers),
            "wfctl_turns_pending": ("Turns in workers' hands or waiting for one.", lambda: self.remote.counts()[0]),
            "wfctl_activities_pending": (
                "Activities in workers' hands or waiting for one.",
                lambda: self.remote.counts()[1],
            ),
        })  # fmt: skip

    def _shown(self, app_id: str) -> Apps:
        """Return whose instances the ports of one of several apps show. The store's own are the first one's."""
        return (stored(app_id), OWN) if app_id == self._apps[0] else (stored(app_id),)

    def _worker_came(self) -> None:
        self.engine.try_all_again()
        self._tell_apps()

    def _tell_apps(self) -> None:
        """Record in the store whose work is done now, for whoever reads it."""
        there = self._there()
        if there != self._told_apps:
            self._told_apps = there
            with contextlib.suppress(WfctlError):  # it stops, and its owner's row goes with it
                self.engine.submit(lambda unit: history_inbox.put_owner_apps(unit.store, there))

    def _there(self) -> tuple[str, ...]:
        """Return the apps, as stored, that have a worker or are in this process."""
        if not self._apps:
            alone = self._app is not None or self.remote.workers > 0
            return (OWN, stored(self._app_id)) if alone else ()
        found = [stored(app_id) for app_id in self._apps if self.remote.workers_of(app_id)]
        return (*found, OWN) if found[:1] == [stored(self._apps[0])] else tuple(found)

    def check(self) -> WfctlError | None:
        """Do what is due every second or so. Returns what stopped the engine, if anything did."""
        self.work.drop_stuck()
        again = self.remote.expire()
        if again:
            self._log.warning("turns without an answer are given out again", count=again)
        lost = self.remote.give_out_lost()
        if any(lost):
            self._log.warning("answers were lost: what they may have answered is given out again", **lost._asdict())
        self._cleaning.tick(self.engine)
        return self.engine.error

    def _executor(self, deliver: Callable[[Delivery], None]) -> Executor:
        """Make what executes turns and activities: the app in this process, workers, or both."""
        tracing = self.tracing
        if tracing is not None:
            deliver = tracing.deliver(deliver)
        self._batches = Batches(asyncio.get_running_loop(), deliver)
        self.remote = RemoteExecutor(
            self._answered,
            on_forget=lambda key: self.work.forget(key),
            apps=self._apps,
            own=self._app_id,
        )
        executor: Executor = self.remote
        if self._app is not None:
            app = self._app
            self._own = WatchedExecutor(
                lambda inner: executor_of(app, inner, self._log_level),
                deliver,
                f"the app {_short(app.spec)} in wfctl serve",
            )
            executor = BothExecutor(app.registry, self._own, self.remote, self._waits, self._app_id)
        return executor if tracing is None else tracing.executor(executor)

    def _answered(self, answer: Delivery) -> None:
        """Take a worker's answer, on the thread that brings it: the engine goes on there if it was all that workers had
        in hand. But a result that is to be committed with the answer of its turn waits on the engine's thread."""
        waits = type(answer) is ActivityResult and self.remote.name_turns
        with spare_threads.lent() if self.idle() and not waits else contextlib.nullcontext():
            self._batches.add(answer, self.remote.held)

    def idle(self) -> bool:
        """Return True if workers have nothing in hand, so that the engine may go on on a thread of the gateway: nothing
        can be committed together then. But code of an app in this process is not for such a thread."""
        return self._app is None and not self.remote.held

    def attended(self, name: str, app_id: str | None) -> bool:
        """Return True if a workflow of this name can be run now. Workers do not say what they register."""
        workers = self.remote.workers if app_id is None else self.remote.workers_of(app_id)
        return workers > 0 or (self._app is not None and self._app.registry.has_workflow(name))

    def _waits(self, kind: str, name: str, instance_id: str) -> None:
        """Log, once a name, what nobody can run: it may be a mistake, or a worker is yet to come. On the engine's
        thread."""
        if (kind, name) not in self._told:
            self._told.add((kind, name))
            self._log.warning(
                f"a {kind} waits for a worker: the app does not register it", name=name, instance=instance_id
            )

    def _hand_out_turns(self) -> bool:
        """Hand out turns before their commit where little is under way: what waits for a commit makes the next one
        larger. On the engine's thread."""
        return self.remote.held < BUSY and self.remote.hand_out_turns()

    def _committed(self, transaction: Transaction) -> None:
        """Let out what was committed. On the engine's thread."""
        self._past.note(transaction.history)
        if self.tracing is not None:
            self.tracing.committed(transaction.history)
        self.remote.released()
        self.waiters.changed(transaction.rows)
        if self._endings is not None:
            self._endings.changed(transaction.rows)

    def _app_logged(self, logged: Logged) -> None:
        """Log what the app in this process logs. On the thread that does."""
        if not logged.shown:
            line = logged.line
            fields = {"instance": logged.instance_id, "step": line.step or WORKFLOW, "logger": line.logger}
            self._log.app_line(line.level, line.message, **fields)

    def _disk_full(self, error: DiskFull | None) -> None:
        """Take note that the disk is full, or (None) is not any more. On the engine's thread."""
        self.full = error
        if error is not None:
            self._log.error("the disk is full: requests are refused until there is room", store=str(self._store))
        else:
            self._log.info("there is room on the disk again: going on", store=str(self._store))


def _check_clocks(store: Path, log: Log) -> None:
    """Open the store once, for what follows reads it. Say which trees are left alone because their time is skipped.

    Raises StoreError: the whole store was made for that."""
    db = database.open_store(store, tell=log.info)
    try:
        if clocks.whole_store(db):
            raise StoreError(
                f"the store {store} was made for skipped time, which is for trials: wfctl serve goes by the real time",
                hint="wfctl run goes on with it; serve another file with --store",
            )
        left = len(clocks.live_roots(db))
    finally:
        db.close()
    if left:
        log.warning(
            "instances whose time is skipped are left alone: wfctl run --skip-time goes on with them",
            count=left,
        )


def _short(spec: str) -> str:
    """Return what people call an app: its file without the folder, or its module."""
    return Path(spec).name if spec.endswith(".py") else spec
