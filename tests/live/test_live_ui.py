"""`wfctl ui` on a real sidecar: the table, an instance, an event."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import pytest
from live_dapr import Daprd
from live_wfctl import Wfctl, at, wfctl
from ui_screen import shown, type_text, until, until_shows

from wfctl.cli.options.common import Flags
from wfctl.cli.session import Session

__all__ = ["wfctl"]


def test_the_table_an_instance_and_an_event(wfctl: Wfctl, orders: Daprd) -> None:
    pytest.importorskip("textual")
    from wfctl.cli.ui.start import start

    wfctl("start", "adopting", "--id", "ui-mother", "--input", '"ui-child"', **at(orders))
    wfctl("wait", "ui-child", "--for", "event=go", "--timeout", "120s", **at(orders))
    session = Session(sys.stdin, sys.stdout, sys.stderr, {**os.environ, **at(orders)})
    session.flags = Flags()
    frame = start(session, read_only=False, theme="terminal")

    async def play(pilot: Any) -> None:
        await until_shows(pilot, "all read ", "ui-child")
        await pilot.press("slash")
        await type_text(pilot, "ui-child")
        await pilot.press("enter")
        await until(pilot, lambda: [one.id for one in pilot.app.board.live.grid.rows] == ["ui-child"], "it is found")
        await until_shows(pilot, "event go")
        await pilot.press("e")
        await until_shows(pilot, "go  waited for")
        await pilot.press("ctrl+s")
        await until_shows(pilot, "Raise go for ui-child on the sidecar at")
        await pilot.press("y")
        await until_shows(pilot, "raised go for ui-child", "COMPLETED")
        await pilot.press("enter", "4")
        await until_shows(pilot, "ui-child", "EventRaised", "ExecutionCompleted")
        await pilot.press("8")
        await until_shows(pilot, "no logs")
        assert "trying again" not in shown(pilot)

    async def go() -> None:
        async with frame.run_test(size=(100, 30), notifications=True) as pilot:
            await play(pilot)

    asyncio.run(go())
