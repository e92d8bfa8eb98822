"""wfctl's embedded engine as a peer: what a command that starts workflows has in its own process."""

from __future__ import annotations

import json
import platform
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import wfctl
from bench.peers import frame
from bench.peers.programs.measuring import CHAINS, STUCK

APP = frame.ROOT / "bench" / "app.py"
CHECKED = ("store", "integrity")


class Embedded:
    name = "wfctl"
    title = "wfctl"
    durability = (
        "A start, a step and an end are acknowledged after the commit that has them is on the disk (SQLite, WAL, "
        "`synchronous=FULL`); what is ready at the same time shares a commit."
    )

    @property
    def workloads(self) -> Mapping[str, frame.Measure]:
        names = ("chains", "steps_1000", "steps_5000", "latency", "activities", "children")
        return {**{name: partial(self._run, name) for name in names}, "recovery": self._recover}

    def prepare(self) -> str | None:
        return None

    def version(self) -> str:
        commit = subprocess.run(
            ["git", "rev-parse", "--short=8", "HEAD"], cwd=frame.ROOT, capture_output=True, text=True
        ).stdout.strip()
        at = f" at {commit}" if commit else ""
        return f"{wfctl.__version__}{at}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"

    def _run(self, workload: str, folder: Path) -> Mapping[str, float]:
        figures = frame.run(sys.executable, "embedded_program", workload, str(folder), XDG_CONFIG_HOME=str(folder))
        self._check(folder, figures.pop("instances"))
        return dict(figures)

    def _recover(self, folder: Path) -> Mapping[str, float]:
        command = [sys.executable, "-m", "bench.peers.programs.embedded_program", "recovery", str(folder)]
        killed = subprocess.run(command, cwd=frame.ROOT, env=frame.environ(**{STUCK: "1"}), capture_output=True)
        assert killed.returncode == -9, killed.stderr
        assert self.completed(folder) == 0
        began = time.perf_counter()
        self._wfctl(folder, "run")
        seconds = time.perf_counter() - began
        self._check(folder, CHAINS)
        return {"recovery": seconds}

    def _check(self, folder: Path, ended: int) -> None:
        assert self.completed(folder) == ended

    def completed(self, folder: Path) -> int:
        """How many instances have completed, in a store in which `wfctl doctor` finds no damage."""
        checks = {check["check"]: check for check in self._wfctl(folder, "doctor", "-o", "json")}
        for name in CHECKED:
            assert checks[name]["level"] == "ok", checks[name]
        counts = self._wfctl(folder, "count", "--status", "COMPLETED", "-o", "json")
        return sum(count["count"] for count in counts)

    def _wfctl(self, folder: Path, *words: str) -> Any:
        where = ["--target", "embedded", "--store", str(folder / "store.db"), "--app", str(APP)]
        out = frame.finish([sys.executable, "-m", "wfctl", *words, *where], XDG_CONFIG_HOME=str(folder))
        return json.loads(out) if "json" in words else out
