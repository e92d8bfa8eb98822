"""The runtime status of an instance."""

from __future__ import annotations

from enum import Enum, IntEnum


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


class StepStatus(str, Enum):
    """The status of a step."""

    RUNNING = "RUNNING"  # an activity or a child workflow that has not finished
    WAITING = "WAITING"  # a timer that has not fired, an event that has not arrived
    RETRYING = "RETRYING"  # the last attempt failed, another follows
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"  # the event did not arrive in time
    RECEIVED = "RECEIVED"  # an event that arrived before a wait for it
    ABANDONED = "ABANDONED"  # open when the instance ended

    @property
    def open(self) -> bool:
        """Return True for a step that has not ended."""
        return self in (StepStatus.RUNNING, StepStatus.WAITING, StepStatus.RETRYING)
