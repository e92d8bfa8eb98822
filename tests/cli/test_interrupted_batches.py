"""A batch that is stopped in the middle says how far it came, and how to finish."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import Cli, Outcome

from wfctl.client.embedded.workflows import EmbeddedWorkflows
from wfctl.errors import WfctlError

Stop = Callable[[int, type[BaseException]], contextlib.AbstractContextManager[None]]


@pytest.fixture
def five(cli: Cli, app: Path) -> list[str]:
    ids = [f"w{number}" for number in range(5)]
    for one in ids:
        cli("start", "Approval", "--id", one)
    return ids


@pytest.fixture
def stop_after(monkeypatch: pytest.MonkeyPatch) -> Stop:
    """Interrupt a batch after some of its instances; each is committed by itself."""

    @contextlib.contextmanager
    def prepare(count: int, error: type[BaseException]) -> Iterator[None]:
        def for_each(self, ids, act, stop, look):
            for number, one in enumerate(ids):
                if number == count:
                    raise error(143) if error is SystemExit else error()
                try:
                    look([one])
                    yield act(one)
                except WfctlError as failed:
                    yield failed

        with monkeypatch.context() as patch:
            patch.setattr(EmbeddedWorkflows, "for_each", for_each)
            yield

    return prepare


def finishing(result: Outcome) -> list[str]:
    """The words of the command that a hint gives."""
    found = re.search(r"try: wfctl (.*)", result.err)
    assert found, result.err
    return shlex.split(found[1])


def statuses(cli: Cli) -> dict[str, str]:
    return {row["instanceID"]: row["runtimeStatus"] for row in cli("list", "-o", "json").json}


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt, 130), (SystemExit, 143), (BrokenPipeError, 7)], ids=lambda one: str(one)
)
def test_how_far_and_how_to_finish(
    cli: Cli,
    five: list[str],
    monkeypatch: pytest.MonkeyPatch,
    stop_after: Stop,
    error: type[BaseException],
    status: int,
) -> None:
    with stop_after(2, error):
        result = cli("terminate", "--name", "Approval", "--yes", "--max", "4")
        assert result.status == status
        assert "interrupted: 2 of 4 terminated; 2 not tried" in result.err
        assert "the workflow goes on" not in result.err
    command = finishing(result)
    assert command == ["terminate", "--name", "Approval", "--yes", "--max", "4", "--max", "2"]
    assert cli(*command).status == 0
    assert list(statuses(cli).values()).count("TERMINATED") == 4


def test_ids(cli: Cli, five: list[str], stop_after: Stop) -> None:
    with stop_after(3, KeyboardInterrupt):
        result = cli("pause", "--reason", "lunch", *five)
    assert "interrupted: 3 of 5 paused; 2 not tried" in result.err
    assert finishing(result) == ["pause", "--reason", "lunch", "w3", "w4"]
    with stop_after(1, KeyboardInterrupt):
        result = cli("resume", "-", stdin="w0\nw1\nw2\n")
    assert finishing(result) == ["resume", "w1", "w2"]


def test_what_must_not_be_done_twice(cli: Cli, five: list[str], stop_after: Stop) -> None:
    """An event is raised once for each, although those that have got it match the filter still."""
    for one in five:
        cli("pause", one)
    with stop_after(2, KeyboardInterrupt):
        result = cli("raise-event", "approval", "--name", "Approval", "--yes", "--no-drive")
    command = finishing(result)
    assert command[-2] == "--created-after"
    again = cli(*command, "-o", "jsonl")
    assert [line.split('"')[3] for line in again.out.splitlines()] == ["w2", "w3", "w4"]


def test_reruns(cli: Cli, app: Path, stop_after: Stop) -> None:
    for one in "abc":
        cli("start", "Broken", "--id", one)
    with stop_after(1, KeyboardInterrupt):
        result = cli("rerun", "--status", "FAILED", "--from-failed", "--yes", "--no-drive")
    assert (result.out, finishing(result)[0]) == ("a-rerun-1\n", "rerun")
    assert cli(*finishing(result)).out.split() == ["b-rerun-1", "c-rerun-1"]


@pytest.mark.skipif(os.name == "nt", reason="a shell's pipe")
def test_a_pipe_that_breaks(cli: Cli, five: list[str]) -> None:
    found = subprocess.run(
        [
            "bash",
            "-c",
            f"'{sys.executable}' -m wfctl pause --name Approval --yes -o jsonl | true; echo ${{PIPESTATUS[0]}}",
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert found.stdout in ("7\n", "0\n")
    if found.stdout == "7\n":
        assert "interrupted: " in found.stderr


def test_where_the_workflow_goes_on(cli: Cli, five: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("wfctl.cli.waiting.finish.wait_for", interrupted)
        here = cli("start", "Approval", "--id", "x", "--wait")
    assert here.status == 130
    assert "interrupted; nothing is lost, and nobody executes the workflow now\n  try: wfctl wait x" in here.err
    with monkeypatch.context() as patch:
        patch.setattr("wfctl.cli.waiting.finish.wait_for", interrupted)
        patch.setattr("wfctl.engine.owner_lock.is_owned", lambda *_: True)
        beside = cli("start", "Approval", "--id", "y", "--wait", "--no-drive")
    assert "interrupted; the workflow goes on" in beside.err
