"""Own the store and drive what is in it, or see to it that the process that owns it does."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wfctl.client.embedded.app_host import HostedApp, unknown_app, unknown_workflow
from wfctl.client.embedded.store_access import StoreAccess
from wfctl.client.port import Driver
from wfctl.engine.owner_lock import TRY_SECONDS, is_owned
from wfctl.engine.store import clocks, database, reads
from wfctl.engine.store.reading import writable
from wfctl.errors import AppError, StoreError
from wfctl.model import refusals
from wfctl.model.apps import OWN
from wfctl.model.instance import Filter, Skip
from wfctl.model.status import Status

if TYPE_CHECKING:
    from wfctl.engine.engine_thread import Engine
    from wfctl.engine.store.history_inbox import OwnerRow
    from wfctl.model.workers import Worker
    from wfctl.workflow.loading.app import App
    from wfctl.workflow.registry import Registry

Note = Callable[[str], None]

# Seconds between two looks for changes in a process that does not drive; a look takes some microseconds.
LOOK_SECONDS = 0.01
# Seconds that an interrupted command waits for running workflow code.
STOP_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class RunSummary:
    """Summarize `run_all`: the instances that ended, by status; the number still live; and the number of live ones by
    workflow name that this app does not register. `held`: trees whose time was skipped as far as it was to be."""

    ended: dict[Status, int]
    waiting: int
    left_alone: dict[str, int] = field(default_factory=dict)
    timed_out: bool = False
    held: int = 0


class Driving:
    """`engine` is there while this process owns the store."""

    def __init__(self, store: StoreAccess, app: HostedApp, *, may_drive: bool, note: Note) -> None:
        self._store = store
        self._app = app
        self._may_drive = may_drive
        self._app_fails = False
        self._note = note
        self.engine: Engine | None = None
        self._asked_roots: list[int] = []  # roots that the owner was asked to drive
        self._asked_skip: Skip | None = None
        self._seen_changes = 0
        self._seen_version: int | None = -1

    # --- who drives ---------------------------------------------------------------------------------------------

    def driven(self, seconds: float = TRY_SECONDS) -> bool:
        """Return True if this process or another one owns the store; `seconds` as for `is_owned`."""
        return self.engine is not None or (self._store.path.exists() and is_owned(self._store.path, seconds))

    def owner(self) -> OwnerRow | None:
        """Return what the owner of the store says of itself."""
        from wfctl.engine.store.history_inbox import get_owner

        return self._store.query(get_owner) if self.driven() else None

    def driven_by(self) -> str | None:
        """Return who owns the store, in words; None if nobody does."""
        if self.engine is not None:
            return "this command"
        if not self.driven():
            return None
        owner = self.owner()
        if owner is None:  # it has just begun
            return "another wfctl command"
        what = "another wfctl command" if owner.command is None else f"wfctl {owner.command}"
        return f"{what} (PID {owner.pid})"

    def as_worker(self) -> Worker | None:
        """Return the process that owns the store, as a worker; None if nobody does. What it holds is not told."""
        from wfctl.engine.store.values import from_micros
        from wfctl.model.workers import Worker

        if not self.driven():
            return None
        owner = self.owner()
        if owner is None:  # it has just begun
            return Worker("a wfctl command")
        name = "a wfctl command" if owner.command is None else f"wfctl {owner.command}"
        return Worker(
            name + (f" with the app {owner.app}" if owner.app else ""), pid=owner.pid, since=from_micros(owner.since)
        )

    def become_owner(self, seconds: float = TRY_SECONDS) -> bool:
        """Become the owner of the store if it is free and this process may drive. Returns True if it is the owner.

        `seconds` as for `is_owned`: to make sure that another process is more than one that only looks."""
        if self.engine is not None:
            return True
        if not self.may_become_owner(seconds):
            return False
        try:
            self._app.load()
        except AppError as error:
            self._app_fails = True
            self._note(f"no workflow code is run here: {error.message}")
            return False
        return self._start([]) is not None

    def may_become_owner(self, seconds: float) -> bool:
        """Return True if `become_owner` would try to."""
        return self._may_own and not self.driven(seconds) and writable(self._store.path)

    @property
    def _may_own(self) -> bool:
        return self._may_drive and self._app.named and not self._app_fails

    def _start(self, roots: Sequence[int] | None) -> Engine | None:
        self.engine = self._app.start(roots)
        return self.engine

    def check_name(self, name: str, app: str) -> None:
        """Refuse an unregistered workflow before anything is written.

        Raises InvalidInput (unknown, or no app to know it) and AppError.
        """
        if self._app.named and (self._may_drive or not self.driven()):
            registry = self._app.registry(app)
            if registry is None:
                raise unknown_app(app, self._app.app_ids)
            known: Sequence[str] = registry.workflow_names()
        else:
            owner = self.owner()
            if owner is None:
                # A process that has just become the owner has not recorded its workflows yet.
                if self._may_drive and not self.driven():
                    self.load_app()  # says that no app is named
                return
            if app != OWN:
                return  # the owner's names are those of the store's own app
            known = owner.workflows
        if known and name not in known:
            raise unknown_workflow(name, known)

    def registry(self, app: str) -> Registry | None:
        """Return what an app, as stored, registers here; None if it is not here. Raises as `load_app` does."""
        return self._app.registry(app)

    def load_others(self) -> Mapping[str, App]:
        """Return the further apps by ID, imported once. Raises AppError."""
        return self._app.load_others()

    def load_app(self) -> App:
        """Return the app, imported once. Raises InvalidInput if none is named, and AppError."""
        return self._app.load()

    # --- driving ------------------------------------------------------------------------------------------------

    def check_skipping(self) -> None:
        """Refuse to skip time where wfctl serve drives the store. Raises Unsupported."""
        owner = None if self.engine is not None else self.owner()
        if owner is not None and owner.command is not None:
            raise refusals.no_skipping_beside(f"wfctl {owner.command} (PID {owner.pid})")

    def drive(self, roots: Sequence[int], skip: Skip | None = None) -> Driver:
        """Have these trees driven, and their time skipped if asked to. Returns the process that does it."""
        if skip is not None:
            self.check_skipping()
        asked = False
        while True:
            if self.become_owner():
                self._adopt(roots, skip)
                return Driver.HERE
            if self.driven():
                if asked or not writable(self._store.path):
                    return Driver.ELSEWHERE
                # Look once more after this: the owner may have exited before it could see the request.
                self._ask_owner(roots, skip)
                asked = True
            elif not self._may_own or not writable(self._store.path):
                return Driver.NOBODY

    def _adopt(self, roots: Sequence[int], skip: Skip | None) -> None:
        assert self.engine is not None
        if skip is None:
            self.engine.adopt(roots)
        else:
            self.engine.skip(roots, skip)

    def _ask_owner(self, roots: Sequence[int], skip: Skip | None) -> None:
        """Ask the owner of the store to drive these trees."""
        self._asked_roots += roots
        self._asked_skip = skip
        self._store.transact(lambda transaction: transaction.leave_to_owner(roots, skip))

    def held(self, root: int) -> bool:
        return self.engine is not None and bool(self.engine.held([root]))

    def settled(self, roots: Sequence[int]) -> bool:
        return True if self.engine is None else self.engine.settled(roots)

    def changed(self, seconds: float) -> None:
        """Block until something may have changed, up to `seconds`."""
        if self.engine is not None:
            self._seen_changes = self.engine.wait_change(self._seen_changes, seconds)
            if self.engine.error is not None:
                raise self.engine.error
            return
        if self._asked_roots and not self.driven() and self.become_owner():
            self._adopt(self._asked_roots, self._asked_skip)  # the owner that was asked to drive them has exited
            return
        deadline = time.monotonic() + seconds
        while True:
            version = self._store.query(database.data_version)
            left = deadline - time.monotonic()
            if version != self._seen_version or left <= 0:
                self._seen_version = version
                return
            time.sleep(min(LOOK_SECONDS, left))

    def run_all(
        self,
        timeout: float | None,
        progress: Callable[[dict[Status, int]], None] | None,
        skip: Skip | None = None,
    ) -> RunSummary:
        """Drive everything in the store until nothing is due (or `timeout` seconds have passed). With `skip`, drive
        those trees alone that have clocks of their own, and skip their time.

        Raises StoreError if another process owns the store, AppError and InvalidInput when there is no app.
        """
        engine = self._start(None if skip is None else [])
        if engine is None:
            raise StoreError(
                f"another process is executing the store {self._store.path}", hint="it executes what is there"
            )
        skipped: Sequence[int] = []
        if skip is not None:
            skipped = self._store.query(clocks.live_roots) or []
            engine.skip(skipped, skip)
        deadline = None if timeout is None else time.monotonic() + timeout
        timed_out = False
        while not engine.settled(None):
            if deadline is not None and time.monotonic() >= deadline:
                timed_out = True
                break
            self.changed(0.2 if deadline is None else min(0.2, max(0.0, deadline - time.monotonic())))
            if progress is not None:
                progress(engine.completions())
        left: dict[str, int] = {}
        for name in engine.left_alone().values():
            left[name] = left.get(name, 0) + 1
        ended = engine.completions()
        counts = self._store.query(lambda db: reads.count(db, Filter())) or []
        live = sum(c.count for c in counts if not c.status.terminal)
        return RunSummary(ended, live, left, timed_out, len(engine.held(skipped)))

    # --- the end ------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop driving, after what other processes asked this one to drive in the meantime."""
        engine, self.engine = self.engine, None
        if engine is not None:
            try:
                self._finish(engine)
            except StoreError:
                engine.stop(STOP_SECONDS)  # what this command was to do is done, or has failed: no commit is needed
        self._app.close()

    def _finish(self, engine: Engine) -> None:
        told = False
        seen = engine.changes
        while not engine.finish():
            if not told:
                self._note("driving what another command left to this one (Ctrl-C stops; the next command continues)")
                told = True
            seen = engine.wait_change(seen, LOOK_SECONDS * 10)

    def abandon(self) -> None:
        """Stop driving at once, as on Ctrl-C; nothing that was acknowledged is lost."""
        engine, self.engine = self.engine, None
        if engine is not None and not engine.stop(STOP_SECONDS):
            self._note("workflow code does not come back: the engine is left as it is (nothing acknowledged is lost)")
        self._app.close()
