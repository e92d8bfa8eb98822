"""The executor of a server that hosts an app itself and has workers attached: each name goes where it is registered.

The app in this process comes first. A name that it does not register is for the workers, and waits where none is
connected: one may be about to come back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from wfctl.engine.execute.port import ActivityTask, Executor, Turn
from wfctl.engine.execute.remote import RemoteExecutor
from wfctl.model.apps import DEFAULT_ID, OWN
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
        own: str = DEFAULT_ID,
    ) -> None:
        """`own` is the ID of the app in this process.

        `waits` is told, on the engine's thread, what nobody here can run now: `workflow` or `activity`, its name, and
        the instance that wants it.
        """
        self._registry = registry
        self._local = local
        self._remote = remote
        self._waits = waits
        self._own = own

    def has_app(self, app: str) -> bool:
        return True

    def knows(self, name: str, app: str) -> bool:
        return (self._is_own(app) and self._local.knows(name, OWN)) or self._remote.knows(name, app)

    def run_turn(self, turn: Turn) -> TurnResult | None:
        if self._is_own(turn.app_id) and self._local.knows(turn.name, OWN):
            return self._local.run_turn(turn if turn.app_id is None else replace(turn, app_id=None))
        if not self._remote.workers:
            self._waits("workflow", turn.name, turn.instance_id)
        return self._remote.run_turn(turn)

    def run_activities(self, tasks: Sequence[ActivityTask]) -> None:
        here: list[ActivityTask] = []
        elsewhere: list[ActivityTask] = []
        for task in tasks:
            if self._is_own(task.app_id) and self._registry.activity(task.name) is not None:
                here.append(task if task.app_id is None else replace(task, app_id=None))
                continue
            elsewhere.append(task)
            if not self._remote.workers:
                self._waits("activity", task.name, task.instance_id)
        if here:
            self._local.run_activities(here)
        if elsewhere:
            self._remote.run_activities(elsewhere)

    def _is_own(self, app: str | None) -> bool:
        return not app or app == self._own

    def forget(self, key: int) -> None:
        self._local.forget(key)
        self._remote.forget(key)

    def close(self) -> None:
        self._local.close()
        self._remote.close()
