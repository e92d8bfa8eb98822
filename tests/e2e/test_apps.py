"""The example apps on the embedded engine, unmodified."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from wfctl.client.embedded.workflows import open_embedded

APPS = Path(__file__).parent.parent / "apps"
sys.path.insert(0, str(APPS))

from driving import check, histories, run_case  # noqa: E402
from expected import CASES, Case  # noqa: E402


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_comes_to_what_is_expected(case: Case, tmp_path: Path) -> None:
    if case.app == "pydantic_models":
        pytest.importorskip("pydantic")
    workflows = open_embedded(tmp_path / "store.db", f"{case.app}.py", APPS, True, note=lambda line: None)
    try:
        check(case, run_case(workflows, case, "case"))
        first = histories(workflows, "case")
    finally:
        workflows.abandon()
    assert first["ROOT"]


@pytest.mark.parametrize("case", [c for c in CASES if c.app != "monitor"], ids=lambda case: case.id)
def test_replays_after_every_turn(case: Case, tmp_path: Path) -> None:
    """Nothing is kept alive between turns, so that each is a replay of the whole history: the outcome is the same."""
    if case.app == "pydantic_models":
        pytest.importorskip("pydantic")
    workflows = open_embedded(tmp_path / "store.db", f"{case.app}.py", APPS, True, note=lambda line: None)
    try:
        workflows._driving.become_owner()
        assert workflows._driving.engine is not None
        executor: Any = workflows._driving.engine._executor
        run_turn = executor.run_turn

        def forgetting(turn):
            executor.forget(turn.key)
            return run_turn(turn)

        executor.run_turn = forgetting
        check(case, run_case(workflows, case, "case"))
    finally:
        workflows.abandon()
