"""The history that an instance hands on to those that it calls with a propagation scope.

Nothing of it is stored: the caller's own history says which call had which scope, and what had happened before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wfctl.model.events import (
    ChildWorkflowInstanceCreated,
    Event,
    ExecutionStarted,
    HistoryChunk,
    Parent,
    PropagatedEvents,
    TaskScheduled,
)

LINEAGE = 2


def propagated(
    instance_id: str,
    name: str,
    history: Sequence[Event],
    call: TaskScheduled | ChildWorkflowInstanceCreated,
    received: PropagatedEvents | None,
    app_id: str | None = None,
) -> PropagatedEvents:
    """Return the caller's events up to the call itself; under LINEAGE behind those that the caller received."""
    kind = type(call)
    cut = next(
        (n for n, event in enumerate(history, 1) if type(event) is kind and event.event_id == call.event_id),
        len(history),
    )
    above = received.chunks if received is not None and call.scope == LINEAGE else ()
    return PropagatedEvents(call.scope, (*above, HistoryChunk(instance_id, name, tuple(history[:cut]), app_id)))


def inherited(
    parent: Parent | None, read: Callable[[str], Sequence[Event] | None], depth: int = 100
) -> PropagatedEvents | None:
    """Return what a child's parent has handed on to it; None where nothing, or where the parent is gone.

    `read` reads a history by its ID; that of an ancestor is read where the call hands on the whole line. No more than
    `depth` of them are.
    """
    history = None if parent is None or not depth else read(parent.instance_id)
    if parent is None or not history:
        return None
    call = next(
        (e for e in history if type(e) is ChildWorkflowInstanceCreated and e.event_id == parent.task_scheduled_id), None
    )
    if call is None or not call.scope:
        return None
    begun = next((event for event in history if type(event) is ExecutionStarted), None)
    received = None if begun is None or call.scope != LINEAGE else inherited(begun.parent, read, depth - 1)
    name = parent.name or ("" if begun is None else begun.name)
    return propagated(parent.instance_id, name, history, call, received)
