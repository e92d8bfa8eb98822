"""The command line on a real sidecar, as a process of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from live_dapr import Dapr, Daprd, until
from live_wfctl import Wfctl, at, checks, wfctl

__all__ = ["wfctl"]


def test_doctor(wfctl: Wfctl, orders: Daprd) -> None:
    found = checks(wfctl("doctor", "--wait-ready", "30s", "-o", "json", **at(orders)))
    assert {check["level"] for check in found.values()} == {"ok"}, found
    assert {"placement", "scheduler", "worker", "task hub", "list"} <= set(found)


def test_doctor_without_a_worker_and_with_a_wrong_token(wfctl: Wfctl, dapr: Dapr) -> None:
    daprd = dapr.sidecar("doctor", DAPR_API_TOKEN="s3cret")
    found = checks(wfctl("doctor", "-o", "json", DAPR_API_TOKEN="s3cret", **at(daprd)))
    assert found["worker"]["level"] == "warning"
    assert found["token"]["detail"] == "accepted"
    late = wfctl("doctor", "--wait-ready", "1s", status=124, DAPR_API_TOKEN="s3cret", **at(daprd))
    assert "not ready after 1 s: worker" in late.stderr
    for token in ({}, {"DAPR_API_TOKEN": "other"}):
        assert checks(wfctl("doctor", "-o", "json", status=6, **token, **at(daprd)))["token"]["level"] == "failure"
        for command in (["get", "x"], ["list"], ["start", "W"], ["history", "x"]):
            assert "wants an API token" in wfctl(*command, status=6, **token, **at(daprd)).stderr
    start = wfctl("start", "W", status=5, DAPR_API_TOKEN="s3cret", **at(daprd))
    assert "no worker is connected" in start.stderr


def test_a_child_with_an_id_of_its_own(wfctl: Wfctl, orders: Daprd) -> None:
    """It goes with its parent, and is not purged without it."""
    wfctl("start", "adopting", "--id", "mother", "--input", '"adopted"', **at(orders))
    until(lambda: "adopted" in wfctl("list", "--parent", "mother", "-o", "id", **at(orders)).stdout.split())
    wfctl("wait", "adopted", "--for", "event=go", "--timeout", "120s", **at(orders))

    def reasons(*argv: str) -> dict[str, Any]:
        done = wfctl(*argv, "-o", "json", **at(orders)).stdout
        return {row["instanceID"]: row["reason"] for row in json.loads(done)}

    both = {"mother": None, "adopted": "it goes with mother"}
    assert reasons("terminate", "mother", "adopted") == both
    wfctl("wait", "adopted", "--timeout", "120s", status=11, **at(orders))
    assert reasons("purge", "--id-prefix", "adopted", "--yes") == {"adopted": "it is left to its parent mother"}
    assert reasons("purge", "--status", "TERMINATED", "--dry-run").items() >= both.items()
    assert reasons("purge", "adopted", "mother") == both
    wfctl("get", "adopted", status=3, **at(orders))


def test_sockets(wfctl: Wfctl, dapr: Dapr, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("s")
    dapr.sidecar("sockets-cli", sockets=folder)
    target = f"unix://{folder}"
    found = checks(wfctl("doctor", "-t", target, "-o", "json"))
    assert "failure" not in {check["level"] for check in found.values()}, found
    assert json.loads(wfctl("list", "-t", target, "-o", "json").stdout) == []
    assert "there is no instance" in wfctl("get", "nope", "-t", target, status=3).stderr
