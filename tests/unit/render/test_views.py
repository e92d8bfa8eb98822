from __future__ import annotations

import io
import json
from datetime import datetime, timedelta, timezone

import pytest

from wfctl.render.console import Console, wants_color
from wfctl.render.history_records import camel
from wfctl.render.json_records import decoded
from wfctl.render.printer import Format, Printer, View, to_json
from wfctl.render.table import Cell, Column, block, lines
from wfctl.render.text import clean, clean_block, cut, pad, width
from wfctl.render.times import age, rfc3339, span
from wfctl.render.views.payload import output_text, payload_cell, payload_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 日本", "plain é 日本"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x9b31m\x7f", "\\x9b31m\\x7f"),
        ("\u202eabc\u2066", "\\u202eabc\\u2066"),
        ("\udcff", "\\udcff"),
        ("", ""),
    ],
)
def test_clean(text: str, shown: str) -> None:
    assert clean(text) == shown
    assert clean(clean(text)) == clean(text)


def test_clean_block_keeps_lines() -> None:
    assert clean_block("a\n\tb\x1b\r") == "a\n\tb\\x1b\\r"


def test_widths() -> None:
    assert width("日本") == 4
    assert width("e\u0301") == 1
    assert cut("日本語", 5) == "日本…"
    assert cut("日本語", 4) == "日…"
    assert cut("abc", 3) == "abc"
    assert pad("日", 4) == "日  "


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ms"),
        (0.0404, "40ms"),
        (1, "1s"),
        (1.25, "1.25s"),
        (9.999, "10s"),
        (59.4, "59s"),
        (60, "1m"),
        (8040, "2h 14m"),
        (86400 * 3 + 3600 * 4, "3d 4h"),
        (86400 * 400, "400d"),
    ],
)
def test_span(seconds: float, text: str) -> None:
    assert span(timedelta(seconds=seconds)) == text


def test_age_never_is_negative() -> None:
    assert age(timedelta(seconds=-5)) == "0s"


def test_times_are_utc_with_microseconds() -> None:
    when = datetime(2026, 1, 31, 10, 0, tzinfo=timezone(timedelta(hours=2)))
    assert rfc3339(when) == "2026-01-31T08:00:00.000000Z"


@pytest.mark.parametrize(
    ("payload", "value"),
    [('{"a": 1}', {"a": 1}), ("not json", "not json"), ("NaN", "NaN"), ("1e999", "1e999"), ('"x"', "x"), ("", "")],
)
def test_decoded(payload: str, value: object) -> None:
    assert decoded(payload) == value
    json.dumps(decoded(payload), allow_nan=False)


def test_payloads_for_people() -> None:
    assert payload_text('{"a":"\\u001b"}') == '{"a": "\\u001b"}'
    assert payload_text("plain\ntext") == "plain\\ntext"
    assert payload_cell('"' + "x" * 100_000 + '"', 10) == '"xxxxxxxx…'
    assert output_text('"x"') == "x"
    assert output_text(' {"a" : 1}\n') == '{"a" : 1}'
    assert output_text(None) == "null"


def test_camel() -> None:
    assert camel("task_scheduled_id") == "taskScheduledID"
    assert camel("fire_at") == "fireAt"


def test_json_has_no_control_characters_at_all() -> None:
    text = to_json({"a": "\x9b\x7f\x1bé"})
    assert text == '{"a": "\\u009b\\u007f\\u001bé"}'
    assert json.loads(text) == {"a": "\x9b\x7f\x1bé"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("choice", "environ", "tty", "expected"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "0"}, False, False),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colour(choice: str, environ: dict[str, str], tty: bool, expected: bool) -> None:
    assert wants_color(Terminal() if tty else io.StringIO(), choice, environ) is expected


def test_each_stream_is_decided_by_itself() -> None:
    console = Console(io.StringIO(), Terminal(), environ={})
    assert (console.out_color, console.err_color) == (False, True)


COLUMNS: list[Column[tuple[str, str]]] = [
    Column("ID", lambda row: row[0]),
    Column("TEXT", lambda row: Cell(row[1], "\x1b[31m"), shrink=True),
    Column("N", lambda row: str(len(row[1])), right=True),
]


def test_plain_tables_are_never_cut() -> None:
    rows = [("a", "x" * 300), ("bbb", "日本")]
    found = list(lines(COLUMNS, rows))
    assert found[1] == "a    " + "x" * 300 + "  300"
    assert width(found[2]) == width(found[1])


def test_tables_fit_the_terminal() -> None:
    rows = [("a" * 12, "x" * 300), ("bbb", "日本" * 30)]
    for room in (80, 40, 30):
        assert all(width(line) <= room for line in lines(COLUMNS, rows, room=room)), room
    painted = list(lines(COLUMNS, rows, color=True, room=40))
    assert "\x1b[31m" in painted[1]
    assert painted[1].count("\x1b[0m") == 1


def test_columns_that_can_be_spared_go_before_another_is_cut() -> None:
    columns = [Column("NR", COLUMNS[0].cell, spare=2), *COLUMNS[1:], Column("STATUS", lambda row: "COMPLETED", spare=1)]
    rows = [("a" * 12, "x" * 300)]
    for room, titles in ((38, "NR TEXT N STATUS"), (35, "NR TEXT N"), (20, "TEXT N")):
        assert next(lines(columns, rows, room=room)).split() == titles.split()


def test_tables_stream() -> None:
    taken = 0

    def rows() -> object:
        nonlocal taken
        for number in range(10_000):
            taken += 1
            yield str(number), "x"

    found = lines(COLUMNS, rows())  # type: ignore[arg-type]
    next(found)
    assert taken <= 501


def test_block() -> None:
    assert list(block([("A", "1"), ("Long", "2\n3")])) == ["A     1", "Long  2", "      3"]


VIEW: View[str] = View(record=lambda one: {"name": one}, id=lambda one: one)


@pytest.mark.parametrize(
    ("format", "none", "two"),
    [
        (Format.JSON, "[]\n", '[\n{"name": "a"},\n{"name": "b"}\n]\n'),
        (Format.JSONL, "", '{"name": "a"}\n{"name": "b"}\n'),
        (Format.YAML, "[]\n", "- name: a\n- name: b\n"),
        (Format.ID, "", "a\nb\n"),
    ],
)
def test_formats(format: Format, none: str, two: str) -> None:
    for values, expected in (([], none), (["a", "b"], two)):
        out = io.StringIO()
        Printer(Console(out, io.StringIO(), environ={}), format).many(values, VIEW)
        assert out.getvalue() == expected
