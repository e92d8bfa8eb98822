"""Implement the port `Workflows` with the embedded engine: this process, and one SQLite file.

One process at a time owns the store and drives its instances; the others read the store and commit requests to it for
the owner to carry out. A command with an app becomes the owner while it runs if nobody else is, and drives the
instances that it touches.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from wfctl.client.embedded.app_host import HostedApp, unknown_workflow
from wfctl.client.port import Driver, Requested, one_by_one
from wfctl.engine.owner_lock import is_owned
from wfctl.engine.store import database, instances, reads
from wfctl.engine.store.instances import Row
from wfctl.engine.store.place import Place
from wfctl.engine.store.reading import NoStore, Reader, writable
from wfctl.errors import AppError, StoreError, WfctlError
from wfctl.model import refusals
from wfctl.model.instance import Count, Filter, Instance, RerunRequest, StartRequest
from wfctl.model.status import Status

if TYPE_CHECKING:  # what writes, drives or decodes history is loaded by the commands that do so
    from wfctl.engine.engine_thread import Host
    from wfctl.engine.store.history_inbox import OwnerRow
    from wfctl.engine.transaction import Unit
    from wfctl.engine.undriven import UndrivenTransaction
    from wfctl.model.events import Event
    from wfctl.workflow.loading.app import App

T = TypeVar("T")
R = TypeVar("R")
Note = Callable[[str], None]

# Seconds between two looks for changes in a process that does not drive; a look takes some microseconds.
LOOK_SECONDS = 0.01
# Seconds that an interrupted command waits for running workflow code.
STOP_SECONDS = 3.0
# Seconds that a command waits in total for another process to carry out its requests.
EFFECT_SECONDS = 5.0
# Operations of a batch that are committed together; whoever else writes to the store waits for them.
GROUP_SIZE = 200


@dataclass(frozen=True, slots=True)
class RunSummary:
    """Summarize `run_all`: the instances that ended, by status; the number still live; and the number of live ones by
    workflow name that this app does not register."""

    ended: dict[Status, int]
    waiting: int
    left_alone: dict[str, int] = field(default_factory=dict)
    timed_out: bool = False


@dataclass(frozen=True)
class _Asked(Requested):
    """A request in a group that is not committed yet; its effect is `done` once the status says so."""

    instance_id: str
    done: Callable[[Status], bool]


class _OwnersTransaction:
    """The open transaction of the engine in this process."""

    is_owner = True

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def run(self, call: Callable[[Unit], T], at_once: str | None = None) -> T:
        return call(self._unit)


def open_embedded(
    store: Path,
    app: str | None,
    base: Path | None,
    drive: bool,
    *,
    note: Note,
    named: bool = False,
    python: Callable[[], Path | None] = lambda: None,
) -> EmbeddedWorkflows:
    """The store at `store`; made when the first request is written. `drive`: whether this process may run the app.
    `named`: as long as it does not exist, reading it is an error; else there is just nothing in it. `python`
    finds the interpreter to run the app with, None for this one."""
    return EmbeddedWorkflows(store, app, base, drive, note, named, python)


class EmbeddedWorkflows:
    def __init__(
        self,
        store: Path,
        app: str | None,
        base: Path | None,
        drive: bool,
        note: Note,
        named: bool = False,
        python: Callable[[], Path | None] = lambda: None,
    ) -> None:
        self._store = store
        self._named = named
        self._hosted = HostedApp(store, app, base, note, python)
        self._may_drive = drive
        self._can_own = app is not None
        self._note = note
        self._host: Host | None = None
        self._reader: Reader | None = None
        self._place: Place | None = None  # of what the reader has open
        self._asked_roots: list[int] = []  # roots that the owner was asked to drive
        self._writer: tuple[database.Connection, Place] | None = None  # past the engine, straight into the store
        self._group: _OwnersTransaction | UndrivenTransaction | None = None  # where `for_each` writes just now
        self._told_unknown: set[str] = set()
        self._seen_changes = 0
        self._seen_version: int | None = -1
        self._patience = EFFECT_SECONDS

    # --- reading ------------------------------------------------------------------------------------------------

    def get(self, instance_id: str, *, payloads: bool = True) -> Instance:
        found = self._query(lambda db: self._get(db, instance_id, payloads))
        if found is None:
            raise refusals.not_found(instance_id)
        return found

    def _get(self, db: database.Connection, instance_id: str, payloads: bool) -> Instance | None:
        found = reads.get(db, instance_id, payloads=payloads, driven=True)
        if found is None or found.status.terminal or self._driven():
            return found
        return reads.get(db, instance_id, payloads=payloads, driven=False)

    def list(
        self, filter: Filter, *, payloads: bool = True, waiting: bool = True, in_order: bool = True
    ) -> Iterator[Instance]:
        reader = self._read()
        if reader is None:
            if filter.after is not None:
                raise refusals.not_found(filter.after)
            return

        def select(db: database.Connection) -> Iterator[Instance]:
            return reads.select(db, filter, payloads=payloads, driven=self._driven())

        rows = iter(self._query(lambda db: [*select(db)]) or ()) if reader.still else select(reader.connection)
        while True:
            row = self._guard(lambda: next(rows, None))
            if row is None:
                return
            yield row

    def parents(self, instance_ids: Sequence[str]) -> Mapping[str, str]:
        return self._query(lambda db: reads.parents(db, instance_ids)) or {}

    def count(self, filter: Filter) -> Sequence[Count]:
        return self._query(lambda db: reads.count(db, filter)) or []

    def history(self, instance_id: str) -> Sequence[Event]:
        found = self._query(lambda db: reads.history(db, instance_id))
        if found is None:
            raise refusals.not_found(instance_id)
        return found

    # --- writing ------------------------------------------------------------------------------------------------

    def start(self, request: StartRequest) -> str:
        from wfctl.engine import operations

        self._check_name(request.name)
        return self._write(lambda unit: operations.start(unit, request))

    def pause(self, instance_id: str, *, reason: str | None = None) -> Requested | None:
        from wfctl.engine import operations

        return self._ask(
            instance_id,
            lambda unit: operations.pause(unit, instance_id, reason),
            lambda status: status is Status.SUSPENDED,
        )

    def resume(self, instance_id: str, *, reason: str | None = None) -> Requested | None:
        from wfctl.engine import operations

        return self._ask(
            instance_id,
            lambda unit: operations.resume(unit, instance_id, reason),
            lambda status: status is not Status.SUSPENDED,
        )

    def raise_event(self, instance_id: str, name: str, data: str | None = None) -> None:
        from wfctl.engine import operations

        self._write(lambda unit: operations.raise_event(unit, instance_id, name, data), instance_id)

    def terminate(
        self, instance_id: str, *, output: str | None = None, reason: str | None = None, recursive: bool = True
    ) -> Requested | None:
        from wfctl.engine import operations

        return self._ask(
            instance_id,
            lambda unit: operations.terminate(unit, instance_id, output, reason, recursive),
            lambda status: status.terminal,
        )

    def purge(self, instance_id: str, *, force: bool = False, recursive: bool = True) -> int:
        from wfctl.engine import operations

        return self._write(lambda unit: operations.purge(unit, instance_id, force, recursive), instance_id, drive=False)

    def rerun(self, request: RerunRequest) -> str:
        from wfctl.engine import operations

        return self._write(lambda unit: operations.rerun(unit, request), request.source)

    def for_each(
        self, instance_ids: Sequence[str], act: Callable[[str], R], stop: Callable[[WfctlError], bool]
    ) -> Iterator[R | WfctlError]:
        for first in range(0, len(instance_ids), GROUP_SIZE):
            results = self._for_group(instance_ids[first : first + GROUP_SIZE], act, stop)
            yield from results
            if isinstance(results[-1], WfctlError) and stop(results[-1]):
                return

    def _for_group(
        self, instance_ids: Sequence[str], act: Callable[[str], R], stop: Callable[[WfctlError], bool]
    ) -> Sequence[R | WfctlError]:
        """Act on all of these in one transaction; where it cannot be committed, on each in its own."""
        if len(instance_ids) > 1 and self._store.exists():
            try:
                results = self._commit_together(lambda: [*one_by_one(instance_ids, act, stop)])
            except WfctlError:
                pass  # nothing was done: see with whom the trouble is
            else:
                return self._after_commit(instance_ids, results)
        return [*one_by_one(instance_ids, act, stop)]

    def _commit_together(self, work: Callable[[], T]) -> T:
        """Let all writes of `work` go into one transaction, and commit it."""

        def grouped(transaction: _OwnersTransaction | UndrivenTransaction) -> T:
            self._group = transaction
            try:
                return work()
            finally:
                self._group = None

        if self._may_drive:
            self._become_owner()
        if self._host is not None:
            return self._host.submit(lambda unit: grouped(_OwnersTransaction(unit))).result()
        return self._transact(grouped)

    def _after_commit(self, instance_ids: Sequence[str], results: Sequence[R | WfctlError]) -> Sequence[R | WfctlError]:
        """Put what became of each request in the place of the request."""
        if self._host is not None:
            for instance_id, result in zip(instance_ids, results, strict=False):  # fewer where it stopped
                if not isinstance(result, WfctlError):
                    self._tell_unknown(instance_id)
        effects = iter(self._effects([result for result in results if isinstance(result, _Asked)]))
        return [next(effects) if isinstance(result, _Asked) else result for result in results]  # type: ignore[misc]

    def _ask(self, instance_id: str, call: Callable[[Unit], None], done: Callable[[Status], bool]) -> Requested | None:
        """Write a request, and wait until it has taken effect. Returns Requested if it has not."""
        self._write(call, instance_id, at_once=instance_id)
        asked = _Asked("the commit", instance_id, done)
        return asked if self._group is not None else self._effects([asked])[0]

    def _effects(self, asked: Sequence[_Asked]) -> Sequence[Requested | None]:
        """See what has become of requests; wait a while for those that somebody may be about to follow."""
        until = time.monotonic() + self._patience
        effects: dict[int, Requested | None] = dict.fromkeys(range(len(asked)))
        waiting: Sequence[int] = range(len(asked))
        while waiting:
            rows: dict[int, Row] = {}
            for index in waiting:
                row = self._find(asked[index].instance_id)
                done = asked[index].done
                if row is None or row.status.terminal or done(row.status):
                    continue
                if done(Status.SUSPENDED) and row.status is Status.PENDING and row.wake_at is not None:
                    effects[index] = Requested("it has not started: it is paused when it does")
                else:
                    rows[index] = row
            waiting = [*rows]
            late = time.monotonic() >= until
            if rows and (waits_for := self._who_acts([*rows.values()], late)) is not None:
                self._patience = max(0.0, until - time.monotonic())
                for index, row in rows.items():
                    effects[index] = Requested(waits_for.format(name=row.name))
                break
        return [*effects.values()]

    def _who_acts(self, rows: Sequence[Row], late: bool) -> str | None:
        """Who must act for requests to these to take effect, in words; None after a while in which somebody may have
        acted."""
        if self._host is not None:
            if not self._host.settled([row.root for row in rows]):
                self.changed(LOOK_SECONDS)
                return None
            return "no workflow code here can do it: that takes an app that registers '{name}'"
        if not is_owned(self._store, 0):
            # Whoever owned the store when the requests were written has gone without following them.
            self._transact(lambda transaction: [transaction.run(lambda unit: None, row.id) for row in rows])
            if any(self._find(row.id) != row for row in rows):
                return None
            return "nobody drives this store: wfctl run --app FILE, or wfctl serve, does it"
        if late:
            owner = self._owner()
            which = "" if owner is None else f" (PID {owner.pid})"
            return f"the process that drives this store{which} has not done it yet"
        time.sleep(LOOK_SECONDS)
        return None

    def _find(self, instance_id: str) -> Row | None:
        return self._query(lambda db: instances.find(db, instance_id))

    def _write(
        self,
        call: Callable[[Unit], T],
        existing: str | None = None,
        *,
        drive: bool = True,
        at_once: str | None = None,
    ) -> T:
        """Run an operation and commit it: through the engine if this process drives, else directly in the store.

        If nobody drives, the same transaction also carries out for the instance `at_once` what needs no workflow code.
        """
        if self._place is not None:
            self._place.check()
        if existing is not None and self._read() is None:
            raise refusals.not_found(existing)
        if self._group is not None:
            return self._group.run(call, at_once)
        if drive and self._may_drive:
            self._become_owner()
        if self._host is not None:
            value = self._host.submit(call).result()
            if existing is not None:
                self._tell_unknown(existing)
            return value
        return self._transact(lambda transaction: transaction.run(call, at_once))

    def _tell_unknown(self, instance_id: str) -> None:
        """Say so, once for each name, where this process drives and its app lacks the workflow."""
        row = self._find(instance_id)
        if row is None or row.status.terminal or row.name in self._told_unknown:
            return
        if not self.load_app().registry.has_workflow(row.name):
            self._told_unknown.add(row.name)
            self._note(f"the app here registers no workflow '{row.name}': its instances are left as they are")

    def _transact(self, work: Callable[[UndrivenTransaction], T]) -> T:
        """Do `work` in one write transaction of this process's own connection, and commit it."""

        from wfctl.engine.undriven import UndrivenTransaction

        def transact() -> T:
            if self._writer is None:
                self._writer = database.open_store(self._store, tell=self._note), Place(self._store)
            db, place = self._writer
            place.check()
            database.begin(db)
            try:
                with UndrivenTransaction(self._store, db, datetime.now(timezone.utc)) as transaction:
                    value = work(transaction)
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            place.check()
            return value

        return self._guard(transact)

    # --- driving ------------------------------------------------------------------------------------------------

    def drive(self, instance_ids: Sequence[str]) -> Driver:
        roots = [self._root(instance_id) for instance_id in instance_ids]
        asked = False
        while True:
            if self._become_owner():
                assert self._host is not None
                self._host.adopt(roots)
                return Driver.HERE
            if self._driven():
                if asked or not writable(self._store):
                    return Driver.ELSEWHERE
                # Look once more after this: the owner may have exited before it could see the request.
                self._ask_owner(roots)
                asked = True
            elif not self._can_own or not writable(self._store):
                return Driver.NOBODY

    def _ask_owner(self, roots: Sequence[int]) -> None:
        """Ask the owner of the store to drive these trees."""
        self._asked_roots += roots
        self._transact(lambda transaction: transaction.leave_to_owner(roots))

    def settled(self, instance_ids: Sequence[str]) -> bool:
        if self._host is None:
            return True
        return self._host.settled([self._root(instance_id) for instance_id in instance_ids])

    def changed(self, seconds: float) -> None:
        if self._host is not None:
            self._seen_changes = self._host.wait_change(self._seen_changes, seconds)
            if self._host.error is not None:
                raise self._host.error
            return
        if self._asked_roots and not self._driven() and self._become_owner():
            assert self._host is not None
            self._host.adopt(self._asked_roots)  # the owner that was asked to drive them has exited
            return
        deadline = time.monotonic() + seconds
        while True:
            version = self._query(database.data_version)
            left = deadline - time.monotonic()
            if version != self._seen_version or left <= 0:
                self._seen_version = version
                return
            time.sleep(min(LOOK_SECONDS, left))

    def run_all(self, timeout: float | None, progress: Callable[[dict[Status, int]], None] | None = None) -> RunSummary:
        """Drive everything in the store until nothing is due (or `timeout` seconds have passed).

        Raises StoreError when another process drives this store, AppError and InvalidInput when there is no app.
        """
        host = self._start_host(None)
        if host is None:
            raise StoreError(f"another process drives the store {self._store}", hint="it will drive what is there")
        deadline = None if timeout is None else time.monotonic() + timeout
        timed_out = False
        while not host.settled(None):
            if deadline is not None and time.monotonic() >= deadline:
                timed_out = True
                break
            self.changed(0.2 if deadline is None else min(0.2, max(0.0, deadline - time.monotonic())))
            if progress is not None:
                progress(host.completions())
        left: dict[str, int] = {}
        for name in host.left_alone().values():
            left[name] = left.get(name, 0) + 1
        ended = host.completions()
        live = sum(c.count for c in self.count(Filter()) if not c.status.terminal)
        return RunSummary(ended, live, left, timed_out)

    def load_app(self) -> App:
        """Return the app of this target, imported once. Raises InvalidInput if none is named, and AppError."""
        return self._hosted.load()

    def _start_host(self, scope: Sequence[int] | None) -> Host | None:
        self._host = self._hosted.start(scope)
        return self._host

    def _become_owner(self) -> bool:
        """Take ownership of the store if it is free and there is an app. Returns True if this process owns it."""
        if self._host is not None:
            return True
        if not self._can_own or self._driven() or not writable(self._store):
            return False
        try:
            self.load_app()
        except AppError as error:
            self._can_own = False
            self._note(f"no workflow code is run here: {error.message}")
            return False
        return self._start_host([]) is not None

    def _check_name(self, name: str) -> None:
        """Refuse an unregistered workflow before anything is written.

        Raises InvalidInput (unknown, or no app to know it) and AppError.
        """
        if self._hosted.spec is not None and (self._may_drive or not self._driven()):
            known: Sequence[str] = self.load_app().registry.workflow_names()
        else:
            owner = self._owner()
            if owner is None:
                # A process that has just become the owner has not recorded its workflows yet.
                if self._may_drive and not self._driven():
                    self.load_app()  # says that no app is named
                return
            known = owner.workflows
        if known and name not in known:
            raise unknown_workflow(name, known)

    def _owner(self) -> OwnerRow | None:
        from wfctl.engine.store.history_inbox import get_owner

        return self._query(get_owner) if self._driven() else None

    def _driven(self) -> bool:
        if self._host is None and self._group is not None and self._group.is_owner:
            return False
        return self._host is not None or (self._store.exists() and is_owned(self._store))

    def _root(self, instance_id: str) -> int:
        row = self._find(instance_id)
        if row is None:
            raise refusals.not_found(instance_id)
        return row.root

    # --- connections --------------------------------------------------------------------------------------------

    def _read(self) -> Reader | None:
        """Open the store for reading. Returns None as long as there is none. Raises StoreError and StoreGone."""
        if self._place is not None:
            self._place.check()
        elif self._reader is None:
            try:
                self._reader = Reader(self._store)
            except NoStore:
                if self._named:
                    raise
            else:
                self._place = Place(self._store)
        return self._reader

    def _query(self, call: Callable[[database.Connection], T]) -> T | None:
        """Returns what `call` reads, and None as long as there is no store."""
        reader = self._read()
        return None if reader is None else self._guard(lambda: reader.ask(call))

    def _guard(self, call: Callable[[], T]) -> T:
        """Run `call`. Raises StoreError and its kin in place of SQLite's errors."""
        try:
            return call()
        except WfctlError:
            raise
        except Exception as error:
            raise database.explain_any(error, self._store) from error

    def close(self) -> None:
        """Stop driving, after what other processes asked this one to drive in the meantime."""
        host, self._host = self._host, None
        if host is not None:
            try:
                self._finish(host)
            except StoreError:
                host.stop(STOP_SECONDS)  # what this command was to do is done, or has failed: no commit is needed to go
        self._close_connections()

    def _finish(self, host: Host) -> None:
        told = False
        seen = host.changes
        while not host.finish():
            if not told:
                self._note("driving what another command left to this one (Ctrl-C stops; the next command continues)")
                told = True
            seen = host.wait_change(seen, LOOK_SECONDS * 10)

    def abandon(self) -> None:
        """Stop driving at once, as on Ctrl-C; nothing that was acknowledged is lost."""
        host, self._host = self._host, None
        if host is not None and not host.stop(STOP_SECONDS):
            self._note("workflow code does not come back: the engine is left as it is (nothing acknowledged is lost)")
        self._close_connections()

    def _close_connections(self) -> None:
        self._hosted.close()
        writer, self._writer = self._writer, None
        if writer is not None:
            writer[0].close()
            if not self._driven():  # an owner does it when it leaves
                with contextlib.suppress(WfctlError):
                    self._query(database.checkpoint)
        if self._reader is not None:
            self._reader.close()
            self._reader = self._place = None
