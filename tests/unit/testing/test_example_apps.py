"""The example apps, as their own tests would run them: hours and days of theirs pass at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
from app_cases import CASES, Case, app

from wfctl.workflow.loading import import_hook


@pytest.fixture(scope="module")
def testing() -> Iterator[ModuleType]:
    import wfctl.testing

    yield wfctl.testing
    import_hook.uninstall()


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_comes_to_what_is_expected(testing: ModuleType, case: Case) -> None:
    loaded = sys.modules[app(case).module]
    given = None if case.input is None else json.loads(case.input)
    events = [testing.event(name, None if data is None else json.loads(data)) for name, data in case.events]
    run = testing.run_workflow(case.workflow, given, app=loaded, events=events)
    assert run.status == case.status
    assert run.output == case.output
    if case.error_type is not None:
        assert run.failure.error_type == case.error_type
        assert case.error in run.failure.message
