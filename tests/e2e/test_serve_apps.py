"""The example apps through the official SDK against `wfctl serve`, and hosted inside it: equal outcomes, equal
histories."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from limits import until

pytest.importorskip("dapr.ext.workflow", reason="needs the official SDK")
pytest.importorskip("uvicorn", reason="needs the extra serve")

from serve_process import SDK_WORKER, Served, served

from wfctl.model import events as ev
from wfctl.model.events import Event
from wfctl.model.instance import StartRequest

APPS = Path(__file__).parent.parent / "apps"
sys.path.append(str(APPS))

from expected import CASES, Case  # noqa: E402

sys.path.remove(str(APPS))

Servers = tuple[Served, Served]
# Those that workflow code makes depend on the time of the turn.
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LUCKY = re.compile(r"\b\d{5,9}\b")


@pytest.fixture(scope="module", params=sorted({case.app for case in CASES}))
def servers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Servers]]:
    """One server with the app as its child on the official SDK, one that hosts it."""
    name: str = request.param
    if name == "pydantic_models":
        pytest.importorskip("pydantic")
    app = APPS / f"{name}.py"
    command = [sys.executable, str(SDK_WORKER), str(app)]
    with (
        served(tmp_path_factory.mktemp("sdk"), command=command) as remote,
        served(tmp_path_factory.mktemp("hosted"), app=str(app)) as local,
    ):
        yield name, (remote, local)


def play(case: Case, server: Served, instance_id: str) -> list[Event]:
    """Run the case, check what it comes to, and return its history."""
    server.workflows.start(StartRequest(case.workflow, instance_id, case.input))
    for name, data in case.events:
        # What arrives before the code waits for anything leaves another history.
        until(lambda: awaits(server, instance_id), "a wait")
        server.workflows.raise_event(instance_id, name, data)
    done = server.ended(instance_id)
    assert done.status.name == case.status, done
    if case.error_type is not None:
        assert done.failure is not None
        assert done.failure.error_type == case.error_type
        assert case.error in done.failure.message
    else:
        assert (None if done.output is None else json.loads(done.output)) == case.output
    if case.custom_status is not None:
        assert done.custom_status == case.custom_status
    return list(server.workflows.history(instance_id))


def awaits(server: Served, instance_id: str) -> bool:
    """Return whether an instance waits for an event, or has ended."""
    one = server.workflows.get(instance_id)
    return one.status.terminal or any(waiting.kind == "event" for waiting in one.waiting_for)


def shown(history: list[Event]) -> Counter[str]:
    """What happened, without when and in how many turns: that depends on which activity was quicker."""
    return Counter(_shown(event) for event in history if not isinstance(event, ev.WorkflowStarted))


def _shown(event: Event) -> str:
    parts: list[Any] = [type(event).__name__, event.event_id]
    for field in ("name", "instance_id", "task_scheduled_id", "timer_id", "status", "origin"):
        parts.append(getattr(event, field, None))
    for field in ("input", "result"):
        text = getattr(event, field, None)
        parts.append(json.loads(text) if text else None)
    failure = getattr(event, "failure", None)
    if failure is not None:
        # How a workflow itself failed is told in wfctl's own words where that helps.
        parts += [failure.error_type, "" if isinstance(event, ev.ExecutionCompleted) else failure.message]
    # A context's random numbers follow from the time, in seconds.
    return LUCKY.sub("<number>", UUID.sub("<uuid>", repr(parts)))


def test_cases(servers: tuple[str, Servers]) -> None:
    """All cases of one app, one after the other: the apps count their attempts."""
    name, (remote, local) = servers
    for case in CASES:
        if case.app == name and case.sdk:
            there, here = (shown(play(case, server, case.id)) for server in (remote, local))
            assert there == here, case.id
