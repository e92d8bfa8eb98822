"""The events that a test raises."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any


@dataclass(frozen=True)
class Scripted:
    """See `event`."""

    name: str
    data: Any
    after: timedelta | None
    to: str | None


def event(name: str, data: Any = None, *, after: timedelta | None = None, to: str | None = None) -> Scripted:
    """Describe an external event for `run_workflow` to raise.

    Args:
        name: the name of the event.
        data: what comes with it: anything that can be written as JSON.
        after: when, by the workflow's clock, from its start. None: as soon as it is waited for.
        to: the ID of the instance. None: the workflow itself, or without `after` whichever instance waits for it.

    Returns:
        What to give `run_workflow`, in its `events`.
    """
    return Scripted(name, data, after, to)
