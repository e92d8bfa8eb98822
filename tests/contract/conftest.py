"""The adapters that the contract suite runs on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from wfctl.client.embedded import open_embedded
from wfctl.client.port import Workflows
from wfctl.engine.execute.local import LocalExecutor
from wfctl.engine.host import Host
from wfctl.errors import WfctlError
from wfctl.model.instance import Instance, StartRequest
from wfctl.model.status import Status
from wfctl.workflow.app import load_app

HERE = Path(__file__).parent
LIMIT_SECONDS = 20


@dataclass
class Subject:
    """An adapter under test, and how to wait for what it does."""

    workflows: Workflows
    name: str

    def start(self, name: str, instance_id: str | None = None, input: str | None = None) -> str:
        started = self.workflows.start(StartRequest(name, instance_id, input))
        self.workflows.drive([started])
        return started

    def until(self, instance_id: str, holds: Callable[[Instance], bool]) -> Instance:
        deadline = time.monotonic() + LIMIT_SECONDS
        while True:
            instance = self.workflows.get(instance_id)
            if holds(instance):
                return instance
            assert time.monotonic() < deadline, f"never happened: {instance}"
            self.workflows.changed(0.5)

    def ended(self, instance_id: str) -> Instance:
        return self.until(instance_id, lambda instance: instance.status.terminal)

    def reached(self, instance_id: str, status: Status) -> Instance:
        return self.until(instance_id, lambda instance: instance.status is status)

    def waits(self, instance_id: str) -> Instance:
        return self.until(
            instance_id, lambda instance: bool(instance.waiting_for) and instance.status is Status.RUNNING
        )

    def gone(self, instance_id: str) -> bool:
        try:
            self.workflows.get(instance_id)
        except WfctlError as error:
            return error.code == "not_found"
        return False


def owner(store: Path) -> Iterator[Subject]:
    """This process owns the store and drives."""
    workflows = open_embedded(store, "orders_app.py", HERE, True, note=lambda line: None)
    yield Subject(workflows, "owner")
    workflows.abandon()


def beside(store: Path) -> Iterator[Subject]:
    """Another owner drives; the adapter only writes into the store and reads it."""
    app = load_app("orders_app.py", HERE)
    host = Host(store, lambda deliver: LocalExecutor(app.registry, deliver), workflows=app.registry.workflow_names())
    assert host.start(None)
    workflows = open_embedded(store, None, None, True, note=lambda line: None)
    yield Subject(workflows, "beside")
    workflows.close()
    host.stop()


ADAPTERS: dict[str, Callable[[Path], Iterator[Subject]]] = {"owner": owner, "beside": beside}


@pytest.fixture(params=sorted(ADAPTERS))
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    yield from ADAPTERS[request.param](tmp_path / "store.db")
