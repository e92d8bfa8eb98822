"""Reruns on a real sidecar: their IDs are the lock, and the lineage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from live_dapr import Daprd
from live_wfctl import Wfctl, at, wfctl

__all__ = ["wfctl"]


def get(wfctl: Wfctl, orders: Daprd, instance_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(wfctl("get", instance_id, "-o", "json", **at(orders)).stdout)
    return found


def test_an_instance_is_rerun_once(wfctl: Wfctl, orders: Daprd) -> None:
    wfctl("start", "chain", "--id", "once", "--input", '"x"', "--wait", **at(orders))
    assert wfctl("rerun", "once", "--wait", "-o", "id", **at(orders)).stdout == "once-rerun-1\n"
    again = wfctl("rerun", "once", status=4, **at(orders))
    assert "'once' was rerun already, as 'once-rerun-1'" in again.stderr
    assert wfctl("rerun", "once-rerun-1", "--wait", "-o", "id", **at(orders)).stdout == "once-rerun-2\n"
    assert wfctl("rerun", "once", "--again", "--wait", "-o", "id", **at(orders)).stdout == "once-rerun-3\n"
    assert get(wfctl, orders, "once")["rerunAs"] == ["once-rerun-1", "once-rerun-2", "once-rerun-3"]
    found = get(wfctl, orders, "once-rerun-2")
    assert (found["rerunOf"], found["rerunAs"]) == ("once", ["once-rerun-3"])
    rows = json.loads(wfctl("list", "--id-prefix", "once", "-o", "json", **at(orders)).stdout)
    assert {row["instanceID"]: row["rerunAs"] for row in rows}["once"] == [
        "once-rerun-1",
        "once-rerun-2",
        "once-rerun-3",
    ]


def test_two_operators_at_once(wfctl: Wfctl, orders: Daprd) -> None:
    """The same command twelve times at once makes one rerun of each instance."""
    ids = [f"both-{number}" for number in range(3)]
    for one in ids:
        wfctl("start", "chain", "--id", one, "--input", '"x"', "--wait", **at(orders))

    environ = {**os.environ, **at(orders)}
    command = [sys.executable, "-m", "wfctl", "rerun", *ids, "-o", "jsonl"]
    racing = [subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    outcomes: list[tuple[str, str]] = []
    for process in racing:
        out, _ = process.communicate(timeout=120)
        outcomes += [(row["instanceID"], row["outcome"]) for row in map(json.loads, out.splitlines())]
        assert process.returncode == 0, out
    assert sorted(one for one, outcome in outcomes if outcome == "done") == ids
    assert sorted({outcome for _, outcome in outcomes}) == ["done", "skipped"]
    rows = wfctl("list", "--id-prefix", "both-", "-o", "id", **at(orders)).stdout.split()
    assert sorted(rows) == sorted([*ids, *(f"{one}-rerun-1" for one in ids)])


def test_a_result_cannot_be_supplied(wfctl: Wfctl, orders: Daprd) -> None:
    wfctl("start", "chain", "--id", "supplied", "--input", '"x"', "--wait", **at(orders))
    refused = wfctl("rerun", "supplied", "--result", '1="hi"', status=5, **at(orders))
    assert "cannot rerun with a supplied result: nothing was rerun" in refused.stderr
    assert get(wfctl, orders, "supplied")["rerunAs"] == []


def test_in_no_order(wfctl: Wfctl, orders: Daprd) -> None:
    wfctl("start", "quick", "--id", "any", "--input", "1", "--wait", **at(orders))
    rows = wfctl("list", "--sort", "any", "--limit", "1", "-s", "completed", "-o", "id", **at(orders)).stdout.split()
    assert len(rows) == 1
