"""Requests to the instances of a store that nobody drives, from a process that runs no workflow code.

To end an instance, or to pause it, no code is needed; to resume it, only where something arrived while it was paused.
So this is done in the transaction of the request, and what does need code stays in the inbox.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from wfctl.engine.dispatcher import Dispatcher
from wfctl.engine.execute.port import ActivityTask, Turn
from wfctl.engine.owner_lock import OwnerLock
from wfctl.engine.store.database import Connection
from wfctl.engine.transaction import StoreUnit, Unit
from wfctl.errors import WfctlError
from wfctl.model.turn import TurnResult

T = TypeVar("T")

MOST_TURNS = 1000
MOST_SECONDS = 60.0


def operate(store: Path, db: Connection, now: datetime, call: Callable[[Unit], T], instance_id: str) -> T:
    """Run an operation on an instance inside the caller's write transaction, and return its result.

    Where nobody owns the store, the instance follows requests for which no code is needed at once, those included that
    were recorded earlier. Where somebody does, the request is recorded for the owner.
    Raises what `call` raises, and StoreError where the lock file cannot be made.
    """
    lock = OwnerLock(store)
    # Taken and given up within the write transaction: whoever leaves a tree to the owner of the store must write for
    # that, and so can never leave it to this process, which drives nothing.
    if not lock.take(0):
        return call(StoreUnit(db, now))
    try:
        dispatcher = Dispatcher(db, _NoCode())
        dispatcher.begin(now)
        value = call(dispatcher)
        found = dispatcher.find(instance_id)
        if found is not None:
            dispatcher.read_inbox(found.key)
        while dispatcher.turns.run(MOST_TURNS, MOST_SECONDS):
            pass
        dispatcher.flush()
        return value
    finally:
        lock.release()


class _NoCode:
    """An executor that knows no workflow."""

    def knows(self, name: str) -> bool:
        return False

    def run_turn(self, turn: Turn) -> TurnResult | None:
        raise WfctlError(f"'{turn.instance_id}' was to be run by a process that runs no workflow code")

    def run_activities(self, tasks: Sequence[ActivityTask]) -> None:
        raise WfctlError("activities were to be run by a process that runs none")

    def forget(self, key: int) -> None:
        pass

    def close(self) -> None:
        pass
