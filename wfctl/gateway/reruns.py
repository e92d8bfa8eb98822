"""Refuse a rerun as Dapr's task hub does. The rules themselves are the engine's."""

from __future__ import annotations

from wfctl.errors import WfctlError
from wfctl.gateway.api_error import Trouble, trouble
from wfctl.model.instance import RerunRequest
from wfctl.model.refusals import RerunRule
from wfctl.wire.error_codes import Problem
from wfctl.wire.http_routes import Operation

_PROBLEMS = {
    RerunRule.OTHER_ID: Problem.SAME_ID,
    RerunRule.NEW_ID: Problem.EXISTS,
    RerunRule.FINISHED: Problem.SOURCE_LIVE,
    RerunRule.NO_CHILD: Problem.SOURCE_IS_CHILD,
    RerunRule.EVENT: Problem.NO_EVENT,
    RerunRule.RERUNNABLE: Problem.NOT_RERUNNABLE,
    RerunRule.NO_TIMER_INPUT: Problem.TIMER_INPUT,
    RerunRule.CHILD_ID: Problem.CHILD_ID,
}


def rerun_trouble(error: WfctlError, request: RerunRequest) -> Trouble:
    """Return what Dapr answers where the engine raised `error`."""
    problem = _PROBLEMS.get(error.rule) if isinstance(error.rule, RerunRule) else None
    if problem is None:
        return trouble(error, Operation.RERUN, id=request.source)
    kind = error.kind or ""
    return Trouble(
        problem,
        Operation.RERUN,
        id=request.new_id or "" if problem is Problem.EXISTS else request.source,
        event=str(request.event_id),
        kind=f"*protos.HistoryEvent_{kind}" if problem is Problem.NOT_RERUNNABLE else kind,
    )
