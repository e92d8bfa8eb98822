"""Map the end of an instance, or of a wait, to an exit status."""

from __future__ import annotations

from collections.abc import Sequence

from wfctl.model.status import Status

DONE = 0
WRONG_STATE = 4
PART_FAILED = 7
FOUND = 9
FAILED = 10
TERMINATED = 11
STALLED = 12
TIMED_OUT = 124

_BY_STATUS = {
    Status.COMPLETED: DONE,
    Status.FAILED: FAILED,
    Status.TERMINATED: TERMINATED,
    Status.CANCELED: TERMINATED,
}


def of_end(status: Status) -> int:
    """Return the exit status for an instance that ended with this status."""
    return _BY_STATUS[status]


def of_missed(status: Status) -> int:
    """Return the exit status if another end was awaited: that of the end, or 4 if it completed."""
    return _BY_STATUS[status] or WRONG_STATE


def combined(statuses: Sequence[int]) -> int:
    """One exit status for several: the one that all share; 124 where one timed out; else 7."""
    distinct = set(statuses)
    if len(distinct) <= 1:
        return distinct.pop() if distinct else DONE
    return TIMED_OUT if TIMED_OUT in distinct else PART_FAILED
