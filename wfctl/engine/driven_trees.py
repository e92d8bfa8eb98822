"""The trees that an owner drives: what other processes have written for them, and when something in them is due.

All of it runs on the engine's thread, inside the owner's open transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta

from wfctl.engine.dispatcher import Dispatcher
from wfctl.engine.skipping import Skipping
from wfctl.engine.store import clocks, database, history_inbox, instances
from wfctl.engine.store.database import Connection
from wfctl.engine.store.history_inbox import Arrival
from wfctl.engine.store.values import from_micros, to_micros
from wfctl.model.instance import Skip

# Requests of other processes that one transaction takes in at the most, and at the least while turns are left from the
# one before: as many as turns are run, since what is read of an instance for its turn is kept no longer than that.
MOST_ARRIVALS, FEW_ARRIVALS = 2000, 200
# Up to this many trees are asked one by one when something is due; above it, all timers in the store are gone through.
FEW_TREES = 50
# "Soon", for `settled`: a timer that is further away does not keep a command waiting.
SOON = timedelta(seconds=10)

# What is known of the store's version: nothing (read all of the inbox), or that there is more to read.
_UNREAD, _MORE = -1, -2


class DrivenTrees:
    """`roots` None: all trees in the store."""

    def __init__(
        self,
        db: Connection,
        dispatcher: Dispatcher,
        roots: Sequence[int] | None,
        *,
        may_skip: bool = True,
        asleep: Collection[int] = (),
    ) -> None:
        self._db = db
        whole_store = may_skip and clocks.whole_store(db)
        self._skipping = Skipping(db, dispatcher, whole_store=whole_store, asleep=asleep)
        self._may_skip = may_skip
        self._dispatcher = dispatcher
        self._roots: set[int] | None = None if roots is None else set(roots)
        self._left_to_us: set[int] = set()  # roots that other processes rely on this one to drive
        self._fresh: list[int] = []  # roots taken over in the open transaction
        self._due: int | None = None
        self._due_known = False
        self._last_inbox = 0
        self._many_arrive = False
        self._ahead = 0  # of so many arrivals, what they are for has been read back
        self._version = _UNREAD
        self._seen = _UNREAD  # the version that the open transaction has read

    # --- the owner's transactions -------------------------------------------------------------------------------

    def load(self) -> None:
        """Take up what is unfinished, at the start. Memory has nothing yet that could be gone."""
        history_inbox.take_gone(self._db)
        if self._roots is not None:
            self._load_trees(sorted(self._roots))
            return
        self._skipping.met(clocks.live_roots(self._db))
        history_inbox.take_wanted(self._db)
        for key in instances.busy_keys(self._db, None):
            self._dispatcher.set_in_motion(key)

    def others_wrote(self) -> bool:
        return database.data_version(self._db) != self._version

    def read_others(self) -> None:
        """Take in what other processes have committed."""
        version = database.data_version(self._db)
        self._seen = version
        if version == self._version:
            return
        dispatcher = self._dispatcher
        dispatcher.others_wrote()
        gone = history_inbox.take_gone(self._db)
        if gone:
            dispatcher.forget(gone)
        wanted = history_inbox.take_wanted(self._db)
        if self._roots is None:
            self._load_trees([one.root for one in wanted if one.born])
        else:
            self.adopt([one.root for one in wanted])
            self._left_to_us.update(one.root for one in wanted)
            if self._version == _UNREAD:
                self._last_inbox = history_inbox.max_inbox(self._db)
                for root in sorted(self._roots):
                    self._load_inbox(root)
        for one in wanted:
            if one.skip is not None and self._may_skip:
                self._skipping.add([one.root], one.skip or None)
        if self._read_inbox():
            self._seen = _MORE
        dispatcher.transaction.wake_changed = True

    def read_ahead(self) -> None:
        """While other processes put in a lot, read back what it is for before the transaction: they can write then.

        It holds in the transaction: what others change of an instance besides its inbox, they say in `gone`."""
        if self._many_arrive:
            self._ahead = self._most_arrivals()
            with database.snapshot(self._db):
                arrivals = self._arrivals(self._ahead)
                self._dispatcher.read_back([row.key for row in arrivals if self._is_for_us(row)])

    def _read_inbox(self) -> bool:
        """Read one part of the inbox. Returns True if there is more."""
        most = self._ahead or self._most_arrivals()
        self._ahead = 0
        rows = self._arrivals(most)
        arrived: dict[int, list[tuple[int, str]]] = {}
        for row in rows:
            self._last_inbox = row.seq
            if self._is_for_us(row):
                arrived.setdefault(row.key, []).append((row.seq, row.text))
                self._skipping.met([row.root])
        self._dispatcher.deliver_committed(arrived)
        self._many_arrive = len(rows) >= FEW_ARRIVALS
        return len(rows) == most

    def _arrivals(self, most: int) -> Sequence[Arrival]:
        return history_inbox.read_inbox(self._db, self._last_inbox, to_micros(self._dispatcher.now), most)

    def _most_arrivals(self) -> int:
        return max(FEW_ARRIVALS, MOST_ARRIVALS - self._dispatcher.turns_left)

    def _is_for_us(self, row: Arrival) -> bool:
        return self._drives(row.root) and not (row.waits and not self._dispatcher.is_live(row.key))

    def written(self) -> None:
        """Take note, before the commit, of what the transaction has written.

        The engine knows the events that it has put into the inbox itself; but where others' events are still to be
        read, they may lie below."""
        transaction = self._dispatcher.transaction
        if self._seen != _MORE:
            self._last_inbox = max(self._last_inbox, transaction.last_inbox)
        self._skipping.written(transaction.rows)
        if transaction.wake_changed or not self._due_known:
            self._due, self._due_known = self._next_due(), True

    @property
    def more(self) -> bool:
        """True if requests of other processes are still to be read."""
        return self._seen == _MORE

    def committed(self) -> None:
        self._version = self._seen
        self._fresh.clear()

    def rolled_back(self) -> None:
        """Undo: nothing was taken over, nothing was read."""
        if self._roots is not None:
            self._roots.difference_update(self._fresh)
        self._left_to_us.difference_update(self._fresh)
        self._fresh.clear()
        self._version = self._seen = _UNREAD
        self._last_inbox = 0
        self._due_known = False
        self._skipping.rolled_back()

    # --- trees --------------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Drive what the operation before has created or sent something to."""
        transaction = self._dispatcher.transaction
        if self._roots is not None:
            self._fresh += transaction.born
            self._roots.update(transaction.born)
            self.adopt(sorted(transaction.touched))
        self._skipping.met(transaction.born)
        transaction.born.clear()
        transaction.touched.clear()

    def adopt(self, roots: Iterable[int]) -> None:
        if self._roots is None:
            return
        fresh = [root for root in roots if root not in self._roots]
        if fresh:
            self._fresh += fresh
            self._roots.update(fresh)
            self._load_trees(fresh)

    def skip(self, roots: Sequence[int], skip: Skip) -> None:
        """Drive these trees, and skip the time of those that have clocks of their own."""
        self.adopt(roots)
        for root in roots:
            clock = self._dispatcher.clock(root)
            if clock is not None:
                self._skipping.add([root], clocks.limit(clock, skip, self._dispatcher.now), skip.jumps)

    def held(self, roots: Iterable[int]) -> list[int]:
        """Return those of these trees whose time is skipped here, and has come to where it was to stop."""
        return [root for root in roots if root in self._skipping.held]

    def _drives(self, root: int) -> bool:
        return self._roots is None or root in self._roots

    def _load_trees(self, roots: Sequence[int]) -> None:
        self._skipping.met(roots)
        for root in roots:
            for key in instances.busy_keys(self._db, root):
                self._dispatcher.set_in_motion(key)
            self._load_inbox(root)
        self._dispatcher.transaction.wake_changed = True

    def _load_inbox(self, root: int) -> None:
        for key in instances.tree_inbox(self._db, root):
            self._dispatcher.read_inbox(key)

    # --- time ---------------------------------------------------------------------------------------------------

    def seconds_to_due(self, now: Callable[[], datetime]) -> float | None:
        """Return the seconds until the next timer; None when there is none. Asks for the time only if there is one.

        The engine's thread asks while another one may be in a transaction, which may change it at any moment."""
        if self._skipping.ready:
            return 0.0
        due = self._due
        return None if due is None else (from_micros(due) - now()).total_seconds()

    def fire_due(self) -> None:
        now = to_micros(self._dispatcher.now)
        if not self._skipping.jump() and (self._due is None or self._due > now):
            return
        blocked, held = self._dispatcher.blocked, self._skipping.held
        if self._roots is None or len(self._roots) > FEW_TREES:
            keys = instances.due(self._db, now, self._roots, blocked, held)
        else:
            roots = self._roots - held
            keys = [key for root in roots for key in instances.due_in(self._db, root, now, blocked)]
        for key in keys:
            self._dispatcher.fire_timers(key)
        self._dispatcher.transaction.wake_changed = True

    def _next_due(self) -> int | None:
        blocked, held = self._dispatcher.blocked, self._skipping.held
        if self._roots is None or len(self._roots) > FEW_TREES:
            return instances.next_due(self._db, self._roots, blocked, held)
        times = [instances.next_due_in(self._db, root, blocked) for root in self._roots - held]
        return min((time for time in times if time is not None), default=None)

    # --- questions ----------------------------------------------------------------------------------------------

    def settled(self, roots: Iterable[int] | None) -> bool:
        """Return True if nothing is due soon in these trees (None: in all that are driven).

        Runs inside a transaction, before its turns: what is still to be run is in the mailboxes."""
        dispatcher = self._dispatcher
        soon = to_micros(dispatcher.now + SOON)
        asked: Collection[int] | None = self._roots if roots is None else set(roots)
        if self.more or dispatcher.moves(asked) or self._skipping.moves(asked):
            return False
        blocked, idle, held = dispatcher.blocked, self._skipping.idle, self._skipping.held
        if asked is None or len(asked) > FEW_TREES:
            return not instances.moves(self._db, asked, soon, dispatcher.busy, blocked, idle, held)
        return not any(
            instances.runs_in(self._db, root, idle)
            if root in held
            else instances.moves_in(self._db, root, soon, blocked, idle)
            for root in asked
        )

    def wanted(self) -> bool:
        """Return True if there is something to do for another process that left it to this one."""
        return history_inbox.any_wanted(self._db) or not self.settled(self._left_to_us)
