"""Statements on `clocks` and `real_ends`: trees whose time is skipped have a clock of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wfctl.engine.store.database import Connection
from wfctl.engine.store.values import LIVE_SQL, maybe_micros, to_micros
from wfctl.model.instance import OwnTime, Skip
from wfctl.model.times import later

# The row that says of a store that every tree in it gets a clock.
WHOLE_STORE = 0


@dataclass
class TreeClock:
    """The clock of a tree: the real time and `ahead` microseconds; it was `begun` ahead at the start of the tree."""

    root: int
    ahead: int = 0
    begun: int = 0

    def time(self, real: datetime) -> datetime:
        """Return what this clock says at a real time."""
        return later(real, timedelta(microseconds=self.ahead))

    def real(self, micros: int) -> int:
        """Return when it is that time by this clock, if it does not jump before."""
        return micros - self.ahead

    def again(self) -> TreeClock:
        """Return a clock for a new tree that says the same time."""
        return TreeClock(0, self.ahead, self.ahead)

    @property
    def own_time(self) -> OwnTime:
        return OwnTime(timedelta(microseconds=self.ahead), timedelta(microseconds=self.ahead - self.begun))


def beginning_at(begin: datetime | None, real: datetime) -> TreeClock:
    """Return the clock of a tree that is about to start, at a time of its own (None: at the real one)."""
    ahead = 0 if begin is None else to_micros(begin) - to_micros(real)
    return TreeClock(0, ahead, ahead)


def imported(root: int, own: OwnTime) -> TreeClock:
    """Return the clock of a tree that was exported elsewhere."""
    ahead, skipped = own.ahead // timedelta(microseconds=1), own.skipped // timedelta(microseconds=1)
    return TreeClock(root, ahead, ahead - skipped)


def limit(clock: TreeClock, skip: Skip, real: datetime) -> int | None:
    """Return how far to skip the time of a tree, by its clock; None: without end."""
    if skip.by is not None:
        return to_micros(clock.time(real)) + skip.by // timedelta(microseconds=1)
    return maybe_micros(skip.until)


def add(db: Connection, clock: TreeClock) -> None:
    db.execute("INSERT INTO clocks (root, ahead, begun) VALUES (?, ?, ?)", (clock.root, clock.ahead, clock.begun))


def get(db: Connection, root: int) -> TreeClock | None:
    """Return the clock of a tree; None if it goes by the real one."""
    found = db.execute("SELECT root, ahead, begun FROM clocks WHERE root = ?", (root,)).fetchone()
    return None if found is None else TreeClock(*found)


def any_clock(db: Connection) -> bool:
    """Return True if any tree has a clock of its own, or is to get one."""
    return db.execute("SELECT 1 FROM clocks LIMIT 1").fetchone() is not None


def of_roots(db: Connection, roots: Iterable[int]) -> dict[int, TreeClock]:
    """Return the clocks of these trees, by their roots."""
    if not any_clock(db):
        return {}
    found = ((root, get(db, root)) for root in set(roots))
    return {root: clock for root, clock in found if clock is not None}


def jump(db: Connection, root: int, by: int) -> list[int]:
    """Set the clock of a tree forward. Returns the keys of its instances that wait for a time: theirs come earlier."""
    db.execute("UPDATE clocks SET ahead = ahead + ? WHERE root = ?", (by, root))
    sql = """
        SELECT key FROM instances WHERE key = ? AND wake_at IS NOT NULL
        UNION SELECT key FROM instances WHERE root = ? AND parent IS NOT NULL AND wake_at IS NOT NULL
    """
    keys = [key for (key,) in db.execute(sql, (root, root))]
    db.executemany("UPDATE instances SET wake_at = wake_at - ? WHERE key = ?", [(by, key) for key in keys])
    return keys


def live_roots(db: Connection) -> list[int]:
    """Return the roots of the trees with a clock in which something is not finished, oldest first."""
    sql = f"""
        SELECT root FROM clocks WHERE root > {WHOLE_STORE} AND (
            EXISTS (SELECT 1 FROM instances WHERE key = clocks.root AND status IN ({LIVE_SQL}))
            OR EXISTS (
                SELECT 1 FROM instances WHERE root = clocks.root AND parent IS NOT NULL AND status IN ({LIVE_SQL})
            )
        ) ORDER BY root
    """
    return [root for (root,) in db.execute(sql)]


def is_live(db: Connection, root: int) -> bool:
    """Return True if something in this tree is not finished."""
    sql = f"""
        SELECT 1 FROM instances WHERE key = ? AND status IN ({LIVE_SQL})
        UNION ALL SELECT 1 FROM instances WHERE root = ? AND parent IS NOT NULL AND status IN ({LIVE_SQL}) LIMIT 1
    """
    return db.execute(sql, (root, root)).fetchone() is not None


def whole_store(db: Connection) -> bool:
    """Return True if the store was made for skipped time: every tree in it gets a clock."""
    return get(db, WHOLE_STORE) is not None


def make_whole_store(db: Connection) -> bool:
    """Have every tree of this store get a clock. Returns False, and does nothing, where there are instances already."""
    if db.execute("SELECT 1 FROM instances LIMIT 1").fetchone() is not None:
        return whole_store(db)
    db.execute("INSERT OR IGNORE INTO clocks (root, ahead, begun) VALUES (?, 0, 0)", (WHOLE_STORE,))
    return True


def put_real_ends(db: Connection, ends: Iterable[tuple[int, int]]) -> None:
    """Record when instances really ended: (key, time)."""
    db.executemany("INSERT OR IGNORE INTO real_ends (key, at) VALUES (?, ?)", ends)


def forget(db: Connection, keys: Sequence[int]) -> None:
    """Delete what is known of instances that are deleted. A clock goes with its root, once nothing hangs on it."""
    db.executemany("DELETE FROM real_ends WHERE key = ?", [(key,) for key in keys])
    db.executemany(
        "DELETE FROM clocks WHERE root = ?"
        " AND NOT EXISTS (SELECT 1 FROM instances WHERE root = ? AND parent IS NOT NULL)",
        [(key, key) for key in keys if key != WHOLE_STORE],
    )


def stand_in(db: Connection) -> None:
    """Let a reader of an older schema find that no tree has a clock."""
    db.execute("CREATE TEMP TABLE clocks (root INTEGER PRIMARY KEY, ahead INTEGER, begun INTEGER)")
