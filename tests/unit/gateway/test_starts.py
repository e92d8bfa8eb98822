"""Which starts may be committed on the thread that asks for them: those that somebody goes on with at once."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="needs the extra serve")
from gateway_room import room


def test_a_start_that_nothing_follows_from_now_is_committed_with_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with room(tmp_path / "store.db") as one:
            asked: list[bool] = []
            engine, start = one.gateway.engine, one.gateway.service.start
            submit = engine.submit

            def noted(call: Any, *, here: bool = False) -> Any:
                asked.append(here)
                return submit(call, here=here)

            monkeypatch.setattr(engine, "submit", noted)
            await asyncio.wrap_future(start("Quick", "unattended", None))
            assert asked == [False]
            monkeypatch.undo()
            one.worker()
            await one.status("unattended", "COMPLETED")
            monkeypatch.setattr(engine, "submit", noted)
            await asyncio.wrap_future(start("Quick", "later", None, datetime.now(timezone.utc) + timedelta(hours=1)))
            assert asked == [False, False]
            await asyncio.wrap_future(start("Quick", "now", None))
            assert asked == [False, False, True]
            await one.status("now", "COMPLETED")

    asyncio.run(scenario())
