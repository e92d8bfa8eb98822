"""One verb on many instances, chosen by a filter: where nobody drives the store, beside its owner, and as its owner."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.engine import HERE, Driven, commit_rate, scratch
from wfctl.cli.main import main
from wfctl.engine.engine_thread import Engine
from wfctl.engine.execute.local import LocalExecutor
from wfctl.workflow.loading.app import load_app

COUNT = 3000
WFCTL = str(Path(sys.executable).with_name("wfctl"))
# Each verb, and what is done before it, outside the time: to raise ends what waits, to purge takes what has ended.
VERBS: dict[str, tuple[list[str], list[list[str]]]] = {
    "pause": (["pause", "--status", "RUNNING"], []),
    "resume": (["resume", "--status", "SUSPENDED"], [["pause", "--status", "RUNNING"]]),
    "raise-event": (["raise-event", "--status", "RUNNING", "go"], []),
    "terminate": (["terminate", "--status", "RUNNING"], []),
    "purge": (["purge", "--status", "TERMINATED"], [["terminate", "--status", "RUNNING"]]),
}


def waiting(folder: Path, count: int) -> Path:
    """Return a store with so many instances that wait for an event."""
    driven = Driven(folder)
    for future in [driven.start("Waiter", number) for number in range(count)]:
        future.result()
    driven.engine.submit(lambda unit: None).result()
    driven.engine.stop()
    return folder / "store.db"


def batches(rounds: int) -> Iterator[dict[str, Any]]:
    """Wall and CPU time of the batch itself, with all imported; then of the whole command."""
    with scratch() as folder:
        base = waiting(folder, COUNT)
        for where in ("nobody drives", "drives itself", "beside an owner"):
            for verb in VERBS:
                yield {"verb": verb, "where": where, "instances": COUNT, **_measured(folder, base, verb, where, rounds)}


def _measured(folder: Path, base: Path, verb: str, where: str, rounds: int) -> dict[str, Any]:
    wall: list[float] = []
    cpu: list[float] = []
    whole: list[float] = []
    rates: list[int] = []
    words, before = VERBS[verb]
    options = ["--yes", "-o", "id", "--target", "embedded", "--store", str(folder / "copy.db")]
    if where == "drives itself":
        options += ["--app", str(HERE / "app.py")]
    for number in range(rounds + 1):
        for times in (wall, whole):
            with _prepared(folder, base, before, where == "beside an owner") as owner:
                began, used = time.perf_counter(), time.process_time()
                if times is wall:
                    _run([*words, *options])
                    cpu.append(time.process_time() - used)
                else:
                    subprocess.run([WFCTL, *words, *options], check=True, capture_output=True)
                times.append(time.perf_counter() - began)
                del owner
        rates.append(commit_rate(folder, 500))
        if not number:  # the first round warms up
            for times in (wall, cpu, whole):
                times.clear()
    return {
        "seconds": round(statistics.median(wall), 3),
        "cpu_seconds": round(statistics.median(cpu), 3),
        "command_seconds": round(statistics.median(whole), 3),
        "sqlite_full_commits_per_s": round(statistics.median(rates)),
    }


def _run(words: Sequence[str]) -> None:
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
        status = main(words)
    if status or shown.getvalue().count("\n") < COUNT:
        raise RuntimeError(f"{' '.join(words)}: {status}\n{shown.getvalue()[-300:]}")


@contextlib.contextmanager
def _prepared(folder: Path, base: Path, before: Sequence[Sequence[str]], owned: bool) -> Iterator[None]:
    """A copy of the store, on which that was done before; `owned`: another process drives it."""
    copy = folder / "copy.db"
    for suffix in ("", "-wal", "-shm", ".lock"):
        Path(f"{copy}{suffix}").unlink(missing_ok=True)
    shutil.copy(base, copy)
    for words in before:
        _run([*words, "--yes", "-o", "id", "--target", "embedded", "--store", str(copy)])
    if not owned:
        yield
        return
    command = [sys.executable, "-m", "bench.batches", str(copy)]
    with subprocess.Popen(
        command, cwd=HERE.parent, env=os.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        yield
        process.stdin.close()


def _own(store: Path) -> None:
    """Drive all of a store until stdin ends."""
    app = load_app("app.py", HERE)
    engine = Engine(store, lambda deliver: LocalExecutor(app.registry, deliver))
    assert engine.start(None)
    engine.submit(lambda unit: None).result()
    sys.stdout.write("owns\n")
    sys.stdout.flush()
    sys.stdin.read()
    engine.stop()


if __name__ == "__main__":
    _own(Path(sys.argv[1]))
