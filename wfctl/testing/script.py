"""The events that a test raises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from wfctl.errors import InvalidInput


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


def script_of(events: Sequence[Scripted] | Mapping[str, Any]) -> list[Scripted]:
    """Return the events of a test. Raises InvalidInput: one was not made by `event`."""
    if isinstance(events, Mapping):
        return [event(name, data) for name, data in events.items()]
    for one in events:
        if not isinstance(one, Scripted):
            raise InvalidInput(
                f"{one!r} is no event", hint=f"event({one!r})" if isinstance(one, str) else "event(NAME)"
            )
    return list(events)
