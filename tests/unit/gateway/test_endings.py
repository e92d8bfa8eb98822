"""Which ends are told in the log, and how."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import pytest

from wfctl.engine.store.instances import Row
from wfctl.gateway.endings import MOST_LINES, Endings
from wfctl.gateway.log import Log
from wfctl.model.failure import Failure
from wfctl.model.instance import Instance
from wfctl.model.status import Status


def row(instance_id: str, status: Status, **more: Any) -> Row:
    return Row(1, instance_id, "order", status, 1, None, None, None, None, "x", 1_000_000, **more)


def told(rows: list[Row], *, as_json: bool, failure: Failure | None = None) -> list[str]:
    stream = io.StringIO()

    async def main() -> None:
        found = Instance("bad", "order", Status.FAILED, failure=failure)
        endings = Endings(Log(stream, as_json=as_json), lambda instance_id, app: found)
        endings.changed(rows)
        await asyncio.sleep(0)

    asyncio.run(main())
    return stream.getvalue().splitlines()


ROWS = [
    row("good", Status.COMPLETED, started_at=2_000_000, completed_at=3_500_000),
    row("bad", Status.FAILED, completed_at=3_000_000),
    row("off", Status.TERMINATED, completed_at=1_000_000),
    row("still", Status.RUNNING),
    row("stuck", Status.STALLED, stall="no version 2"),
]
FAILURE = Failure("TaskFailedError", "Activity task #1 failed: no card", inner=Failure("ValueError", "no card"))


def test_at_a_terminal_all_of_them() -> None:
    lines = told(ROWS, as_json=False, failure=FAILURE)
    assert [line[9:] for line in lines] == [
        "warning: bad FAILED  workflow=order  took=2s  cause=ValueError: no card",
        "off TERMINATED  workflow=order  took=0ms",
        "warning: stuck STALLED  workflow=order  reason=no version 2",
        "good COMPLETED  workflow=order  took=1.5s",
    ]


def test_elsewhere_those_that_failed() -> None:
    lines = [json.loads(line) for line in told(ROWS, as_json=True, failure=FAILURE)]
    assert [(line["msg"], line["instance"], line["level"]) for line in lines] == [
        ("bad FAILED", "bad", "warning"),
        ("stuck STALLED", "stuck", "warning"),
    ]
    assert lines[0]["cause"] == "ValueError: no card"


def test_of_many_those_that_failed_come_first_and_the_rest_is_counted() -> None:
    rows = [row(f"i{n}", Status.COMPLETED, completed_at=2_000_000) for n in range(MOST_LINES + 5)]
    lines = told([*rows, row("bad", Status.FAILED)], as_json=False, failure=FAILURE)
    assert "bad FAILED" in lines[0]
    assert len(lines) == MOST_LINES + 1
    assert lines[-1].endswith("more instances ended  COMPLETED=6")


@pytest.mark.parametrize("failure", [None, FAILURE])
def test_a_cause_that_nobody_knows(failure: Failure | None) -> None:
    (line,) = told([row("bad", Status.FAILED)], as_json=False, failure=failure)
    assert ("cause=unknown" in line) is (failure is None)
