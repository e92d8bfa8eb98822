"""A target that goes away and comes back, another one in its place, and a server."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import Cli
from serve_process import served
from ui_screen import shown, type_text, until, until_shows
from ui_store import stories, write

from wfctl.cli.options.common import Flags

Run = Callable[..., None]


def test_a_store_that_goes_away_and_comes_back(ui: Run, app: Path) -> None:
    write(app / "store.db", stories())

    async def play(pilot: Any) -> None:
        await until_shows(pilot, "39 instances")
        shutil.move(app / "store.db", app / "away.db")
        for file in app.glob("store.db-*"):
            file.unlink()
        screen = await until_shows(pilot, "trying again")
        assert "order-5" in screen, "what was known stays in sight"
        shutil.move(app / "away.db", app / "store.db")
        await until_shows(pilot, "39 instances", but="trying again")

    ui(play)


def test_a_target_that_is_not_there_yet(ui: Run, app: Path) -> None:
    async def play(pilot: Any) -> None:
        await until_shows(pilot, "trying again: there is no store")
        write(app / "late.db", stories())
        await until_shows(pilot, "39 instances", but="trying again")

    ui(play, "late.db")


def test_to_another_target_without_leaving(ui: Run, app: Path) -> None:
    write(app / "store.db", stories())
    write(app / "other.db", stories()[:3])
    text = '[profiles.other]\ntarget = "embedded"\nstore = "other.db"\n'
    (app / "wfctl.toml").write_text((app / "wfctl.toml").read_text() + text)

    async def play(pilot: Any) -> None:
        await until_shows(pilot, "39 instances")
        await pilot.press("enter")
        await until_shows(pilot, "1 Overview")
        await pilot.press("t")
        await until_shows(pilot, "Go to which target?", "other")
        await pilot.press("enter")
        await until_shows(pilot, "wfctl other (other.db)", "3 instances", but="1 Overview")
        await pilot.press("t", "tab")
        await type_text(pilot, "nowhere")
        await pilot.press("enter")
        await until_shows(pilot, "there is no target 'nowhere'", "3 instances")

    ui(play, flags=Flags())


def test_a_server(ui: Run, cli: Cli, app: Path) -> None:
    pytest.importorskip("uvicorn")
    pytest.importorskip("grpc")
    for name in ("Approval", "Broken", "Echo"):
        cli("start", name, "--id", name.lower(), "--input", '"x"')
    with served(app, app="app.py") as server:
        flags = Flags(target=server.endpoints["httpEndpoint"], grpc_endpoint=server.endpoints["grpcEndpoint"])

        async def play(pilot: Any) -> None:
            await until_shows(pilot, "3 instances: 1 RUNNING, 1 COMPLETED, 1 FAILED", "all read ", "event approval")
            await pilot.press("slash")
            await type_text(pilot, "error:no*x")
            await pilot.press("enter")
            await until_shows(pilot, "/error:no*x", but="echo")
            await pilot.press("escape")
            grid = pilot.app.board.live.grid
            await until(pilot, lambda: "approval" in [one.id for one in grid.rows], "it is listed again")
            grid.go([one.id for one in grid.rows].index("approval"))
            await pilot.press("e")
            await until_shows(pilot, "approval  waited for")
            await pilot.press("ctrl+s")
            await until_shows(pilot, "Raise approval for approval on the sidecar at")
            await pilot.press("y")
            await until_shows(pilot, "raised approval for approval")
            await pilot.press("enter", "2")
            await until_shows(pilot, "approval  Approval  COMPLETED", "STEP")
            await pilot.press("8")
            await until_shows(pilot, "logged nothing")
            assert "trying again" not in shown(pilot)

        ui(play, flags=flags)
