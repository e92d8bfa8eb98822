"""Workers, what they hold, and what waits for one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

WORKFLOW, ACTIVITY = "workflow", "activity"


@dataclass(frozen=True, slots=True)
class Held:
    """A workflow whose turn, or an activity that a worker has been given and has not answered.

    kind   `workflow` or `activity`
    name   of the workflow, or of the activity
    since  when it was given out
    """

    kind: str
    name: str
    instance_id: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Worker:
    """Whatever executes turns and activities.

    name        what it says of itself: the user agent of an attached one, `wfctl serve` with its app, a command
    address     where it connects from
    pid         of its process, where that is known
    since       when it came
    workflows   the turns in its hands; None where the target does not tell
    activities  the activities in its hands; None where the target does not tell
    holds       the oldest of these, the oldest first
    """

    name: str
    address: str | None = None
    pid: int | None = None
    since: datetime | None = None
    workflows: int | None = None
    activities: int | None = None
    holds: tuple[Held, ...] = ()


@dataclass(frozen=True, slots=True)
class Queued:
    """Work of one name that no worker holds. `since` is that of the oldest; `name` and `since` None: not told."""

    kind: str
    name: str | None
    count: int
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class AppWorkers:
    """The workers of one app.

    app_id     None where the target has one app without a name
    connected  how many workers there are; None where the target does not tell
    workers    each of them; None where the target tells their number alone
    backlog    the work that is to be done now and that none of them is known to hold; None where it does not tell
    """

    app_id: str | None
    connected: int | None
    workers: tuple[Worker, ...] | None = None
    backlog: tuple[Queued, ...] | None = None


def in_order(queued: Iterable[Queued]) -> tuple[Queued, ...]:
    """Return the backlog with workflows first, and of each kind the largest first."""
    return tuple(sorted(queued, key=lambda one: (one.kind != WORKFLOW, -one.count, one.name or "")))
