"""The runtime status of an instance."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """Dapr's statuses, with the numbers of its protocol (`OrchestrationStatus`)."""

    RUNNING = 0
    COMPLETED = 1
    CONTINUED_AS_NEW = 2
    FAILED = 3
    CANCELED = 4
    TERMINATED = 5
    PENDING = 6
    SUSPENDED = 7
    STALLED = 8

    @property
    def terminal(self) -> bool:
        """Return True if an instance with this status never runs again."""
        return self in TERMINAL


TERMINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELED, Status.TERMINATED})
LIVE = frozenset({Status.RUNNING, Status.PENDING, Status.SUSPENDED, Status.STALLED})
