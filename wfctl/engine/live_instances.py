"""The instances that the owner keeps in memory between turns, and the two lists it works through."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection, Iterable, Iterator
from itertools import islice

from wfctl.engine.core.folded_state import folded
from wfctl.engine.live_instance import Live
from wfctl.engine.store import history_inbox, instances
from wfctl.engine.store.database import Connection
from wfctl.engine.store.instances import Row
from wfctl.model.events import Event

# More are dropped, least recently used first, and read back when needed.
MAX_LIVE = 10_000


class Memory:
    """Live instances by key and by ID; `dirty` ones are to be written, `ready` ones to be run.

    `parked` are the keys for which no turn is tried until other code comes: they are stalled, or `left_alone` (with the
    workflow's name), because no worker knows them. `held` are these and those whose turn is in flight.
    """

    def __init__(self, db: Connection, max_live: int = MAX_LIVE) -> None:
        self._db = db
        self._max_live = max_live
        self._live: OrderedDict[int, Live] = OrderedDict()
        self._ids: dict[str, Live] = {}
        self._ready: deque[Live] = deque()
        self.dirty: list[Live] = []
        self.held: set[int] = set()
        self.parked: set[int] = set()
        self.left_alone: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._live)

    def __iter__(self) -> Iterator[int]:
        return iter(self._live)

    def known(self, key: int) -> Live | None:
        """The live instance if it is in memory already."""
        return self._live.get(key)

    def find(self, instance_id: str) -> Row | None:
        live = self._ids.get(instance_id)
        return live.row if live is not None else instances.find(self._db, instance_id)

    def children(self, key: int) -> list[Row]:
        rows = []
        for row in instances.children(self._db, key):
            live = self._live.get(row.key)
            rows.append(row if live is None else live.row)
        return rows + [live.row for live in self.dirty if live.new and live.row.parent == key]

    def get(self, key: int) -> Live | None:
        """The live instance, read back from the store if need be; None when it does not exist (any more)."""
        live = self._live.get(key)
        if live is not None:
            self._live.move_to_end(key)
            return live
        row = instances.by_key(self._db, key)
        if row is None:
            return None
        state = folded(history_inbox.read_history(self._db, key))
        live = Live(row, state, history_inbox.last_seq(self._db, key), new=False)
        live.waits = bool(state.event_waits())
        live.mailbox = [(seq, event) for seq, event in history_inbox.inbox_of(self._db, key)]
        self.keep(live)
        live.parked = key in self.parked
        self.ready_if(live)
        return live

    def row(self, key: int) -> Row | None:
        live = self._live.get(key)
        return live.row if live is not None else instances.by_key(self._db, key)

    def keep(self, live: Live) -> None:
        self._live[live.row.key] = live
        self._ids[live.row.id] = live

    def touch(self, live: Live) -> None:
        if not live.dirty:
            live.dirty = True
            self.dirty.append(live)

    def park(self, live: Live) -> None:
        """Try no turn of this instance until other code comes."""
        live.parked = True
        self.parked.add(live.row.key)
        self.held.add(live.row.key)

    def unpark(self, keys: Iterable[int]) -> None:
        """Try turns of these instances again."""
        for key in sorted(keys):
            self.left_alone.pop(key, None)
            self.parked.discard(key)
            live = self.get(key)
            if live is None or live.in_flight is None:
                self.held.discard(key)
            if live is not None:
                live.parked = False
                self.ready_if(live)

    def ready_if(self, live: Live) -> None:
        """Queue the instance for a turn if it has events and can take one."""
        if live.mailbox and not live.queued and not live.parked and live.in_flight is None:
            live.queued = True
            self._ready.append(live)

    def next_ready(self) -> Live | None:
        while self._ready:
            live = self._ready.popleft()
            if live.queued:
                live.queued = False
                return live
        return None

    @property
    def any_ready(self) -> bool:
        return bool(self._ready)

    def moves(self, scope: Collection[int] | None) -> bool:
        """Whether a turn in the trees of these roots (None: any) is to be run, or under way."""
        in_flight = (live for live in map(self._live.get, self.held) if live and live.in_flight is not None)
        queued = (live for live in self._ready if live.queued)
        return any(scope is None or live.row.root in scope for lives in (queued, in_flight) for live in lives)

    def drop(self, keys: Iterable[int]) -> None:
        """Forget instances that are no longer in the store."""
        for key in keys:
            live = self._live.pop(key, None)
            if live is not None:
                self._ids.pop(live.row.id, None)
                live.dirty = live.queued = False
                live.mailbox.clear()
            self.held.discard(key)
            self.parked.discard(key)
            self.left_alone.pop(key, None)
        self.dirty = [live for live in self.dirty if live.dirty]

    def clear(self) -> list[int]:
        """Forget everything in memory, and return the keys it held. What no worker knows is known to be so."""
        keys = list(self._live)
        self._live.clear()
        self._ids.clear()
        self._ready.clear()
        self.dirty.clear()
        self.parked = set(self.left_alone)
        self.held = set(self.left_alone)
        return keys

    def release(self, key: int) -> None:
        """Let go of a finished instance, unless something of it is still under way."""
        live = self._live.get(key)
        if live is not None and live.row.status.terminal and live.idle:
            del self._live[key]
            del self._ids[live.row.id]

    def evict(self) -> list[int]:
        """Let go of what has not been used for longest, down to the limit; the keys that went."""
        excess = len(self._live) - self._max_live
        if excess <= 0:
            return []
        keys = list(islice((key for key, live in self._live.items() if live.idle), excess))
        for key in keys:
            self._ids.pop(self._live.pop(key).row.id, None)
        return keys


def past(db: Connection, live: Live) -> list[Event]:
    """All events of the instance, those of the open transaction included."""
    committed = [] if live.wipe else history_inbox.read_history(db, live.row.key)
    return committed + live.appended
