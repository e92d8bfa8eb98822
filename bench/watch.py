"""What it costs to watch ten thousand instances that change all the time, while another process drives them."""

from __future__ import annotations

import os
import re
import statistics
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.engine import scratch

INSTANCES = 10_000
WARM, SECONDS = 5, 4  # before it is measured; of a round
ROWS, COLUMNS = 50, 160

APP = """
from datetime import timedelta
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.activity(name="Beat")
def beat(ctx, value):
    return value

@wfr.workflow(name="Pulse")
def pulse(ctx, seconds):
    for number in range(20):
        yield ctx.create_timer(timedelta(seconds=seconds))
        yield ctx.call_activity(beat, input=number)
    ctx.continue_as_new(seconds)
"""

DRIVER = """
import sys, time
from pathlib import Path
from wfctl.engine import operations
from wfctl.engine.execute.local import LocalExecutor
from wfctl.engine.engine_thread import Engine
from wfctl.model.instance import StartRequest
from wfctl.workflow.loading.app import load_app

folder, count = Path(sys.argv[1]), int(sys.argv[2])
app = load_app("app.py", folder)
engine = Engine(folder / "store.db", lambda deliver: LocalExecutor(app.registry, deliver))
assert engine.start(None)

def start(number):
    return lambda unit: operations.start(unit, StartRequest("Pulse", f"order-{number:05}", str(3 + number % 50 / 10)))

for future in [engine.submit(start(number)) for number in range(count)]:
    future.result()
print("ready", flush=True)
seen = 0
while sys.stdin.readable():
    time.sleep(1)
    print(engine.changes, flush=True)
"""


def watch(rounds: int) -> Iterator[dict[str, Any]]:
    """The rounds follow on each other: `--rounds 30` is two minutes, to see whether memory grows."""
    if sys.platform != "linux":
        return
    for count in (100, INSTANCES):
        with scratch() as folder, _driven(folder, count) as driver:
            for what, command in {
                "list --watch at a terminal": ["list", "--watch"],
                "list --watch --status RUNNING at a terminal": ["list", "--watch", "--status", "RUNNING"],
                "list --watch | cat": ["list", "--watch", "-o", "jsonl"],
            }.items():
                yield {"watch": what, "instances": count, **_measure(folder, command, driver, count, rounds * SECONDS)}


@contextmanager
def _driven(folder: Path, count: int) -> Iterator[subprocess.Popen[str]]:
    (folder / "app.py").write_text(APP)
    command = [sys.executable, "-c", DRIVER, str(folder), str(count)]
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    try:
        assert driver.stdout is not None
        assert driver.stdout.readline() == "ready\n"
        threading.Thread(target=lambda: [None for _ in driver.stdout or ()], daemon=True).start()
        yield driver
    finally:
        driver.kill()
        driver.wait()


def _measure(
    folder: Path, words: list[str], driver: subprocess.Popen[str], count: int, seconds: float
) -> dict[str, Any]:
    """Processor time and memory of the watching process, and what it wrote meanwhile."""
    import fcntl
    import pty
    import termios

    environ = {
        **os.environ,
        "WFCTL_TARGET": "embedded",
        "WFCTL_STORE": str(folder / "store.db"),
        "XDG_CONFIG_HOME": str(folder),
        "TERM": "xterm-256color",
    }
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    command = [str(Path(sys.executable).with_name("wfctl")), *words]
    if "jsonl" in words:
        process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE)
        assert process.stdout is not None
        source = process.stdout.fileno()
    else:
        process = subprocess.Popen(command, env=environ, stdin=theirs, stdout=theirs, start_new_session=True)
        source = ours
    os.close(theirs)
    written = _Written(source)
    written.wait_for(count if "jsonl" in words else 0)
    time.sleep(WARM)
    written.begin()
    began, busy, others = time.monotonic(), _cpu(process.pid), _cpu(driver.pid)
    memory = []
    while time.monotonic() - began < seconds:
        time.sleep(1)
        memory.append(_resident(process.pid))
    took = time.monotonic() - began
    shares = [(_cpu(process.pid) - busy) / took, (_cpu(driver.pid) - others) / took]
    figures = written.figures(took)
    process.terminate()  # a shell's background job does not hear SIGINT
    process.wait()
    os.close(ours)
    half = len(memory) // 2
    return {
        "core_percent": round(shares[0] * 100, 1),
        "driver_core_percent": round(shares[1] * 100, 1),
        "mb_first_half": round(statistics.mean(memory[:half]), 1),
        "mb_second_half": round(statistics.mean(memory[half:]), 1),
        "mb_most": round(max(memory), 1),
        **figures,
    }


class _Written:
    """Reads what the watching process writes, so that it never waits for its reader."""

    def __init__(self, source: int) -> None:
        self._source = source
        self._parts: list[bytes] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                part = os.read(self._source, 1 << 16)
            except OSError:
                return
            if not part:
                return
            self._parts.append(part)

    def wait_for(self, records: int) -> None:
        """Until the first listing is through."""
        deadline = time.monotonic() + 120
        while sum(part.count(b"\n") for part in self._parts) < records and time.monotonic() < deadline:
            time.sleep(0.1)

    def begin(self) -> None:
        self._parts.clear()

    def figures(self, seconds: float) -> dict[str, Any]:
        whole = b"".join(self._parts)
        return {
            "kb_per_second": round(len(whole) / 1000 / seconds, 1),
            "lines_painted_per_second": round(len(re.findall(rb"\x1b\[\d+;1H", whole)) / seconds, 1),
            "whole_screens": whole.count(b"\x1b[2J"),
            "records_per_second": round(whole.count(b'{"change"') / seconds, 1),
        }


def _cpu(pid: int) -> float:
    """Seconds of processor time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1000 if found else 0.0
