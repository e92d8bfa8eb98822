"""The page of an instance: every section and key of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ui_screen import shown, type_text, until, until_shows
from ui_store import NOW, Story, write

Run = Callable[..., None]


async def go_to(pilot: Any, instance_id: str) -> None:
    await until_shows(pilot, "39 instances")
    await pilot.press("slash")
    await type_text(pilot, instance_id)
    await pilot.press("enter")
    await until(pilot, lambda: [one.id for one in pilot.app.board.live.grid.rows][:1] == [instance_id], "it is found")
    await pilot.press("enter")
    await until_shows(pilot, "1 Overview")


def test_the_root_cause_and_the_sections(ui: Run, still: Path) -> None:
    async def play(pilot: Any) -> None:
        await go_to(pilot, "order-2")
        screen = await until_shows(pilot, "order-2  Checkout  FAILED", "CardDeclined: card 4711 was declined")
        assert "Charge (activity)" in screen
        assert "/srv/shop/bank.py" in screen
        await pilot.press("2")
        await until_shows(pilot, "STEP", "Reserve", "Charge", "━━x")
        await pilot.press("3", "down", "enter")
        screen = await until_shows(pilot, "Attempt 1", "took 59s", "the bank says no")
        assert 'raise CardDeclined(f"card {card} was declined")' in screen
        await pilot.press("backspace", "4")
        await until_shows(pilot, "TaskScheduled", "ExecutionCompleted")
        await pilot.press("down", "enter")
        await until_shows(pilot, "ExecutionStarted of order-2", '"eventID": -1')
        await pilot.press("escape", "right_square_bracket")
        await until_shows(pilot, "WORKFLOW", "Checkout")
        await pilot.press("8")
        await until_shows(pilot, "WARNING", "the bank says no", "for the second time")
        await pilot.press("left_square_bracket")
        await until_shows(pilot, "it has no output")
        await pilot.press("y")
        assert pilot.app.clipboard == "order-2"

    ui(play, still, now=lambda: NOW, size=(100, 40))


def test_each_section_says_its_command(ui: Run, still: Path) -> None:
    expected = {
        "1": "wfctl get order-2 --target",
        "2": "wfctl steps order-2 --timeline --target",
        "3": "wfctl steps order-2 --target",
        "4": "wfctl history order-2 --target",
        "5": "wfctl tree order-2 --target",
        "6": "wfctl get order-2 -o json --target",
        "7": "wfctl get order-2 -o json --target",
        "8": "wfctl logs order-2 --target",
    }

    async def play(pilot: Any) -> None:
        await go_to(pilot, "order-2")
        for key, command in expected.items():
            await pilot.press(key)
            await pilot.pause()
            assert pilot.app.command_line().startswith(command)

    ui(play, still, now=lambda: NOW)


def test_down_to_the_child_and_back(ui: Run, still: Path) -> None:
    async def play(pilot: Any) -> None:
        await until_shows(pilot, "39 instances")
        await pilot.press("down", "enter")
        await until_shows(pilot, "order-6  Family  RUNNING", "child order-6:0001")
        await pilot.press("5")
        await until_shows(pilot, "└── order-6:0001")
        await pilot.press("down", "enter")
        await until_shows(pilot, "order-6:0001  Approval  RUNNING", 'event "approval"')
        await pilot.press("P")
        await until_shows(pilot, "order-6  Family  RUNNING")
        await pilot.press("backspace")
        await until_shows(pilot, "order-6:0001  Approval  RUNNING")
        await pilot.press("backspace", "backspace")
        await until_shows(pilot, "39 instances")
        assert pilot.app.board.live.grid.current.id == "order-6"

    ui(play, still, now=lambda: NOW)


def test_json_folds_and_is_searched(ui: Run, still: Path) -> None:
    async def play(pilot: Any) -> None:
        await go_to(pilot, "order-1")
        await pilot.press("6")
        screen = await until_shows(pilot, '"sku": "B-7"', '"[red]b[/red]"')
        assert "leave it \\u001b[31mat the door\\u0007" in screen
        await pilot.press("minus")
        await until_shows(pilot, '"lines": […],  10 lines', but='"sku"')
        await pilot.press("slash")
        await type_text(pilot, "b-7")
        await until_shows(pilot, '"sku": "B-7"')
        await pilot.press("enter", "n", "plus")
        await until_shows(pilot, '"Ann Ünal"', '"sku": "A-1"')
        await pilot.press("enter")
        await until_shows(pilot, "╭")

    ui(play, still, now=lambda: NOW, size=(80, 40))


def test_a_hostile_payload_neither_drives_the_terminal_nor_is_markup(ui: Run, still: Path) -> None:
    async def play(pilot: Any) -> None:
        await go_to(pilot, "order-4")
        for key in "12345678":
            await pilot.press(key)
            await pilot.pause(0.05)
            screen = shown(pilot)
            assert not any(char < " " and char != "\n" for char in screen)
            assert "\x9b" not in screen
        await pilot.press("1")
        await until_shows(pilot, "[red]b[/red]")

    ui(play, still, now=lambda: NOW, size=(100, 50))


def test_of_a_long_payload_the_overview_has_the_beginning(ui: Run, tmp_path: Path) -> None:
    payload = '["' + "x" * 1_000_000 + '"]'
    store = write(tmp_path / "long.db", [Story(1, "long", "Echo", 60, payload).ends(50, error="E: no")])

    async def play(pilot: Any) -> None:
        await until_shows(pilot, "1 instance")
        await pilot.press("enter")
        await until_shows(pilot, "1,000,004 characters: 6 has all of them")
        await pilot.press("w")
        await until_shows(pilot, "6 has all of them")
        await pilot.press("3")
        await until_shows(pilot, "it has no steps")
        await pilot.press("question_mark")
        assert "] ]" not in await until_shows(pilot, "]  Next section"), "keys that are shown as one are shown once"

    ui(play, store, now=lambda: NOW, size=(80, 60))


def test_the_timeline_grows(ui: Run, still: Path) -> None:
    from datetime import timedelta

    clock = [NOW]

    async def play(pilot: Any) -> None:
        await go_to(pilot, "order-4")
        await pilot.press("2")
        await until_shows(pilot, "approval", "3m 19s")
        clock[0] += timedelta(minutes=5)
        await until_shows(pilot, "8m 19s")

    ui(play, still, now=lambda: clock[0])
