"""The command line on a real sidecar, as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from live_dapr import Dapr, Daprd, until

Wfctl = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def wfctl(tmp_path: Path) -> Wfctl:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("WFCTL_", "DAPR_"))}
    folders = {name: str(tmp_path) for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")}

    def run(*argv: str, status: int = 0, **environ: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "wfctl", *argv],
            env={**clean, **folders, **environ},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == status, (argv, done)
        return done

    return run


def at(daprd: Daprd) -> dict[str, str]:
    """The variables that `dapr run` gives to an app."""
    return {"DAPR_HTTP_PORT": daprd.http.rpartition(":")[2], "DAPR_GRPC_PORT": daprd.grpc.rpartition(":")[2]}


def checks(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    return {check["check"]: check for check in json.loads(done.stdout)}


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
    wfctl("wait", "adopted", "--for", "event=go", "--timeout", "30s", **at(orders))

    def reasons(*argv: str) -> dict[str, Any]:
        done = wfctl(*argv, "-o", "json", **at(orders)).stdout
        return {row["instanceID"]: row["reason"] for row in json.loads(done)}

    both = {"mother": None, "adopted": "it goes with mother"}
    assert reasons("terminate", "mother", "adopted") == both
    wfctl("wait", "adopted", "--timeout", "30s", status=11, **at(orders))
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
