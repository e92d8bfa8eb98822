"""A store with a million instances: reading must cost what it costs in a small one."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from bench.engine import scratch
from wfctl.client.embedded.workflows import open_embedded
from wfctl.engine.store import database, history_inbox, instances
from wfctl.engine.store.codec import encode_row
from wfctl.engine.store.instances import Row
from wfctl.engine.store.values import to_micros
from wfctl.model import events as ev
from wfctl.model.events import NO_ID
from wfctl.model.instance import Filter
from wfctl.model.status import Status

WFCTL = str(Path(sys.executable).with_name("wfctl"))
BEGIN = datetime(2026, 1, 1, tzinfo=timezone.utc)


def fill(path: Path, count: int) -> None:
    """Instances as the engine leaves them: 1 % FAILED, 1 % RUNNING, the rest COMPLETED; ten workflow names."""
    db = database.open_store(path)
    for first in range(0, count, 50_000):
        db.execute("BEGIN IMMEDIATE")
        rows, histories = [], []
        for number in range(first, min(first + 50_000, count)):
            at = BEGIN + timedelta(milliseconds=number)
            status = {7: Status.FAILED, 8: Status.RUNNING}.get(number % 100, Status.COMPLETED)
            key, name, execution = number + 1, f"Workflow{number % 10}", f"x{number}"
            row = Row(key, f"order-{number:07}", name, status, key, None, None, None, None, execution, to_micros(at))
            row.started_at = row.created_at
            row.completed_at = row.created_at + 5000 if status.terminal else None
            row.output = '{"processed":true}' if status is Status.COMPLETED else None
            row.failure = '{"error_type":"E","message":"no"}' if status is Status.FAILED else None
            rows.append(row)
            given = f'{{"name":"Paperclips","quantity":{number}}}'
            started = ev.ExecutionStarted(NO_ID, at, name, given, row.id, execution)
            events: list[ev.Event] = [ev.WorkflowStarted(NO_ID, at), started]
            if status is Status.RUNNING:
                events.append(ev.TimerCreated(1, at, ev.NEVER, None, ev.Origin.EXTERNAL_EVENT, "go"))
            histories.append((key, 1, to_micros(at), encode_row(events, to_micros(at), row)))
        instances.insert(db, rows)
        history_inbox.append_history(db, histories)
        db.execute("COMMIT")
    db.close()


def million(rounds: int) -> Iterator[dict[str, Any]]:
    with scratch() as folder:
        small, large = folder / "small.db", folder / "large.db"
        fill(small, 10)
        began = time.perf_counter()
        fill(large, 1_000_000)
        yield {"filled": 1_000_000, "seconds": round(time.perf_counter() - began, 1), "bytes": large.stat().st_size}
        failed = Filter(statuses=frozenset({Status.FAILED}), limit=50)
        yield from _commands(small, large, rounds)
        reads: dict[str, Callable[[Any, str], Any]] = {
            "get": lambda w, some: w.get(some),
            "list --status FAILED --limit 50": lambda w, some: list(w.list(failed)),
            "list --limit 10": lambda w, some: list(w.list(Filter(limit=10))),
            "list --name X --status RUNNING --limit 10": lambda w, some: list(
                w.list(Filter(name="Workflow8", statuses=frozenset({Status.RUNNING}), limit=10))
            ),
            "list --id-prefix order-0000 --limit 10": lambda w, some: list(
                w.list(Filter(id_prefix="order-0000", limit=10))
            ),
            "count": lambda w, some: w.count(Filter()),
        }
        for name, read in reads.items():
            took: dict[str, list[float]] = {"10": [], "1000000": []}
            rows = 0
            for _ in range(rounds * 4):
                for size, path in (("10", small), ("1000000", large)):
                    workflows = open_embedded(path, None, None, False, note=lambda line: None)
                    began = time.perf_counter()
                    answer = read(workflows, "order-0000005")
                    took[size].append(time.perf_counter() - began)
                    rows = len(answer) if isinstance(answer, list) else 1
                    workflows.close()
            ten, many = (statistics.median(seconds) * 1000 for seconds in took.values())
            yield {
                "read": name,
                "ms_of_10": round(ten, 2),
                "ms_of_1000000": round(many, 2),
                "rows": rows,
                "ratio": round(many / ten, 2),
            }
        yield from _purge(large)


def _purge(large: Path) -> Iterator[dict[str, Any]]:
    """All of one workflow in ten: 100,000 instances by a filter. The store is checked afterwards."""
    words = ["purge", "--name", "Workflow3", "--yes", "-o", "id", "--target", "embedded", "--store", str(large)]
    began = time.perf_counter()
    purged = subprocess.run([WFCTL, *words], check=True, capture_output=True).stdout.count(b"\n")
    seconds = time.perf_counter() - began
    workflows = open_embedded(large, None, None, False, note=lambda line: None)
    left = sum(one.count for one in workflows.count(Filter()))
    workflows.close()
    yield {"purged": purged, "seconds": round(seconds, 1), "per_s": round(purged / seconds), "left": left}


def _commands(small: Path, large: Path, rounds: int) -> Iterator[dict[str, Any]]:
    """What a person waits for: the whole command, in turns on both stores."""
    commands = {
        "list": ["list", "--limit", "50"],
        "list --status FAILED --limit 50": ["list", "--status", "FAILED", "--limit", "50"],
        "get": ["get", "order-0000005"],
        "count --by status,name": ["count", "--by", "status,name"],
    }
    took: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds * 4):
        for name, words in commands.items():
            for size, path in (("10", small), ("1000000", large)):
                command = [WFCTL, *words, "--target", "embedded", "--store", str(path)]
                began = time.perf_counter()
                subprocess.run(command, check=True, capture_output=True)
                took.setdefault((name, size), []).append(time.perf_counter() - began)
    base = statistics.median(took["list", "10"]) * 1000
    for name in commands:
        many = statistics.median(took[name, "1000000"]) * 1000
        yield {
            "command": name,
            "ms_of_10": round(statistics.median(took[name, "10"]) * 1000, 1),
            "ms_of_1000000": round(many, 1),
            "ratio_to_list_of_10": round(many / base, 2),
        }
