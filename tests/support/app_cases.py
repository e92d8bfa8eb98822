"""The example apps of tests/apps, loaded and held to what they must come to."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from workflow_simulator import Simulation

from wfctl.workflow.loading.app import App, load_app

APPS = Path(__file__).parents[1] / "apps"
sys.path.append(str(APPS))

from expected import CASES, Case  # noqa: E402

sys.path.remove(str(APPS))

__all__ = ["APPS", "CASES", "Case", "app", "check"]


def app(case: Case) -> App:
    if case.app == "pydantic_models":
        pytest.importorskip("pydantic")
    loaded = load_app(f"{case.app}.py", APPS)
    attempts = getattr(sys.modules[loaded.module], "attempts", None)
    if attempts is not None:
        attempts.clear()
    return loaded


def check(case: Case, simulation: Simulation) -> None:
    done = simulation.run(case.workflow, case.input, case.events)
    assert done.status.name == case.status, done
    if case.error_type is not None:
        assert done.failure is not None
        assert done.failure.error_type == case.error_type
        assert case.error in done.failure.message
    else:
        assert (None if done.result is None else json.loads(done.result)) == case.output
