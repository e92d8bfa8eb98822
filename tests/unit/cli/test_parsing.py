from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from wfctl.cli.exit_codes import combined
from wfctl.cli.parsing.duration import parse_duration, parse_moment, parse_start
from wfctl.cli.parsing.json_input import BadJson, checked_json
from wfctl.errors import InvalidInput

NOW = datetime(2026, 1, 31, 9, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("1h30m", 5400), ("7d", 604800), ("250ms", 0.25), ("1.5h", 5400), ("2W", 1209600)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text, "--timeout") == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "5 m", "m", "-5m", "5y", "P30D", "1h-30m", "٥m", "9" * 30 + "d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_duration(text, "--timeout")
    assert caught.value.hint


def test_a_plain_number_is_refused_with_advice() -> None:
    with pytest.raises(InvalidInput, match="no unit") as caught:
        parse_duration("30", "--timeout")
    assert caught.value.hint == "30s for seconds, or 30m"


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("2026-01-31T09:00:00Z", NOW),
        ("2026-01-31t11:00:00+02:00", NOW),
        ("2026-01-31 09:00:00.25z", NOW + timedelta(milliseconds=250)),
        ("2026-01-31T09:00:00.123456789Z", NOW + timedelta(microseconds=123456)),
        ("7d", NOW - timedelta(days=7)),
        ("90m", NOW - timedelta(minutes=90)),
    ],
)
def test_moments(text: str, when: datetime) -> None:
    assert parse_moment(text, "--created-after", NOW) == when


@pytest.mark.parametrize(
    "text", ["", "now", "2026-13-31", "2026-01-31T09", "2026-02-30T00:00:00Z", "-7d", "999999999d"]
)
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_moment(text, "--created-after", NOW)
    assert caught.value.hint


def test_starts() -> None:
    assert parse_start("+5m", NOW) == NOW + timedelta(minutes=5)
    with pytest.raises(InvalidInput) as caught:
        parse_start("5m", NOW)
    assert caught.value.hint == "+5m from now"
    for wrong in ("+1y", "+", "+-5m"):
        with pytest.raises(InvalidInput, match=rf"--start-at '\{wrong}' is not a time"):
            parse_start(wrong, NOW)


def test_json_excerpt_of_a_long_text() -> None:
    text = "[" + "1, " * 100 + "x" + ", 2" * 100 + "]"
    with pytest.raises(BadJson) as caught:
        checked_json(text, "in.json")
    line, caret = str(caught.value.detail).split("\n")
    assert line[caret.index("^")] == "x"
    assert len(line) < 100


def test_json_excerpt_of_the_right_line_without_escapes() -> None:
    with pytest.raises(BadJson, match="line 2, column 8") as caught:
        checked_json('{\n  "a": x\n}', "in.json")
    assert caught.value.detail == '  "a": x\n       ^'
    with pytest.raises(BadJson) as caught:
        checked_json('["\x1b"]', "in.json")
    assert "\x1b" not in str(caught.value.detail)


@pytest.mark.parametrize(
    ("statuses", "status"), [([], 0), ([0, 0], 0), ([10, 10], 10), ([0, 10], 7), ([0, 124], 124), ([10, 11], 7)]
)
def test_one_status_for_several(statuses: list[int], status: int) -> None:
    assert combined(statuses) == status
