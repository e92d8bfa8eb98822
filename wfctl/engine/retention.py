"""Delete finished instances when they have been finished for long enough.

Dapr's rule (`stateRetentionPolicy`): a time for each final status, and one for any; the more specific one holds.
The time runs from the end of the instance, and each instance goes by itself, children apart from their parents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from wfctl.engine.store.database import Connection
from wfctl.engine.store.values import to_micros
from wfctl.engine.transaction import Unit
from wfctl.model.status import Status

# Instances deleted in one transaction; the rest follow in the next.
MOST = 500
STATUSES = (Status.COMPLETED, Status.FAILED, Status.TERMINATED)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long to keep what has ended, by status. None: for ever."""

    completed: timedelta | None = None
    failed: timedelta | None = None
    terminated: timedelta | None = None
    any: timedelta | None = None

    def of(self, status: Status) -> timedelta | None:
        specific = {Status.COMPLETED: self.completed, Status.FAILED: self.failed, Status.TERMINATED: self.terminated}
        own = specific.get(status)
        return self.any if own is None else own

    @property
    def shortest(self) -> timedelta | None:
        times = [time for time in map(self.of, STATUSES) if time is not None]
        return min(times, default=None)


def expired(db: Connection, retention: Retention, now: datetime) -> list[int]:
    """Return the keys of up to MOST expired instances."""
    keys: list[int] = []
    for status in STATUSES:
        kept = retention.of(status)
        if kept is not None and len(keys) < MOST:
            for sql in (_BY_ROW, _BY_REAL_END):
                values = {"status": status, "until": to_micros(now - kept), "most": MOST - len(keys)}
                keys += [key for (key,) in db.execute(sql, values)]
    return keys


# Where the tree has a clock of its own, the real time of the end counts. By the index, what is too young to have
# ended so long ago is not looked at; a clock that was set back in between only keeps an instance a little longer.
_BY_ROW = """
    SELECT key FROM instances
    WHERE status = :status AND created_at <= :until AND completed_at <= :until AND root NOT IN (SELECT root FROM clocks)
    ORDER BY created_at LIMIT :most
"""
_BY_REAL_END = """
    SELECT key FROM real_ends CROSS JOIN instances USING (key) WHERE status = :status AND real_ends.at <= :until
    ORDER BY real_ends.at LIMIT :most
"""


def sweep(unit: Unit, db: Connection, retention: Retention) -> int:
    """Delete up to MOST expired instances in one operation. Returns the number deleted; if it is MOST, call again."""
    keys = expired(db, retention, unit.now)
    if keys:
        unit.delete(keys)
    return len(keys)
