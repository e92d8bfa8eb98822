"""The tabs of failures and of events: every key, through the screen, on a real store."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from golden import check_golden
from harness import Cli, one_file
from ui_screen import shown, until_shows

from wfctl.cli.ui.query import parse_query, typed_words

Run = Callable[..., None]
NOW = datetime(2026, 1, 2, 12, tzinfo=timezone.utc)
SIZES = [(80, 24), (120, 40)]
APP = """
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()


@wfr.activity(name="Charge")
def charge(ctx, card):
    raise ValueError(f"card {card} declined")


@wfr.workflow(name="Checkout")
def checkout(ctx, card):
    yield ctx.call_activity(charge, input=card)


@wfr.workflow(name="Boom")
def boom(ctx, _):
    raise KeyError("rate")
    yield


@wfr.workflow(name="Ask")
def ask(ctx, _):
    return (yield ctx.wait_for_external_event("Approval"))
"""


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    """The store as the commands made it, for those who come after the first."""
    return {}


@pytest.fixture(autouse=True)
def instances(cli: Cli, app: Path, made: dict[str, bytes]) -> None:
    (app / "app.py").write_text(APP)
    store = app / "store.db"
    if not made:
        for number in range(3):
            cli("start", "Checkout", "--id", f"c{number}", "--input", str(number))
            cli("start", "Ask", "--id", f"a{number}")
        cli("start", "Boom", "--id", "boom")
        cli("raise-event", "a1", "aproval")
        made["store"] = one_file(store)
    store.write_bytes(made["store"])


def fixed(app: Path) -> None:
    """Give all that happened times that do not change."""
    with sqlite3.connect(app / "store.db") as db:
        begun = int((NOW - timedelta(hours=2)).timestamp() * 1_000_000)
        db.execute(
            "UPDATE instances SET created_at = ? + key * 60000000, completed_at = ? + key * 90000000", [begun] * 2
        )
        db.execute("UPDATE event_waits SET since = ? + key * 60000000", [begun])
        db.execute("UPDATE early_events SET at = ?", [begun])


def statuses(cli: Cli, *words: str) -> dict[str, str]:
    return {one["instanceID"]: one["runtimeStatus"] for one in cli("list", *words, "-o", "json").json}


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_how_they_look(ui: Run, app: Path, size: tuple[int, int]) -> None:
    fixed(app)

    async def play(pilot: Any) -> None:
        pilot.app.now = lambda: NOW
        for key, name, text in (("2", "failures", "rerun"), ("3", "events", "aproval"), ("enter", "waits", "waiting")):
            await pilot.press(key)
            await until_shows(pilot, text)
            check_golden(f"ui/{size[0]}x{size[1]}/{name}.txt", shown(pilot) + "\n")

    ui(play, size=size)


def test_enter_on_a_group_of_failures_filters_the_table(ui: Run, cli: Cli) -> None:
    async def play(pilot: Any) -> None:
        await pilot.press("2")
        await until_shows(pilot, "4 failed instances in 2 groups", "3 × Checkout at Charge", "card <number> declined")
        await pilot.press("y")
        await until_shows(pilot, "copied: c2")
        await pilot.press("Y")
        assert pilot.app.clipboard.startswith("wfctl failures ")
        await pilot.press("down")
        await until_shows(pilot, "1 × Boom")
        await pilot.press("up", "enter")
        screen = await until_shows(pilot, "c0", "c2", "/status:failed name:Checkout step:Charge")
        assert "boom" not in screen
        await pilot.press("Y")
        command = pilot.app.clipboard
        assert command.startswith("wfctl list --status failed --name Checkout --step Charge --error")

    ui(play)


def test_r_reruns_the_group_and_d_purges_it(ui: Run, cli: Cli) -> None:
    async def play(pilot: Any) -> None:
        await pilot.press("2")
        await until_shows(pilot, "3 × Checkout")
        await pilot.press("r")
        await until_shows(pilot, "Rerun 3 Checkout from the step that failed on embedded")
        await pilot.press("n")
        await pilot.press("r")
        await until_shows(pilot, "Rerun 3 Checkout")
        await pilot.press("y")
        await until_shows(pilot, "started 3 reruns")
        await pilot.press("escape", "down", "d")
        await until_shows(pilot, "Purge 1 Boom")
        await pilot.press("y")
        await until_shows(pilot, "purged boom")

    ui(play)
    found = statuses(cli)
    assert {f"c{number}-rerun-1" for number in range(3)} <= set(found)
    assert "boom" not in found


def test_read_only_has_neither(ui: Run) -> None:
    async def play(pilot: Any) -> None:
        await pilot.press("2")
        assert "Rerun" not in await until_shows(pilot, "3 × Checkout")
        await pilot.press("r")
        await pilot.press("3")
        assert "Raise" not in await until_shows(pilot, "Approval")
        await pilot.press("e", "question_mark")
        keys = await until_shows(pilot, "Keys here")
        assert "Raise" not in keys
        assert "Terminate" not in keys

    ui(play, read_only=True)


def test_events_by_group_and_one_by_one(ui: Run, cli: Cli) -> None:
    async def play(pilot: Any) -> None:
        await pilot.press("3")
        await until_shows(pilot, "3 waits, 1 unread event", "Approval", "aproval")
        await pilot.press("Y")
        assert pilot.app.clipboard.startswith("wfctl waiting --by event,name ")
        await pilot.press("enter")
        await until_shows(pilot, "Escape: all events", "a0", "a1", "a2")
        await pilot.press("Y")
        assert pilot.app.clipboard.startswith("wfctl waiting --name Ask --waiting-event Approval ")
        await pilot.press("down", "y")
        await until_shows(pilot, "copied: a1")
        await pilot.press("enter")
        await until_shows(pilot, "Overview", "a1")
        await pilot.press("backspace")
        await until_shows(pilot, "Escape: all events")
        await pilot.press("escape", "down", "enter")
        await until_shows(pilot, "aproval of Ask", "arrived, not asked for")
        await pilot.press("backspace")
        await until_shows(pilot, "EXAMPLE")

    ui(play)


def test_an_event_for_one_for_some_and_for_all(ui: Run, cli: Cli) -> None:
    async def play(pilot: Any) -> None:
        await pilot.press("3")
        await until_shows(pilot, "aproval")
        await pilot.press("enter")
        await until_shows(pilot, "a0", "a2")
        await pilot.press("e")
        await until_shows(pilot, "Raise an event", "Approval")
        await pilot.press("ctrl+s")
        await until_shows(pilot, "Raise Approval for a0")
        await pilot.press("y")
        await until_shows(pilot, "raised Approval for a0")
        await pilot.press("escape")
        await until_shows(pilot, "EXAMPLE", "2 waits")
        await pilot.press("home", "e")
        await until_shows(pilot, "Raise an event")
        await pilot.press("ctrl+s")
        await until_shows(pilot, "Raise Approval for 2 Ask")
        await pilot.press("y")
        await until_shows(pilot, "2 raised")
        await pilot.press("escape")

    ui(play)
    cli("run")
    assert set(statuses(cli, "--name", "Ask").values()) == {"COMPLETED"}


def test_the_other_verbs_on_selected_waits(ui: Run, cli: Cli) -> None:
    async def play(pilot: Any) -> None:
        await pilot.press("3")
        await until_shows(pilot, "aproval")
        await pilot.press("enter")
        await until_shows(pilot, "a0", "a2")
        await pilot.press("space", "space", "p")
        await until_shows(pilot, "2 selected", "Pause 2 instances")
        await pilot.press("y")
        await until_shows(pilot, "2 paused")
        await pilot.press("escape", "u")
        await until_shows(pilot, "Resume 2 instances")
        await pilot.press("y")
        await until_shows(pilot, "2 resumed")
        await pilot.press("escape", "escape", "end", "x")
        await until_shows(pilot, "Terminate a2")
        await pilot.press("y")
        await until_shows(pilot, "terminated a2")
        await pilot.press("r", "d")
        await until_shows(pilot, "a0")

    ui(play)
    assert statuses(cli, "--name", "Ask") == {"a0": "RUNNING", "a1": "RUNNING", "a2": "TERMINATED"}


def test_a_target_that_has_none(ui: Run, cli: Cli) -> None:
    cli("terminate", "--name", "Ask", "--yes")
    cli("purge", "--status", "FAILED,TERMINATED", "--yes")

    async def play(pilot: Any) -> None:
        await pilot.press("2")
        await until_shows(pilot, "nothing has failed")
        await pilot.press("enter", "r", "y", "3", "enter", "e", "space", "y", "4", "enter", "tab", "y")
        await until_shows(pilot, "no worker")

    ui(play)


@pytest.mark.parametrize("error", ["x", "a b", "it's", 'say "no"', "=exact text", "a:b", "\\", "card * declined"])
def test_what_is_typed_for_a_group_is_read_as_it_was_meant(error: str) -> None:
    values = {"status": ["failed"], "name": "Check out", "step": None, "error": error}
    assert typed_words({"step": "a\x1b[2Jb"}) == 'step:"a*[2Jb"'
    assert parse_query(typed_words(values)).values == {"status": ["failed"], "name": "Check out", "error": error}
