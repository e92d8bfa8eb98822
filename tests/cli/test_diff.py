"""`wfctl diff`: which runs it compares, what it shows, and its exit status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from harness import Cli


@pytest.fixture
def started(cli: Cli, app: Path) -> Path:
    for name, value in (("one", '"x"'), ("two", '"x"'), ("other", '{"a": 1}')):
        cli("start", "Echo", "--id", name, "--input", value)
    cli("start", "Broken", "--id", "broken", "--input", '"x"')
    cli("rerun", "broken", "--from-failed")
    cli("rerun", "one")
    return app


def test_the_same(cli: Cli, started: Path) -> None:
    result = cli("diff", "one", "two")
    assert result.status == 0
    assert "the same: 1 step" in result.err
    assert result.out.split("\n")[0].split() == ["STEP", "one", "TOOK", "two", "TOOK", "DIFFERS"]
    assert len(result.out.splitlines()) == 2
    assert len(cli("diff", "one", "two", "--all").out.splitlines()) == 3


def test_what_differs(cli: Cli, started: Path) -> None:
    result = cli("diff", "one", "other")
    assert result.status == 9
    assert 'input: "x" / {"a": 1}; result: "x" / {"a": 1}' in result.out
    assert result.err == "0 of 1 step the same, 1 differ\n"
    result = cli("diff", "one", "broken", "-o", "json")
    assert result.status == 9
    assert [one["change"] for one in result.json["steps"]] == ["differs", "only_b"]
    assert result.json["differences"][0] == {"what": "workflow", "path": None, "a": "Echo", "b": "Broken"}


@pytest.mark.parametrize(("words", "status"), [("diff one other --all", 9), ("check one other broken -o jsonl", 7)])
def test_a_reader_that_leaves_early_hears_no_success(cli: Cli, started: Path, words: str, status: int) -> None:
    command = f"'{sys.executable}' -m wfctl {words} | true; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert result.stdout == f"{status}\n"


def test_a_rerun_and_its_original(cli: Cli, started: Path) -> None:
    for words in (["one"], ["one-rerun-1"], ["one", "one-rerun-1"]):
        result = cli("diff", *words, "-o", "json")
        assert result.status == 0
        assert [result.json[side]["instance"]["instanceID"] for side in "ab"] == ["one", "one-rerun-1"]
    result = cli("diff", "two")
    assert result.status == 2
    assert "'two' is no rerun, and was not rerun" in result.err


def test_bundles(cli: Cli, started: Path) -> None:
    cli("export", "--to", "all.jsonl")
    cli("export", "two", "--to", "two.jsonl")
    for words in (
        ["one", "all.jsonl"],
        ["all.jsonl", "one"],
        ["two.jsonl", "all.jsonl:one"],
        ["all.jsonl:one-rerun-1"],
    ):
        assert cli("diff", *words).status == 0, words
    assert cli("diff", "other", "all.jsonl:two").status == 9
    result = cli("diff", "one", "all.jsonl", "-o", "json")
    assert [result.json[side]["file"] for side in "ab"] == [None, "all.jsonl"]
    text = (started / "all.jsonl").read_bytes()
    (started / "cut.jsonl").write_bytes(text[:-9])
    result = cli("diff", "one", "cut.jsonl")
    assert result.status == 2
    assert "cut.jsonl, line 8: the bundle is cut off" in result.err


def test_a_file_never_stands_in_for_an_id(cli: Cli, started: Path) -> None:
    (started / "one").write_text("planted")
    assert cli("diff", "one", "two").status == 0


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["one", "nosuch"], 3, "there is no instance 'nosuch'"),
        (["one", "all.jsonl:nosuch"], 3, "all.jsonl has no instance 'nosuch'"),
        (["nosuch.jsonl", "one"], 2, "nosuch.jsonl cannot be read"),
        (["./nosuch", "one"], 2, "./nosuch cannot be read"),
        (["all.jsonl"], 2, "diff of what?"),
        (["all.jsonl", "all.jsonl"], 2, "all.jsonl has 6 instances: which?"),
        (["app.py", "one"], 2, "app.py, line 1: this is no bundle"),
        (["-", "-"], 2, "stdin can be one of the two only"),
        (["one", "two", "-o", "id"], 2, "-o id does not fit here"),
    ],
)
def test_refused(cli: Cli, started: Path, words: list[str], status: int, says: str) -> None:
    cli("export", "--to", "all.jsonl")
    result = cli("diff", *words)
    assert result.status == status
    assert says in result.err
