"""What the keys do to instances: the questions, the forms, the results; and what may not be done."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import Cli
from ui_screen import shown, type_text, until, until_shows

Run = Callable[..., None]


@pytest.fixture
def shop(cli: Cli, app: Path) -> Path:
    for name in ("Approval", "Broken", "Echo", "Later"):
        cli("start", name, "--id", name.lower(), "--input", '"x"')
    return app


def status(cli: Cli, instance_id: str) -> str:
    found: str = cli("get", instance_id, "-o", "json").json["runtimeStatus"]
    return found


async def at(pilot: Any, instance_id: str) -> None:
    """Put the cursor on an instance."""
    grid = pilot.app.board.live.grid
    await until(pilot, lambda: instance_id in [one.id for one in grid.rows], f"{instance_id} is listed")
    grid.go([one.id for one in grid.rows].index(instance_id))


def test_pause_and_resume(ui: Run, cli: Cli, shop: Path) -> None:
    async def play(pilot: Any) -> None:
        await at(pilot, "later")
        await pilot.press("p")
        await until_shows(pilot, "Pause later on embedded", "nothing new starts until")
        await pilot.press("enter")  # no is the answer that is there
        await pilot.pause(0.1)
        assert status(cli, "later") == "RUNNING"
        await pilot.press("p")
        await until_shows(pilot, "Pause later")
        await pilot.press("y")
        await until_shows(pilot, "paused later", "SUSPENDED")
        await pilot.press("u")
        await until_shows(pilot, "Resume later")
        await pilot.press("y")
        await until_shows(pilot, "resumed later", but="SUSPENDED")

    ui(play)


def test_a_refusal_is_that_of_the_command(ui: Run, cli: Cli, shop: Path) -> None:
    async def play(pilot: Any) -> None:
        await at(pilot, "echo")
        await pilot.press("x")
        await until_shows(pilot, "Terminate echo", "It ends now")
        await pilot.press("y")
        await until_shows(pilot, "'echo' is finished (COMPLETED)", "see how it ended")

    ui(play)


def test_raising_an_event_that_is_waited_for(ui: Run, cli: Cli, shop: Path) -> None:
    async def play(pilot: Any) -> None:
        await at(pilot, "approval")
        await pilot.press("e")
        await until_shows(pilot, "Raise an event", "approval  waited for")
        await pilot.press("enter")
        await type_text(pilot, '{"ok": ')
        await until_shows(pilot, "is not valid JSON")
        await pilot.press("ctrl+s")
        assert "Raise an event" in shown(pilot), "what is no JSON is not sent"
        await type_text(pilot, "true}")
        await until_shows(pilot, '{"ok": true}', but="not valid")
        await pilot.press("ctrl+s")
        await until_shows(pilot, "Raise approval for approval on embedded")
        await pilot.press("y")
        await until_shows(pilot, "raised approval for approval")
        await until(pilot, lambda: status(cli, "approval") == "COMPLETED", "it is executed, as by the command")

    ui(play)
    assert cli("get", "approval", "-o", "json").json["output"] == {"ok": True}


def test_rerun_from_a_step_chosen_on_the_timeline(ui: Run, cli: Cli, shop: Path) -> None:
    async def play(pilot: Any) -> None:
        await at(pilot, "broken")
        await pilot.press("r")
        await until_shows(pilot, "Rerun broken from which step?", "kept", "again")
        await pilot.press("up")
        await until_shows(pilot, "again", but="kept")
        await pilot.press("enter")
        await until_shows(pilot, "Rerun broken from event 1 on embedded")
        await pilot.press("y")
        await until_shows(pilot, "reran broken as broken-rerun-1")
        await at(pilot, "broken")
        await pilot.press("r")
        await until_shows(pilot, "from which step?", "kept")
        await pilot.press("enter")
        await until_shows(pilot, "Rerun broken from event 2")
        await pilot.press("y")
        await until_shows(pilot, "was rerun already, as 'broken-rerun-1'", "once more all the same")
        await pilot.press("y")
        await until_shows(pilot, "Rerun broken from event 2")
        await pilot.press("y")
        await until_shows(pilot, "as broken-rerun-2")

    ui(play)


def test_several_each_with_its_result(ui: Run, cli: Cli, shop: Path) -> None:
    async def play(pilot: Any) -> None:
        await until_shows(pilot, "4 instances")
        await pilot.press("asterisk", "d")
        await until_shows(pilot, "Purge 2 instances on embedded", "It is deleted", "broken", "echo")
        await pilot.press("y")
        await until_shows(pilot, "2 purged", "OUTCOME", "done")
        await pilot.press("escape")
        await until_shows(pilot, "2 instances:", but="OUTCOME")
        for instance_id in ("approval", "later"):
            await at(pilot, instance_id)
            await pilot.press("space")
        await pilot.press("p")
        await until_shows(pilot, "Pause 2 instances")
        await pilot.press("y")
        await until_shows(pilot, "2 paused")

    ui(play)
    assert {one["instanceID"] for one in cli("list", "-o", "json").json} == {"approval", "later"}


def test_read_only_has_none_of_it(ui: Run, cli: Cli, shop: Path) -> None:
    async def play(pilot: Any) -> None:
        await at(pilot, "later")
        await until_shows(pilot, "read only")
        await pilot.press("p", "x", "d", "r", "e", "E")
        await pilot.pause(0.2)
        assert "?" not in shown(pilot).replace("? Keys", "")
        await pilot.press("question_mark")
        screen = await until_shows(pilot, "Keys here")
        for word in ("Purge", "Terminate", "Rerun", "Pause", "Execute"):
            assert word not in screen

    ui(play, read_only=True)
    assert status(cli, "later") == "RUNNING"


def test_a_protected_target_asks_for_its_name(ui: Run, cli: Cli, shop: Path) -> None:
    from wfctl.cli.options.common import Flags

    text = '[profiles.prod]\ntarget = "embedded"\nstore = "store.db"\nprotected = true\n'
    (shop / "wfctl.toml").write_text((shop / "wfctl.toml").read_text() + text)

    async def play(pilot: Any) -> None:
        await at(pilot, "later")
        await pilot.press("x")
        await until_shows(pilot, "Terminate later on prod", "Type prod to go on")
        await pilot.press("y", "enter")
        await pilot.pause(0.1)
        assert status(cli, "later") == "RUNNING"
        await pilot.press("x")
        await until_shows(pilot, "Type prod to go on")
        await type_text(pilot, "prod")
        await pilot.press("enter")
        await until_shows(pilot, "terminated later")

    ui(play, flags=Flags(target="prod"))


def test_what_is_not_executed_is_by_a_key(ui: Run, cli: Cli, shop: Path) -> None:
    assert cli("start", "Echo", "--id", "left", "--no-drive", "--input", json.dumps("y")).status == 0

    async def play(pilot: Any) -> None:
        await until_shows(pilot, "not running")
        await pilot.press("E")
        await until_shows(pilot, "executing what is due", but="not running")

    ui(play)
    assert status(cli, "left") == "COMPLETED"
