"""What `wfctl ui` costs while somebody looks on, and how soon it answers a key: a million instances, ten thousand of
which change all the time, as another process drives them."""

from __future__ import annotations

import os
import select
import shutil
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.engine import scratch
from bench.million import fill
from bench.watch import COLUMNS, INSTANCES, ROWS, SECONDS, WARM, _cpu, _driven, _resident

# One filled already, to be copied: filling takes minutes.
FILLED = "WFCTL_BENCH_MILLION"
# Pressed one after the other, so that each of them changes what is seen.
KEYS = {
    "down": "j",
    "page down": "\x1b[6~",
    "last row": "G",
    "first row": "g",
    "open": "\r",
    "back": "\x7f",
    "filter": "/",
    "a letter of it": "s",
    "its end": "tatus:running\r",
    "clear": "\x1b",
}


def ui(rounds: int) -> Iterator[dict[str, Any]]:
    if sys.platform != "linux":
        return
    for stored in (0, 1_000_000):
        with scratch() as folder:
            if stored:
                _fill(folder / "store.db", stored)
            with _driven(folder, INSTANCES) as driver, _Screen(folder) as screen:
                time.sleep(WARM)
                screen.read(1.0)
                yield {"ui": "looked at", "stored": stored, **_watched(screen, driver, rounds * SECONDS)}
                yield {"ui": "keys", "stored": stored, "median_ms": _answers(screen, rounds)}


def _fill(path: Path, count: int) -> None:
    given = os.environ.get(FILLED)
    if given:
        shutil.copy(given, path)
    else:
        fill(path, count)


def _watched(screen: _Screen, driver: subprocess.Popen[str], seconds: float) -> dict[str, Any]:
    """Processor time of the screen and of the process that drives, in percent of a core."""
    began, busy, others = time.monotonic(), _cpu(screen.pid), _cpu(driver.pid)
    written, memory = 0, []
    while time.monotonic() - began < seconds:
        written += len(screen.read(1.0))
        memory.append(_resident(screen.pid))
    took = time.monotonic() - began
    return {
        "core_percent": round((_cpu(screen.pid) - busy) / took * 100, 1),
        "driver_core_percent": round((_cpu(driver.pid) - others) / took * 100, 1),
        "kb_per_second": round(written / took / 1000, 1),
        "mb_most": round(max(memory), 1),
    }


def _answers(screen: _Screen, rounds: int) -> dict[str, float]:
    """Return for each key the milliseconds until something is drawn."""
    found: dict[str, list[float]] = {name: [] for name in KEYS}
    for _ in range(rounds):
        for name, keys in KEYS.items():
            screen.read(0.6)
            while screen.read(0.05):  # between two frames
                pass
            began = time.perf_counter()
            os.write(screen.fd, keys.encode())
            screen.read(2.0, first=True)
            found[name].append((time.perf_counter() - began) * 1000)
    return {name: round(statistics.median(taken), 1) for name, taken in found.items()}


class _Screen:
    """`wfctl ui` in a terminal."""

    def __init__(self, folder: Path) -> None:
        import fcntl
        import pty
        import termios

        environ = {**os.environ, "XDG_CONFIG_HOME": str(folder), "TERM": "xterm-256color", "WFCTL_TARGET": "embedded"}
        command = [sys.executable, "-m", "wfctl", "ui", "--store", str(folder / "store.db")]
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            os.execve(sys.executable, command, environ)

    def read(self, seconds: float, *, first: bool = False) -> bytes:
        """Take in what is written within this time; with `first`, only until there is something."""
        found, end = b"", time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not (first and found):
            if select.select([self.fd], [], [], left)[0]:
                found += os.read(self.fd, 1 << 16)
        return found

    def __enter__(self) -> _Screen:
        return self

    def __exit__(self, *error: object) -> None:
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
        os.close(self.fd)
