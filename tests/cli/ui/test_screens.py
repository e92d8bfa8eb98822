"""Screens as they were looked at and found right, at two sizes: tests/golden/screens/ui."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from golden import check_golden
from ui_screen import shown, until, until_shows
from ui_store import NOW

Run = Callable[..., None]
SIZES = {"80x24": (80, 24), "120x40": (120, 40)}
# What is pressed one after the other, and what the screen has when it is to be looked at.
SCREENS: list[tuple[str, list[str], tuple[str, ...]]] = [
    ("instances", ["g"], ("order-6:0001", "39 instances", "33 COMPLETED", "started ")),
    ("sort", ["s"], ("Sort by what?",)),
    ("question", ["escape", "x"], ("Terminate order-6:0001",)),
    ("question-of-many", ["n", "asterisk", "d"], ("Purge 35 Checkout on embedded",)),
    ("event", ["n", "escape", "g", "e"], ("Raise an event", "approval  waited for")),
    ("keys", ["escape", "question_mark"], ("Keys here",)),
    ("target", ["escape", "t"], ("Go to which target?",)),
    ("failed", ["escape", *["down"] * 8, "enter"], ("order-2  Checkout  FAILED", "CardDeclined")),
    ("timeline", ["2"], ("STEP", "Charge")),
    ("steps", ["3"], ("TRIES", "Charge")),
    ("history", ["4"], ("TaskScheduled",)),
    ("input", ["6"], ('"sku": "A-1"',)),
    ("logs", ["8"], ("the bank says no",)),
    ("rerun", ["r"], ("Rerun order-2 from which step?", "kept")),
    ("step", ["escape", "3", "down", "enter"], ("Attempt 1", "the bank says no")),
    ("tree", ["backspace", "backspace", "g", "down", "enter", "5"], ("└── order-6:0001",)),
]


@pytest.mark.parametrize("size", SIZES)
def test_screens(ui: Run, still: Path, size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wfctl.cli.ui.frame.where", lambda session: "embedded (shop.db)")
    monkeypatch.setattr("wfctl.cli.batch.question.target_words", lambda session: "embedded (shop.db)")
    monkeypatch.setattr(
        "wfctl.cli.ui.frame.targets", lambda session: [("prod", "https://shop"), ("embedded", "shop.db")]
    )
    monkeypatch.setattr("wfctl.cli.ui.rates.AT_ONCE", 100)  # all minutes at the first look
    monkeypatch.setattr("wfctl.cli.ui.forms.utc_now", lambda: NOW)
    monkeypatch.setattr("wfctl.cli.ui.doing.utc_now", lambda: NOW)

    async def play(pilot: Any) -> None:
        await until_shows(pilot, "39 instances", "order-6:0001")
        rates = pilot.app.board.live.book.totals.rates
        await until(pilot, lambda: len(rates.wanted(NOW)) <= 2, "all minutes but the last two are known")
        wrong = []
        for name, keys, texts in SCREENS:
            await pilot.press(*keys)
            await until(pilot, lambda texts=texts: all(text in shown(pilot) for text in texts), name)  # type: ignore[misc]
            await pilot.pause()
            try:
                check_golden(f"ui/{size}/{name}.txt", shown(pilot) + "\n")
            except (AssertionError, FileNotFoundError) as error:
                wrong.append(f"{error}\n{shown(pilot)}")
        assert not wrong, "\n\n".join(wrong)

    ui(play, still, size=SIZES[size], now=lambda: NOW)


def colors(pilot: Any) -> set[str]:
    return {
        color.name
        for strip in pilot.app.screen._compositor.render_strips()
        for segment in strip
        if segment.style is not None
        for color in (segment.style.color, segment.style.bgcolor)
        if color is not None
    }


@pytest.mark.parametrize("theme", ["terminal", "dark", "light"])
def test_themes(ui: Run, still: Path, theme: str) -> None:
    async def play(pilot: Any) -> None:
        await until_shows(pilot, "39 instances")
        assert pilot.app.current_theme.dark == (theme != "light")
        found = colors(pilot)
        assert ("red" in found) == (theme == "terminal"), "the terminal's own palette, or the theme's"
        assert len(found) > 4

    ui(play, still, theme=theme)


@pytest.mark.parametrize("theme", ["terminal", "dark", "light"])
def test_no_color(ui: Run, still: Path, theme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def play(pilot: Any) -> None:
        await until_shows(pilot, "39 instances")
        assert colors(pilot) == {"default"}
        await pilot.press("x")
        await until_shows(pilot, "Terminate order-6:0001")
        assert colors(pilot) == {"default"}

    ui(play, still, theme=theme)
