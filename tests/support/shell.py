"""Real processes: wfctl as a user's shell runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from limits import LIMIT_SECONDS, until


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str


class Shell:
    """Runs wfctl in a folder of its own, on a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[subprocess.Popen[str]] = []
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("WFCTL_", "DAPR_"))}
        self.environ = {
            **clean,
            "WFCTL_TARGET": "embedded",
            "WFCTL_STORE": str(folder / "store.db"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "PYTHONUNBUFFERED": "1",
        }

    def app(self, source: str, name: str = "app.py") -> None:
        (self.folder / name).write_text(source)
        self.environ["WFCTL_APP"] = str(self.folder / name)

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "wfctl", *words]

    def start(self, *words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            self.command(*words),
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()

    def run(self, *words: str, input: str | None = None) -> Ran:
        done = subprocess.run(
            self.command(*words),
            cwd=self.folder,
            env=self.environ,
            input=input if input is not None else "",
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS * 2,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    def ok(self, *words: str, input: str | None = None) -> str:
        done = self.run(*words, input=input)
        assert done.status == 0, done
        return done.out

    def until(self, holds: Callable[[], bool], what: str) -> None:
        until(holds, what)


def line(process: subprocess.Popen[str]) -> str:
    """Read a line of its stdout."""
    assert process.stdout is not None
    return process.stdout.readline()
