from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from rich.text import Text

from wfctl.errors import WfctlError
from wfctl.model.status import Status
from wfctl.model.steps import StepStatus
from wfctl.render import plain, theme
from wfctl.render.console import Console, wants_color
from wfctl.render.drawing import drawn, page, tables
from wfctl.render.errors import fault_text
from wfctl.render.highlight import Payload, trace
from wfctl.render.history_records import camel
from wfctl.render.json_records import decoded
from wfctl.render.printer import Format, Printer, View, to_json
from wfctl.render.table import Cell, Column, Drawn
from wfctl.render.text import cells, clean, clean_block, shorten
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
    assert cells("日本") == 4
    assert cells("e\u0301") == 1
    assert shorten("abc", 3) == "abc"
    assert shorten("日本語文", 3) == "日本…"


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
    Column("TEXT", lambda row: Cell(row[1], "red"), shrink=True),
    Column("N", lambda row: str(len(row[1])), right=True),
]


def screen(columns: Sequence[Column[Any]], rows: Iterable[Any], room: int | None, *, color: bool = False) -> list[str]:
    """The lines of a table at a terminal."""
    parts = tables(columns, rows, room)
    return [line for part in parts for line in drawn(part, color=color, width=room or 80).splitlines()]


def test_plain_tables_are_never_cut() -> None:
    rows = [("a", "x" * 300), ("bbb", "日本")]
    found = list(plain.table(COLUMNS, rows))
    assert found[1] == "a    " + "x" * 300 + "  300"
    assert cells(found[2]) == cells(found[1])


def test_tables_fit_the_terminal() -> None:
    rows = [("a" * 12, "x" * 300), ("bbb", "日本" * 30)]
    for room in (80, 40, 30):
        assert all(cells(line) <= room for line in screen(COLUMNS, rows, room)), room
    painted = screen(COLUMNS, rows, 40, color=True)
    assert "\x1b[31m" in painted[1]
    assert painted[1].count("\x1b[0m") == 1


def test_what_is_written_and_what_is_drawn_is_the_same_where_there_is_room() -> None:
    rows = [("a", "xyz"), ("bbb", "日本")]
    assert screen(COLUMNS, rows, 80) == list(plain.table(COLUMNS, rows))
    assert screen(COLUMNS, [("a", "x" * 300)], None) == list(plain.table(COLUMNS, [("a", "x" * 300)]))


def test_columns_that_can_be_spared_go_before_another_is_cut() -> None:
    columns = [Column("NR", COLUMNS[0].cell, spare=2), *COLUMNS[1:], Column("STATUS", lambda row: "COMPLETED", spare=1)]
    rows = [("a" * 12, "x" * 300)]
    for room, titles in ((38, "NR TEXT N STATUS"), (35, "NR TEXT N"), (20, "TEXT N")):
        assert screen(columns, rows, room)[0].split() == titles.split()


def test_a_column_that_folds_shows_all_of_its_text() -> None:
    columns = [COLUMNS[0], Column("TEXT", lambda row: row[1], fold=True)]
    shown = screen(columns, [("a", "one two three four five")], 16)
    assert shown == ["ID  TEXT", "a   one two", "    three four", "    five"]


@pytest.mark.parametrize("write", [plain.table, lambda columns, rows: tables(columns, rows, 80)])
def test_tables_stream(write: Callable[..., Iterator[object]]) -> None:
    taken = 0

    def rows() -> Iterator[tuple[str, str]]:
        nonlocal taken
        for number in range(10_000):
            taken += 1
            yield str(number), "x"

    next(write(COLUMNS, rows()))
    assert taken <= 501


def test_a_long_table_is_one_table() -> None:
    rows = [(str(number), "x") for number in range(1200)]
    assert screen(COLUMNS, rows, 80) == list(plain.table(COLUMNS, rows))


PAGE: list[tuple[str | None, Cell | Drawn | str]] = [("A", "1"), ("Long", Cell("2\n3", "red")), (None, "whole")]


def test_pages() -> None:
    assert list(plain.page(PAGE)) == ["A     1", "Long  2", "      3", "whole"]
    assert drawn(page(PAGE), color=False, width=80) == "A     1\nLong  2\n      3\nwhole\n"


def test_what_rich_draws_on_a_page_has_a_plain_form() -> None:
    pairs = [("A", Drawn("plain", lambda: Text("drawn")))]
    assert list(plain.page(pairs)) == ["A  plain"]
    assert drawn(page(pairs), color=False, width=80) == "A  drawn\n"


HOSTILE = "[bold red]x[/] :smile: https://example.com [link=http://a]b[/link] \x1b]8;;http://a\x1b\\ \x07\x9b2J\r"


def test_text_is_never_parsed() -> None:
    """No markup, no emoji, no links; control characters are seen and do nothing."""
    shown = clean(HOSTILE)
    column: Column[str] = Column("TEXT", lambda row: clean(row))
    for text in (
        "\n".join(screen([column], [HOSTILE], 300, color=True)),
        drawn(page([("A", shown), ("B", Drawn("", lambda: Payload(HOSTILE, None)))]), color=True, width=300),
        drawn(trace(HOSTILE), color=True, width=300),
        fault_text(WfctlError(HOSTILE, hint=HOSTILE), color=True),
    ):
        assert "[bold red]x[/] :smile: https://example.com [link=http://a]b[/link] \\x1b]8;;" in text
        for bad in ("\x1b]", "\x07", "\x9b", "\r"):
            assert bad not in text


def test_payloads_are_indented_where_a_line_is_too_short() -> None:
    payload = json.dumps({"name": "Paperclips", "left": [1, None, True]})
    assert drawn(Payload(payload, None), color=False, width=80) == payload + "\n"
    shown = drawn(Payload(payload, None), color=False, width=30)
    assert json.loads(shown) == json.loads(payload)
    assert len(shown.splitlines()) == 8
    assert '\x1b[36m"name"' in drawn(Payload(payload, None), color=True, width=30)
    short = drawn(Payload(json.dumps(["x" * 50] * 9), 4), color=False, width=28).splitlines()
    assert short[-1] == "... (7 more lines: -o wide)"
    assert all(cells(line) <= 28 for line in short[:-1])


TRACES = """Traceback (most recent call last):
  File "/app/orders.py", line 12, in pay
    raise ValueError("no")
ValueError: no
    at charge (/app/orders.js:3:4)
   at Orders.Pay() in /app/Orders.cs:line 7
    at com.example.Orders.pay(Orders.java:9)
"""


def test_traces_show_where() -> None:
    shown = trace(TRACES)
    found = {(span.style, shown.plain[span.start : span.end]) for span in shown.spans}
    assert found == {
        ("trace.path", 'File "/app/orders.py"'),
        ("trace.line", "12"),
        ("trace.function", "pay"),
        ("trace.error", "ValueError"),
        ("trace.function", "charge"),
        ("trace.path", "/app/orders.js"),
        ("trace.line", "3"),
        ("trace.function", "Orders.Pay()"),
        ("trace.path", "/app/Orders.cs"),
        ("trace.line", "7"),
        ("trace.function", "com.example.Orders.pay"),
        ("trace.path", "Orders.java"),
        ("trace.line", "9"),
    }
    assert shown.plain == TRACES.rstrip()
    assert trace(TRACES, 2).plain.splitlines()[0] == "... (5 more lines: -o wide)"


def test_styles_have_their_place() -> None:
    """Every status has a colour, and all of them are what Rich understands."""
    for status in Status:
        assert theme.status_style(status) in theme.STYLES
    for step in StepStatus:
        assert theme.step_style(step) in theme.STYLES
    assert theme.paint("x", "status.failed") == "\x1b[31mx\x1b[0m"
    assert theme.paint("x", "") == "x"
    theme.rich_theme()


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
