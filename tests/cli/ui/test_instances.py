"""The table of instances: every key of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ui_screen import shown, type_text, until, until_shows
from ui_store import NOW

Run = Callable[..., None]


def test_newest_first_with_counts_and_rates(ui: Run, still: Path) -> None:
    async def play(pilot: Any) -> None:
        screen = await until_shows(pilot, "order-6:0001", "39 instances: 3 RUNNING", "33 COMPLETED", "started ▆▆█")
        rows = [line.split()[0] for line in screen.splitlines() if line.startswith("  order-")]
        assert rows[:4] == ["order-6:0001", "order-6", "order-5", "order-4"]
        assert "started" in screen
        assert "Charge: card 4711 was declined" in screen

    ui(play, still, now=lambda: NOW)


def test_moving_turns_pages_and_comes_to_both_ends(ui: Run, still: Path) -> None:
    async def play(pilot: Any) -> None:
        await until_shows(pilot, "order-6:0001")
        grid = pilot.app.board.live.grid
        await pilot.press("G")
        await until_shows(pilot, "order-8 ")
        assert grid.current.id == "order-8"
        await pilot.press("g")
        await until_shows(pilot, "order-6:0001")
        assert grid.current.id == "order-6:0001"
        seen = set()
        for key, last in (("pagedown", "order-8"), ("pageup", "order-6:0001")):
            while grid.current.id != last:
                await pilot.press(key)
                await pilot.pause()
                seen |= {one.id for one in grid.rows}
        assert len(seen) == 39
        await pilot.press("j", "j", "k")
        assert grid.current.id == "order-6"

    ui(play, still, size=(80, 14), now=lambda: NOW)


def test_a_filter_applies_as_one_types_and_says_what_is_wrong(ui: Run, still: Path) -> None:
    async def play(pilot: Any) -> None:
        await until_shows(pilot, "order-6:0001")
        await pilot.press("slash")
        await type_text(pilot, "status:fai")
        await until_shows(pilot, "'fai' is not a status", "did you mean FAILED?")
        await type_text(pilot, "led error:declined")
        await until_shows(pilot, "order-2 ", but="order-3 ")
        await pilot.press("enter")
        await until_shows(pilot, "/status:failed error:declined  1 instance")
        await pilot.press("Y")
        await until(pilot, lambda: "--status failed --error declined" in pilot.app.clipboard, "the command")
        await pilot.press("escape")
        await until_shows(pilot, "order-6:0001", but="/status")

    ui(play, still, now=lambda: NOW)


def test_words_without_a_key_are_names_or_ids(ui: Run, still: Path) -> None:
    async def play(pilot: Any) -> None:
        await until_shows(pilot, "39 instances")
        await pilot.press("slash")
        await type_text(pilot, "appr")
        await until_shows(pilot, "order-5 ", but="order-2 ")
        await pilot.press("enter", "escape", "slash")
        await type_text(pilot, "order-6")
        await pilot.press("enter")
        await until_shows(pilot, "order-6:0001", "/order-6  2 instances", but="order-5 ")
        await pilot.press("escape", "slash")
        await type_text(pilot, "waiting:approval")
        await pilot.press("enter")
        await until_shows(pilot, "/waiting:approval  3 instances", but="order-2 ")

    ui(play, still, now=lambda: NOW)


def test_sorting(ui: Run, still: Path) -> None:
    async def play(pilot: Any) -> None:
        await until_shows(pilot, "order-6:0001")
        await pilot.press("s")
        await until_shows(pilot, "Sort by what?", "the earliest start first")
        await pilot.press("down", "enter")
        screen = await until_shows(pilot, "sorted: oldest", "order-8 ")
        assert next(line for line in screen.splitlines() if line.startswith("  order-")).split()[0] == "order-8"
        assert pilot.app.command_line().startswith("wfctl list --reverse --target embedded")

    ui(play, still, now=lambda: NOW)


def test_selecting_and_the_id(ui: Run, still: Path) -> None:
    async def play(pilot: Any) -> None:
        await until_shows(pilot, "order-6:0001")
        await pilot.press("space", "down", "space")
        screen = await until_shows(pilot, "2 selected")
        assert "* order-6:0001" in screen
        assert "* order-5" in screen
        await pilot.press("asterisk")
        await until_shows(pilot, "all 39 selected", "* order-4")
        await pilot.press("escape", "y")
        await until(pilot, lambda: pilot.app.clipboard == "order-4", "the ID is copied")
        assert "selected" not in shown(pilot)

    ui(play, still, now=lambda: NOW)


def test_the_mouse(ui: Run, still: Path) -> None:
    async def play(pilot: Any) -> None:
        await until_shows(pilot, "order-6:0001")
        grid = pilot.app.board.live.grid
        await pilot.click(grid, offset=(5, 3))
        assert grid.current.id == "order-5"
        await pilot.click(grid, offset=(5, 3), times=2)
        await until_shows(pilot, "1 Overview", "order-5  Approval  SUSPENDED")

    ui(play, still, now=lambda: NOW)
