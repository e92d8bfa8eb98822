"""How far a wait or a run is: one line on a terminal's stderr, and nothing anywhere else."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Cli, Stream

if sys.platform == "win32":
    pytest.skip("there is no pty", allow_module_level=True)
from pty_screen import Screen, Start, terminals

from wfctl.render.progress import Progress

APP = """
from datetime import timedelta
import logging, sys
import dapr.ext.workflow as wf

logging.basicConfig(stream=sys.stderr, format="%(message)s")
wfr = wf.WorkflowRuntime()

@wfr.activity(name="Shout")
def shout(ctx, value):
    print("printed by the app")
    logging.warning("logged by the app")
    sys.stderr.write("half a line")
    sys.stderr.write(" and its end\\n")

@wfr.workflow(name="Talk")
def talk(ctx, value):
    yield ctx.wait_for_external_event("go")
    yield ctx.call_activity(shout)
    yield ctx.wait_for_external_event("end")
    return "said"

@wfr.workflow(name="Timers")
def timers(ctx, value):
    yield ctx.create_timer(timedelta(seconds=2))
"""


@pytest.fixture(autouse=True)
def talking(app: Path) -> None:
    (app / "app.py").write_text(APP)


@pytest.fixture
def terminal() -> Iterator[Start]:
    with terminals() as start:
        yield start


def test_wait_and_what_the_app_writes(terminal: Start, cli: Cli) -> None:
    wait = terminal("start", "Talk", "--id", "talk", "--wait", "-o", "json", piped=True)
    wait.until_shows("0 steps done  event go")
    assert "talk RUNNING" in wait.screen.text.splitlines()[0]
    cli("raise-event", "talk", "go")
    wait.until_shows("2 steps done  event end")
    lines = wait.screen.text.splitlines()
    assert lines[:3] == ["printed by the app", "logged by the app", "half a line and its end"]
    assert len(lines) == 4, "the progress is one line, below what the app wrote"
    cli("raise-event", "talk", "end")
    assert wait.end() == 0
    assert wait.screen.text.splitlines()[3:] == [wait.screen.text.splitlines()[-1]]
    assert "talk COMPLETED, took" in wait.screen.text
    assert json.loads(wait.data())["output"] == "said"


def test_wait_for_several(terminal: Start, cli: Cli) -> None:
    for name in ("a", "b"):
        cli("start", "Talk", "--id", name)
    wait = terminal("wait", "a", "b", "--for", "terminal")
    wait.until_shows("0 of 2 there  a RUNNING")
    cli("terminate", "a")
    wait.until_shows("1 of 2 there  b RUNNING")
    cli("terminate", "b")
    assert wait.end() == 0


def test_a_narrow_terminal_and_a_resize(terminal: Start, cli: Cli) -> None:
    cli("start", "Talk", "--id", "talk")
    wait = terminal("wait", "talk", columns=30)
    wait.until_shows("talk RUNNING")
    wait.until(lambda: "…" in wait.screen.text, "cut")
    assert len(wait.screen.text) < 30
    wait.resize(100, 24)
    wait.until_shows("event go")


def test_run(terminal: Start, cli: Cli) -> None:
    for number in range(3):
        cli("start", "Timers", "--id", f"timer-{number}", "--no-drive")
    run = terminal("run")
    run.until_shows("0 ended  3 live")
    assert run.end() == 0
    assert "3 instances ended (3 COMPLETED), 0 live" in run.screen.text
    assert "0 ended" not in run.screen.text, "the line is gone"


@pytest.mark.parametrize("more", [["-q"], []])
def test_nothing_elsewhere(cli: Cli, more: list[str]) -> None:
    cli("start", "Timers", "--id", "timer", "--no-drive")
    shown = cli("wait", "timer", *more, tty=False, err_tty=bool(more))
    assert shown.status == 0
    assert "\x1b" not in shown.out + shown.err
    assert "\r" not in shown.err


def test_a_dumb_terminal_gets_none(terminal: Start, cli: Cli) -> None:
    cli("start", "Timers", "--id", "timer", "--no-drive")
    wait = terminal("wait", "timer", TERM="dumb")
    assert wait.end() == 0
    assert "\x1b" not in wait.raw
    assert wait.screen.text.startswith("timer COMPLETED, took 2")


def test_the_stream_is_as_before() -> None:
    stream = Stream(True)
    before = stream.write
    with Progress(stream, color=False) as progress:
        assert not progress.due, "what is done at once needs none"
        progress.show(["1 of 2"])
        stream.write("half")
        progress.show(["2 of 2"])
        stream.write(" whole\n")
        progress.show(["3 of 3"])
    assert stream.write == before
    screen = Screen()
    screen.feed(stream.getvalue().replace("\n", "\r\n"))
    assert screen.text == "half whole"
    assert "1 of 2" in stream.getvalue()
    assert "2 of 2" not in stream.getvalue(), "not into a line that somebody is writing"
    assert "3 of 3" in stream.getvalue()
    assert screen.cursor_shown
