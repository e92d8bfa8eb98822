"""The example apps come to what they must, live as well as replayed at every turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from app_cases import CASES, Case, app, check
from workflow_simulator import Simulation

from wfctl.model.events import Event
from wfctl.model.turn import TurnResult
from wfctl.workflow.replay.live_workflow import LiveWorkflow


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@pytest.mark.parametrize("live", [True, False], ids=["live", "replayed"])
def test_outcome(case: Case, live: bool) -> None:
    check(case, Simulation(app(case).registry, live=live))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_replay_of_any_part_of_a_history_goes_on_as_the_live_run_did(case: Case) -> None:
    turns: list[tuple[str, Sequence[Event], Sequence[Event], TurnResult]] = []
    registry = app(case).registry
    check(case, Simulation(registry, lambda *turn: turns.append(turn)))
    for instance_id, past, new, result in turns:
        replayed = LiveWorkflow(registry, instance_id).turn(past, new)
        assert shown(replayed) == shown(result)


@pytest.mark.parametrize("case", [case for case in CASES if case.custom_status], ids=lambda case: case.id)
def test_custom_status(case: Case) -> None:
    last: list[Any] = []
    check(case, Simulation(app(case).registry, lambda *turn: last.append(turn[3].custom_status)))
    assert last[-1] == case.custom_status


def shown(result: TurnResult) -> Any:
    """All of a result but the stack traces of failures, which have the lines of the runner above the code."""
    return (
        [repr(event).split("stack_trace=")[0] for event in result.events],
        result.custom_status,
        result.version,
        result.patches,
        result.continue_as_new,
        result.stall,
    )
