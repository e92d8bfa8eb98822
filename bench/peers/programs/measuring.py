"""The sizes of the workloads, and how latency is measured: the same for all peers."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import TypeVar

Started = TypeVar("Started")

CHAINS, LENGTH = 1000, 5
WARM = 100
WIDTH = 1000
STARTS = 200
STUCK = "BENCH_STUCK"  # a variable: with it, no step ever ends


def latency(start: Callable[[], Started], result: Callable[[Started], object]) -> dict[str, float]:
    """Instances with one activity, one after the other: until the start returns, and until the result is there."""
    acknowledged, took = [], []
    for number in range(STARTS + WARM):
        began = time.perf_counter()
        started = start()
        returned = time.perf_counter()
        result(started)
        ended = time.perf_counter()
        if number >= WARM:
            acknowledged.append(returned - began)
            took.append(ended - began)
    return {
        "start_returns": statistics.median(acknowledged) * 1000,
        "start_to_result": statistics.median(took) * 1000,
    }


def say(figures: dict[str, float]) -> None:
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()
