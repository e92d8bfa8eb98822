"""Counters for `/metrics`, in Prometheus' text format, under Dapr's metric names where there is one."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping

from wfctl.gateway.api_error import Trouble
from wfctl.model.status import Status

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_OUTCOMES = {Status.COMPLETED: "success", Status.FAILED: "failed", Status.TERMINATED: "terminated"}


class Metrics:
    """Errors are counted on any thread, the rest on the server's loop.

    `completions` and `gauges` (what each is, and how to read it) are read when somebody asks."""

    def __init__(
        self,
        app_id: str,
        completions: Callable[[], Mapping[Status, int]],
        gauges: Mapping[str, tuple[str, Callable[[], int]]],
    ) -> None:
        self._app_id = app_id
        self._operations: Counter[tuple[str, str]] = Counter()
        self._errors: Counter[str] = Counter()
        self._counting = threading.Lock()  # of errors
        self._completions = completions
        self._gauges = gauges

    def operation(self, name: str, ok: bool) -> None:
        """Count a request. `name` is Dapr's: create_workflow, get_workflow, add_event, purge_workflow."""
        self._operations[name, "success" if ok else "failed"] += 1

    def failed(self, error: Trouble) -> None:
        code = error.http().code
        if code:
            with self._counting:
                self._errors[code] += 1

    def text(self) -> str:
        app = f'app_id="{_escape(self._app_id)}",namespace="default"'
        out: list[str] = []

        def family(name: str, kind: str, about: str, rows: list[tuple[str, int]]) -> None:
            out.append(f"# HELP {name} {about}")
            out.append(f"# TYPE {name} {kind}")
            out.extend(f"{name}{{{labels}}} {value}" for labels, value in rows)

        with self._counting:
            errors = sorted(self._errors.items())
        ended = self._completions()
        family(
            "dapr_runtime_workflow_execution_count", "counter", "Instances that ended since the server started.",
            [(f'{app},status="{word}"', ended.get(status, 0)) for status, word in _OUTCOMES.items()],
        )  # fmt: skip
        family(
            "dapr_runtime_workflow_operation_count", "counter", "Requests to workflows.",
            [(f'{app},operation="{op}",status="{s}"', n) for (op, s), n in sorted(self._operations.items())],
        )  # fmt: skip
        family(
            "dapr_error_code_total", "counter", "Errors answered, by errorCode.",
            [(f'{app},category="workflow",error_code="{c}"', n) for c, n in errors],
        )  # fmt: skip
        for name, (about, read) in self._gauges.items():
            family(name, "gauge", about, [(app, read())])
        return "\n".join(out) + "\n"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
