"""Batches and completions on a sidecar: `wfctl serve`, which answers as one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Cli, Outcome
from limits import LIMIT_SECONDS, until

pytest.importorskip("uvicorn")
pytest.importorskip("grpc")


@pytest.fixture
def server(app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    ready = tmp_path / "ready.json"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with (tmp_path / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "wfctl", "serve", "--http-port=0", "--grpc-port=0", f"--ready-file={ready}"],
            stderr=log,
        )
    try:
        until(lambda: ready.exists() or process.poll() is not None, "the server is ready")
        assert process.poll() is None, (tmp_path / "serve.log").read_text()
        said = json.loads(ready.read_text())
        monkeypatch.setenv("WFCTL_TARGET", said["httpEndpoint"])
        monkeypatch.setenv("WFCTL_GRPC_ENDPOINT", said["grpcEndpoint"])
        yield
    finally:
        process.terminate()
        process.wait(LIMIT_SECONDS)


@pytest.fixture
def waiting(cli: Cli, server: None) -> list[str]:
    ids = [f"i-{number:02}" for number in range(12)]
    for one in ids:
        assert cli("start", "Approval", "--id", one).status == 0
    for one in ids:
        assert cli("wait", one, "--for", "event=approval", "--timeout", "120s").status == 0
    return ids


def outcomes(result: Outcome) -> dict[str, str]:
    return {row["instanceID"]: row["outcome"] for row in map(json.loads, result.out.splitlines())}


def test_a_life_in_batches(cli: Cli, waiting: list[str]) -> None:
    done = dict.fromkeys(waiting, "done")
    planned = cli("pause", "--name", "Approval", "--dry-run", "-o", "jsonl")
    assert outcomes(planned) == dict.fromkeys(waiting, "planned")
    paused = cli("pause", "--status", "running", "--yes", "--concurrency", "4", "-o", "jsonl")
    assert (paused.status, outcomes(paused)) == (0, done), paused.err
    assert list(outcomes(paused)) == waiting, "in order, the oldest first"
    assert outcomes(cli("resume", "-", "-o", "jsonl", stdin="\n".join(waiting))) == done

    raised = cli("raise-event", "approval", "--waiting-event", "approval", "--max", "3", "--yes", "-o", "jsonl")
    assert outcomes(raised) == dict.fromkeys(waiting[:3], "done"), raised.err
    assert cli("wait", *waiting[:3], "--timeout", "120s").status == 0
    ended = cli("terminate", "--status", "RUNNING", "--yes", "-o", "jsonl")
    assert outcomes(ended) == dict.fromkeys(waiting[3:], "done"), ended.err

    assert cli("purge", "--status", "COMPLETED").status == 8
    purged = cli("purge", "--finished-before", "0s", "--yes", "-o", "jsonl")
    assert (purged.status, outcomes(purged)) == (0, done), purged.err
    assert cli("list", "-o", "json").out == "[]\n"


NOTHING = [
    ["pause", "--status", "RUNNING"],
    ["resume", "--name", "Nosuch*"],
    ["raise-event", "go", "--waiting-event", "go"],
    ["terminate", "--status", "RUNNING"],
    ["purge", "--finished-before", "30d"],
    ["purge", "--finished-before", "30d", "--force"],
    ["rerun", "--status", "FAILED"],
]


def test_nothing_matches(cli: Cli, server: None) -> None:
    """A clean-up job on a quiet day."""
    for argv in NOTHING:
        for more in (["--yes"], ["--yes", "--concurrency", "1"], ["--dry-run"], []):
            found = cli(*argv, *more, "-o", "json")
            assert (found.status, found.out) == (0, "[]\n"), found.err
            text = cli(*argv, *more)
            assert (text.status, text.out) == (0, ""), text.err
            assert "no instance" in text.err


def test_no_ids_on_stdin(cli: Cli, server: None) -> None:
    for verb in (["pause", "-"], ["resume", "-"], ["raise-event", "-", "go"], ["terminate", "-"], ["purge", "-"]):
        for stdin in ("", "\n\n"):
            found = cli(*verb, "-o", "json", stdin=stdin)
            assert (found.status, found.out) == (0, "[]\n"), found.err
            assert cli(*verb, stdin=stdin).err == "no IDs, nothing to do\n"


def reasons(result: Outcome) -> dict[str, str | None]:
    return {row["instanceID"]: row["reason"] for row in map(json.loads, result.out.splitlines())}


def test_a_child_with_an_id_of_its_own(cli: Cli, server: None) -> None:
    """No answer of a sidecar but the child's history says whose it is."""
    for parent, child in (("p", "own"), ("q", "named")):
        assert cli("start", "Parent", "--id", parent, "--input", json.dumps({"child": child})).status == 0
        until(lambda child=child: cli("get", child).status != 3, f"{child} is there")  # type: ignore[misc]
        assert cli("wait", child, "--for", "event=approval", "--timeout", "120s").status == 0
    ended = cli("terminate", "--status", "RUNNING", "--yes", "-o", "jsonl")
    assert reasons(ended) == {"p": None, "q": None, "own": "it goes with p", "named": "it goes with q"}, ended.err
    assert cli("wait", "own", "named", "--timeout", "120s").status == 11
    for dry in (["--dry-run"], ["--yes"]):
        alone = cli("purge", "--id-prefix", "own", *dry, "-o", "jsonl")
        assert reasons(alone) == {"own": "it is left to its parent p"}, alone.err
    both = cli("purge", "own", "p", "-o", "jsonl")
    assert (both.status, reasons(both)) == (0, {"own": "it goes with p", "p": None})
    rest = cli("purge", "--status", "TERMINATED", "--yes", "-o", "jsonl")
    assert reasons(rest) == {"q": None, "named": "it goes with q"}
    assert cli("list", "-o", "json").json == []


def test_some_fail(cli: Cli, waiting: list[str]) -> None:
    result = cli("pause", waiting[0], "nosuch", waiting[1], "-o", "jsonl")
    assert result.status == 7
    assert outcomes(result) == {waiting[0]: "done", "nosuch": "failed", waiting[1]: "done"}


def test_completion(cli: Cli, waiting: list[str]) -> None:
    def complete(*words: str, **environ: str) -> list[str]:
        found = subprocess.run(
            [sys.executable, "-m", "wfctl", *words],
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            env={**os.environ, "_WFCTL_COMPLETE": "fish", **environ},
        )
        assert (found.returncode, found.stderr) == (0, "")
        return sorted(line.partition("\t")[0] for line in found.stdout.splitlines())

    patient = {"WFCTL_COMPLETE_TIMEOUT": "6h"}
    assert complete("get", "i-0", **patient) == [one for one in waiting if one < "i-10"]
    assert complete("raise-event", "i-00", "app", **patient) == ["approval"]
    assert complete("list", "--name", "", **patient) == sorted({"Approval"})

    # The options of the line say which sidecar; the environment says nothing now.
    far = ["-t", os.environ["WFCTL_TARGET"], "get", "--grpc-endpoint", os.environ["WFCTL_GRPC_ENDPOINT"], "i-1"]
    assert complete(*far, WFCTL_TARGET="", WFCTL_GRPC_ENDPOINT="", **patient) == ["i-10", "i-11"]

    # What came too late is known the next time.
    until(lambda: complete("pause", "i-1", WFCTL_COMPLETE_TIMEOUT="1ms") == ["i-10", "i-11"], "it is known")


def test_reruns(cli: Cli, server: None) -> None:
    """The lineage is looked up by ID; a result can be supplied; the same rerun again is refused."""
    for one in ("b1", "b2"):
        assert cli("start", "Broken", "--id", one, "--wait").status == 10
    done = cli("rerun", "b1", "--result", 'Fail={"ok": true}', "--wait")
    assert (done.status, done.out) == (0, "b1-rerun-1\n")
    completed = [row for row in cli("history", "b1-rerun-1", "-o", "json").json if row["type"] == "TaskCompleted"]
    assert [(row["result"], row["supplied"]) for row in completed] == [("first", False), ({"ok": True}, True)]
    assert cli("rerun", "b1", "--from-failed").status == 4
    again = cli("rerun", "--name", "Broken", "--yes", "-o", "jsonl")
    assert outcomes(again) == {"b1": "skipped", "b2": "done", "b1-rerun-1": "done"}
    found = cli("get", "b1", "-o", "json").json
    assert (found["rerunOf"], found["rerunAs"]) == (None, ["b1-rerun-1", "b1-rerun-2"])
    rows = {row["instanceID"]: row for row in cli("list", "-o", "json").json}
    assert (rows["b1-rerun-1"]["rerunOf"], rows["b1-rerun-1"]["rerunAs"]) == ("b1", ["b1-rerun-2"])
    assert cli("wait", "b2-rerun-1", "--timeout", "2m").status == 10
    assert cli("purge", "b2-rerun-1").status == 0
    assert cli("rerun", "b2", "--new-id", "b2-rerun-1").status == 4
