"""Make a new history out of an old one, up to and with one action that is to be done again.

Dapr's rule (`RerunWorkflowFromEvent`): all events before the action are kept, the action and whatever was still open
then are issued again. Here the actions that the same turn took after it are issued again as well, since the
workflow code takes them again when it is replayed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from wfctl.engine.core.folded_state import State, folded
from wfctl.model import events as ev
from wfctl.model import refusals
from wfctl.model.events import NEVER, Event
from wfctl.model.instance import RerunRequest, child_instance_id

_KINDS = {
    ev.TaskScheduled: "activity",
    ev.TimerCreated: "timer",
    ev.ChildWorkflowInstanceCreated: "child workflow",
}


@dataclass(frozen=True, slots=True)
class Rerun:
    """Hold the history to begin with, and its folded state, whose open operations are to begin.

    `supplied` are the results of those that are not: the first turn gets them.
    """

    history: list[Event]
    state: State
    supplied: list[Event]


def rerun(source: Sequence[Event], request: RerunRequest, new_id: str, execution_id: str, now: datetime) -> Rerun:
    """Make the new history.

    Raises NotFound (no such action), and InvalidInput (an input, a child ID or a result where there
    can be none).
    """
    at = _find(source, request)
    end = next((i for i in range(at, len(source)) if type(source[i]) is ev.WorkflowStarted), len(source))
    kept = [e for e in source[:end] if type(e) not in (ev.ExecutionCompleted, ev.ExecutionStalled)]
    open_ids = set(folded(kept).open)
    history = [_renewed(event, event.event_id in open_ids, request, new_id, execution_id, now) for event in kept]
    state = folded(history)
    return Rerun(history, state, [_supplied(state, request.source, now, *given) for given in request.results])


def _supplied(state: State, source: str, now: datetime, event_id: int, result: str) -> Event:
    operation = state.open.get(event_id)
    if type(operation) is ev.TaskScheduled:
        return ev.TaskCompleted(ev.NO_ID, now, event_id, result, operation.task_execution_id, supplied=True)
    if type(operation) is ev.ChildWorkflowInstanceCreated:
        return ev.ChildWorkflowInstanceCompleted(ev.NO_ID, now, event_id, result, supplied=True)
    raise refusals.takes_no_result(source, event_id)


def _find(source: Sequence[Event], request: RerunRequest) -> int:
    target_id = request.event_id
    for at, event in enumerate(source):
        if event.event_id != target_id or target_id < 0:
            continue
        kind = _KINDS.get(type(event))
        if kind is None:
            raise refusals.not_rerunnable(request.source, target_id, type(event).__name__)
        if request.overwrite_input and kind == "timer":
            raise refusals.timer_takes_no_input()
        if request.new_child_id and kind != "child workflow":
            raise refusals.no_child_to_name(kind)
        return at
    raise refusals.no_event(request.source, target_id)


def _renewed(
    event: Event, is_open: bool, request: RerunRequest, new_id: str, execution_id: str, now: datetime
) -> Event:
    if type(event) is ev.ExecutionStarted:
        return replace(event, instance_id=new_id, execution_id=execution_id, parent=None, scheduled_start=None)
    if not is_open or type(event) not in _KINDS:
        return event
    changes: dict[str, Any] = {"rerun_parent": request.source, "timestamp": now}
    if event.event_id == request.event_id and request.overwrite_input:
        changes["input"] = request.input
    if type(event) is ev.ChildWorkflowInstanceCreated:
        chosen = request.new_child_id if event.event_id == request.event_id else None
        changes["instance_id"] = chosen or child_instance_id(new_id, event.event_id)
    if type(event) is ev.TimerCreated and event.fire_at != NEVER:
        changes["fire_at"] = now + (event.fire_at - event.timestamp)  # timers wait their whole time again
    return replace(event, **changes)
