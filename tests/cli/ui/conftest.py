"""`wfctl ui` without a terminal: its screens are driven by Textual's pilot."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import ui_store

try:
    import textual  # noqa: F401
except ImportError:  # as with the lowest versions, which its Rich is not among
    collect_ignore_glob = ["test_*.py"]
Play = Callable[[Any], Awaitable[None]]


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")


@pytest.fixture(scope="session")
def still(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose instances stand still, to be read; see `ui_store`."""
    return ui_store.write(tmp_path_factory.mktemp("still") / "still.db", ui_store.stories())


@pytest.fixture
def ui() -> Callable[..., None]:
    """Run the UI on a store, and play on it: `ui(play, "store.db", read_only=True, size=(80, 24))`."""

    def run(play: Play, store: str | Path = "store.db", *, size: tuple[int, int] = (80, 24), **options: Any) -> None:
        from wfctl.cli.options.common import Flags
        from wfctl.cli.session import Session
        from wfctl.cli.ui.start import start

        session = Session(sys.stdin, sys.stdout, sys.stderr, os.environ)
        session.flags = options.pop("flags", None) or Flags(target="embedded", store=str(store))
        frame = start(session, read_only=options.pop("read_only", False), theme=options.pop("theme", "terminal"))
        for name, value in options.items():
            setattr(frame, name, value)

        async def go() -> None:
            async with frame.run_test(size=size, notifications=True) as pilot:
                await play(pilot)

        asyncio.run(go())

    return run
