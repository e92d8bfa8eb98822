"""Implement the port `Workflows` with the embedded engine: this process, and one SQLite file.

One process at a time owns the store and drives its instances; the others read the store and commit requests to it for
the owner to carry out. A command with an app becomes the owner while it runs if nobody else is, and drives the
instances that it touches.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from wfctl.client.embedded.app_host import AppLogs, AppSidecar, HostedApp
from wfctl.client.embedded.driving import Driving, Note, RunSummary
from wfctl.client.embedded.store_access import StoreAccess
from wfctl.client.port import Driver, Requested, Scan, one_by_one
from wfctl.engine.owner_lock import is_owned
from wfctl.engine.store import database, instances, reads
from wfctl.engine.store.instances import Row
from wfctl.errors import StoreError, WfctlError
from wfctl.model import refusals
from wfctl.model.apps import Apps, only, stored
from wfctl.model.choices import Reach
from wfctl.model.instance import Count, Failed, Filter, Instance, RerunRequest, Skip, StartRequest, Waiting
from wfctl.model.status import Status

if TYPE_CHECKING:  # what writes, drives or decodes history is loaded by the commands that do so
    from wfctl.bundle import Exports
    from wfctl.client.embedded.effects import Effects
    from wfctl.engine.transaction import Unit
    from wfctl.engine.undriven import UndrivenTransaction
    from wfctl.model.awaited import AwaitedEvent, EventGroup
    from wfctl.model.events import Event
    from wfctl.model.logs import LogLine
    from wfctl.model.workers import AppWorkers
    from wfctl.workflow.loading.app import App

T = TypeVar("T")
R = TypeVar("R")

# Operations of a batch that are committed together; whoever else writes to the store waits for them.
GROUP_SIZE = 200


class _OwnersTransaction:
    """The open transaction of the engine in this process."""

    is_owner = True

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def expect(self, ids: Sequence[str]) -> None:
        self._unit.expect(ids)

    def run(self, call: Callable[[Unit], T], at_once: str | None = None, apps: Apps = None) -> T:
        return call(self._unit)

    def rows(self, ids: Sequence[str], apps: Apps) -> dict[str, Row] | None:
        """Return None: they are to be read as they were committed."""
        return None

    def status(self, instance_id: str, apps: Apps = None) -> Status | None:
        """Return None: what it is in the end is for its turns to say, which are still to come."""
        return None


def open_embedded(
    store: Path,
    app: str | None,
    base: Path | None,
    drive: bool,
    *,
    note: Note,
    named: bool = False,
    python: Callable[[], Path | None] = lambda: None,
    logs: AppLogs | None = None,
    sidecar: AppSidecar | None = None,
    app_id: str | None = None,
    others: Mapping[str, tuple[str, Path]] | None = None,
) -> EmbeddedWorkflows:
    """Open the store at `store`; it is made when the first request is written.

    `drive`: this process may run the app. `named`: it is an error to read the store while it does not exist; else there
    is just nothing in it. `python` finds the interpreter to run the app with, None for this one. `logs`: what to do
    with what the app logs, besides keeping it. `sidecar` is for an app that uses `DaprClient`.
    `app_id`: the app whose instances are meant, None for all. `others`: further apps to run here, by app ID, as `app`
    and `base`.
    """
    access = StoreAccess(store, named=named, note=note)
    hosted = HostedApp(store, app, base, note, python, logs, sidecar, others)
    return EmbeddedWorkflows(access, Driving(access, hosted, may_drive=drive, note=note), note, app_id)


class EmbeddedWorkflows:
    def __init__(self, store: StoreAccess, driving: Driving, note: Note, app_id: str | None = None) -> None:
        """`app_id`: the app whose instances are meant, None for all."""
        self._store = store
        self._app_id = app_id
        self._apps = only(app_id)
        self._driving = driving
        self._note = note
        self._group: _OwnersTransaction | UndrivenTransaction | None = None  # where `for_each` writes just now
        self._told_unknown: set[str] = set()

    @cached_property
    def _effects(self) -> Effects:
        from wfctl.client.embedded.effects import Effects

        return Effects(self._store, self._driving, self._apps)

    # --- reading ------------------------------------------------------------------------------------------------

    def get(self, instance_id: str, *, payloads: bool = True) -> Instance:
        found = self._store.query(lambda db: self._get(db, instance_id, payloads))
        if found is None:
            raise refusals.not_found(instance_id)
        return found

    def _get(self, db: database.Connection, instance_id: str, payloads: bool) -> Instance | None:
        found = reads.get(db, instance_id, payloads=payloads, driven=True, apps=self._apps)
        if found is None or found.status.terminal:
            return found
        if self._driven():
            return found if found.own_time is None else self._as_left_alone(db, found)
        return reads.get(db, instance_id, payloads=payloads, driven=False, apps=self._apps)

    def _as_left_alone(self, db: database.Connection, found: Instance) -> Instance:
        """Return an instance whose time is skipped with the word that wfctl serve, if that drives, leaves it alone."""
        from wfctl.engine.store.history_inbox import get_owner

        owner = get_owner(db) if self._driving.engine is None else None
        if owner is None or owner.command is None:
            return found
        why = f"wfctl {owner.command} (PID {owner.pid}) skips no time"
        return replace(found, waiting_for=(Waiting("driver", last_error=why), *found.waiting_for))

    def several(self, instance_ids: Sequence[str], *, payloads: bool, waiting: bool) -> Mapping[str, Instance]:
        driven = not waiting or self._driven()  # to look takes a moment where somebody drives

        rows = None if self._group is None else self._group.rows(instance_ids, self._apps)

        def select(db: database.Connection) -> Mapping[str, Instance]:
            # A group's transaction has read them, and nobody writes beside it.
            with database.snapshot(db):
                found = instances.find_all(db, instance_ids, self._apps) if rows is None else rows
                return reads.of_rows(db, found, payloads=payloads, driven=driven, waiting=waiting)

        return self._store.query(select) or {}

    def still_match(self, instance_ids: Sequence[str], filter: Filter) -> Collection[str]:
        return self._store.query(lambda db: reads.still_match(db, instance_ids, filter, self._apps)) or ()

    def list(
        self,
        filter: Filter,
        *,
        payloads: bool = True,
        waiting: bool = True,
        in_order: bool = True,
        scan: Scan | None = None,
    ) -> Iterator[Instance]:
        reader = self._store.reader()
        if reader is None:
            if filter.after is not None:
                raise refusals.not_found(filter.after)
            return

        driven = not (waiting or filter.told) or self._driven()

        def select(db: database.Connection) -> Iterator[Instance]:
            return reads.select(db, filter, payloads=payloads, driven=driven, waiting=waiting, apps=self._apps)

        rows = iter(self._store.query(lambda db: [*select(db)]) or ()) if reader.still else select(reader.connection)
        while True:
            row = self._store.guard(lambda: next(rows, None))
            if row is None:
                return
            yield row

    def names_apps(self) -> bool:
        return self._apps is None and bool(self._store.query(reads.names_apps))

    def parents(self, instance_ids: Sequence[str]) -> Mapping[str, str]:
        return self._store.query(lambda db: reads.parents(db, instance_ids, self._apps)) or {}

    def count(self, filter: Filter) -> Sequence[Count]:
        return self._store.query(lambda db: reads.count(db, filter, self._apps)) or []

    def failures(self, filter: Filter) -> Iterator[Failed]:
        return iter(self._store.query(lambda db: [*reads.failures(db, filter, self._apps)]) or ())

    def events(self, filter: Filter) -> Sequence[AwaitedEvent]:
        from wfctl.engine.store import awaited

        return self._store.query(lambda db: awaited.listed(db, filter, self._apps)) or []

    def event_groups(self, filter: Filter) -> Sequence[EventGroup]:
        from wfctl.engine.store import awaited

        return self._store.query(lambda db: awaited.counted(db, filter, self._apps)) or []

    def history(self, instance_id: str) -> Sequence[Event]:
        found = self._store.query(lambda db: reads.history(db, instance_id, self._apps))
        if found is None:
            raise refusals.not_found(instance_id)
        return found

    def logs(
        self, instance_id: str, *, after: int = 0, step: str | None = None, level: int = 0, limit: int | None = None
    ) -> Sequence[LogLine]:
        found = self._store.query(
            lambda db: reads.log_lines(
                db, instance_id, after=after, step=step, level=level, limit=limit, apps=self._apps
            )
        )
        if found is None:
            raise refusals.not_found(instance_id)
        return found

    def export(self, instance_ids: Sequence[str] | None, filter: Filter, reach: Reach) -> Exports:
        from wfctl.engine.store.exporting import export

        reader = self._store.reader()
        if reader is None:
            if instance_ids:
                raise refusals.not_found(instance_ids[0])
            return
        connection = reader.connection
        exported = export(connection, instance_ids, filter, reach, self._apps)
        while True:
            one = self._store.guard(lambda: next(exported, None))
            if reader.connection is not connection:
                raise StoreError(
                    f"somebody has begun to write to the store {self._store.path} while it was read",
                    hint="export again",
                )
            if one is None:
                return
            yield one

    def untold(self) -> Sequence[str]:
        return ()

    # --- writing ------------------------------------------------------------------------------------------------

    def start(self, request: StartRequest) -> str:
        from wfctl.engine import operations

        asked = replace(request, app_id=request.app_id or self._app_id)
        self._driving.check_name(asked.name, stored(asked.app_id))
        if asked.own_clock:
            self._driving.check_skipping()
        return self._write(lambda unit: operations.start(unit, asked))

    def pause(self, instance_id: str, *, reason: str | None = None) -> Requested | None:
        from wfctl.engine import operations

        return self._ask(
            instance_id,
            lambda unit: operations.pause(unit, instance_id, reason, self._apps),
            lambda status: status is Status.SUSPENDED,
        )

    def resume(self, instance_id: str, *, reason: str | None = None) -> Requested | None:
        from wfctl.engine import operations

        return self._ask(
            instance_id,
            lambda unit: operations.resume(unit, instance_id, reason, self._apps),
            lambda status: status is not Status.SUSPENDED,
        )

    def raise_event(self, instance_id: str, name: str, data: str | None = None) -> None:
        from wfctl.engine import operations

        self._write(lambda unit: operations.raise_event(unit, instance_id, name, data, self._apps), instance_id)

    def terminate(
        self, instance_id: str, *, output: str | None = None, reason: str | None = None, recursive: bool = True
    ) -> Requested | None:
        from wfctl.engine import operations

        return self._ask(
            instance_id,
            lambda unit: operations.terminate(unit, instance_id, output, reason, recursive, self._apps),
            lambda status: status.terminal,
        )

    def purge(self, instance_id: str, *, force: bool = False, recursive: bool = True) -> int:
        from wfctl.engine import operations

        return self._write(
            lambda unit: operations.purge(unit, instance_id, force, recursive, self._apps),
            instance_id,
            needs_code=False,
        )

    def rerun(self, request: RerunRequest) -> str:
        from wfctl.engine import operations

        return self._write(lambda unit: operations.rerun(unit, request, self._apps), request.source)

    def _ask(self, instance_id: str, call: Callable[[Unit], None], done: Callable[[Status], bool]) -> Requested | None:
        """Write a request, and wait until it has taken effect. Returns Requested if it has not."""
        self._write(call, instance_id, at_once=instance_id)
        if self._group is not None:
            status = self._group.status(instance_id, self._apps)
            if status is not None and (status.terminal or done(status)):
                return None
        from wfctl.client.embedded.effects import Asked

        asked = Asked("the commit", instance_id, done)
        return asked if self._group is not None else self._effects.of([asked])[0]

    def _write(
        self,
        call: Callable[[Unit], T],
        existing: str | None = None,
        *,
        needs_code: bool = True,
        at_once: str | None = None,
    ) -> T:
        """Run an operation and commit it: through the engine if this process drives, else directly in the store.

        `needs_code`: workflow code follows, so that this process drives if it may. If the store has no owner, the same
        transaction also carries out for the instance `at_once` what needs no workflow code.
        """
        if self._group is not None:
            return self._group.run(call, at_once, self._apps)
        self._store.check()
        if existing is not None and self._store.reader() is None:
            raise refusals.not_found(existing)
        if needs_code:
            self._driving.become_owner()
        engine = self._driving.engine
        if engine is None:
            return self._store.transact(lambda transaction: transaction.run(call, at_once, self._apps))
        value = engine.submit(call).result()
        if existing is not None:
            self._tell_unknown([existing])
        return value

    def _tell_unknown(self, instance_ids: Sequence[str]) -> None:
        """Say so, once for each name, where this process drives and its app lacks the workflow of a live one."""
        for row in self._rows(instance_ids).values():
            if row.status.terminal or row.name in self._told_unknown:
                continue
            registry = self._driving.registry(row.app)
            if registry is None:
                self._told_unknown.add(row.name)
                self._note(f"the app '{row.app}' is not here: its instances are left as they are")
            elif not registry.has_workflow(row.name):
                self._told_unknown.add(row.name)
                self._note(f"the app here registers no workflow '{row.name}': its instances are left as they are")

    # --- batches ------------------------------------------------------------------------------------------------

    def for_each(
        self,
        instance_ids: Sequence[str],
        act: Callable[[str], R],
        stop: Callable[[WfctlError], bool],
        look: Callable[[Sequence[str]], None] = lambda ids: None,
    ) -> Iterator[R | WfctlError]:
        for first in range(0, len(instance_ids), GROUP_SIZE):
            results = self._for_group(instance_ids[first : first + GROUP_SIZE], act, stop, look)
            yield from results
            if isinstance(results[-1], WfctlError) and stop(results[-1]):
                return

    def _for_group(
        self,
        instance_ids: Sequence[str],
        act: Callable[[str], R],
        stop: Callable[[WfctlError], bool],
        look: Callable[[Sequence[str]], None],
    ) -> Sequence[R | WfctlError]:
        """Act on all of these in one transaction; where it cannot be committed, on each in its own."""

        def together() -> list[R | WfctlError]:
            look(instance_ids)
            return [*one_by_one(instance_ids, act, stop, lambda ids: None)]

        if len(instance_ids) > 1 and self._store.path.exists():
            try:
                results = self._commit_together(instance_ids, together)
            except WfctlError:
                pass  # nothing was done: see with whom the trouble is
            else:
                return self._after_commit(instance_ids, results)
        return [*one_by_one(instance_ids, act, stop, look)]

    def _commit_together(self, instance_ids: Sequence[str], work: Callable[[], T]) -> T:
        """Let all writes of `work`, which is about these instances, go into one transaction, and commit it."""

        def grouped(transaction: _OwnersTransaction | UndrivenTransaction) -> T:
            transaction.expect(instance_ids)
            self._group = transaction
            try:
                return work()
            finally:
                self._group = None

        def at_rest(transaction: UndrivenTransaction) -> T:
            transaction.leaves_nothing = True
            return grouped(transaction)

        # To make sure that somebody owns the store takes a moment, and there are many groups.
        if self._driving.may_become_owner(0):
            from wfctl.engine.undriven import ToBeDriven

            try:
                return self._store.transact(at_rest)  # for which neither the app nor an engine is needed
            except ToBeDriven:
                self._driving.become_owner(0)
        if self._driving.engine is not None:
            return self._driving.engine.submit(lambda unit: grouped(_OwnersTransaction(unit))).result()
        return self._store.transact(grouped)

    def _after_commit(self, instance_ids: Sequence[str], results: Sequence[R | WfctlError]) -> Sequence[R | WfctlError]:
        """Put what became of each request in the place of the request."""
        from wfctl.client.embedded.effects import Asked

        if self._driving.engine is not None:
            tried = zip(instance_ids, results, strict=False)  # fewer where it stopped
            self._tell_unknown([one for one, result in tried if not isinstance(result, WfctlError)])
        effects = iter(self._effects.of([result for result in results if isinstance(result, Asked)]))
        return [next(effects) if isinstance(result, Asked) else result for result in results]  # type: ignore[misc]

    # --- driving ------------------------------------------------------------------------------------------------

    def drive(self, instance_ids: Sequence[str], *, skip: Skip | None = None) -> Driver:
        return self._driving.drive(self._roots(instance_ids), skip)

    def held(self, instance_id: str) -> bool:
        return self._driving.held(self._roots([instance_id])[0])

    def driven_by(self) -> str | None:
        return self._driving.driven_by()

    def workers(self) -> Sequence[AppWorkers]:
        from wfctl.engine.store import backlog
        from wfctl.model.workers import AppWorkers

        owner = self._driving.as_worker()
        workers = () if owner is None else (owner,)
        return [AppWorkers(None, len(workers), workers, self._store.query(backlog.of) or ())]

    def settled(self, instance_ids: Sequence[str]) -> bool:
        if self._driving.engine is None:
            return True
        return self._driving.settled(self._roots(instance_ids))

    def changed(self, seconds: float) -> None:
        self._driving.changed(seconds)

    def run_all(
        self,
        timeout: float | None,
        progress: Callable[[dict[Status, int]], None] | None = None,
        skip: Skip | None = None,
    ) -> RunSummary:
        """Drive everything in the store until nothing is due (or `timeout` seconds have passed). With `skip`, drive
        those trees alone that have clocks of their own, and skip their time.

        Raises StoreError if another process owns the store, AppError and InvalidInput when there is no app.
        """
        return self._driving.run_all(timeout, progress, skip)

    def load_others(self) -> Mapping[str, App]:
        """Return the further apps of this target by ID, imported once. Raises AppError."""
        return self._driving.load_others()

    def load_app(self) -> App:
        """Return the app of this target, imported once. Raises InvalidInput if none is named, and AppError."""
        return self._driving.load_app()

    def _driven(self) -> bool:
        if self._driving.engine is None and self._group is not None and self._group.is_owner:
            return False
        return self._driving.driven()

    def _rows(self, instance_ids: Sequence[str]) -> Mapping[str, Row]:
        """Return the rows of those that are there, by ID. Raises InvalidInput: more than one instance has an ID."""
        return self._store.query(lambda db: instances.find_all(db, instance_ids, self._apps)) or {}

    def _roots(self, instance_ids: Sequence[str]) -> Sequence[int]:
        """Return the roots of the trees of these instances. Raises NotFound."""
        roots = self._store.query(lambda db: instances.roots(db, instance_ids, self._apps)) or {}
        absent = next((one for one in instance_ids if one not in roots), None)
        if absent is not None:
            raise refusals.not_found(absent)
        return list(dict.fromkeys(roots[one] for one in instance_ids))

    # --- the end ------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop driving, after what other processes asked this one to drive in the meantime."""
        self._driving.close()
        self._close_store()

    def abandon(self) -> None:
        """Stop driving at once, as on Ctrl-C; nothing that was acknowledged is lost."""
        self._driving.abandon()
        self._close_store()

    def _close_store(self) -> None:
        # An owner writes the log into the file when it leaves.
        self._store.close(checkpoint=self._store.has_written and not is_owned(self._store.path, 0))
