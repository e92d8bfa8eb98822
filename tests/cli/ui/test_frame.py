"""The frame: the target, the tabs, the keys, what is wrong with the target."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import Cli
from pty_screen import terminals
from ui_screen import type_text, until_shows

Run = Callable[..., None]


def test_it_names_the_target_and_the_keys(ui: Run, cli: Cli, app: Path) -> None:
    assert cli("start", "Echo", "--id", "one", "--no-drive").status == 0

    async def play(pilot: Any) -> None:
        await until_shows(pilot, "wfctl embedded", "store.db", "one", "Echo")
        await pilot.press("question_mark")
        await until_shows(pilot, "Keys here", "Quit")
        await pilot.press("escape", "Y")
        await until_shows(pilot, "copied: wfctl list")
        assert pilot.app.clipboard == "wfctl list --target embedded --store store.db"

    ui(play, read_only=False, theme="terminal")


def test_the_palette_does_by_name_what_keys_do(ui: Run, still: Path) -> None:
    async def play(pilot: Any) -> None:
        await until_shows(pilot, "39 instances")
        await pilot.press("colon")
        await until_shows(pilot, "Copy the ID")
        await type_text(pilot, "terminate")
        await until_shows(pilot, "key x", but="Copy the ID")
        await pilot.press("enter")
        await until_shows(pilot, "Terminate order-6:0001 on embedded")
        await pilot.press("escape", "colon")
        await until_shows(pilot, "Copy the ID")
        await type_text(pilot, "sort")
        await until_shows(pilot, "key s", but="Copy the ID")
        await pilot.press("enter")
        await until_shows(pilot, "Sort by what?")

    ui(play, still)


def test_nothing_to_do_is_in_the_palette_with_read_only(ui: Run, still: Path) -> None:
    async def play(pilot: Any) -> None:
        await until_shows(pilot, "39 instances")
        await pilot.press("colon")
        await until_shows(pilot, "key /")
        await type_text(pilot, "purge")
        await until_shows(pilot, "No matches")

    ui(play, still, read_only=True)


def test_without_textual_one_line_says_how_to_get_it(app: Path) -> None:
    program = "import sys; sys.modules['textual'] = None; from wfctl.cli.main import main; sys.exit(main(['ui']))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 5
    assert result.stderr == "wfctl: wfctl ui needs Textual\n  try: pip install 'wfctl-dapr[ui]'\n"


def test_it_needs_a_terminal(cli: Cli, app: Path) -> None:
    result = cli("ui")
    assert result.status == 2
    assert "needs a terminal" in result.err


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_it_ends_with_its_terminal(still: Path, number: int) -> None:
    with terminals() as start:
        terminal = start("ui", "--store", str(still), "--read-only")
        terminal.until_shows("39 instances")
        assert not terminal.echoes
        terminal.send(number)
        terminal.until(lambda: "interrupted" in terminal.screen.text, "it says so")
        assert terminal.end() == 128 + number


def test_of_one_id_in_two_apps_it_names_the_apps(ui: Run, cli: Cli, project: Path) -> None:
    code = "import dapr.ext.workflow as wf\nwfr = wf.WorkflowRuntime()\n@wfr.workflow(name='W')\ndef w(ctx, n):\n"
    for app in ("two_apps_a", "two_apps_b"):
        (project / f"{app}.py").write_text(code + "    yield ctx.wait_for_external_event('go')\n")
    (project / "wfctl.toml").write_text('app = "two_apps_a.py"\n[apps.payments]\napp = "two_apps_b.py"\n')
    for words in ((), ("--app-id", "payments")):
        assert cli("start", "W", "--id", "one", "--store", "store.db", *words).status == 0

    async def play(pilot: Any) -> None:
        await until_shows(pilot, "2 RUNNING", "APP", "payments")
        await pilot.press("enter")
        await until_shows(pilot, "'one' in each of 2 apps: payments, wfctl (say which is meant: --app-id", but="trying")

    ui(play, project / "store.db", size=(120, 24))
