"""Which event a rerun begins with."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from wfctl.cli.rerun_plan import Beginning
from wfctl.errors import InvalidInput
from wfctl.model.instance import Instance
from wfctl.model.status import Status
from wfctl.model.steps import Attempt, Step, StepStatus

NOW = datetime(2026, 3, 1, tzinfo=timezone.utc)
SOURCE = Instance("i1", "W", Status.FAILED)
TRIED_TWICE = Step("activity", "Pay", 2, StepStatus.FAILED, NOW, NOW, (Attempt(2, NOW), Attempt(5, NOW)))


@pytest.mark.parametrize(("text", "event_id"), [("2", 2), ("5", 5), (" 5 ", 5)])
def test_a_number_names_a_step_or_one_attempt_of_it(text: str, event_id: int) -> None:
    """As Dapr takes it: from that attempt on, not from the first."""
    assert Beginning(event_id=text).step(SOURCE, [TRIED_TWICE]).event_id == event_id


@pytest.mark.parametrize("text", ["3", "-1", "x", "9" * 5000])
def test_a_number_of_nothing(text: str) -> None:
    with pytest.raises(InvalidInput):
        Beginning(event_id=text).step(SOURCE, [TRIED_TWICE])


def test_one_beginning_at_most() -> None:
    Beginning()
    for given in (("Pay", True, None), (None, True, "2"), ("Pay", False, "2"), (None, False, "two")):
        with pytest.raises(InvalidInput):
            Beginning(*given)
