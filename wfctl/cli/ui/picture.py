"""A picture of a screen, for documents and reports: the program runs without a terminal, and is drawn once it rests."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from wfctl.cli.ui.frame import Frame, Main
from wfctl.cli.ui.instance import open_instance
from wfctl.errors import TimedOut
from wfctl.render.terminal_svg import svg_of

SECONDS = 60.0  # until the target must have answered
PAUSE = 0.05  # seconds between two looks whether all is drawn


def picture(frame: Frame, *, size: tuple[int, int], tab: str | None, instance: str | None, keys: Sequence[str]) -> str:
    """Return a tab, or the page of an instance, as SVG, after these keys. `size` in columns and lines.

    Raises what the target raises, and TimedOut.
    """
    return asyncio.run(_picture(frame, size, tab, instance, keys))


async def _picture(
    frame: Frame, size: tuple[int, int], tab: str | None, instance: str | None, keys: Sequence[str]
) -> str:
    async with frame.run_test(size=size, notifications=True) as pilot:
        await _rest(frame, pilot)
        main = frame.screen
        assert isinstance(main, Main)
        if tab is not None:
            main.action_tab([pane.LABEL.lower() for pane in main.panes].index(tab) + 1)
            await _rest(frame, pilot)
        if instance is not None:
            open_instance(main.live, instance)
            await _rest(frame, pilot)
        for key in keys:
            await pilot.press(key)
            await _rest(frame, pilot)
        return _drawn(frame)


async def _rest(frame: Frame, pilot: Any) -> None:
    """Wait until what is shown has been asked for and drawn. Raises what the target raises, and TimedOut."""
    until = time.monotonic() + SECONDS
    while True:
        await pilot.pause(PAUSE)
        board = frame.board
        if board is not None and board.is_mounted and board.live.is_mounted:
            pane = board.live
            if pane.error is not None:
                raise pane.error
            busy = pane.looking or any(not worker.is_finished for worker in frame.workers if worker.node is pane)
            if pane.seen and (not busy or frame.screen is not board):
                break
        if time.monotonic() > until:
            raise TimedOut("the target did not tell what the picture is to show", hint="wfctl doctor checks it")
    await pilot.pause(PAUSE)


def _drawn(frame: Frame) -> str:
    """Draw as `App.export_screenshot` does, in the colours of the other pictures."""
    width, height = frame.size
    console = Console(
        width=width,
        height=height,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        record=True,
        legacy_windows=False,
        safe_box=False,
    )
    console.print(frame.screen._compositor.render_update(full=True, screen_stack=frame._background_screens))
    return svg_of(console, "wfctl ui")
