"""Which app an event of a history came from, and which it went to, as Dapr 1.18 records it in its `TaskRouter`.

Nothing of it is stored: the instance's own app stands in its first event, the app of a call in the call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from wfctl.model.events import (
    ChildWorkflowInstanceCompleted,
    ChildWorkflowInstanceCreated,
    ChildWorkflowInstanceFailed,
    Event,
    ExecutionCompleted,
    ExecutionStarted,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
)


class Router(NamedTuple):
    """The app that an event is from, and the app that it is for where that was named."""

    source: str
    target: str | None = None


def routers(events: Iterable[Event], own: str) -> Iterator[Router | None]:
    """Yield the router of each event of a whole history; None for one that has none.

    `own` is the ID of the store's own app, which histories do not name.
    """
    app = own
    called: dict[int, str | None] = {}
    for event in events:
        if isinstance(event, ExecutionStarted):
            app = event.app_id or own
            caller = app if event.parent is None else event.parent.app_id or own
            yield Router(app) if caller == app else Router(caller, app)
        elif isinstance(event, (TaskScheduled, ChildWorkflowInstanceCreated)):
            called[event.event_id] = event.app_id
            yield Router(app, event.app_id)
        elif isinstance(event, (TaskCompleted, TaskFailed)):
            yield Router(app, called.get(event.task_scheduled_id))
        elif isinstance(event, (ChildWorkflowInstanceCompleted, ChildWorkflowInstanceFailed)):
            yield Router(called.get(event.task_scheduled_id) or app, app)
        else:
            yield Router(app) if isinstance(event, (TimerCreated, ExecutionCompleted)) else None


def crosses_apps(events: Iterable[Event]) -> bool:
    """Return True if a history names an app."""
    return any(
        event.app_id is not None
        for event in events
        if isinstance(event, (ExecutionStarted, TaskScheduled, ChildWorkflowInstanceCreated))
    )
