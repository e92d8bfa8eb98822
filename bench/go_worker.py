"""`wfctl serve` with an unmodified worker of the official Go SDK (`bench/goworker`): its CPU, its times, its memory.

The worker's program also starts the chains and waits for their results, as an app would. A chain is a start, a wait,
and six turns and five activities: 13 calls, and 11 items on the stream of work.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.engine import HERE, commit_rate, scratch
from bench.serve import LIMIT_SECONDS, cpu, environ, process, until

LENGTH = 5
TOGETHER = (2000, 100)  # chains, and how many of them at a time
ALONE = (300, 1)
# Workflows that a server has had when its memory is read; between them, so many at a time.
MARKS = (25_000, 50_000, 100_000)
FOR_MEMORY = 200
GROWTH_FROM = 50_000
NO_GO = "the worker is a program in Go, which is not installed"


def serve_go(rounds: int) -> Iterator[dict[str, Any]]:
    """Chains of 5 activities, 100 in flight and one at a time."""
    if not has_go():
        yield {"skipped": NO_GO}
        return
    together, alone, rates = [], [], []
    for _ in range(rounds):
        with scratch() as folder, served(folder) as (server, worker):
            worker.run(100, 10, LENGTH)  # until all is warm
            together.append(_measured(server, worker, *TOGETHER))
            alone.append(_measured(server, worker, *ALONE))
            rates.append(commit_rate(folder))
    yield {
        **{f"together_{name}": value for name, value in _medians(together).items()},
        **{f"alone_{name}": value for name, value in _medians(alone).items()},
        "sqlite_full_commits_per_s": round(statistics.median(rates)),
    }


def serve_memory(_: int) -> Iterator[dict[str, Any]]:
    """MiB of `wfctl serve` after so many short workflows."""
    if not has_go():
        yield {"skipped": NO_GO}
        return
    found: dict[int, float] = {}
    with scratch() as folder, served(folder) as (server, worker):
        done = 0
        for mark in MARKS:
            worker.run(mark - done, FOR_MEMORY, 1)
            done = mark
            found[mark] = resident(server.pid)
    growth = found[MARKS[-1]] / found[GROWTH_FROM] - 1
    yield {
        **{f"mib_at_{mark}": round(value, 1) for mark, value in found.items()},
        "growth_percent": round(100 * growth, 2),
    }


class GoWorker:
    """A running `bench/goworker`."""

    def __init__(self, running: subprocess.Popen[str]) -> None:
        self._running = running

    def run(self, chains: int, in_flight: int, length: int) -> dict[str, Any]:
        """Run chains to their results. Returns what the worker says of them (see `goworker/main.go`)."""
        assert self._running.stdin is not None
        assert self._running.stdout is not None
        self._running.stdin.write(f"{chains} {in_flight} {length}\n")
        self._running.stdin.flush()
        limit = threading.Timer(LIMIT_SECONDS, self._running.kill)
        limit.start()
        said = self._running.stdout.readline()
        limit.cancel()
        if not said:
            raise RuntimeError(f"the Go worker has ended, or was ended after {LIMIT_SECONDS} s")
        answer: dict[str, Any] = json.loads(said)
        return answer


@contextlib.contextmanager
def served(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], GoWorker]]:
    """Run `wfctl serve` on a store of its own, and a Go worker of it."""
    ready = folder / "ready.json"
    words = ["serve", "--http-port", "0", "--grpc-port", "0", "--store", str(folder / "store.db"), *options]
    command = [sys.executable, "-m", "wfctl", *words, "--ready-file", str(ready)]
    env = environ(XDG_CONFIG_HOME=str(folder))
    with process(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as server:
        until(lambda: ready.exists() or server.poll() is not None, "the server is ready")
        with go_worker(json.loads(ready.read_text())["grpcEndpoint"]) as worker:
            yield server, worker


@contextlib.contextmanager
def go_worker(address: str, *options: str) -> Iterator[GoWorker]:
    """Run a Go worker of the sidecar at this address."""
    command = [str(built()), "-address", address, *options]
    with process(command, env=environ(), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        yield GoWorker(running)


def has_go() -> bool:
    return shutil.which("go") is not None


def built() -> Path:
    """Compile the worker, if that is not done, and return its program."""
    program = HERE / "goworker" / "build" / "goworker"
    subprocess.run(["go", "build", "-o", str(program), "."], cwd=HERE / "goworker", check=True)
    return program


def _measured(server: subprocess.Popen[str], worker: GoWorker, chains: int, in_flight: int) -> dict[str, float]:
    before = cpu(server.pid)
    said = worker.run(chains, in_flight, LENGTH)
    return {
        "server_ms_per_chain": (cpu(server.pid) - before) / chains * 1000,
        "chains_per_s": chains / said["seconds"],
        "p50_ms": said["p50_ms"],
        "p99_ms": said["p99_ms"],
    }


def _medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(one[name] for one in rounds), 2) for name in rounds[0]}


def resident(pid: int) -> float:
    """Return the memory of a process in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
