"""The server's log: names and IDs in it are anybody's text."""

from __future__ import annotations

import io
import json

import pytest

from wfctl.gateway.log import MOST, Log

HOSTILE = "\x1b]0;owned\x07\x9b31m\u202e\nforged"


@pytest.mark.parametrize("as_json", [True, False], ids=["lines of JSON", "a terminal"])
def test_a_terminal_obeys_nothing(as_json: bool) -> None:
    out = io.StringIO()
    log = Log(out, as_json=as_json)
    log.warning(f"{HOSTILE} FAILED", workflow=HOSTILE)
    line, rest = out.getvalue().split("\n", 1)
    assert rest == ""
    assert not set(line) & set("\x1b\x07\x9b")
    if as_json:
        assert json.loads(line)["workflow"] == HOSTILE
    else:
        log.app_line(20, f"the app's own: {HOSTILE}")
        assert not set(out.getvalue()) & set("\x1b\x07\x9b\u202e"), "two lines, as the app wrote them"


def test_nobody_fills_the_disk_with_a_long_name() -> None:
    out = io.StringIO()
    log = Log(out, as_json=True)
    log.warning("x" * 100_000, workflow="y" * 100_000, took=5)
    assert len(out.getvalue()) < 3 * MOST
    log.app_line(20, "z" * 100_000)
    assert len(out.getvalue()) > 100_000, "of the app's own words nothing is cut"
