"""An executor that knows what it holds: around the one that runs a server's own app."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone

from wfctl.engine.execute.hands import held
from wfctl.engine.execute.port import ActivityResult, ActivityTask, Delivery, Executor, LateTurn, Turn
from wfctl.model.turn import TurnResult
from wfctl.model.workers import ACTIVITY, WORKFLOW, Worker


class WatchedExecutor:
    """See the port. `inner` makes the executor inside, which delivers through the function that it is given."""

    def __init__(
        self, inner: Callable[[Callable[[Delivery], None]], Executor], deliver: Callable[[Delivery], None], name: str
    ) -> None:
        self._deliver = deliver
        self._name = name
        self._since = datetime.now(timezone.utc)
        self._turns: dict[int, tuple[Turn, datetime]] = {}
        self._activities: dict[tuple[int, int, str], tuple[ActivityTask, datetime]] = {}
        self._inner = inner(self._delivered)

    def has_app(self, app: str) -> bool:
        return self._inner.has_app(app)

    def knows(self, name: str, app: str) -> bool:
        return self._inner.knows(name, app)

    def run_turn(self, turn: Turn) -> TurnResult | None:
        self._turns[turn.key] = turn, datetime.now(timezone.utc)
        result = self._inner.run_turn(turn)
        if result is not None:
            self._turns.pop(turn.key, None)
        return result

    def run_activities(self, tasks: Sequence[ActivityTask]) -> None:
        now = datetime.now(timezone.utc)
        for task in tasks:
            self._activities[task.key, task.task_id, task.task_execution_id] = task, now
        self._inner.run_activities(tasks)

    def forget(self, key: int) -> None:
        self._inner.forget(key)

    def close(self) -> None:
        self._inner.close()

    def as_worker(self) -> Worker:
        """Return what it holds now. From any thread."""
        turns, activities = tuple(self._turns.values()), tuple(self._activities.values())
        return Worker(
            self._name,
            since=self._since,
            workflows=len(turns),
            activities=len(activities),
            holds=held(
                [
                    *((WORKFLOW, turn.name, turn.instance_id, at) for turn, at in turns),
                    *((ACTIVITY, task.name, task.instance_id, at) for task, at in activities),
                ]
            ),
        )

    def _delivered(self, delivery: Delivery) -> None:
        if isinstance(delivery, ActivityResult):
            self._activities.pop((delivery.key, delivery.task_id, delivery.task_execution_id), None)
        elif isinstance(delivery, LateTurn):
            self._turns.pop(delivery.key, None)
        self._deliver(delivery)
