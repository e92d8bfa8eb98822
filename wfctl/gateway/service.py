"""The operations of both APIs on the instances of the store, with Dapr's answers for each state.

Requests go to the engine's thread and are committed when a method returns; reads go to a connection of their own.
What SDKs ask for most, a start and a wait, can be asked for on any thread, and is done there as far as it can be.
Where Dapr is broken for users, this is not: a resume of an instance that is not suspended changes nothing instead of
killing it, pausing twice is pausing once, and nothing needs a connected worker only to be recorded.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TypeVar

from wfctl.engine import operations
from wfctl.engine.engine_thread import Engine
from wfctl.engine.random_id import new_id
from wfctl.engine.store import awaited, instances, reads, single, summaries
from wfctl.engine.store.database import Connection
from wfctl.engine.store.instances import Row
from wfctl.engine.store.reading import open_reader
from wfctl.engine.store.summaries import DEFAULT_PAGE
from wfctl.engine.store.values import from_micros
from wfctl.engine.transaction import Unit
from wfctl.errors import NotFound, WfctlError, WrongState
from wfctl.gateway.api_error import Trouble, trouble
from wfctl.gateway.promises import then
from wfctl.gateway.reruns import rerun_trouble
from wfctl.gateway.tracing.spans import TracedUnit, Tracing
from wfctl.gateway.waiters import Waiters
from wfctl.model import ids
from wfctl.model.apps import Apps
from wfctl.model.awaited import AwaitedEvent, EventGroup
from wfctl.model.events import Event
from wfctl.model.instance import Filter, IfExists, Instance, RerunRequest, StartRequest
from wfctl.model.logs import LogLine
from wfctl.model.status import Status
from wfctl.wire.error_codes import Problem
from wfctl.wire.http_routes import Operation

T = TypeVar("T")

# How long a request waits for its effect while nobody can bring it about; it is recorded already. Dapr refuses it
# after the same time.
UNATTENDED_SECONDS = 5.0


class Service:
    """One per server. `start` and `wait` may be called on any thread; all other methods belong on the server's
    loop."""

    def __init__(
        self,
        engine: Engine,
        store: Path,
        waiters: Waiters,
        attended: Callable[[str], bool],
        idle: Callable[[], bool],
        tracing: Tracing | None = None,
        app_id: str | None = None,
        apps: Apps = None,
    ) -> None:
        """`attended` tells whether somebody (a worker, the app in this process) can run a workflow of this name now;
        `idle`, whether nothing is under way, so that a start that somebody runs now may be committed on the thread that
        asks for it.

        `app_id`: the app that runs what is started here, where several share the engine. `apps`: whose instances there
        are here; None: all.
        """
        self._app_id = app_id
        self._apps = apps
        self._engine = engine
        self._store = store
        self._reader = open_reader(store)
        self._reads = threading.Lock()  # of the reader: one thread at a time
        self._waiters = waiters
        self._attended = attended
        self._idle = idle
        self._tracing = tracing

    def close(self) -> None:
        with self._reading() as db:
            db.close()

    # --- reading -------------------------------------------------------------------------------------------------

    def get(self, instance_id: str, *, payloads: bool = True) -> Instance | None:
        """Return the instance as Dapr tells of it: one that has had no turn is known by its ID only."""
        with self._reading() as db:
            found = single.find(db, instance_id, self._apps, payloads=payloads)
            return None if found is None else self._as_told(db, found, payloads)

    def _as_told(self, db: Connection, found: single.Single, payloads: bool) -> Instance:
        row = found.row
        if row.status.terminal:
            return summaries.of(db, found, payloads=payloads)
        unattended = not self._attended(row.name) and not _is_delayed(row) and reads.could_move(db, row)
        if row.status is Status.PENDING:
            return Instance(row.id, None, Status.PENDING, unattended=unattended)
        received = summaries.received(db, row.key) if found.unread else ()
        return replace(summaries.of(db, found, payloads=payloads), received=received, unattended=unattended)

    def whole(self, instance_id: str, app: str) -> Instance | None:
        """Return the instance of any app as the command line tells it, with the cause of a failure."""
        with self._reading() as db:
            return reads.get(db, instance_id, payloads=False, driven=True, apps=(app,))

    async def history(self, instance_id: str, encode: Callable[[Sequence[Event]], T]) -> T:
        """Return the committed events, encoded; the inbox is not among them. Raises Trouble.

        A history can be long: it is read and encoded on another thread, so that nobody waits for that.
        """
        encoded = await asyncio.to_thread(self._read_history, instance_id, encode)
        if encoded is None:
            raise Trouble(Problem.NOT_FOUND, Operation.HISTORY, id=instance_id)
        return encoded

    def _read_history(self, instance_id: str, encode: Callable[[Sequence[Event]], T]) -> T | None:
        found = self._read(lambda db: reads.history(db, instance_id, self._apps))
        return None if found is None else encode(found)

    def logs(self, instance_id: str, after: int, step: str | None, level: int, limit: int | None) -> Sequence[LogLine]:
        """Return what the instance's code logged in this process (see `engine.store.logs.read`). Raises Trouble."""
        with self._reading() as db:
            found = reads.log_lines(db, instance_id, after=after, step=step, level=level, limit=limit, apps=self._apps)
        if found is None:
            raise Trouble(Problem.NOT_FOUND, Operation.GET, id=instance_id)
        return found

    async def events(self, filter: Filter, encode: Callable[[Sequence[AwaitedEvent]], bytes]) -> bytes:
        """Return the external events of the live instances that match, encoded. There may be many: not on the loop."""
        return await asyncio.to_thread(self._read, lambda db: encode(awaited.listed(db, filter, self._apps)))

    async def event_groups(self, filter: Filter, encode: Callable[[Sequence[EventGroup]], bytes]) -> bytes:
        """Return how many external events there are of each, encoded."""
        return await asyncio.to_thread(self._read, lambda db: encode(awaited.counted(db, filter, self._apps)))

    def _read(self, read: Callable[[Connection], T]) -> T:
        with contextlib.closing(open_reader(self._store)) as db:
            return read(db)

    def list_ids(self, token: str | None, size: int | None) -> tuple[list[str], str | None]:
        """Return a page in the order of creation, and the token of the next.

        A page that is exactly full has a token even if nothing follows, as Dapr's.

        A token that was not given out here lists nothing, as in Dapr.
        """
        limit = min(size or DEFAULT_PAGE, 2**31)
        try:
            after = int(token) if token else 0
        except ValueError:
            return [], None
        with self._reading() as db:
            rows = summaries.ids_after(db, min(max(after, 0), 2**62), limit, self._apps)
        following = str(rows[-1][0]) if rows and len(rows) == limit else None
        return [instance_id for _, instance_id in rows], following

    def _status(self, instance_id: str) -> Status | None:
        with self._reading() as db:
            return summaries.status(db, instance_id, self._apps)

    def _row(self, instance_id: str) -> Row | None:
        with self._reading() as db:
            return instances.find(db, instance_id, self._apps)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._reads:
            yield self._reader

    # --- waiting -------------------------------------------------------------------------------------------------

    def wait(self, instance_id: str, until: Callable[[Status], bool], *, payloads: bool) -> Future[Instance]:
        """Return what will have the instance once its status satisfies `until`. One that does not exist (yet) is waited
        for, as in Dapr."""

        def read() -> Instance | None:
            with self._reading() as db:
                found = single.find(db, instance_id, self._apps, payloads=payloads)
                # It may be another app's that has come so far, or one that was purged since.
                return None if found is None or not until(found.row.status) else self._as_told(db, found, payloads)

        return self._waiters.wait(instance_id, until, read)

    async def _effect(self, instance_id: str, until: Callable[[Status], bool]) -> None:
        """Wait for the effect of a request, but not for ever when nobody can bring it about."""
        waiting = asyncio.wrap_future(self.wait(instance_id, until, payloads=False))
        try:
            while True:
                done, _ = await asyncio.wait({waiting}, timeout=UNATTENDED_SECONDS)
                if done:
                    waiting.result()  # raises when the server stops
                    return
                row = self._row(instance_id)
                if row is None or not self._attended(row.name) or _is_delayed(row):
                    return
        finally:
            waiting.cancel()

    # --- writing -------------------------------------------------------------------------------------------------

    async def _submit(self, call: Callable[[Unit], T]) -> T:
        return await asyncio.wrap_future(self._engine.submit(call))

    def start(
        self,
        name: str,
        instance_id: str | None,
        payload: str | None,
        start_at: datetime | None = None,
        *,
        checked: bool = True,
        unique: bool = False,
    ) -> Future[str]:
        """Start an instance; the future has its ID, once that is committed.

        `checked`: the ID must be one that Dapr's own API takes. Its task hub takes any; here it must be one line.
        `unique` refuses the ID of a finished instance too. Raises Trouble, as the future may."""
        if instance_id:
            bad = ids.fault_of_new(instance_id) if checked else ids.fault(instance_id)
            if bad is not None:
                problem = Problem.ID_TOO_LONG if bad.too_long else Problem.ID_INVALID if checked else Problem.ID_UNFIT
                raise Trouble(problem, Operation.START, id=instance_id, reason=bad.text)
        policy = IfExists.FAIL if unique else IfExists.REPLACE
        request = StartRequest(name, instance_id or new_id(), payload, start_at, policy, self._app_id)
        # Where nothing follows from it now, nobody waits for the next step, and many may come to be committed together.
        here = start_at is None and self._attended(name) and self._idle()
        if self._tracing is None:
            started = self._engine.submit(lambda unit: operations.start(unit, request, self._apps), here=here)
        else:
            parent, end = self._tracing.creating(name, request.id or "")
            started = self._engine.submit(
                lambda unit: operations.start(TracedUnit(unit, parent), request, self._apps), here=here
            )
            started.add_done_callback(lambda done: end(None if done.cancelled() else done.exception()))
        return then(started, lambda done: self._started(request, done))

    def _started(self, request: StartRequest, done: Future[str]) -> str:
        try:
            return done.result()
        except WfctlError as error:
            names = {"id": request.id or "", "name": request.name}
            if self._status(request.id or "") is Status.STALLED:
                raise Trouble(Problem.STALLED, Operation.START, **names) from error
            raise trouble(error, Operation.START, **names) from error

    async def raise_event(self, instance_id: str, name: str, data: str | None) -> None:
        """Raise an event. Raises Trouble."""
        await self._request(
            Operation.RAISE,
            instance_id,
            lambda unit: operations.raise_event(unit, instance_id, name, data, self._apps),
            event=name,
        )

    async def pause(self, instance_id: str, reason: str | None = None, *, wait: bool = False) -> None:
        """Suspend it; `wait` until it is suspended, or has ended. Raises Trouble."""
        await self._request(
            Operation.PAUSE, instance_id, lambda unit: operations.pause(unit, instance_id, reason, self._apps)
        )
        if wait:
            await self._effect(instance_id, lambda status: status is Status.SUSPENDED or status.terminal)

    async def resume(self, instance_id: str, reason: str | None = None, *, wait: bool = False) -> None:
        """Resume it. Raises Trouble."""
        sent = await self._request(
            Operation.RESUME, instance_id, lambda unit: operations.resume(unit, instance_id, reason, self._apps)
        )
        if wait and sent:
            await self._effect(instance_id, lambda status: status is Status.RUNNING or status.terminal)

    async def terminate(
        self, instance_id: str, output: str | None = None, *, recursive: bool = True, wait: bool = False
    ) -> None:
        """Terminate it. Raises Trouble."""
        await self._request(
            Operation.TERMINATE,
            instance_id,
            lambda unit: operations.terminate(unit, instance_id, output, None, recursive, self._apps),
        )
        if wait:
            await self._effect(instance_id, lambda status: status.terminal)

    async def purge(self, instance_id: str, *, force: bool = False, recursive: bool = True) -> int:
        """Delete the instance. Returns the number deleted. Raises Trouble."""
        try:
            return await self._submit(lambda unit: operations.purge(unit, instance_id, force, recursive, self._apps))
        except WfctlError as error:
            raise trouble(error, Operation.PURGE, id=instance_id) from error

    async def rerun(self, request: RerunRequest) -> str:
        """Return the ID of the new instance. Raises Trouble."""
        try:
            return await self._submit(lambda unit: operations.rerun(unit, request, self._apps))
        except WfctlError as error:
            if self._status(request.source) is Status.STALLED:
                raise Trouble(Problem.STALLED, Operation.RERUN, id=request.source) from error
            raise rerun_trouble(error, request) from error

    async def _request(
        self, operation: Operation, instance_id: str, call: Callable[[Unit], None], **names: str
    ) -> bool:
        """Send a request. Returns True if it was sent.

        A finished instance, and one that has nothing to do for it, takes no notice;
        a stalled one refuses."""
        try:
            await self._submit(call)
        except NotFound as error:
            raise Trouble(Problem.NOT_FOUND, operation, id=instance_id, **names) from error
        except WrongState as error:
            row = self._row(instance_id)
            if row is not None and row.status is Status.STALLED:
                raise Trouble(Problem.STALLED, operation, id=instance_id, **names) from error
            return False
        except WfctlError as error:
            raise trouble(error, operation, id=instance_id, **names) from error
        return True


def _is_delayed(row: Row) -> bool:
    """Tell whether nothing reaches the instance before the time that its start was put off to."""
    start_at = row.wake_at if row.status is Status.PENDING else None
    return start_at is not None and from_micros(start_at) > datetime.now(timezone.utc)
