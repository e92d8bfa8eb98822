"""The contract suite of `Workflows` on a real sidecar, over HTTP (and gRPC for the rest) and over gRPC alone.

The worker is the suite's own app, unmodified, on the official SDK.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from live_dapr import Dapr, Daprd, Process, until
from subject import Subject

from wfctl.client.port import Host
from wfctl.client.sidecar.workflows import SidecarWorkflows
from wfctl.errors import NotFound, WrongState
from wfctl.model.instance import Filter, Instance

CONTRACT = Path(__file__).parents[1] / "contract"
SUPPORT = Path(__file__).parents[1] / "support"
# What Dapr does otherwise, and no client can cure.
OTHERWISE = {
    "test_a_delayed_start_waits_for_its_time": "a terminate makes Dapr start a delayed instance: it may run to its end",
    "test_refuses_a_running_one_unless_forced": "the ID of a live instance stays taken after a forced purge",
}
RUN = """
import sys, threading
sys.path.insert(0, {folder!r})
import orders_app
orders_app.wfr.start()
threading.Event().wait()
"""


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"contract_{name}", CONTRACT / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def taken_over() -> dict[str, Any]:
    """The suite's test classes, to be collected here."""
    found = vars(load("test_workflows"))
    return {name: value for name, value in found.items() if name.startswith("Test")}


globals().update(taken_over())


class Sidecars:
    """A sidecar with the suite's app; another one on request."""

    def __init__(self, dapr: Dapr, python: str) -> None:
        self._dapr, self._python = dapr, python
        self._count = 0
        self._current: tuple[Daprd, Process] | None = None

    def current(self) -> Daprd:
        if self._current is None:
            self._count += 1
            daprd = self._dapr.sidecar(f"contract-{self._count}")
            worker = self._dapr.run_worker(daprd, [self._python, "-c", RUN.format(folder=str(SUPPORT))])
            self._current = (daprd, worker)
        return self._current[0]

    def drop(self) -> None:
        if self._current is not None:
            daprd, worker = self._current
            worker.stop()
            daprd.process.stop()
            self._current = None


@pytest.fixture(scope="module")
def sidecars(dapr: Dapr, python: str) -> Sidecars:
    return Sidecars(dapr, python)


@pytest.fixture(params=["http", "grpc"])
def subject(request: pytest.FixtureRequest, sidecars: Sidecars) -> Iterator[Any]:
    reason = OTHERWISE.get(request.node.originalname)
    if reason is not None:
        request.node.add_marker(pytest.mark.xfail(reason=reason, strict=True))
    endpoint = sidecars.current().endpoint(request.param)
    workflows = endpoint.open(Host(note=lambda line: None))
    empty(workflows)
    yield Subject(endpoint, workflows, f"dapr-{request.param}")
    workflows.close()
    if "force" in request.node.name:
        # After a forced purge of a live instance its ID stays taken while its actor is in memory.
        sidecars.drop()


def empty(target: SidecarWorkflows) -> None:
    def left() -> list[Instance]:
        return list(target.list(Filter(), payloads=False, waiting=False, in_order=False))

    for row in left():
        with contextlib.suppress(NotFound, WrongState):
            target.terminate(row.id)
    until(lambda: all(row.status.terminal for row in left()))
    for row in left():
        with contextlib.suppress(NotFound):  # it went with its parent
            target.purge(row.id)
