"""The page of figures beside others: its pictures and its words follow from the record, and the record can be made."""

from __future__ import annotations

import copy
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from limits import LIMIT_SECONDS

ROOT = Path(__file__).parents[1]


@pytest.fixture
def make() -> Iterator[Any]:
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        yield importlib.import_module("make_performance")
    finally:
        sys.path.pop(0)


@pytest.fixture
def group(make: Any) -> Any:
    """The first table of the record, of which a test may change its own copy."""
    return copy.deepcopy(json.loads(make.FIGURES.read_text(encoding="utf-8"))["groups"][0])


def chains(group: Any, **figures: list[float | None]) -> None:
    """Put these in the place of the figures of one workload: those of each peer, round by round."""
    group["figures"]["chains"] = figures
    group["commits"]["chains"] = {name: [1000] * len(rounds) for name, rounds in figures.items()}


def test_the_charts_are_current(make: Any) -> None:
    for path, drawn in make.pictures().items():
        assert path.read_text(encoding="utf-8") == drawn, "run: python docs/make_performance.py"


def test_the_page_says_where_another_one_is_better(make: Any, group: Any) -> None:
    chains(group, wfctl=[100, 90, 110], restate=[250, 240, 260])
    assert "Where another one is better: 1,000 chains of 5 steps at once (Restate, 2.50 times as good)" in "\n".join(
        make._section(group)
    )
    assert "| 100 | **250** | - | - | - | 0.40 times |" in "\n".join(make._section(group))


def test_the_page_says_what_is_noise(make: Any, group: Any) -> None:
    chains(group, wfctl=[100], restate=[110])
    said = "\n".join(make._section(group))
    assert "No difference beyond noise: 1,000 chains of 5 steps at once (Restate)" in said
    assert "| 0.10 for each commit |" in said


def test_a_round_that_failed_is_no_figure(make: Any, group: Any) -> None:
    chains(group, wfctl=[100, 100, 100], restate=[300, None, 300])
    assert "| **100** | failed | - | - | - | - |" in "\n".join(make._section(group))


def test_wfctl_is_measured_and_its_store_is_looked_at() -> None:
    words = ["peers", "--rounds", "1", "--only", "wfctl", "--workload", "activities", "--workload", "recovery"]
    done = subprocess.run(
        [sys.executable, "-m", "bench", *words], cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(line["peer"], line["workload"]) for line in lines] == [("wfctl", "activities"), ("wfctl", "recovery")]
    assert all(line[line["workload"]] > 0 and line["sqlite_full_commits_per_s"] > 0 for line in lines)


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT))
    module = importlib.import_module("bench.peers.servers")
    for name, size in {"WARM": (2, 2), "TOGETHER": (6, 3), "PYTHON_TOGETHER": (6, 3), "ALONE": (2, 1)}.items():
        monkeypatch.setattr(module, name, size)
    return module


@pytest.mark.parametrize("worker", ["go", "python"])
def test_a_server_is_measured_and_its_store_is_looked_at(servers: Any, tmp_path: Path, worker: str) -> None:
    server = servers.WfctlServe()
    reason = server.prepare()
    if reason is not None:
        pytest.skip(reason)
    figures = server.workloads[f"{worker}_worker"](tmp_path)
    assert figures[f"{worker}_chains"] > 0
    assert server.completed(tmp_path) == 10
    with pytest.raises(RuntimeError, match="10 of 11 instances have completed by the store"):
        server._check(tmp_path, (11, 1))
