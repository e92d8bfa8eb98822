"""The history that an instance hands on to those that it calls with a propagation scope.

Nothing of it is stored: the caller's own history says which call had which scope, and what had happened before it.
"""

from __future__ import annotations

from collections.abc import Sequence

from wfctl.model.events import ChildWorkflowInstanceCreated, Event, HistoryChunk, PropagatedEvents, TaskScheduled

LINEAGE = 2


def propagated(
    instance_id: str,
    name: str,
    history: Sequence[Event],
    call: TaskScheduled | ChildWorkflowInstanceCreated,
    received: PropagatedEvents | None,
) -> PropagatedEvents:
    """Return the caller's events up to the call itself; under LINEAGE behind those that the caller received."""
    kind = type(call)
    cut = next(
        (n for n, event in enumerate(history, 1) if type(event) is kind and event.event_id == call.event_id),
        len(history),
    )
    above = received.chunks if received is not None and call.scope == LINEAGE else ()
    return PropagatedEvents(call.scope, (*above, HistoryChunk(instance_id, name, tuple(history[:cut]))))
