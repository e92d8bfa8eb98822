"""What is counted: on any thread, while others read it."""

from __future__ import annotations

import sys
import threading

import pytest

pytest.importorskip("uvicorn", reason="needs the extra serve")
from limits import LIMIT_SECONDS

from wfctl.gateway.api_error import Trouble
from wfctl.gateway.metrics import Metrics
from wfctl.wire.error_codes import Problem
from wfctl.wire.http_routes import Operation

THREADS, TIMES = 4, 3000


def test_errors_are_counted_on_all_threads() -> None:
    """The first ones of a kind at the same time: what is not there yet takes Python several steps to count."""
    error = Trouble(Problem.NOT_FOUND, Operation.GET, id="i1")
    labels = f'app_id="wfctl",namespace="default",category="workflow",error_code="{error.http().code}"'
    counted = [Metrics("wfctl", dict, {}) for _ in range(TIMES)]
    together = threading.Barrier(THREADS)

    def count() -> None:
        for metrics in counted:
            together.wait(LIMIT_SECONDS)
            metrics.failed(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=count) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT_SECONDS)
    finally:
        sys.setswitchinterval(interval)
    assert {metrics.text().count(f"dapr_error_code_total{{{labels}}} {THREADS}\n") for metrics in counted} == {1}
