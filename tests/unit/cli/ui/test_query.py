"""What is typed behind `/`, and the sparkline."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

pytest.importorskip("textual")

from wfctl.cli.ui.json_view import folds_of, lines_of
from wfctl.cli.ui.query import parse_query, typed_words
from wfctl.cli.ui.rates import MINUTES, Rates, sparkline
from wfctl.errors import InvalidInput
from wfctl.model.instance import Instance
from wfctl.model.status import Status

NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("status:failed", ["--status", "failed"]),
        ("status:failed status:running", ["--status", "failed", "--status", "running"]),
        ('error:"card declined" older:1h', ["--error", "card declined", "--created-before", "1h"]),
        ("error:can't", ["--error", "can't"]),
        ('error:"card de', ["--error", "card de"]),
        ("waiting:approval retrying", ["--waiting-event", "approval", "--retrying"]),
        ("check", ["--name", "Checkout"]),
        ("re", ["--name", "Re*"]),
        ("Order*", ["--name", "Order*"]),
        ("order-1:0001", ["--id-prefix", "order-1:0001"]),
        ("stuck:5m orphans", ["--stuck", "5m", "--orphans"]),
        ("custom-status:shipped", ["--custom-status", "shipped"]),
    ],
)
def test_filters_are_those_of_list(text: str, words: list[str]) -> None:
    assert parse_query(text, ["Checkout", "Refund", "Return"]).words() == words


@pytest.mark.parametrize("value", ["a b", 'x"y', "back\\slash", "can't", '"', "\\", '\\"b c', "[red]"])
def test_a_value_is_typed_so_that_it_is_read_as_it_is(value: str) -> None:
    assert parse_query(typed_words({"error": value, "status": ["failed"]})).values == {
        "error": value,
        "status": ["failed"],
    }


@pytest.mark.parametrize("text", ["status:", "status:fail", "older:long", "stuck:5"])
def test_what_is_none_yet(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_query(text)


def test_a_sparkline() -> None:
    assert sparkline([]) == ""
    assert sparkline([0, 1, 4, 8]) == " ▁▄█"
    assert sparkline([0, 0]) == "  "
    assert sparkline([1, 1000]) == "▁█"


def test_minutes_that_are_over_are_not_asked_for_again() -> None:
    rates = Rates()
    asked = []
    for _ in range(10):
        for minute in rates.wanted(NOW):
            asked.append(minute)
            rates.put(minute, {"started": 1}, NOW)
    assert len(set(asked)) == MINUTES
    assert len(rates.wanted(NOW)) == 2, "the minute that goes on, and the one before"
    assert rates.series("started", NOW, MINUTES) == [1] * MINUTES


def test_minutes_of_instances_that_are_all_here() -> None:
    rates = Rates()
    old = NOW - timedelta(minutes=2)
    rates.count_all(
        [Instance("a", "Flow", Status.FAILED, old, completed_at=NOW), Instance("b", "Flow", Status.RUNNING)], NOW
    )
    assert rates.series("started", NOW, 3) == [1, 0, 0]
    assert rates.series("failed", NOW, 3) == [0, 0, 1]


def test_folds_are_of_brackets_and_not_of_texts() -> None:
    lines = lines_of('{"a": "{", "b": [1, {"c": "]"}], "d": {}}')
    folds = folds_of(lines)
    assert lines[0] == "{"
    assert folds[0] == len(lines) - 1
    assert {lines[start].strip() for start in folds} == {"{", '"b": ['}
    assert lines_of("no json \x1b[2J") == ["no json \\x1b[2J"]
