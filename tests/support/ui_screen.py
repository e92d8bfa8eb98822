"""What a screen of `wfctl ui` shows, and waiting for it."""

from __future__ import annotations

import time
from typing import Any

from limits import LIMIT_SECONDS


def shown(pilot: Any) -> str:
    """Return the screen as text."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


async def until_shows(pilot: Any, *texts: str) -> str:
    """Wait until the screen has all of these texts, and return it."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while True:
        await pilot.pause()
        screen = shown(pilot)
        if all(text in screen for text in texts):
            return screen
        assert time.monotonic() < deadline, f"never shown: {texts}\n{screen}"
        await pilot.pause(0.02)
