"""The fixture `run_workflow` for pytest. It imports nothing of wfctl before a test asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from wfctl.testing import Run


@pytest.fixture
def run_workflow(request: pytest.FixtureRequest) -> Callable[..., Run]:
    """Run a workflow as `wfctl.testing.run_workflow` does; the app is that of the project in pytest's root folder."""
    from wfctl.testing.runner import run_workflow as run

    def run_here(workflow: Any, input: Any = None, **options: Any) -> Run:
        __tracebackhide__ = True
        return run(workflow, input, **{"folder": request.config.rootpath, **options})

    return run_here
