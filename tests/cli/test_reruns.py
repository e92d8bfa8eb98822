"""Reruns have a lineage, and an instance is rerun once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from harness import Cli, Outcome
from limits import LIMIT_SECONDS


@pytest.fixture
def failed(cli: Cli, app: Path) -> list[str]:
    ids = ["x", "y", "z"]
    for name in ids:
        cli("start", "Broken", "--id", name)
    return ids


def lineage(cli: Cli) -> dict[str, tuple[str | None, list[str]]]:
    return {row["instanceID"]: (row["rerunOf"], row["rerunAs"]) for row in cli("list", "-o", "json").json}


def rows(result: Outcome) -> dict[str, tuple[str, str | None]]:
    found: list[dict[str, Any]] = [json.loads(line) for line in result.out.splitlines()]
    return {row["instanceID"]: (row["outcome"], row["newInstanceID"] or row["reason"]) for row in found}


def test_the_id_of_a_rerun_counts_from_the_original(cli: Cli, failed: list[str]) -> None:
    assert cli("rerun", "x").out == "x-rerun-1\n"
    assert cli("rerun", "x-rerun-1").out == "x-rerun-2\n"
    assert cli("rerun", "x", "--again").out == "x-rerun-3\n"
    assert cli("rerun", "x", "--new-id", "mine").out == "mine\n"
    assert lineage(cli) == {
        "x": (None, ["x-rerun-1", "x-rerun-2", "x-rerun-3", "mine"]),
        "x-rerun-1": ("x", ["x-rerun-2", "x-rerun-3", "mine"]),
        "x-rerun-2": ("x", ["x-rerun-3", "mine"]),
        "x-rerun-3": ("x", ["mine"]),
        "mine": ("x", []),
        "y": (None, []),
        "z": (None, []),
    }
    shown = cli("get", "x-rerun-1").out
    assert re.search(r"Rerun of\s+x\n", shown)
    assert "x-rerun-2, x-rerun-3, mine" in shown
    wide = cli("list", "--id-prefix", "x-rerun-1", "-o", "wide").out
    assert "RERUN OF" in wide
    assert "x-rerun-2, x-rerun-3, mine" in wide


def test_the_same_command_twice_reruns_once(cli: Cli, failed: list[str]) -> None:
    assert cli("rerun", "x", "--from-failed").status == 0
    again = cli("rerun", "x", "--from-failed")
    assert (again.status, again.out) == (4, "")
    assert "'x' was rerun already, as 'x-rerun-1' (FAILED)" in again.err
    assert "--again" in again.err
    assert cli("rerun", "x", "--from-failed", "-o", "json").error["code"] == "already_rerun"
    assert len(lineage(cli)) == 4


def test_a_batch_leaves_out_what_was_rerun(cli: Cli, failed: list[str]) -> None:
    cli("rerun", "x")
    planned = cli("rerun", "--name", "Broken", "--dry-run", "-o", "jsonl")
    assert rows(planned) == {
        "y": ("planned", None),
        "z": ("planned", None),
        "x-rerun-1": ("planned", None),
        "x": ("skipped", "rerun already as x-rerun-1"),
    }
    assert "1 instance left out, rerun already: --again" in planned.err
    first = cli("rerun", "--name", "Broken", "--yes")
    assert "started 3 reruns, 1 left out, rerun already (--again reruns them)" in first.err
    assert first.out.split() == ["y-rerun-1", "z-rerun-1", "x-rerun-2"]
    named = cli("rerun", "x", "y", "-o", "jsonl")
    assert named.status == 0
    assert rows(named) == {
        "x": ("skipped", "rerun already as x-rerun-2"),
        "y": ("skipped", "rerun already as y-rerun-1"),
    }
    silent = cli("rerun", "x", "y", "-o", "id")
    assert (silent.out, "2 left out, rerun already" in silent.err) == ("", True)
    again = cli("rerun", "x", "y", "--again", "-o", "id")
    assert again.out.split() == ["x-rerun-3", "y-rerun-2"]


def test_those_left_out_and_children_do_not_count_for_max(cli: Cli, failed: list[str]) -> None:
    cli("rerun", "x")
    result = cli("rerun", "--name", "Broken", "--max", "2", "--yes")
    assert result.out.split() == ["y-rerun-1", "z-rerun-1"]


def test_a_purged_rerun_still_has_been(cli: Cli, failed: list[str]) -> None:
    """Retention may delete what was rerun successfully long before its original."""
    cli("rerun", "x")
    assert cli("purge", "x-rerun-1").status == 0
    result = cli("rerun", "x")
    assert (result.status, "'x' was rerun already, as 'x-rerun-1'\n" in result.err) == (4, True)
    assert cli("rerun", "x", "--again").out == "x-rerun-2\n"
    assert cli("rerun", "y", "--new-id", "x-rerun-1").out == "x-rerun-1\n"


def test_an_id_that_is_used_again_has_not_been_rerun(cli: Cli, failed: list[str]) -> None:
    cli("rerun", "x")
    assert cli("start", "Broken", "--id", "x", "--if-exists", "replace").status == 0
    assert lineage(cli)["x"] == (None, [])
    assert lineage(cli)["x-rerun-1"] == ("x", [])
    assert cli("rerun", "x").out == "x-rerun-2\n"


def test_nothing_is_left_of_a_family_that_is_gone(cli: Cli, failed: list[str]) -> None:
    cli("rerun", "x")
    assert cli("purge", "x", "x-rerun-1").status == 0
    cli("start", "Broken", "--id", "x")
    assert cli("rerun", "x").out == "x-rerun-1\n"


def test_long_ids_and_odd_ones(cli: Cli, app: Path) -> None:
    name = "order-" + "7" * 58
    cli("start", "Broken", "--id", name)
    first = cli("rerun", name).out.strip()
    assert len(first) <= 64
    assert first.startswith("order-777")
    assert cli("rerun", first).out.strip() == first.removesuffix("1") + "2"
    assert lineage(cli)[first][0] == name


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_kill_in_the_middle_reruns_nothing_twice(cli: Cli, app: Path) -> None:
    """Two operators give the same command over and over, and each is killed in the middle."""
    count = 450  # more than two transactions
    lines = "".join(json.dumps({"id": f"k{number:03}"}) + "\n" for number in range(count))
    cli("start", "Broken", "--each", "-", stdin=lines)
    command = [sys.executable, "-m", "wfctl", "rerun", "--name", "Broken", "--id-prefix", "k", "--max", str(count)]
    command += ["--yes", "--no-drive", "-o", "jsonl"]
    for _ in range(2):
        operators = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(2)]
        for one in operators:
            assert one.stdout is not None
            one.stdout.readline()
            one.kill()
        for one in operators:
            one.communicate(timeout=LIMIT_SECONDS)
    last = cli(
        "rerun", "--name", "Broken", "--id-prefix", "k", "--max", str(count), "--yes", "--no-drive", "-o", "jsonl"
    )
    assert last.status == 0, last.err
    found = [row["instanceID"] for row in cli("list", "--id-prefix", "k", "-o", "json").json]
    assert sorted(found) == sorted([f"k{n:03}{more}" for n in range(count) for more in ("", "-rerun-1")])
