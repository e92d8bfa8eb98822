from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from wfctl.model.failure_groups import FailureGroup, grouped
from wfctl.model.instance import Failed
from wfctl.model.matching import text_matches

T0 = datetime(2026, 1, 1, tzinfo=timezone.utc)


def groups(*errors: str, step: str | None = "Pay") -> list[FailureGroup]:
    failures = [Failed(f"i{n}", "W", step, text, T0 + timedelta(minutes=n)) for n, text in enumerate(errors)]
    return grouped(failures)


@pytest.mark.parametrize(
    ("one", "other", "error"),
    [
        ("E: card 17 declined", "E: card 4 declined", "E: card <number> declined"),
        ("E: order-2026-11-04869 is gone", "E: order-2026-11-04870 is gone", "E: <id> is gone"),
        (
            "E: no 0b5f6f0e-9d0c-4a55-8a4c-111111111111",
            "E: no 1b5f6f0e-9d0c-4a55-8a4c-222222222222",
            "E: no <id>",
        ),
        ("E: from 10.0.0.1:80", "E: from 10.0.0.2:8080", "E: from <address>"),
        ("E: <O object at 0x7f12>", "E: <O object at 0xdead>", "E: <O object at <address>>"),
        ("E: at 2026-11-29T10:00:00Z", "E: at 2025-01-01T00:00:01.5Z", "E: at <time>"),
        ("E: to a@b.example", "E: to c.d@e.example", "E: to <email>"),
        ("E: no stock of 'apples'", "E: no stock of 'red pears'", "E: no stock of '<text>'"),
        ("E: HTTP 503 for 1", "E: HTTP 503 for 2", "E: HTTP 503 for <number>"),
        ('E: {"id": 5}', 'E: {"id": 7}', 'E: {"id": <number>}'),
    ],
)
def test_what_varies_is_taken_out_and_what_does_not_stays(one: str, other: str, error: str) -> None:
    (group,) = groups(one, other)
    assert (group.error, group.error_type, group.count) == (error, "E", 2)
    assert (group.first, group.last, group.example) == (T0, T0 + timedelta(minutes=1), "i1")
    assert text_matches(group.wanted, one)
    assert text_matches(group.wanted, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("KeyError: 'total'", "KeyError: 'price'"),
        ("AttributeError: 'X' object has no attribute 'a'", "AttributeError: 'X' object has no attribute 'b'"),
        ("E: card declined", "E: card expired"),
        ("E: x", "F: x"),
    ],
)
def test_what_differs_is_kept_apart(one: str, other: str) -> None:
    assert [group.error for group in groups(one, other)] == sorted([one, other])


def test_each_text_selects_its_group_alone() -> None:
    found = groups("E: card declined", "E: card declined twice", "E: card declined twice", "E: no 5", "E: no 6")
    texts = {group.error: group.wanted for group in found}
    assert texts == {
        "E: card declined": "=E: card declined",
        "E: card declined twice": "E: card declined twice",
        "E: no <number>": "E: no *",
    }
    assert not any(group.others for group in found)


def test_a_text_that_selects_more_says_so() -> None:
    found = groups("E: no 5 left", "E: no 6 left", "E: no card left")
    assert [(group.error, group.others) for group in found] == [("E: no <number> left", (1,)), ("E: no card left", ())]


def test_a_text_is_one_line_and_short() -> None:
    (group,) = groups("ValidationError: 2 errors\nname\n  missing " + "x " * 2000)
    assert len(group.wanted) < 200
    assert "\n" not in group.wanted
    assert text_matches(group.wanted, next(iter(group.samples)))


def test_workflows_and_steps_are_apart() -> None:
    found = grouped([Failed("a", "V", "S", "E: x"), Failed("b", "W", "S", "E: x"), Failed("c", "W", None, "E: x")])
    assert [(group.name, group.step) for group in found] == [("V", "S"), ("W", None), ("W", "S")]
    assert found[1].others == (2,), "nothing says that no step failed"


def test_there_may_be_no_text() -> None:
    (group,) = groups("")
    assert (group.error, group.wanted, group.message) == ("", "", "")
