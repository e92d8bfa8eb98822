"""Write transactions: as operations see one (`Unit`), and what the owner's lets out at its commit (`Transaction`).

`Unit` has two implementations: `StoreUnit` here, for processes that do not own the store and only commit, and the
dispatcher (`wfctl.engine.dispatcher`), which keeps live instances in memory and lets them act in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from wfctl.engine.execute.port import ActivityTask
from wfctl.engine.store import clocks, event_waits, history_inbox, instances
from wfctl.engine.store.clocks import TreeClock
from wfctl.engine.store.database import Connection
from wfctl.engine.store.expected import Expected
from wfctl.engine.store.instances import Row
from wfctl.model.apps import Apps
from wfctl.model.events import Event, ExecutionSuspended
from wfctl.model.status import Status


class Unit(Protocol):
    """One operation's view of the store, inside a write transaction that the caller commits."""

    @property
    def store(self) -> Connection:
        """The store, inside the transaction, for what no memory is kept of."""
        ...

    @property
    def now(self) -> datetime:
        """The time of the transaction."""
        ...

    def whole_store(self) -> bool:
        """Return True if every new tree gets a clock, see `clocks.whole_store`."""
        ...

    def clock(self, root: int) -> TreeClock | None:
        """The clock of this tree; None if it goes by the real time."""
        ...

    def find(self, instance_id: str, apps: Apps = None) -> Row | None:
        """Return the instance that has this ID in these apps. Raises InvalidInput: more than one has it."""
        ...

    def expect(self, ids: Sequence[str]) -> None:
        """Read the instances with these IDs, which operations will ask for, with a few statements."""
        ...

    def pending(self, key: int) -> Sequence[Event]:
        """Committed events that no turn has consumed yet."""
        ...

    def children(self, key: int) -> Sequence[Row]: ...

    def history(self, key: int) -> Sequence[Event]: ...

    def create(
        self, row: Row, arriving: Sequence[Event], history: Sequence[Event] = (), clock: TreeClock | None = None
    ) -> None:
        """Add an instance: one to be started, or one with a history to continue. Sets the row's key, and its root
        where that is 0 (it has no parent), and that of the clock that its new tree is to have."""
        ...

    def send(self, key: int, event: Event) -> None:
        """Put an event into the instance's inbox."""
        ...

    def suspend(self, row: Row, event: ExecutionSuspended) -> None:
        """Suspend an instance: at once, where that is all there is to do for it, or by its inbox."""
        ...

    def delete(self, keys: Sequence[int]) -> None: ...


@dataclass(slots=True)
class Transaction:
    """The owner's open transaction. A rollback throws it away; a commit lets out what it holds."""

    now: datetime
    latest: int | None = None  # the key of the turn at hand, or of the last one
    # Roots that were created, or sent something, since the driven trees last took note.
    born: list[int] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)
    # After the commit: activities to start, keys that the executor is to forget, instances that ended.
    activities: list[ActivityTask] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    completions: list[Status] = field(default_factory=list)
    # What was written: rows of instances; key, seq and events of each row of history; the highest seq in the inbox.
    rows: list[Row] = field(default_factory=list)
    history: list[tuple[int, int, list[Event]]] = field(default_factory=list)
    last_inbox: int = 0
    news: bool = False  # more than histories changed
    wake_changed: bool = False  # something may be due at another time than before
    jumps: dict[int, int] = field(default_factory=dict)  # how far the clocks of trees jumped, in microseconds, by root


class StoreUnit:
    """Straight on the database, but for what `flush` writes; whoever owns the store acts on what is written here."""

    def __init__(self, db: Connection, now: datetime) -> None:
        self._db = db
        self.now = now
        self._expected = Expected()
        # Of what is expected: the keys whose children, and whose inboxes, nobody has asked for yet; and what was found.
        self._parents: list[int] = []
        self._unread: set[int] = set()
        self._children: dict[int, list[Row]] = {}
        self._inboxes: dict[int, list[Event]] = {}
        self._whole_store: bool | None = None  # not asked yet
        self._sent: list[tuple[int, Event]] = []  # to be written, as the next
        self._suspended: list[tuple[Row, ExecutionSuspended]] = []
        self._deleted: dict[int, None] = {}
        self._any_clock = True

    @property
    def store(self) -> Connection:
        self.flush()
        return self._db

    def expect(self, ids: Sequence[str]) -> None:
        """Read the instances with these IDs, which operations will ask for, with a few statements."""
        if not ids:
            return
        self.flush()
        keys = [row.key for row in self._expected.read(self._db, ids)]
        self._parents = keys
        self._unread.update(keys)
        self._any_clock = clocks.any_clock(self._db)

    def find(self, instance_id: str, apps: Apps = None) -> Row | None:
        expected = self._expected.get(instance_id)
        if expected is None:
            self.flush()
            return instances.find(self._db, instance_id, apps)
        return instances.of_apps(expected, instance_id, apps)

    def pending(self, key: int) -> Sequence[Event]:
        if key in self._unread:  # whoever asks for one asks for all
            self.flush()
            found = history_inbox.inboxes(self._db, [*self._unread])
            self._inboxes.update((one, [event for _, event in found.get(one, ())]) for one in self._unread)
            self._unread.clear()
        expected = self._inboxes.get(key)
        if expected is not None:
            return expected
        self.flush()
        return [event for _, event in history_inbox.inbox_of(self._db, key)]

    def children(self, key: int) -> Sequence[Row]:
        if self._suspended:
            self.flush()
        if self._parents:  # likewise
            self._children = instances.children_of(self._db, self._parents)
            self._parents = []
        found = self._children.get(key)
        if found is None:
            found = instances.children(self._db, key)
        return [row for row in found if row.key not in self._deleted]

    def history(self, key: int) -> Sequence[Event]:
        self.flush()
        return history_inbox.read_history(self._db, key)

    def whole_store(self) -> bool:
        if self._whole_store is None:
            self._whole_store = clocks.whole_store(self._db)
        return self._whole_store

    def clock(self, root: int) -> TreeClock | None:
        return clocks.get(self._db, root) if self._any_clock else None

    def create(
        self, row: Row, arriving: Sequence[Event], history: Sequence[Event] = (), clock: TreeClock | None = None
    ) -> None:
        self.flush()
        self._expected.changed(row.id)
        self._children.clear()
        row.key = instances.next_key(self._db)
        row.root = row.root or row.key
        instances.insert(self._db, [row])
        if clock is not None:
            clock.root = row.root
            clocks.add(self._db, clock)
            self._any_clock = True
        history_inbox.send(self._db, [(row.key, event) for event in arriving])
        if history:
            write_first_history(self._db, row, history)
            history_inbox.put_wanted(self._db, [row.root], born=True)

    def send(self, key: int, event: Event) -> None:
        self._sent.append((key, event))
        if key in self._inboxes:
            self._inboxes[key].append(event)

    def suspend(self, row: Row, event: ExecutionSuspended) -> None:
        """Suspend an instance: at once where it rests, so that no code has a part in it, or by its inbox.

        One rests that runs and has nothing in its inbox: no turn of it is to be run, or under way.
        """
        if row.status is not Status.RUNNING or self.pending(row.key):
            self.send(row.key, event)
            return
        row.status = Status.SUSPENDED
        self._children.clear()
        self._suspended.append((row, event))

    def delete(self, keys: Sequence[int]) -> None:
        self._expected.drop(keys)
        self._deleted.update(dict.fromkeys(keys))

    def flush(self) -> None:
        """Write what is still in memory, before the commit."""
        sent, self._sent = self._sent, []
        if sent:
            history_inbox.send(self._db, sent)
        suspended, self._suspended = self._suspended, []
        if suspended:
            history_inbox.suspend(self._db, suspended)
        deleted, self._deleted = self._deleted, {}
        if deleted:
            self._children.clear()
            instances.delete(self._db, [*deleted])
            history_inbox.put_gone(self._db, [*deleted])


def write_first_history(db: Connection, row: Row, history: Sequence[Event]) -> None:
    """Write the history that an instance is born with (rerun), and the events it waits for."""
    from wfctl.engine.core.folded_state import folded
    from wfctl.engine.store.codec import encode_row
    from wfctl.engine.store.values import to_micros

    state = folded(history)
    at = to_micros(history[-1].timestamp)
    history_inbox.append_history(db, [(row.key, 1, at, encode_row(history, at, row))])
    event_waits.put(db, row.key, state.event_waits(), state.early_events())
