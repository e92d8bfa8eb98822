"""The executor of a server that hosts an app itself and has workers attached: each name goes where it is registered.

The app in this process comes first. A name that it does not register is for the workers, and waits where none is
connected: one may be about to come back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wfctl.engine.execute.port import ActivityTask, Executor, Turn
from wfctl.engine.execute.remote import RemoteExecutor
from wfctl.model.turn import TurnResult
from wfctl.workflow.registry import Registry


class BothExecutor:
    """See the port."""

    def __init__(
        self,
        registry: Registry,
        local: Executor,
        remote: RemoteExecutor,
        waits: Callable[[str, str, str], None] = lambda kind, name, instance_id: None,
    ) -> None:
        """`waits` is told, on the engine's thread, what nobody here can run now: `workflow` or `activity`, its name,
        and the instance that wants it."""
        self._registry = registry
        self._local = local
        self._remote = remote
        self._waits = waits

    def knows(self, name: str) -> bool:
        return self._local.knows(name) or self._remote.knows(name)

    def run_turn(self, turn: Turn) -> TurnResult | None:
        if self._local.knows(turn.name):
            return self._local.run_turn(turn)
        if not self._remote.workers:
            self._waits("workflow", turn.name, turn.instance_id)
        return self._remote.run_turn(turn)

    def run_activities(self, tasks: Sequence[ActivityTask]) -> None:
        here: list[ActivityTask] = []
        elsewhere: list[ActivityTask] = []
        for task in tasks:
            if self._registry.activity(task.name) is not None:
                here.append(task)
                continue
            elsewhere.append(task)
            if not self._remote.workers:
                self._waits("activity", task.name, task.instance_id)
        if here:
            self._local.run_activities(here)
        if elsewhere:
            self._remote.run_activities(elsewhere)

    def forget(self, key: int) -> None:
        self._local.forget(key)
        self._remote.forget(key)

    def close(self) -> None:
        self._local.close()
        self._remote.close()
