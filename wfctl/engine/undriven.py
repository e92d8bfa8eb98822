"""Requests to the instances of a store that no process executes, from a process that runs no workflow code.

To end an instance, or to pause it, no code is needed; to resume it, only where something arrived while it was paused.
So this is done in the transaction of the request, and what does need code stays in the inbox. To pause one that rests
is so little that it is done beside an owner too (`StoreUnit.suspend`), which forgets what memory has of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from wfctl.engine.dispatcher import Dispatcher
from wfctl.engine.driven_trees import SOON
from wfctl.engine.execute.port import ActivityTask, Turn
from wfctl.engine.owner_lock import OwnerLock
from wfctl.engine.store import clocks, history_inbox, instances
from wfctl.engine.store.database import Connection
from wfctl.engine.store.instances import Row
from wfctl.engine.store.values import to_micros
from wfctl.engine.transaction import StoreUnit, Unit
from wfctl.errors import WfctlError
from wfctl.model.apps import Apps
from wfctl.model.instance import Skip
from wfctl.model.status import Status
from wfctl.model.turn import TurnResult

T = TypeVar("T")

MOST_TURNS = 1000
MOST_SECONDS = 60.0


class ToBeDriven(BaseException):
    """An operation leaves something to do, which its process is to drive. No error of the operation: nobody may take it
    for one, and go on."""


class UndrivenTransaction:
    """The write transaction of a process that does not drive the store, for one operation or many.

    with UndrivenTransaction(store, db, now) as transaction:  # inside BEGIN IMMEDIATE
        transaction.run(lambda unit: operations.pause(unit, "a", None), at_once="a")
    db.execute("COMMIT")
    """

    def __init__(self, store: Path, db: Connection, now: datetime) -> None:
        self._db = db
        self._now = now
        self._lock = OwnerLock(store)
        self._recorder = StoreUnit(db, now)
        self._dispatcher: Dispatcher | None = None
        self._owned = False
        self._coming: Sequence[str] = ()
        self._told: Unit | None = None  # of what is coming
        self._parents: set[int] | None = None  # among what is coming
        self.leaves_nothing = False  # it is for operations that leave nothing to do; others are ToBeDriven

    def __enter__(self) -> UndrivenTransaction:
        return self

    @property
    def is_owner(self) -> bool:
        """True while this transaction holds the store's lock."""
        return self._dispatcher is not None

    def expect(self, ids: Sequence[str]) -> None:
        """Have the instances with these IDs, which operations are about to ask for, read with a few statements."""
        self._coming, self._told, self._parents = ids, None, None

    def run(self, call: Callable[[Unit], T], at_once: str | None = None, apps: Apps = None) -> T:
        """Run an operation and return its result.

        Where nobody owns the store, the instance `at_once` of these `apps` follows requests for which no code is needed
        at once, those included that were recorded earlier. Where somebody does, the request is recorded, and the tree
        is left to the owner. Neither is needed where nothing is left in its inbox, as where one that rests was paused.
        Raises what `call` raises, StoreError where the lock file cannot be made, and ToBeDriven (`leaves_nothing`).
        """
        unit = self._unit()
        value = call(unit)
        row = None if at_once is None else unit.find(at_once, apps)
        if self.leaves_nothing and (row is None or unit.pending(row.key) or not self._rests(unit, row)):
            raise ToBeDriven
        if row is None or not unit.pending(row.key):
            return value
        self._see_who_owns()
        if self._dispatcher is None:
            self.leave_to_owner([row.root])  # which may be there for other trees only, and would not look at it
        else:
            self._dispatcher.load([row.key])
            while self._dispatcher.run_turns(MOST_TURNS, MOST_SECONDS):
                pass
        return value

    def _rests(self, unit: Unit, row: Row) -> bool:
        """Return True if an owner would find nothing to do in the tree of this instance, now or soon: it has neither
        relatives nor activities, and its next timer is far away."""
        soon = to_micros(self._now + SOON)
        if row.parent is not None or row.busy or (row.wake_at is not None and row.wake_at <= soon):
            return False
        if self._parents is None:
            keys = (unit.find(one, (row.app,)) for one in self._coming)
            self._parents = instances.parents_among(self._db, [one.key for one in keys if one is not None])
        return row.key not in self._parents

    def rows(self, ids: Sequence[str], apps: Apps) -> dict[str, Row] | None:
        """Return, by ID, those of these that are there, as they are now. Raises InvalidInput: several have an ID."""
        unit = self._unit()
        found = ((one, unit.find(one, apps)) for one in ids)
        return {one: row for one, row in found if row is not None}

    def status(self, instance_id: str, apps: Apps = None) -> Status | None:
        """Return the status that the transaction leaves this instance with; None if there is none."""
        row = self._unit().find(instance_id, apps)
        return None if row is None else row.status

    def _unit(self) -> Unit:
        unit = self._dispatcher or self._recorder
        if unit is not self._told:
            unit.expect(self._coming)
            self._told = unit
        return unit

    def leave_to_owner(self, roots: Sequence[int], skip: Skip | None = None) -> None:
        """Have the owner of the store drive these trees, and skip the time of those with clocks of their own."""
        history_inbox.put_wanted(self._db, roots)
        if skip is None:
            return
        for root in roots:
            clock = clocks.get(self._db, root)
            if clock is not None:
                history_inbox.put_skipping(self._db, root, clocks.limit(clock, skip, self._now) or 0)

    def _see_who_owns(self) -> None:
        """Become the owner, if nobody is."""
        if self._dispatcher is not None or self._owned:
            return
        # Taken and given up within the write transaction: whoever leaves a tree to the owner of the store must write
        # for that, and so can never leave it to this process, which drives nothing.
        if not self._lock.take(0):
            self._owned = True
            return
        self._recorder.flush()
        self._dispatcher = Dispatcher(self._db, _NoCode())
        self._dispatcher.begin(self._now)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write what is still in memory, and give up the lock; the caller commits."""
        dispatcher, self._dispatcher = self._dispatcher, None
        try:
            if kind is None:
                (dispatcher or self._recorder).flush()
        finally:
            if dispatcher is not None:
                self._lock.release()


class _NoCode:
    """An executor that knows no workflow."""

    def has_app(self, app: str) -> bool:
        return False

    def knows(self, name: str, app: str) -> bool:
        return False

    def run_turn(self, turn: Turn) -> TurnResult | None:
        raise WfctlError(f"'{turn.instance_id}' was to be run by a process that runs no workflow code")

    def run_activities(self, tasks: Sequence[ActivityTask]) -> None:
        raise WfctlError("activities were to be run by a process that runs none")

    def forget(self, key: int) -> None:
        pass

    def close(self) -> None:
        pass
