"""Running a case of `expected.py` on any adapter of the port `Workflows`, and what must be equal on every path."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import datetime
from typing import Any

from expected import Case

from wfctl.client.port import Workflows
from wfctl.model.events import Event
from wfctl.model.instance import Filter, Instance, StartRequest

LIMIT_SECONDS = 120


def run_case(workflows: Workflows, case: Case, instance_id: str) -> Instance:
    """Start it, raise its events, and wait for its end."""
    workflows.start(StartRequest(case.workflow, instance_id, case.input))
    workflows.drive([instance_id])
    for name, data in case.events:
        workflows.raise_event(instance_id, name, data)
    deadline = time.monotonic() + LIMIT_SECONDS
    while True:
        instance = workflows.get(instance_id)
        if instance.status.terminal:
            return instance
        assert time.monotonic() < deadline, f"never ended: {instance}"
        workflows.changed(0.5)


def check(case: Case, instance: Instance) -> None:
    assert instance.status.name == case.status, instance
    if case.status == "COMPLETED":
        assert (None if instance.output is None else json.loads(instance.output)) == case.output
    if case.error_type is not None:
        assert instance.failure is not None
        assert instance.failure.error_type == case.error_type
        assert case.error in instance.failure.message
    if case.custom_status is not None:
        assert instance.custom_status is not None
        assert instance.custom_status.strip('"') == case.custom_status


def histories(workflows: Workflows, root: str) -> dict[str, list[dict[str, Any]]]:
    """The histories of an instance and all its descendants, without what differs from run to run."""
    ids = [i.id for i in workflows.list(Filter()) if i.id == root or i.id.startswith(f"{root}:")]
    return {i.replace(root, "ROOT"): [_plain(event, root) for event in workflows.history(i)] for i in sorted(ids)}


# Times and random IDs differ; stack traces name files; the last two are wfctl's own and not on the wire.
_VOLATILE = {"timestamp", "execution_id", "task_execution_id", "stack_trace", "max_attempts", "non_retriable"}


def _plain(event: Event, root: str) -> dict[str, Any]:
    return {"type": type(event).__name__, **_strip(asdict(event), root)}


def _strip(value: Any, root: str) -> Any:
    if isinstance(value, dict):
        return {key: _strip(inner, root) for key, inner in value.items() if key not in _VOLATILE}
    if isinstance(value, datetime):
        return "far" if value.year == 9999 else "time"
    if isinstance(value, str):
        return value.replace(root, "ROOT")
    if isinstance(value, (list, tuple)):
        return [_strip(inner, root) for inner in value]
    return value
