"""Why a rerun cannot be, told as Dapr's task hub tells it."""

from __future__ import annotations

from wfctl.engine.transaction import Unit
from wfctl.gateway.api_error import Trouble
from wfctl.model import events as ev
from wfctl.model import ids
from wfctl.model.instance import RerunRequest
from wfctl.model.status import Status
from wfctl.wire.error_codes import Problem
from wfctl.wire.http_routes import Operation

_KINDS = {ev.TaskScheduled: "activity", ev.TimerCreated: "timer", ev.ChildWorkflowInstanceCreated: "child workflow"}


def check_rerun(unit: Unit, request: RerunRequest) -> Trouble | None:
    """None when nothing is against it."""

    def no(problem: Problem, **names: str) -> Trouble:
        return Trouble(problem, Operation.RERUN, **names)

    for wanted in (request.new_id, request.new_child_id):
        bad = None if wanted is None else ids.fault(wanted)
        if bad is not None:
            return no(Problem.ID_UNFIT, reason=bad.text)
    source = unit.find(request.source)
    if source is None:
        return no(Problem.NOT_FOUND, id=request.source)
    if request.new_id == request.source:
        return no(Problem.SAME_ID)
    if source.status is Status.STALLED:
        return no(Problem.STALLED, id=request.source)
    if not source.status.terminal:
        return no(Problem.SOURCE_LIVE, id=request.source)
    if source.parent is not None:
        return no(Problem.SOURCE_IS_CHILD, id=request.source)
    if request.new_id is not None and unit.find(request.new_id) is not None:
        return no(Problem.EXISTS, id=request.new_id)
    number = str(request.event_id)
    event = next((e for e in unit.history(source.key) if e.event_id == request.event_id), None)
    if event is None:
        return no(Problem.NO_EVENT, id=request.source, event=number)
    kind = _KINDS.get(type(event))
    if kind is None:
        return no(Problem.NOT_RERUNNABLE, kind=f"*protos.HistoryEvent_{type(event).__name__}", event=number)
    if kind == "timer" and request.overwrite_input:
        return no(Problem.TIMER_INPUT, event=number)
    if kind != "child workflow" and request.new_child_id:
        return no(Problem.CHILD_ID, kind=kind, event=number)
    return None
