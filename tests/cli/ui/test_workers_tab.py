"""The tab of workers: what a server tells of the workers attached to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from golden import check_golden
from harness import Cli
from ui_screen import shown, until_shows

from wfctl.client.embedded.workflows import EmbeddedWorkflows
from wfctl.model.workers import ACTIVITY, WORKFLOW, AppWorkers, Held, Queued, Worker

Run = Callable[..., None]
NOW = datetime(2026, 1, 2, 12, tzinfo=timezone.utc)


def ago(minutes: int) -> datetime:
    return NOW - timedelta(minutes=minutes)


APPS = [
    AppWorkers(
        "orders",
        2,
        (
            Worker(
                "grpc-python/1.80", "ipv4:10.0.0.7:50312", None, ago(90), 1, 2,
                (Held(ACTIVITY, "Charge", "one", ago(12)), Held(ACTIVITY, "Ship", "o-2", ago(3)),
                 Held(WORKFLOW, "Order", "o-3", ago(0))),
            ),
            Worker("grpc-go/1.72", "ipv4:10.0.0.8:40022", None, ago(5), 0, 0),
        ),
        (Queued(WORKFLOW, "Echo", 1, ago(7)), Queued(ACTIVITY, "Render", 40, ago(2))),
    ),
    AppWorkers("stock", 0, (), ()),
]  # fmt: skip


@pytest.fixture
def told(cli: Cli, app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the target tell what a server with two apps does; all else is a real store."""
    assert cli("start", "Echo", "--id", "one", "--no-drive").status == 0

    def workers(self: EmbeddedWorkflows) -> Sequence[AppWorkers]:
        return APPS

    monkeypatch.setattr(EmbeddedWorkflows, "workers", workers)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
def test_how_it_looks(ui: Run, told: None, size: tuple[int, int]) -> None:
    async def play(pilot: Any) -> None:
        pilot.app.now = lambda: NOW
        await pilot.press("4")
        await until_shows(pilot, "2 workers", "41 waiting for one", "Charge")
        check_golden(f"ui/{size[0]}x{size[1]}/workers.txt", shown(pilot) + "\n")

    ui(play, size=size)


def test_every_key(ui: Run, told: None) -> None:
    async def play(pilot: Any) -> None:
        await pilot.press("4")
        await until_shows(pilot, "2 workers", "Charge", "Ship")
        await pilot.press("Y")
        assert pilot.app.clipboard.startswith("wfctl workers ")
        await pilot.press("y")
        assert pilot.app.clipboard == "one"
        await pilot.press("down")
        await pilot.pause()
        assert "Charge" not in shown(pilot), "the second worker holds nothing"
        await pilot.press("up", "enter", "down", "up", "enter")
        await until_shows(pilot, "Overview", "one")
        await pilot.press("backspace")
        await until_shows(pilot, "2 workers")
        await pilot.press("shift+tab", "down", "down", "enter")
        await until_shows(pilot, "/status:running status:pending name:Echo", "one")

    ui(play)
