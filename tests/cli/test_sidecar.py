"""Every command on a sidecar: `wfctl serve` with an app, in a process of its own."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import APP, Cli, Outcome
from limits import LIMIT_SECONDS, until

pytest.importorskip("grpc", reason="needs the extra serve")

ROOT = Path(__file__).parents[2]
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("serve")
    (folder / "app.py").write_text(APP)
    ready = folder / "ready.json"
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("WFCTL_", "DAPR_"))}
    options = ["--app", "app.py", "--store", "store.db", "--http-port", "0", "--grpc-port", "0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "wfctl", "serve", *options, "--ready-file", str(ready)],
        env={**clean, "XDG_CONFIG_HOME": str(folder), "PYTHONPATH": str(ROOT)},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: ready.exists() and ready.read_text() != "")
    yield json.loads(ready.read_text())
    process.terminate()
    process.wait(LIMIT_SECONDS)


@pytest.fixture(params=["http", "grpc"])
def far(
    request: pytest.FixtureRequest,
    cli: Cli,
    endpoints: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Outcome]:
    """A command on the sidecar, by HTTP (and gRPC for the rest) or by gRPC alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("WFCTL_TARGET", endpoints["httpEndpoint"] if request.param == "http" else "grpc")
    monkeypatch.setenv("WFCTL_GRPC_ENDPOINT", endpoints["grpcEndpoint"])

    def run(*argv: str, stdin: str = "", status: int = 0) -> Outcome:
        outcome = cli(*argv, stdin=stdin)
        assert "Traceback" not in outcome.err
        assert outcome.status == status, outcome
        return outcome

    return run


@pytest.fixture
def name() -> str:
    """An ID that no other test has."""
    return f"one-{next(_numbers)}"


Far = Callable[..., Outcome]


def test_start_wait_result(far: Far, name: str) -> None:
    assert far("start", "Echo", "--id", name, "--input", '{"n": 1}', "--wait").out == f"{name}\n"
    assert far("result", name).json == {"n": 1}
    assert far("get", name, "-o", "json").json["runtimeStatus"] == "COMPLETED"
    assert "COMPLETED" in far("wait", name).err
    assert far("start", "Echo", "--id", name, status=4).out == ""
    assert far("start", "Echo", "--id", name, "--if-exists", "use").out == f"{name}\n"
    assert far("start", "Echo", "--id", name, "--if-exists", "replace", "--wait").out == f"{name}\n"


def test_an_instance_that_fails(far: Far, name: str) -> None:
    far("start", "Broken", "--id", name, "--wait", status=10)
    assert far("result", name, status=10).out == ""
    failure = far("get", name, "-o", "json").json["failure"]
    assert "no None" in failure["errorMessage"]
    assert [step["status"] for step in far("steps", name, "-o", "json").json] == ["COMPLETED", "FAILED"]
    new = far("rerun", name, "--wait", status=10).out.strip()
    assert far("get", new, "-o", "json").json["runtimeStatus"] == "FAILED"


def test_events_and_what_is_waited_for(far: Far, name: str) -> None:
    far("start", "Approval", "--id", name)
    far("wait", name, "--for", "event=approval", "--timeout", "120s")
    assert far("get", name, "-o", "json").json["waitingFor"][0]["name"] == "approval"
    assert name in far("list", "--waiting-event", "approval", "-o", "id").out.split()
    late = far("wait", name, "--timeout", "0.1s", status=124)
    assert 'waits for event "approval"' in late.err
    far("raise-event", name, "approval", "--data", "[1]")
    far("wait", name)
    assert far("result", name).json == [1]
    assert far("raise-event", name, "approval", status=4).out == ""


def test_pause_and_resume(far: Far, name: str) -> None:
    far("start", "Approval", "--id", name)
    far("pause", name, "--reason", "lunch")
    assert far("get", name, "-o", "json").json["runtimeStatus"] == "SUSPENDED"
    far("wait", name, "--fail-on-stall", status=12)
    far("resume", name)
    assert "not SUSPENDED" in far("resume", name, status=4).err
    far("terminate", name, "--output", '"enough"')
    far("wait", name, status=11)
    assert far("get", name, "-o", "json").json["output"] == "enough"
    far("purge", name)
    far("get", name, status=3)


def test_children(far: Far, name: str) -> None:
    far("start", "Parent", "--id", name)
    until(lambda: len(far("list", "--parent", name, "-o", "id").out.split()) == 1)
    child = far("list", "--parent", name, "-o", "id").out.strip()
    until(lambda: "approval" in far("tree", name).out)
    assert far("get", name, "-o", "json").json["waitingFor"][0]["instanceID"] == child
    far("purge", name, status=4)
    far("purge", name, "--force", "--yes")
    far("get", child, status=3)


def test_delayed_start(far: Far, name: str) -> None:
    far("start", "Echo", "--id", name, "--start-at", "+1h")
    assert far("get", name, "-o", "json").json["runtimeStatus"] == "PENDING"
    far("purge", name, "--force", "--yes")
    far("get", name, status=3)


def test_many_at_a_time(far: Far, name: str) -> None:
    ids = [f"{name}-{number}" for number in range(12)]
    for one in ids:
        far("start", "Approval", "--id", one)
    assert far("list", "--id-prefix", f"{name}-", "-o", "id").out.split() == ids[::-1]
    rows = [json.loads(line) for line in far("list", "--id-prefix", f"{name}-", "-o", "jsonl").out.splitlines()]
    assert sorted(row["instanceID"] for row in rows) == sorted(ids)
    page = far("list", "--id-prefix", f"{name}-", "--limit", "5", "-o", "jsonl").out.splitlines()
    assert [json.loads(line)["instanceID"] for line in page] == ids[::-1][:5]
    far("pause", "-", stdin="\n".join(ids))
    far("resume", "--id-prefix", f"{name}-", "--yes")
    count = far("count", "--id-prefix", f"{name}-", "-o", "json").json
    assert [(one["runtimeStatus"], one["count"]) for one in count] == [("RUNNING", 12)]
    far("terminate", "--id-prefix", f"{name}-", "--yes")
    assert far("list", "--id-prefix", f"{name}-").out.count("TERMINATED") == 12
    far("purge", "--id-prefix", f"{name}-", "--yes")
    assert far("list", "--id-prefix", f"{name}-", "-o", "json").json == []


def test_history_and_steps(far: Far, name: str) -> None:
    far("start", "Echo", "--id", name, "--input", "7", "--wait")
    types = [event["type"] for event in far("history", name, "-o", "json").json]
    assert types[1] == "ExecutionStarted"
    assert types[-1] == "ExecutionCompleted"
    assert far("steps", name, "-o", "json").json[0]["result"] == 7
    assert far("watch", name, "--timeout", "120s").status == 0


def test_what_a_sidecar_has_not(far: Far) -> None:
    assert "does not tell which workflows" in far("workflows", status=5).err
    assert "executes its instances by itself" in far("run", status=5).err


def test_missing(far: Far) -> None:
    for argv in (
        ["get", "nope"], ["history", "nope"], ["steps", "nope"], ["wait", "nope"], ["result", "nope"],
        ["pause", "nope"],
        ["resume", "nope"], ["raise-event", "nope", "x"], ["terminate", "nope"], ["purge", "nope"], ["rerun", "nope"],
        ["purge", "nope", "--force", "--no-recursive"], ["tree", "nope"], ["list", "--after", "nope"],
    ):  # fmt: skip
        error = far(*argv, "-o", "json", status=3)
        assert '"code":"not_found"' in error.err.replace('": "', '":"'), argv


def test_an_instance_that_somebody_starts_again(far: Far, endpoints: dict[str, Any], name: str) -> None:
    """Every list and count, and what a batch acts on, is as it is now."""
    far("start", "Echo", "--id", name, "--wait")
    assert far("list", "--id-prefix", name, "-o", "json").json[0]["runtimeStatus"] == "COMPLETED"
    again = f"{endpoints['httpEndpoint']}/v1.0/workflows/dapr/Approval/start?instanceID={name}"
    urllib.request.urlopen(urllib.request.Request(again, method="POST"), timeout=LIMIT_SECONDS).close()
    assert far("list", "--id-prefix", name, "-o", "json").json[0]["runtimeStatus"] == "RUNNING"
    assert far("count", "--id-prefix", name, "--status", "COMPLETED", "-o", "json").json == []
    assert far("purge", "--id-prefix", name, "--yes", "-o", "json").json == []
    assert far("terminate", "--id-prefix", name, "--yes", "-o", "json").json[0]["outcome"] == "done"


def test_doctor(far: Far) -> None:
    checks = {check["check"]: check for check in far("doctor", "-o", "json").json}
    assert {check["level"] for check in checks.values()} == {"ok"}, checks
    assert "1 connected" in checks["worker"]["detail"]
    assert "wfctl serve" in checks["version"]["detail"]
    assert far("doctor", "--wait-ready", "20s", "-o", "id").out.split()[-1] in ("clock", "list")
