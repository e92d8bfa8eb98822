"""What a screen of `wfctl ui` shows, and waiting for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from limits import LIMIT_SECONDS

NAMED = {" ": "space", ":": "colon", '"': "quotation_mark", "{": "left_curly_bracket", "}": "right_curly_bracket",
         "-": "minus", "*": "asterisk", "/": "slash", ".": "full_stop", ",": "comma"}  # fmt: skip


def shown(pilot: Any) -> str:
    """Return the screen as text."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


async def until_shows(pilot: Any, *texts: str, but: str | None = None) -> str:
    """Wait until the screen has all of these texts, and not the other one. Returns it."""
    await until(pilot, lambda: all(text in shown(pilot) for text in texts) and (but is None or but not in shown(pilot)),
                f"{texts}" + (f" without {but!r}" if but else ""))  # fmt: skip
    return shown(pilot)


async def until(pilot: Any, holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds of the application."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while True:
        await pilot.pause()
        if holds():
            return
        assert time.monotonic() < deadline, f"never happened: {what}\n{shown(pilot)}"
        await pilot.pause(0.05)


async def type_text(pilot: Any, text: str) -> None:
    """Type this, key by key."""
    await pilot.press(*(NAMED.get(char, char) for char in text))
