"""The engine with what a gateway needs around it: workers' queues, waiters, the service, metadata, metrics."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from wfctl.engine.dispatcher import Changed
from wfctl.engine.engine_thread import Host
from wfctl.engine.execute.combined import BothExecutor
from wfctl.engine.execute.hosting import executor_of
from wfctl.engine.execute.port import Delivery, Executor
from wfctl.engine.execute.remote import RemoteExecutor
from wfctl.engine.retention import Retention
from wfctl.engine.store import database
from wfctl.errors import DiskFull, StoreError, WfctlError
from wfctl.gateway.cleanup import Cleaning
from wfctl.gateway.log import Log
from wfctl.gateway.metadata import About
from wfctl.gateway.metrics import Metrics
from wfctl.gateway.service import Service
from wfctl.gateway.state_service import StateService
from wfctl.gateway.waiters import Waiters
from wfctl.gateway.workers.history_cache import Histories
from wfctl.gateway.workers.result_batching import Batches
from wfctl.gateway.workers.streams import WorkStreams

if TYPE_CHECKING:
    from wfctl.gateway.tracing.spans import Tracing
    from wfctl.workflow.loading.app import App


class Front:
    """What one app's ports serve. `app_id` is None where there is only one app, whose ID is in `about`."""

    def __init__(self, engine: GatewayEngine, store: Path, about: About, app_id: str | None) -> None:
        self.app_id = app_id
        self.about = about
        self.service = Service(
            engine.host,
            store,
            engine.waiters,
            lambda name: engine.attended(name, app_id),
            engine.tracing,
            app_id,
        )
        self.state = StateService(engine.host, store, app_id)

    def close(self) -> None:
        self.service.close()
        self.state.close()


class GatewayEngine:
    """`remote`, `work` and `fronts` are there once it is open. `service`, `state` and `about` are the first front's."""

    def __init__(
        self,
        store: Path,
        log: Log,
        *,
        app: App | None = None,
        app_id: str = "wfctl",
        most_turns: int,
        most_activities: int,
        may_have_workers: bool = True,
        retention: Retention | None = None,
        tracing: Tracing | None = None,
        max_body: int = 4 * 1024 * 1024,
        apps: Sequence[str] = (),
    ) -> None:
        """`apps`: the IDs of the apps that share the engine, each with ports of its own; none where there is one app,
        `app_id`. `may_have_workers`: workers may bring workflows that the app does not register, so that whoever
        starts one through the store file must not be told that the name is unknown."""
        self._store = store
        self._log = log
        self._cleaning = Cleaning(retention or Retention(), log)
        self._app = app
        self.tracing = tracing
        self._apps = tuple(apps)
        self._names: Sequence[str] = () if app is None else app.registry.workflow_names()
        self._past: Histories
        self.waiters = Waiters(asyncio.get_running_loop())
        self.remote: RemoteExecutor
        self._told: set[tuple[str, str]] = set()
        self._sizes = most_turns, most_activities, max_body
        self.host = Host(
            store,
            self._executor,
            app=None if app is None else app.spec,
            workflows=() if may_have_workers else self._names,
            after_commit=self._committed,
            on_full=self._full,
        )
        self.full: DiskFull | None = None  # while the disk is, and requests are refused
        self._abouts = [About(one, partial(self._workers_of, one), ()) for one in self._apps]
        self.about = self._abouts[0] if apps else About(app_id, lambda: self.remote.workers, self._names)
        self.metrics = Metrics(app_id)

    async def open(self, stack: contextlib.AsyncExitStack, bind_client: Callable[[Host], Callable[[], None]]) -> None:
        """Own the store and drive it until `stack` is closed.

        Raises StoreError: the store cannot be used, or another process drives it.
        """
        database.open_store(self._store, tell=self._log.info).close()
        self._past = Histories(self._store, app_id=self.about.app_id)
        stack.callback(self._past.close)
        if self.tracing is not None:
            self.tracing.open(self._store)
            stack.callback(self.tracing.close)
        self.work = WorkStreams(self._past, self._connected, self._log, *self._sizes, tracing=self.tracing)
        stack.callback(bind_client(self.host))
        if not self.host.start(None):
            raise StoreError(
                f"another process drives the store {self._store}",
                hint="stop the other wfctl serve, or serve another file with --store",
            )
        stack.push_async_callback(asyncio.to_thread, self.host.stop)
        stack.callback(self._batches.flush)
        self.fronts = [Front(self, self._store, about, about.app_id) for about in self._abouts] or [
            Front(self, self._store, self.about, None)
        ]
        for front in self.fronts:
            stack.callback(front.close)
        self.service, self.state = self.fronts[0].service, self.fronts[0].state
        self.metrics.completions = self.host.completions
        self.metrics.gauges = {
            "dapr_runtime_workflow_connected_workers": ("Open work item streams.", lambda: self.remote.workers),
            "wfctl_turns_pending": ("Turns in workers' hands or waiting for one.", lambda: self.remote.counts()[0]),
            "wfctl_activities_pending": (
                "Activities in workers' hands or waiting for one.",
                lambda: self.remote.counts()[1],
            ),
        }

    def check(self) -> WfctlError | None:
        """To be called every second or so: what stopped the engine, if anything did."""
        self.work.drop_stuck()
        again = self.remote.expire()
        if again:
            self._log.warning("turns without an answer are given out again", count=again)
        lost = self.remote.give_out_lost()
        if any(lost):
            self._log.warning("answers were lost: what they may have answered is given out again", **lost._asdict())
        self._cleaning.tick(self.host)
        return self.host.error

    def _executor(self, deliver: Callable[[Delivery], None]) -> Executor:
        if self.tracing is None:
            return self._plain_executor(deliver)
        return self.tracing.executor(self._plain_executor(self.tracing.deliver(deliver)))

    def _plain_executor(self, deliver: Callable[[Delivery], None]) -> Executor:
        batches = self._batches = Batches(asyncio.get_running_loop(), deliver)
        remote = RemoteExecutor(
            lambda answer: batches.add(answer, remote.held), on_forget=self.work.forget, apps=self._apps
        )
        self.remote = self.work.executor = remote
        if self._app is None:
            return remote
        registry = self._app.registry
        return BothExecutor(registry, executor_of(self._app, deliver), remote, self._waits)

    def attended(self, name: str, app_id: str | None) -> bool:
        """Tell whether a workflow of this name can be run now. Workers do not say what they register."""
        workers = self.remote.workers if app_id is None else self._workers_of(app_id)
        return workers > 0 or (self._app is not None and self._app.registry.has_workflow(name))

    def _workers_of(self, app_id: str) -> int:
        return self.remote.workers_of(app_id)

    def _waits(self, kind: str, name: str, instance_id: str) -> None:
        """On the engine's thread. Said once a name: it may be a mistake, or a worker that is yet to come."""
        if (kind, name) not in self._told:
            self._told.add((kind, name))
            self._log.warning(
                f"a {kind} waits for a worker: the app does not register it", name=name, instance=instance_id
            )

    def _committed(self, changed: Changed) -> None:
        """On the engine's thread."""
        self._past.note(changed.history)
        if self.tracing is not None:
            self.tracing.committed(changed.history)
        self.remote.released()
        self.waiters.changed(changed.rows)

    def _full(self, error: DiskFull | None) -> None:
        """On the engine's thread."""
        self.full = error
        if error is not None:
            self._log.error("the disk is full: requests are refused until there is room", store=str(self._store))
        else:
            self._log.info("there is room on the disk again: going on", store=str(self._store))

    def _connected(self) -> None:
        self.host.unpark()
