"""What a real sidecar tells of workers and of events, and the screen on it."""

from __future__ import annotations

import json
import re

import pytest
from live_dapr import Dapr, Daprd, until
from live_wfctl import Wfctl, at, wfctl

__all__ = ["wfctl"]


def test_workers(wfctl: Wfctl, dapr: Dapr, orders: Daprd) -> None:
    (one,) = json.loads(wfctl("workers", "-o", "json", **at(orders)).stdout)
    assert one == {"appID": "orders", "connected": 1, "workers": None, "backlog": None}
    told = wfctl("workers", **at(orders))
    assert "1 connected" in told.stdout
    assert "not who they are" in told.stderr
    idle = dapr.sidecar("idle")
    none = wfctl("workers", "-o", "json", **at(idle))
    assert json.loads(none.stdout)[0]["connected"] == 0
    assert "no worker is attached" in none.stderr


def test_waiting(wfctl: Wfctl, orders: Daprd) -> None:
    for name in ("w1", "w2"):
        wfctl("start", "wait_go", "--id", name, "--input", '"x"', **at(orders))
        wfctl("wait", name, "--for", "event=go", "--timeout", "60s", **at(orders))
    wfctl("raise-event", "w2", "og", **at(orders))

    def rows() -> list[tuple[str, str, str]]:
        found = json.loads(wfctl("waiting", "--id-prefix", "w", "-o", "json", **at(orders)).stdout)
        return [(one["event"].lower(), one["instanceID"], one["state"]) for one in found]

    until(lambda: len(rows()) == 3)
    assert rows() == [("go", "w1", "waiting"), ("go", "w2", "waiting"), ("og", "w2", "unread")]
    groups = json.loads(wfctl("waiting", "--id-prefix", "w", "--by", "event", "-o", "json", **at(orders)).stdout)
    counts = {one["event"].lower(): (one["waiting"], one["unread"], one["exampleInstanceID"]) for one in groups}
    assert counts == {"go": (2, 0, "w1"), "og": (0, 1, "w2")}
    wfctl("terminate", "w1", "w2", **at(orders))


def test_the_tabs(wfctl: Wfctl, orders: Daprd) -> None:
    pytest.importorskip("textual", reason="needs the extra ui")
    wfctl("start", "wait_go", "--id", "tabs", "--input", '"x"', **at(orders))
    wfctl("wait", "tabs", "--for", "event=go", "--timeout", "60s", **at(orders))
    for tab, word in (("instances", "tabs"), ("failures", "failed"), ("events", "go"), ("workers", "connected")):
        svg = wfctl("ui", "--screenshot", "-", "--tab", tab, **at(orders)).stdout
        words = " ".join(re.findall(r">([^<>]+)</text>", svg)).replace("&#160;", " ")
        assert word in words, words
    wfctl("terminate", "tabs", **at(orders))
