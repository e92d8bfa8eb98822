"""`list --watch` and `watch` on a real terminal: rows in place, resize, keys, signals."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Cli

if sys.platform == "win32":
    pytest.skip("there is no pty", allow_module_level=True)
import pty
import termios

from pty_screen import Start, Terminal, terminals

from wfctl.cli.watching.keyboard import NEXT, keys
from wfctl.render.live import Screen
from wfctl.render.text import cells


@pytest.fixture
def terminal(cli: Cli, app: Path) -> Iterator[Start]:
    cli("start", "Echo", "--id", "done")
    cli("start", "Approval", "--id", "open")
    with terminals() as start:
        yield start


def row(terminal: Terminal, instance_id: str) -> str:
    return next((line for line in terminal.screen.lines if line.startswith(instance_id + " ")), "")


def test_rows_change_in_place(terminal: Start, cli: Cli) -> None:
    watch = terminal("list", "--watch")
    watch.until_shows("2 instances: 1 RUNNING, 1 COMPLETED")
    assert watch.screen.on_other
    assert not watch.screen.cursor_shown
    assert "event approval" in row(watch, "open")
    before = watch.screen.lines.index(row(watch, "open"))
    cli("raise-event", "open", "approval", "--data", "true")
    watch.until_shows("2 instances: 2 COMPLETED")
    assert "COMPLETED" in row(watch, "open")
    assert watch.screen.lines.index(row(watch, "open")) == before
    assert watch.raw.count("\x1b[2J") == 1, "cleared for the first frame, and never between frames"
    cli("start", "Echo", "--id", "third")
    watch.until_shows("3 instances: 3 COMPLETED")


def test_ctrl_c_gives_the_terminal_back(terminal: Start) -> None:
    watch = terminal("list", "--watch")
    watch.until_shows("q quit")
    assert not watch.echoes
    watch.press("\x03")
    assert watch.end() == 130
    assert watch.echoes
    assert watch.screen.cursor_shown
    assert not watch.screen.on_other
    assert "2 instances: 1 RUNNING, 1 COMPLETED" in watch.screen.text, "the last frame stays"
    assert "q quit" not in watch.screen.text
    assert "Traceback" not in watch.screen.text
    assert watch.screen.text.endswith("wfctl: interrupted")


def test_q_ends_it(terminal: Start) -> None:
    watch = terminal("list", "--watch")
    watch.until_shows("q quit")
    watch.press("q")
    assert watch.end() == 0
    assert watch.screen.cursor_shown


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_give_the_terminal_back(terminal: Start, number: int) -> None:
    watch = terminal("watch", "open")
    watch.until_shows("q quit")
    watch.send(number)
    assert watch.end() == 128 + number
    assert watch.screen.cursor_shown
    assert not watch.screen.on_other


def test_stopped_and_gone_on(terminal: Start) -> None:
    """In a session of its own it has no shell to return to, and does not really stop."""
    watch = terminal("list", "--watch")
    watch.until_shows("q quit")
    watch.send(signal.SIGTSTP)
    watch.until(lambda: watch.raw.count("\x1b[?25h\x1b[?1049l\x1b[?1049h") == 1, "gives the terminal back, takes it")
    watch.until_shows("q quit")
    assert watch.screen.on_other
    assert not watch.screen.cursor_shown
    watch.press("q")
    assert watch.end() == 0


def test_resize(terminal: Start) -> None:
    watch = terminal("list", "--watch", columns=120)
    watch.until_shows("event approval")
    for columns, rows in ((40, 24), (160, 50), (20, 5)):
        watch.resize(columns, rows)
        watch.until(
            lambda columns=columns, rows=rows: (  # type: ignore[misc]
                all(cells(line.rstrip()) <= columns for line in watch.screen.lines)
                and 3 <= len(watch.screen.lines) <= rows
                and "ID" in watch.screen.text
            ),
            f"fits {columns} x {rows}",
        )
        assert columns < 40 or "COMPLETED" in row(watch, "done"), "the status is never cut"
    watch.press("q")
    assert watch.end() == 0


def test_only_what_changed_is_painted(terminal: Start, cli: Cli) -> None:
    watch = terminal("list", "--watch", "--name", "Approval", NO_COLOR="1")
    watch.until_shows("1 instance: 1 RUNNING")
    cli("raise-event", "open", "approval", "--data", "true")
    watch.until_shows("1 instance: 1 COMPLETED")
    later = watch.raw.partition("1 instance: 1 RUNNING")[2]
    assert "\x1b[2;1H" in later, "the row"
    assert "\x1b[1;1H" not in later, "the header stays as it is"
    assert "\x1b[3;1H" not in later


def test_pages(terminal: Start, cli: Cli) -> None:
    for number in range(5):
        cli("start", "Echo", "--id", f"echo-{number}")
    watch = terminal("list", "--watch", "--sort", "id", rows=6)
    watch.until_shows("page 1  n next  q quit")
    assert [line.split()[0] for line in watch.screen.lines[1:4]] == ["done", "echo-0", "echo-1"]
    watch.press("n")
    watch.until_shows("page 2  n next  p back  q quit")
    assert [line.split()[0] for line in watch.screen.lines[1:4]] == ["echo-2", "echo-3", "echo-4"]
    watch.press("\x1b[B")
    watch.until_shows("page 3  p back  q quit")
    watch.press("p")
    watch.until_shows("page 2")
    watch.press("g")
    watch.until_shows("page 1")


def test_finished_rows_settle_before_they_go(terminal: Start, cli: Cli) -> None:
    watch = terminal("list", "--watch", "--status", "RUNNING")
    watch.until_shows("1 instance: 1 RUNNING")
    cli("raise-event", "open", "approval", "--data", "true")
    watch.until(lambda: "COMPLETED" in row(watch, "open"), "shows how it ended")
    watch.until_shows("no instances")


def test_one_instance_with_its_steps(terminal: Start, cli: Cli) -> None:
    watch = terminal("watch", "open")
    watch.until_shows('waits for event "approval"')
    assert "WAITING" in row(watch, "approval")
    cli("raise-event", "open", "approval", "--data", "true")
    assert watch.end() == 0
    assert "open  Approval  COMPLETED" in watch.screen.text
    assert "COMPLETED" in row(watch, "approval")
    assert not watch.screen.on_other


def test_several_instances(terminal: Start, cli: Cli) -> None:
    watch = terminal("watch", "open", "done")
    watch.until_shows("2 instances: 1 RUNNING, 1 COMPLETED")
    assert watch.screen.lines[1].startswith("open ")
    cli("terminate", "open")
    assert watch.end() == 0
    assert "TERMINATED" in row(watch, "open")


def test_a_missing_instance(terminal: Start) -> None:
    watch = terminal("watch", "nosuch")
    assert watch.end() == 3
    assert "there is no instance 'nosuch'" in watch.screen.text
    assert watch.screen.cursor_shown


def test_an_instance_that_is_purged_meanwhile(terminal: Start, cli: Cli) -> None:
    watch = terminal("watch", "open")
    watch.until_shows("q quit")
    cli("purge", "open", "--force", "--yes")
    assert watch.end() == 0


def test_a_dumb_terminal_gets_lines(terminal: Start, cli: Cli) -> None:
    watch = terminal("watch", "open", TERM="dumb")
    watch.until_shows("event approval")
    cli("raise-event", "open", "approval", "--data", "true")
    assert watch.end() == 0
    assert "\x1b" not in watch.raw
    assert [line.split("  ")[3].strip() for line in watch.screen.text.splitlines()] == ["RUNNING", "COMPLETED"]


def test_no_color(terminal: Start) -> None:
    plain, colored = terminal("list", "--watch", NO_COLOR="1"), terminal("list", "--watch")
    for watch in (plain, colored):
        watch.until_shows("q quit")
    assert "\x1b[32mCOMPLETED\x1b[0m" in colored.raw
    assert "COMPLETED" in plain.raw
    assert "\x1b[32m" not in plain.raw
    assert "\x1b[1m" not in plain.raw


def test_wide_names_fit(terminal: Start, cli: Cli, app: Path) -> None:
    cli("start", "Echo", "--id", "订单-" + "长" * 18)
    watch = terminal("list", "--watch", columns=60)
    watch.until_shows("3 instances")
    assert all(cells(line) <= 60 for line in watch.screen.lines)


def test_escapes_in_payloads_do_nothing(terminal: Start, cli: Cli) -> None:
    cli("start", "Broken", "--id", "evil", "--input", json.dumps("\x1b]0;owned\x07\x1b[2J"))
    for words in (("list", "--watch"), ("watch", "evil")):
        watch = terminal(*words, columns=200)
        watch.until_shows("owned")
        assert "\x1b]0;" not in watch.raw
        assert "\x07" not in watch.raw


def test_keys_are_given_back_and_taken_again() -> None:
    """As a process does that is stopped with Ctrl-Z and goes on: a shell leaves the terminal in modes of its own."""
    ours, theirs = pty.openpty()

    def single_keys() -> bool:
        return not termios.tcgetattr(theirs)[3] & (termios.ECHO | termios.ICANON)

    with os.fdopen(theirs, "r", closefd=False) as stdin, keys(stdin) as pressed:
        assert single_keys()
        pressed.give_back()
        assert not single_keys()
        pressed.take()
        assert single_keys()
        os.write(ours, b"n")
        assert pressed.pressed() == NEXT
    assert not single_keys()
    os.close(theirs)
    os.close(ours)


def test_a_screen_that_is_stopped_gives_the_keys_back_first(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    done: list[str] = []

    class Keys:
        take = staticmethod(lambda: done.append("take"))
        give_back = staticmethod(lambda: done.append("give back"))

    monkeypatch.setattr(os, "kill", lambda pid, number: done.append("stop"))
    with os.fdopen(theirs, "w", closefd=False) as out, Screen(out, color=False, keys=Keys()):
        signal.raise_signal(signal.SIGTSTP)
    assert done == ["give back", "stop", "take"]
    os.close(theirs)
    os.close(ours)
