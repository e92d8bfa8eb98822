"""Skip the time of trees that have clocks of their own: where nothing else is to be done in one, its clock jumps.

A tree has come to rest when no turn and no activity of it is to be run, or runs. Its clock then jumps to the next time
that something in it waits for, in the transaction in which that fires: kill -9 leaves both or none.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable
from dataclasses import dataclass

from wfctl.engine.dispatcher import Dispatcher
from wfctl.engine.store import clocks, instances
from wfctl.engine.store.database import Connection
from wfctl.engine.store.instances import Row
from wfctl.engine.store.values import to_micros

# Where no end is given, a clock jumps so often and no more: a workflow that watches for ever would never stop.
MOST_JUMPS = 1000


@dataclass(slots=True)
class _Limit:
    until: int | None  # by the tree's clock
    jumps_left: int | None  # None: any number


@dataclass(frozen=True, slots=True)
class _Either:
    one: Container[int]
    other: Container[int]

    def __contains__(self, key: object) -> bool:
        return key in self.one or key in self.other


@dataclass(frozen=True, slots=True)
class _Paused:
    """The keys of paused instances: no clock jumps for their sake, so that none times out before it is resumed."""

    db: Connection

    def __contains__(self, key: object) -> bool:
        return instances.is_paused(self.db, key)


class Skipping:
    """`held` are the roots of the trees whose time has come to the limit: no timer of theirs fires."""

    def __init__(self, db: Connection, dispatcher: Dispatcher, *, whole_store: bool, asleep: Collection[int]) -> None:
        """`whole_store`: the time of every tree with a clock is skipped.

        `asleep`: the keys of instances whose activities do nothing but wait for time to pass."""
        self._asleep = asleep
        self._db = db
        self._dispatcher = dispatcher
        self._whole_store = whole_store
        self._limits: dict[int, _Limit] = {}
        self._moved: set[int] = set()  # roots of trees that may have come to rest
        self._resting: set[int] = set()  # of those that have
        self.held: set[int] = set()

    def add(self, roots: Iterable[int], until: int | None, jumps: int | None = None) -> None:
        """Skip the time of these trees up to this moment of their clocks, by so many jumps; neither: by MOST_JUMPS."""
        for root in roots:
            self._limits[root] = _Limit(until, MOST_JUMPS if until is None and jumps is None else jumps)
            self._moved.add(root)
            self.held.discard(root)
        self._dispatcher.transaction.wake_changed = True

    def met(self, roots: Iterable[int]) -> None:
        """Take note of trees that are driven now: all of them are skipped, if the store was made for it."""
        if self._whole_store:
            fresh = [root for root in roots if root not in self._limits]
            if fresh:
                self.add(fresh, None)

    def moves(self, roots: Collection[int] | None) -> bool:
        """Return True if one of these trees (None: any) may have come to rest, so that its clock may jump."""
        return any(roots is None or root in roots for each in (self._moved, self._resting) for root in each)

    @property
    def ready(self) -> bool:
        """True if a clock is to jump in the next transaction."""
        return bool(self._resting)

    def written(self, rows: Iterable[Row]) -> None:
        """See, before the commit, which trees have come to rest. `rows` are what the transaction has written."""
        if not self._limits:
            return
        self._moved.update(row.root for row in rows if row.root in self._limits)
        if not self._moved:
            return
        moving, idle = self._dispatcher.moving(), self.idle
        for root in self._moved - set(moving):
            self._moved.discard(root)
            if not instances.runs_in(self._db, root, idle):  # else the end of the activity is a change of its row
                self._resting.add(root)

    @property
    def idle(self) -> Container[int]:
        """The keys of instances whose activities do not run here, or do nothing but wait for time to pass."""
        return _Either(self._dispatcher.idle, self._asleep) if self._asleep else self._dispatcher.idle

    def jump(self) -> bool:
        """Let the clocks of trees at rest jump. Returns True if one did, so that something may be due."""
        if not self._resting:
            return False
        moving = set(self._dispatcher.moving())  # what has arrived in between comes first
        self._moved |= self._resting & moving
        resting, self._resting = self._resting - moving, set()
        jumped = [self._advance(root, self._limits[root]) for root in sorted(resting)]
        return any(jumped)

    def _advance(self, root: int, limit: _Limit) -> bool:
        """Let a clock jump to the next time that its tree waits for, or to the limit. Returns True if it did."""
        clock = self._dispatcher.clock(root)
        if clock is None or not clocks.is_live(self._db, root):
            del self._limits[root]
            self._moved.discard(root)  # it may have been asked for in the same transaction
            self.held.discard(root)
            return False
        now = to_micros(self._dispatcher.now)
        due = instances.next_due_in(self._db, root, _Either(self._dispatcher.blocked, _Paused(self._db)))
        if limit.until is not None:
            end = clock.real(limit.until)
            if due is None or due > end:
                self.held.add(root)
                due = max(end, now)
        if due is not None and due > now and limit.jumps_left is not None:
            if not limit.jumps_left:
                self.held.add(root)
                return False
            limit.jumps_left -= 1
        if due is None or due <= now:
            return due is not None
        self._dispatcher.jump(root, due - now)
        return True

    def rolled_back(self) -> None:
        """Look at all of them again: no jump has taken place."""
        self._moved = set(self._limits)
        self._resting.clear()
        self.held.clear()
