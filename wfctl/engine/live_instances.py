"""The instances that the owner keeps in memory between turns, and the two lists it works through."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from weakref import WeakValueDictionary

from wfctl.engine.core.folded_state import folded
from wfctl.engine.live_instance import LiveInstance
from wfctl.engine.readiness import Readiness
from wfctl.engine.store import clocks, history_inbox, instances
from wfctl.engine.store.clocks import TreeClock
from wfctl.engine.store.database import Connection
from wfctl.engine.store.expected import Expected
from wfctl.engine.store.instances import Row
from wfctl.model.apps import Apps
from wfctl.model.events import Event

# More are dropped, least recently used first, and read back when needed.
MAX_LIVE = 10_000
# Of these, so many that merely wait for an external event, which may take for ever to come; each takes some 9 KiB.
MAX_WAITING = 1000


class LiveInstances:
    """Live instances by key, and by ID and app; `dirty` ones are to be written.

    `readiness` says which can take no turn.
    """

    def __init__(self, db: Connection, max_live: int = MAX_LIVE, max_waiting: int = MAX_WAITING) -> None:
        self._db = db
        self._max_live = max_live
        self._max_waiting = max_waiting
        self._live: OrderedDict[int, LiveInstance] = OrderedDict()
        self._waiting: dict[int, None] = {}  # keys of those that merely wait, those first that have for longest
        self._ids: dict[tuple[str, str], LiveInstance] = {}  # by ID and app
        self._apps: set[str] = set()  # of what is or was live
        self._ready: deque[LiveInstance] = deque()
        self.dirty: list[LiveInstance] = []
        self.readiness = Readiness()
        self._clocks: WeakValueDictionary[int, TreeClock] = WeakValueDictionary()
        self._histories: dict[int, list[Event]] = {}  # of what was read back and has not had its turn yet, as committed
        self._expected = Expected()  # of the open transaction

    def __len__(self) -> int:
        return len(self._live)

    def __iter__(self) -> Iterator[int]:
        return iter(self._live)

    def known(self, key: int) -> LiveInstance | None:
        """Return the live instance if it is in memory already."""
        return self._live.get(key)

    def find(self, instance_id: str, apps: Apps = None) -> Row | None:
        """Return the instance that has this ID in these apps. Raises InvalidInput: more than one has it."""
        live = None if apps is None else self._ids.get((instance_id, apps[0]))
        if live is not None:
            return live.row
        expected = self._expected.get(instance_id)  # what was created since, if anything, is live
        if expected is None and apps is not None and len(apps) == 1:
            return instances.find(self._db, instance_id, apps)
        found = instances.of_every_app(self._db, instance_id) if expected is None else dict(expected)
        if self._ids:
            for app in self._apps:
                live = self._ids.get((instance_id, app))
                if live is not None:
                    found[app] = live.row
        return instances.of_apps(found, instance_id, apps)

    def expect(self, ids: Sequence[str]) -> None:
        """Read the instances that have these IDs, which the open transaction will ask for, with a few statements."""
        if not ids:
            return
        rows = self._expected.read(self._db, ids)
        self._load([row for row in rows if not row.status.terminal and row.key not in self._live])

    def children(self, key: int) -> list[Row]:
        rows = []
        for row in instances.children(self._db, key):
            live = self._live.get(row.key)
            rows.append(row if live is None else live.row)
        return rows + [live.row for live in self.dirty if live.new and live.row.parent == key]

    def get(self, key: int) -> LiveInstance | None:
        """Return the live instance, read back from the store if need be; None when it does not exist (any more)."""
        live = self._live.get(key)
        if live is not None:
            self._live.move_to_end(key)
            return live
        self.load([key])
        return self._live.get(key)

    def load(self, keys: Sequence[int]) -> None:
        """Read these back from the store, as far as they are there and not in memory: all with a few statements."""
        absent = [key for key in keys if key not in self._live]
        if absent:
            self._load(instances.by_keys(self._db, absent))

    def _load(self, rows: Sequence[Row]) -> None:
        keys = [row.key for row in rows]
        histories = history_inbox.histories(self._db, {row.key: row for row in rows})
        inboxes = history_inbox.inboxes(self._db, keys)
        any_clock = bool(self._clocks) or clocks.any_clock(self._db)
        for row in rows:
            history, seq = histories.get(row.key, ([], 0))
            self._histories[row.key] = history
            state = folded(history)
            live = LiveInstance(row, state, seq, new=False)
            live.clock = self.clock(row.root) if any_clock else None
            live.waits = bool(state.event_waits() or state.early)
            if not state.early:  # where there are some, an older wfctl may not have recorded them
                live.early = {}
            live.mailbox += inboxes.get(row.key, ())
            self.keep(live)
            self._note_waiting(live)
            self.ready_if(live)

    def _note_waiting(self, live: LiveInstance) -> None:
        self._waiting.pop(live.row.key, None)
        if live.waits and not live.row.busy:
            self._waiting[live.row.key] = None

    def history(self, key: int) -> list[Event]:
        """Return all events of the instance, those of the open transaction included."""
        live = self._live.get(key)
        if live is not None and (live.wipe or not live.seq):
            return list(live.appended)
        committed = self._histories.get(key)
        if committed is None:
            committed = history_inbox.read_history(self._db, key)
        return committed if live is None else committed + live.appended

    def written(self, dirty: Iterable[LiveInstance]) -> None:
        """Take note that these are in the open transaction now; let go of what was as that found it."""
        for live in dirty:
            self._note_waiting(live)
            self._histories.pop(live.row.key, None)
        if self._histories:
            known = ((key, self._live.get(key)) for key in self._histories)
            self._histories = {key: self._histories[key] for key, live in known if live is not None and live.queued}
        self._expected.clear()

    def clock(self, root: int) -> TreeClock | None:
        """Return the clock of this tree, the same for all of its instances; None if it goes by the real time."""
        clock = self._clocks.get(root) or clocks.get(self._db, root)
        if clock is not None:
            self._clocks[root] = clock
        return clock

    def add_clock(self, clock: TreeClock) -> None:
        """Give a new tree a clock."""
        clocks.add(self._db, clock)
        self._clocks[clock.root] = clock

    def jump(self, clock: TreeClock, by: int) -> None:
        """Set the clock of a tree forward, by microseconds."""
        clock.ahead += by
        for key in clocks.jump(self._db, clock.root, by):
            live = self._live.get(key)
            if live is not None and live.row.wake_at is not None:
                live.row.wake_at -= by

    def row(self, key: int) -> Row | None:
        live = self._live.get(key)
        return live.row if live is not None else instances.by_key(self._db, key)

    def keep(self, live: LiveInstance) -> None:
        self._live[live.row.key] = live
        self._ids[live.row.id, live.row.app] = live
        self._apps.add(live.row.app)

    def touch(self, live: LiveInstance) -> None:
        if not live.dirty:
            live.dirty = True
            self.dirty.append(live)

    def try_again(self, keys: Iterable[int]) -> None:
        """Try turns of these instances again, which had to wait for other code."""
        for key in keys:
            self.readiness.try_again(key)
            live = self.get(key)
            if live is not None:
                self.ready_if(live)

    def ready_if(self, live: LiveInstance) -> None:
        """Queue the instance for a turn if it has events and can take one."""
        if live.mailbox and not live.queued and live.row.key not in self.readiness:
            self.queue(live)

    def queue(self, live: LiveInstance) -> None:
        """Queue the instance, which can take a turn, for one. It must not be queued yet."""
        live.queued = True
        self._ready.append(live)

    def next_ready(self) -> LiveInstance | None:
        while self._ready:
            live = self._ready.popleft()
            if live.queued:
                live.queued = False
                return live
        return None

    @property
    def ready(self) -> int:
        """Return how many turns are to be run, or a few more."""
        return len(self._ready)

    def moves(self, scope: Collection[int] | None) -> bool:
        """Return True if a turn in the trees of these roots (None: any) is to be run, or under way."""
        return any(scope is None or live.row.root in scope for live in self._moving())

    def moving(self) -> set[int]:
        """Return the roots of the trees in which a turn is to be run, or under way."""
        return {live.row.root for live in self._moving()}

    def _moving(self) -> Iterator[LiveInstance]:
        yield from (live for live in self._ready if live.queued)
        yield from (live for live in map(self._live.get, self.readiness.turns_in_flight()) if live)

    def drop(self, keys: Sequence[int]) -> None:
        """Forget instances that are no longer in the store."""
        self._expected.drop(keys)
        for key in keys:
            live = self._live.get(key)
            if live is not None:
                live.dirty = live.queued = False
                live.mailbox.clear()
        self.let_go(keys)
        self.readiness.drop(keys)
        self.dirty = [live for live in self.dirty if live.dirty]

    def clear(self) -> list[int]:
        """Forget everything in memory, after a rollback. Returns the keys of the instances."""
        keys = list(self._live)
        self._live.clear()
        self._ids.clear()
        self._waiting.clear()
        self._ready.clear()
        self._clocks.clear()
        self._histories.clear()
        self._expected.clear()
        self.dirty.clear()
        self.readiness.roll_back()
        return keys

    def release(self, key: int) -> None:
        """Let go of a finished instance, unless something of it is still under way."""
        live = self._live.get(key)
        if live is not None and live.row.status.terminal and self._idle(live):
            del self._live[key]
            self._waiting.pop(key, None)
            del self._ids[live.row.id, live.row.app]

    def evict(self) -> list[int]:
        """Let go of what has not been used for longest, down to the limits; the keys that went."""
        if len(self._waiting) <= self._max_waiting and len(self._live) <= self._max_live:
            return []
        return [
            *self._let_go(self._waiting, len(self._waiting) - self._max_waiting),
            *self._let_go(self._live, len(self._live) - self._max_live),
        ]

    def _let_go(self, among: Iterable[int], count: int) -> list[int]:
        """Let go of up to so many of these, the first ones that are idle. Returns their keys."""
        if count <= 0:
            return []
        keys = list(islice((key for key in among if self._idle(self._live[key])), count))
        self.let_go(keys)
        return keys

    def let_go(self, keys: Iterable[int]) -> None:
        """Let go of those of these that are here, which have nothing to do."""
        for key in keys:
            live = self._live.pop(key, None)
            self._waiting.pop(key, None)
            self._histories.pop(key, None)
            if live is not None:
                live.queued = False
                self._ids.pop((live.row.id, live.row.app), None)

    def _idle(self, live: LiveInstance) -> bool:
        return live.idle and not self.readiness.in_flight(live.row.key)
