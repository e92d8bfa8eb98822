"""The executor of several apps, each with an executor of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wfctl.engine.execute.port import ActivityTask, Executor, Turn
from wfctl.model.apps import stored
from wfctl.model.turn import TurnResult


class AppsExecutor:
    """See the port. The executors are named by apps as the store has them."""

    def __init__(self, executors: Mapping[str, Executor]) -> None:
        self._executors = executors

    def has_app(self, app: str) -> bool:
        return app in self._executors

    def knows(self, name: str, app: str) -> bool:
        return app in self._executors and self._executors[app].knows(name, app)

    def run_turn(self, turn: Turn) -> TurnResult | None:
        return self._executors[stored(turn.app_id)].run_turn(turn)

    def run_activities(self, tasks: Sequence[ActivityTask]) -> None:
        by_app: dict[str, list[ActivityTask]] = {}
        for task in tasks:
            by_app.setdefault(stored(task.app_id), []).append(task)
        for app, its in by_app.items():
            self._executors[app].run_activities(its)

    def forget(self, key: int) -> None:
        for executor in self._executors.values():
            executor.forget(key)

    def close(self) -> None:
        for executor in self._executors.values():
            executor.close()
