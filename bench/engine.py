"""The embedded engine in one process, on a real file with `synchronous=FULL`."""

from __future__ import annotations

import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wfctl.engine import operations
from wfctl.engine.engine_thread import Engine
from wfctl.engine.execute.local import LocalExecutor
from wfctl.engine.garbage import collect_rarely
from wfctl.model.instance import StartRequest
from wfctl.model.status import Status
from wfctl.workflow.loading.app import load_app

HERE = Path(__file__).parent


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder on the disk of this checkout: /tmp is memory on some machines."""
    folder = Path(tempfile.mkdtemp(prefix=".bench-", dir=HERE.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def commit_rate(folder: Path, commits: int = 2000) -> int:
    """SQLite's single-row commits per second: WAL, synchronous=FULL, 200-byte rows."""
    db = sqlite3.connect(folder / "rate.db", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE IF NOT EXISTS t (a, b)")
    began = time.perf_counter()
    for number in range(commits):
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO t VALUES (?, ?)", (number, "x" * 200))
        db.execute("COMMIT")
    rate = commits / (time.perf_counter() - began)
    db.close()
    return round(rate)


class Driven:
    def __init__(self, folder: Path) -> None:
        app = load_app("app.py", HERE)
        self.engine = Engine(folder / "store.db", lambda deliver: LocalExecutor(app.registry, deliver))
        assert self.engine.start(None)
        collect_rarely()  # as a process that drives does

    def start(self, name: str, value: int) -> Any:
        request = StartRequest(name, None, str(value))
        return self.engine.submit(lambda unit: operations.start(unit, request))

    def start_and_wait(self, name: str, value: int) -> Any:
        """Start one, and wait for that to be committed: as a command does on the main thread, as a client in an
        activity on another one."""
        request = StartRequest(name, None, str(value))
        return self.engine.do(lambda unit: operations.start(unit, request))

    def drain(self, ended: int) -> None:
        """Until so many instances have ended in all."""
        seen = 0
        while self.engine.completions().get(Status.COMPLETED, 0) < ended:
            seen = self.engine.wait_change(seen, 1.0)


def chains(rounds: int) -> Iterator[dict[str, Any]]:
    """1,000 chains of 5 activities, started at once."""
    rates, ratios, commits, processor = [], [], [], []
    with scratch() as folder:
        engine = Driven(folder)
        for number in range(rounds + 1):
            rate = commit_rate(folder)
            used, began = time.process_time(), time.perf_counter()
            for future in [engine.start("Chain", 5) for _ in range(1000)]:
                future.result()
            engine.drain((number + 1) * 1000)
            reached = 1000 / (time.perf_counter() - began)
            if number:  # the first round warms up
                processor.append((time.process_time() - used) * 1000)
                rates.append(reached)
                commits.append(rate)
                ratios.append(reached / rate)
        engine.engine.stop()
    yield {
        "chains_per_s": round(statistics.median(rates)),
        "sqlite_full_commits_per_s": round(statistics.median(commits)),
        "ratio": round(statistics.median(ratios), 3),
        "cpu_us_per_chain": round(statistics.median(processor)),
        "all_rounds": [round(r) for r in rates],
    }


def steps(rounds: int) -> Iterator[dict[str, Any]]:
    """One instance with many activities one after the other; the cost of a step must not grow."""
    with scratch() as folder:
        engine = Driven(folder)
        engine.start_and_wait("Chain", 100)
        engine.drain(1)
        ended = 1
        for count in (100, 1000, 5000, 50_000):
            took, processor, commits = [], [], []
            for _ in range(rounds if count < 5000 else max(1, rounds // 2) if count < 50_000 else 1):
                commits.append(commit_rate(folder, 1000))
                used, began = time.process_time(), time.perf_counter()
                engine.start_and_wait("Chain", count)
                ended += 1
                engine.drain(ended)
                took.append(time.perf_counter() - began)
                processor.append(time.process_time() - used)
            seconds, rate = statistics.median(took), statistics.median(commits)
            yield {
                "steps": count,
                "seconds": round(seconds, 3),
                "us_per_step": round(seconds / count * 1e6),
                "cpu_us_per_step": round(statistics.median(processor) / count * 1e6),
                "sqlite_full_commits_per_s": round(rate),
                "commits_per_step": round(seconds / count * rate, 2),
            }
        engine.engine.stop()


def latency(rounds: int) -> Iterator[dict[str, Any]]:
    """Start to result of one activity, one after the other: asked for by a command, and by a client in an activity."""
    yield {"asked_by": "a command", **_latency(rounds)}
    with ThreadPoolExecutor(1) as thread:
        yield {"asked_by": "a client in an activity", **thread.submit(_latency, rounds).result()}


def _latency(rounds: int) -> dict[str, Any]:
    took, acknowledged, rates, ratios, processor = [], [], [], [], []
    with scratch() as folder:
        engine = Driven(folder)
        for number in range(rounds):
            rates.append(commit_rate(folder))
            used, of_round = time.process_time(), []
            for ended in range(200 * number + 1, 200 * number + 201):
                began = time.perf_counter()
                engine.start_and_wait("Chain", 1)
                acknowledged.append(time.perf_counter() - began)
                engine.drain(ended)
                of_round.append(time.perf_counter() - began)
            processor.append((time.process_time() - used) / 200)
            ratios.append(statistics.median(of_round) * rates[-1])
            took += of_round
        engine.engine.stop()
    return {
        "start_to_result_p50_ms": round(statistics.median(took) * 1000, 2),
        "start_returns_p50_ms": round(statistics.median(acknowledged) * 1000, 2),
        "sqlite_full_commits_per_s": round(statistics.median(rates)),
        "commits_to_result": round(statistics.median(ratios), 2),
        "cpu_us": round(statistics.median(processor) * 1e6),
    }


def fan_out(rounds: int) -> Iterator[dict[str, Any]]:
    """One instance with 1,000 activities at once."""
    with scratch() as folder:
        engine = Driven(folder)
        rate = commit_rate(folder)
        took = []
        for number in range(rounds):
            began = time.perf_counter()
            engine.start("FanOut", 1000).result()
            engine.drain(number + 1)
            took.append(time.perf_counter() - began)
        engine.engine.stop()
    yield {"seconds": round(statistics.median(took), 3), "sqlite_full_commits_per_s": rate}
