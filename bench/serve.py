"""`wfctl serve` with an unmodified worker of the official Python SDK, in turns with an ideal server (`bench.ideal`).

The chains are known to the server before the clock starts (they have a time to start at) and the worker is warm, so
that both servers have the same to do: hand out items, and take the answers.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from bench.engine import HERE, commit_rate, scratch

CHAINS, LENGTH = 1000, 5
ITEMS = CHAINS * (2 * LENGTH + 1)
LIMIT_SECONDS = 300
LEFT = "SELECT count(*) FROM instances WHERE completed_at IS NULL"
WORKER = HERE.parent / "tests" / "support" / "sdk_worker.py"


def serve(rounds: int) -> Iterator[dict[str, Any]]:
    """1,000 chains of 5 activities."""
    from wfctl.gateway.server import DEFAULT_ACTIVITIES, DEFAULT_TURNS

    served: list[Figures] = []
    ideal: list[Figures] = []
    for _ in range(rounds):
        with scratch() as folder:
            ideal.append(_ideal(DEFAULT_TURNS, DEFAULT_ACTIVITIES))
            served.append(_served(folder))
            rate = commit_rate(folder)
    yield {
        "ratio": round(statistics.median(i["seconds"] / s["seconds"] for i, s in zip(ideal, served, strict=True)), 3),
        "chains_per_s": round(CHAINS / statistics.median(s["seconds"] for s in served)),
        "ideal_chains_per_s": round(CHAINS / statistics.median(i["seconds"] for i in ideal)),
        "server_us_per_item": _per_item(s["server"] for s in served),
        "worker_us_per_item": _per_item(s["worker"] for s in served),
        "ideal_server_us_per_item": _per_item(i["server"] for i in ideal),
        "ideal_worker_us_per_item": _per_item(i["worker"] for i in ideal),
        "sqlite_full_commits_per_s": rate,
        "all_rounds": [[round(CHAINS / f["seconds"]) for f in pair] for pair in zip(served, ideal, strict=True)],
    }


Figures = dict[str, float]


def _per_item(seconds: Iterator[float]) -> int:
    return round(statistics.median(seconds) / ITEMS * 1e6)


def cpu(pid: int) -> float:
    """Seconds of processor time that the process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def environ(**more: str) -> dict[str, str]:
    return {**{k: v for k, v in os.environ.items() if not k.startswith(("WFCTL_", "DAPR_", "OTEL_"))}, **more}


@contextlib.contextmanager
def process(command: list[str], **more: Any) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, text=True, cwd=HERE.parent, stderr=subprocess.DEVNULL, **more) as process:
        try:
            yield process
        finally:
            process.kill()


def python_worker(port: int) -> Any:
    """Run a worker of the official SDK on this machine's gRPC port, with the workflows of `app.py`."""
    env = environ(DAPR_GRPC_PORT=str(port))
    return process([sys.executable, str(WORKER), str(HERE / "app.py")], env=env, stdout=subprocess.DEVNULL)


def _ideal(most_turns: int, most_activities: int) -> Figures:
    words = [sys.executable, "-m", "bench.ideal", *map(str, (CHAINS, LENGTH, most_turns, most_activities))]
    with process(words, env=environ(), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        port = int(server.stdout.readline())
        with python_worker(port) as worker:
            assert server.stdout.readline() == "warm\n"
            before = cpu(server.pid), cpu(worker.pid)
            server.stdin.write("\n")
            server.stdin.flush()
            seconds = float(server.stdout.readline())
            after = cpu(server.pid), cpu(worker.pid)
    return {"seconds": seconds, "server": after[0] - before[0], "worker": after[1] - before[1]}


def _served(folder: Path) -> Figures:
    import grpc

    ready, store = folder / "ready.json", folder / "store.db"
    words = ["serve", "--http-port", "0", "--grpc-port", "0", "--store", str(store), "--ready-file", str(ready)]
    command = [sys.executable, "-m", "wfctl", *words]
    env = environ(XDG_CONFIG_HOME=str(folder))
    with process(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as server:
        until(lambda: ready.exists() or server.poll() is not None, "the server is ready")
        ends = json.loads(ready.read_text())
        with grpc.insecure_channel(ends["grpcEndpoint"]) as channel, python_worker(ends["grpcPort"]) as worker:
            metadata = f"{ends['httpEndpoint']}/v1.0/metadata"
            until(lambda: "workflows" in json.load(urllib.request.urlopen(metadata)), "a worker is connected")
            _start(channel, ["warm"], None)
            with contextlib.closing(sqlite3.connect(store)) as db:
                until(lambda: not db.execute(LEFT).fetchone()[0], "the worker is warm")
            at = datetime.now(timezone.utc) + timedelta(seconds=5)
            _start(channel, [f"chain-{number}" for number in range(CHAINS)], at)
            assert datetime.now(timezone.utc) < at, "the chains were not known in time"
            while datetime.now(timezone.utc) < at - timedelta(seconds=0.1):
                time.sleep(0.02)
            before = cpu(server.pid), cpu(worker.pid)
            with contextlib.closing(sqlite3.connect(store)) as db:
                until(lambda: not db.execute(LEFT).fetchone()[0], "all have ended")
                after = cpu(server.pid), cpu(worker.pid)
                took = "SELECT max(completed_at) - min(started_at) FROM instances WHERE id <> 'warm'"
                micros: int = db.execute(took).fetchone()[0]
    return {"seconds": micros / 1e6, "server": after[0] - before[0], "worker": after[1] - before[1]}


def _start(channel: Any, ids: list[str], at: datetime | None) -> None:
    from wfctl.wire import grpc_methods
    from wfctl.wire.convert import time_out, wrap

    start = channel.unary_unary(grpc_methods.START.path, grpc_methods.START.request.SerializeToString)
    asked = [
        grpc_methods.START.request(instance_id=i, name="Chain", input=wrap(str(LENGTH)), scheduled_start=time_out(at))
        for i in ids
    ]
    for call in [start.future(request, timeout=LIMIT_SECONDS) for request in asked]:
        call.result()


def until(holds: Any, what: str) -> None:
    until = time.monotonic() + LIMIT_SECONDS
    while not holds():
        if time.monotonic() > until:
            raise RuntimeError(f"never happened: {what}")
        time.sleep(0.05)
