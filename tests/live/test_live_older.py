"""A real Dapr 1.16: what it lacks is said with the version that brings it, and what it can do works without that."""

from __future__ import annotations

import json

from live_dapr import Daprd
from live_wfctl import Wfctl, at, checks, wfctl

__all__ = ["wfctl"]  # the fixture


def test_what_came_later(wfctl: Wfctl, orders: Daprd) -> None:
    wfctl("start", "quick", "--id", "later", "--wait", **at(orders))
    for argv in (["list"], ["count"], ["purge", "--status", "COMPLETED", "--yes"]):
        assert "list needs Dapr 1.17 or newer" in wfctl(*argv, status=5, **at(orders)).stderr
    for argv in (["history", "later"], ["steps", "later"], ["rerun", "later"], ["rerun", "later", "--from", "x"]):
        assert "history needs Dapr 1.17 or newer" in wfctl(*argv, status=5, **at(orders)).stderr
    found = checks(wfctl("doctor", "-o", "json", **at(orders)))
    assert "list needs Dapr 1.17" in found["list"]["detail"]
    assert found["scheduler"]["level"] == "ok"


def test_a_rerun_by_its_number(wfctl: Wfctl, orders: Daprd) -> None:
    wfctl("start", "chain", "--id", "chained", "--input", '"x"', "--wait", **at(orders))
    again = wfctl("rerun", "chained", "--event-id", "1", "--new-id", "anew", "--wait", "-o", "json", **at(orders))
    assert json.loads(again.stdout)["instanceID"] == "anew"
    assert json.loads(wfctl("result", "anew", **at(orders)).stdout) == ["hi x0", "hi x1", "hi x2"]
    assert "has no event with that number" in wfctl("rerun", "chained", "-e", "99", status=3, **at(orders)).stderr


def test_several_are_purged(wfctl: Wfctl, orders: Daprd) -> None:
    """Whose children they are is not told by a Dapr without histories, but for the IDs that Dapr makes itself."""
    names = [f"old-{number}" for number in range(5)]
    for name in names:
        wfctl("start", "quick", "--id", name, "--wait", **at(orders))
    done = json.loads(wfctl("purge", *names, "-o", "json", **at(orders)).stdout)
    assert [row["outcome"] for row in done] == ["done"] * 5
