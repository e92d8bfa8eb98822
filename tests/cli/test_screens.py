"""What commands show at a terminal: drawn by Rich, from text that is never parsed; and what loads Rich at all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from harness import Cli

from wfctl.render.text import cells

LIMIT_SECONDS = 120
HOSTILE = "[bold red]x[/] :smile: https://example.com [link=http://a]b[/link]"
SCREENS = [
    ["list"],
    ["list", "-o", "wide"],
    ["get", "evil"],
    ["get", "evil", "-o", "wide"],
    ["steps", "evil"],
    ["steps", "evil", "--timeline"],
    ["history", "evil"],
    ["result", "evil"],
]


@pytest.fixture
def evil(cli: Cli, app: Path) -> None:
    cli("start", "Echo", "--id", "evil", "--input", json.dumps({HOSTILE: [HOSTILE, "\x1b]0;owned\x07\x1b[2J\u202e"]}))


@pytest.mark.parametrize("argv", SCREENS, ids=" ".join)
def test_payloads_cannot_drive_the_terminal(cli: Cli, evil: None, argv: list[str]) -> None:
    shown = cli(*argv, "--color", "always", tty=True).out
    assert "\x1b[" in shown
    for bad in ("\x1b]", "\x07", "\x1b[2J", "\u202e", "😄"):
        assert bad not in shown, bad
    if "wide" in argv or argv[0] in ("get", "result"):
        assert "[bold red]x[/] :smile:" in cli(*argv, "--color", "never", tty=True).out


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("argv", [one for one in SCREENS if "wide" not in one], ids=" ".join)
def test_screens_fit(cli: Cli, evil: None, argv: list[str], columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = cli(*argv, "--color", "never", tty=True).out
    assert shown
    assert all(cells(line) <= columns for line in shown.splitlines())
    assert not any(line.endswith(" ") for line in shown.splitlines()), "nothing at the ends to be copied"


def test_a_result_is_indented_at_a_terminal_only(cli: Cli, app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    payload = '{"name": "Paperclips", "left": [1, 2, 3]}'
    cli("start", "Echo", "--id", "one", "--input", payload)
    assert cli("result", "one").out == payload + "\n", "as it was stored"
    monkeypatch.setenv("COLUMNS", "30")
    shown = cli("result", "one", "--color", "never", tty=True).out
    assert len(shown.splitlines()) == 8
    assert json.loads(shown) == json.loads(payload)


PROGRAM = """
import io, json, sys
class Terminal(io.StringIO):
    def isatty(self):
        return True
tty, *argv = sys.argv[1:]
stdout, sys.stdout = sys.stdout, Terminal() if tty == "tty" else io.StringIO()
from wfctl.cli.main import main
status = main(argv)
names = [name for name in sys.modules if name.partition(".")[0] in ("rich", "pygments", "markdown_it")]
stdout.write(json.dumps([status, names]))
"""


def loaded(tty: str, *argv: str) -> tuple[int, list[str]]:
    command = [sys.executable, "-c", PROGRAM, tty, *argv]
    found = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=True)
    status, names = json.loads(found.stdout)
    return status, names


@pytest.mark.parametrize(
    ("tty", "argv", "status"),
    [
        ("pipe", ["list"], 0),
        ("pipe", ["get", "one"], 0),
        ("pipe", ["history", "one"], 0),
        ("pipe", ["tree", "one"], 0),
        ("pipe", ["get", "nosuch"], 3),
        ("tty", ["list", "-o", "json"], 0),
        ("tty", ["get", "one", "-o", "yaml"], 0),
        ("tty", ["history", "one", "-o", "jsonl"], 0),
        ("tty", ["list", "-o", "id"], 0),
        ("tty", ["get", "nosuch"], 3),
        ("tty", ["--help"], 0),
    ],
    ids=str,
)
def test_what_never_loads_rich(cli: Cli, app: Path, tty: str, argv: list[str], status: int) -> None:
    cli("start", "Echo", "--id", "one")
    assert loaded(tty, *argv) == (status, [])


def test_what_is_drawn_loads_no_more_of_rich_than_it_needs(cli: Cli, app: Path) -> None:
    cli("start", "Echo", "--id", "one")
    status, names = loaded("tty", "list")
    assert status == 0
    assert "rich.table" in names
    assert not {"rich.live", "rich.progress", "rich.traceback", "rich.syntax", "rich.tree"} & set(names)
    assert not [name for name in names if name.startswith(("pygments", "markdown_it"))]
