"""Instances that wait for an event, and a command that raises it to all of them beside the process that drives them."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.batches import WFCTL
from bench.engine import HERE, commit_rate, scratch
from wfctl.engine.store import reading

COUNT = 100_000


def waiters(rounds: int) -> Iterator[dict[str, Any]]:
    """Events per second: until the command has its acknowledgements, and until the instances have ended of it.

    The memory of an idle instance: what the owner has grown by, once it has started them all, and after a restart.
    """
    del rounds  # one is long enough
    with scratch() as folder:
        store = folder / "store.db"
        rate = commit_rate(folder)
        with _Owner(store) as owner:
            owner.start(10)
            few = owner.resident()
            began = time.perf_counter()
            owner.start(COUNT - 10)
            started = time.perf_counter() - began
            many = owner.resident()
        began = time.perf_counter()
        with _Owner(store) as owner:
            restart = time.perf_counter() - began
            again = owner.resident()
            words = ["raise-event", "--name", "Waiter", "go", "--yes", "-o", "id", "--store", str(store)]
            began = time.perf_counter()
            subprocess.run([WFCTL, *words, "--target", "embedded"], check=True, stdout=subprocess.DEVNULL)
            acknowledged = time.perf_counter() - began
            _until_ended(store, COUNT)
            taken = time.perf_counter() - began
            after = owner.resident()
    yield {
        "waiting": COUNT,
        "starts_per_s": round(COUNT / started),
        "bytes_an_idle_instance": round((many - few) / COUNT),
        "bytes_an_idle_instance_after_a_restart": round((again - few) / COUNT),
        "restart_s": round(restart, 2),
        "acknowledged_per_s": round(COUNT / acknowledged),
        "taken_per_s": round(COUNT / taken),
        "owner_mib_afterwards": round(after / 2**20),
        "sqlite_full_commits_per_s": rate,
    }


class _Owner:
    """Another process that drives a store."""

    def __init__(self, store: Path) -> None:
        self._store = store

    def __enter__(self) -> _Owner:
        command = [sys.executable, "-m", "bench.waiters", str(self._store)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, cwd=HERE.parent, stdin=pipe, stdout=pipe, text=True, bufsize=1)
        self._ask("")
        return self

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        return self._process.stdout.readline()

    def start(self, count: int) -> None:
        self._ask(str(count))

    def resident(self) -> int:
        """Return the bytes of memory that it holds."""
        status = Path(f"/proc/{self._process.pid}/status").read_text("ascii")
        found = re.search(r"VmRSS:\s*(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def _until_ended(store: Path, count: int) -> None:
    db = reading.open_reader(store)
    while db.execute("SELECT count(*) FROM instances WHERE completed_at IS NOT NULL").fetchone()[0] < count:
        time.sleep(0.05)
    db.close()


def _own(store: Path) -> None:
    """Drive all of a store until stdin ends; a number there is how many instances to start."""
    from bench.engine import Driven

    driven = Driven(store.parent)
    driven.engine.submit(lambda unit: None).result()
    for line in sys.stdin:
        left = int(line) if line.strip() else 0
        while left > 0:
            for future in [driven.start("Waiter", number) for number in range(min(left, 2000))]:
                future.result()
            left -= 2000
        driven.engine.submit(lambda unit: None).result()
        sys.stdout.write("done\n")
        sys.stdout.flush()
    driven.engine.stop()


if __name__ == "__main__":
    _own(Path(sys.argv[1]))
