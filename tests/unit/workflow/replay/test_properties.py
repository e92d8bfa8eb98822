"""Properties of runs, on workflows and histories made up at random."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from workflow_programs import World, programs, workflow

from wfctl import workflow as wf
from wfctl.model.events import NO_ID, WorkflowStarted
from wfctl.model.turn import TurnResult
from wfctl.workflow.registry import Registry
from wfctl.workflow.replay.live_workflow import LiveWorkflow

TURNS = 12


def shown(result: TurnResult) -> Any:
    return [repr(e).split("stack_trace=")[0] for e in result.events], result.custom_status, result.patches, result.stall


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs, st.data())
def test_replay_is_the_same_as_having_lived(program: Any, data: Any) -> None:
    registry = Registry()
    registry.add_workflow("interpret", workflow(wf, program))
    world = World(data.draw)
    live = LiveWorkflow(registry, "i1")
    new = world.first()
    for _ in range(TURNS):
        past = list(world.history)
        result = live.turn((), new)
        assert result.stall is None
        assert shown(LiveWorkflow(registry, "i1").turn(past, new)) == shown(result)
        if not world.commit(new, result):
            return
        again = LiveWorkflow(registry, "i1").turn(world.history, [WorkflowStarted(NO_ID, world.now)])
        assert (again.events, again.stall) == ([], None), "a replay asks for nothing new"
        assert again.custom_status == result.custom_status
        assert again.patches == result.patches
        new = world.next()
