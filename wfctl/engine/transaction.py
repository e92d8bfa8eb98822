"""A unit of work on the store: what an operation reads and writes inside one transaction.

Two implementations: `StoreUnit` here, for processes that do not own the store and only commit, and the dispatcher's
own (`wfctl.engine.dispatcher`), which keeps live instances in memory and lets them act in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from wfctl.engine.store import history_inbox, instances
from wfctl.engine.store.database import Connection
from wfctl.engine.store.instances import Row
from wfctl.model.events import Event, ExecutionStarted


class Unit(Protocol):
    now: datetime
    store: Connection  # inside its transaction, for what no memory is kept of

    def find(self, instance_id: str) -> Row | None: ...

    def pending(self, key: int) -> Sequence[Event]:
        """Committed events that no turn has consumed yet."""
        ...

    def children(self, key: int) -> Sequence[Row]: ...

    def history(self, key: int) -> Sequence[Event]: ...

    def create(self, row: Row, arriving: Sequence[Event], history: Sequence[Event] = ()) -> None:
        """Add an instance: one to be started, or one with a history to go on from. Sets the row's key (and its
        root, where that is 0: a row of its own)."""
        ...

    def send(self, key: int, event: Event) -> None:
        """Put an event into the instance's inbox."""
        ...

    def delete(self, keys: Sequence[int]) -> None: ...


class StoreUnit:
    """Straight on the database; whoever owns the store acts on what is written here."""

    def __init__(self, db: Connection, now: datetime) -> None:
        self._db = db
        self.now = now
        self.store = db

    def find(self, instance_id: str) -> Row | None:
        return instances.find(self._db, instance_id)

    def pending(self, key: int) -> Sequence[Event]:
        return [event for _, event in history_inbox.inbox_of(self._db, key)]

    def children(self, key: int) -> Sequence[Row]:
        return instances.children(self._db, key)

    def history(self, key: int) -> Sequence[Event]:
        return history_inbox.read_history(self._db, key)

    def create(self, row: Row, arriving: Sequence[Event], history: Sequence[Event] = ()) -> None:
        row.key = instances.next_key(self._db)
        row.root = row.root or row.key
        instances.insert(self._db, [row])
        for event in arriving:
            if isinstance(event, ExecutionStarted) and event.input is not None:
                instances.put_inputs(self._db, [(row.key, event.input)])
            history_inbox.put_inbox(self._db, row.key, event)
        if history:
            write_first_history(self._db, row, history)
            history_inbox.put_wanted(self._db, row.root, born=True)

    def send(self, key: int, event: Event) -> None:
        history_inbox.put_inbox(self._db, key, event)

    def delete(self, keys: Sequence[int]) -> None:
        instances.delete(self._db, keys)
        history_inbox.put_gone(self._db, keys)


def write_first_history(db: Connection, row: Row, history: Sequence[Event]) -> None:
    """The history an instance is born with (rerun), its input and the events it waits for."""
    from wfctl.engine.core.folded_state import folded
    from wfctl.engine.store.codec import encode
    from wfctl.engine.store.values import to_micros

    state = folded(history)
    if state.started is not None and state.started.input is not None:
        instances.put_inputs(db, [(row.key, state.started.input)])
    history_inbox.append_history(db, [(row.key, 1, to_micros(history[-1].timestamp), encode(history))])
    instances.put_waits(db, row.key, state.event_waits())
