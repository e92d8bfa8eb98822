"""An adapter of `Workflows` under test."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from limits import LIMIT_SECONDS

from wfctl.client.port import Target, Workflows
from wfctl.errors import WfctlError
from wfctl.model.instance import Instance, StartRequest
from wfctl.model.status import Status


@dataclass
class Subject:
    """An adapter under test, and how to wait for what it does."""

    target: Target
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
