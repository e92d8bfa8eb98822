"""The engine behind `DaprWorkflowClient`, for activities of the app that this process engines.

It answers as Dapr does, not as the command line: a finished ID may be started again, and a request to a finished
instance changes nothing and is no error.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from wfctl.engine import operations
from wfctl.engine.engine_thread import Engine
from wfctl.engine.execute.log_capture import CURRENT
from wfctl.engine.store import database, reads
from wfctl.engine.store.reading import open_reader
from wfctl.engine.store.summaries import DEFAULT_PAGE
from wfctl.engine.transaction import Unit
from wfctl.errors import StoreError, TimedOut, WrongState
from wfctl.model import refusals
from wfctl.model.apps import Apps, only, told
from wfctl.model.events import Event
from wfctl.model.instance import Filter, IfExists, Instance, RerunRequest, Sort, StartRequest
from wfctl.model.status import Status

T = TypeVar("T")


class EngineBackend:
    """Implements `wfctl.workflow.client_backend.ClientBackend` on a running engine.

    Its methods are called from activity threads.
    """

    def __init__(self, engine: Engine, store: Path, app_id: str | None = None) -> None:
        """`app_id`: the app whose instances are meant; None: that of the step that calls."""
        self._engine = engine
        self._store = store
        self._app_id = app_id
        self._of_apps: dict[str, EngineBackend] = {}
        self._reading = threading.Lock()
        self._db: database.Connection | None = None

    def of_app(self, app_id: str) -> EngineBackend:
        with self._reading:
            if app_id not in self._of_apps:
                self._of_apps[app_id] = EngineBackend(self._engine, self._store, app_id)
            return self._of_apps[app_id]

    @property
    def _apps(self) -> Apps:
        """Whose instances the calling thread means."""
        step = CURRENT.get()
        return only(self._app_id) if self._app_id is not None or step is None else (step.app,)

    def start(self, request: StartRequest) -> str:
        apps = self._apps
        app_id = request.app_id if apps is None else told(apps[0])
        request = replace(request, if_exists=IfExists.REPLACE, app_id=app_id)
        return self._engine.do(lambda unit: operations.start(unit, request))

    def get(self, instance_id: str) -> Instance:
        found = self._read(lambda db: reads.get(db, instance_id, payloads=True, driven=True, apps=self._apps))
        if found is None:
            raise refusals.not_found(instance_id)
        return found

    def wait(self, instance_id: str, until: Callable[[Instance], bool], timeout: float | None) -> Instance:
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            seen = self._engine.changes
            instance = self.get(instance_id)
            if until(instance):
                return instance
            left = 1.0 if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise TimedOut(f"'{instance_id}' is still {instance.status.name}", instance_id=instance_id)
            if self._engine.ended:
                raise self._engine.error or StoreError("the engine has stopped")
            self._engine.wait_change(seen, min(left, 1.0))

    def raise_event(self, instance_id: str, name: str, data: str | None) -> None:
        self._request(instance_id, lambda unit, apps: operations.raise_event(unit, instance_id, name, data, apps))

    def terminate(self, instance_id: str, output: str | None, recursive: bool) -> None:
        self._request(
            instance_id, lambda unit, apps: operations.terminate(unit, instance_id, output, None, recursive, apps)
        )

    def pause(self, instance_id: str) -> None:
        self._request(instance_id, lambda unit, apps: operations.pause(unit, instance_id, None, apps))

    def resume(self, instance_id: str) -> None:
        self._request(instance_id, lambda unit, apps: operations.resume(unit, instance_id, None, apps))

    def purge(self, instance_id: str, recursive: bool) -> int:
        return self._write(lambda unit, apps: operations.purge(unit, instance_id, False, recursive, apps))

    def rerun(self, request: RerunRequest) -> str:
        return self._write(lambda unit, apps: operations.rerun(unit, request, apps))

    def list_ids(self, limit: int | None, after: str | None) -> tuple[Sequence[str], str | None]:
        size = limit or DEFAULT_PAGE
        filter = Filter(sort=Sort.CREATED, reverse=True, limit=size + 1, after=after)
        rows = self._read(
            lambda db: [i.id for i in reads.select(db, filter, payloads=False, driven=True, apps=self._apps)]
        )
        return (rows, None) if len(rows) <= size else (rows[:size], rows[size - 1])

    def history(self, instance_id: str) -> Sequence[Event]:
        found = self._read(lambda db: reads.history(db, instance_id, self._apps))
        if found is None:
            raise refusals.not_found(instance_id)
        return found

    def _write(self, call: Callable[[Unit, Apps], T]) -> T:
        apps = self._apps  # of this thread, not of the engine's
        return self._engine.do(lambda unit: call(unit, apps))

    def _request(self, instance_id: str, call: Callable[[Unit, Apps], None]) -> None:
        """Send a request; a finished instance, or a resume of one that runs, takes no notice of it."""
        try:
            self._write(call)
        except WrongState:
            if self.get(instance_id).status is Status.STALLED:
                raise

    def _read(self, call: Callable[[database.Connection], T]) -> T:
        with self._reading:
            if self._db is None:
                self._db = open_reader(self._store)
            return call(self._db)

    def close(self) -> None:
        for other in self._of_apps.values():
            other.close()
        with self._reading:
            if self._db is not None:
                self._db.close()
                self._db = None
