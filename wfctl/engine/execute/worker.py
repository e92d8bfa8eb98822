"""A connected worker, and the work that it was given."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from wfctl.engine.execute.port import ActivityTask
from wfctl.model.events import Event, PropagatedEvents


class PendingTurn:
    """A turn that waits for a worker or for its answer. `tokens` are those it was given out with."""

    __slots__ = (
        "added_at",
        "app_id",
        "done",
        "instance_id",
        "key",
        "name",
        "new",
        "number",
        "past_committed",
        "received",
        "sent_at",
        "token",
        "tokens",
        "worker",
    )

    def __init__(
        self,
        key: int,
        instance_id: str,
        name: str,
        new: Sequence[Event],
        received: PropagatedEvents | None = None,
        app_id: str | None = None,
        *,
        past_committed: bool = False,
    ) -> None:
        self.key = key
        self.instance_id = instance_id
        self.name = name
        self.new = new
        self.received = received
        self.app_id = app_id
        self.past_committed = past_committed  # when it was made
        self.number = 0  # its place in the queue
        self.added_at = 0.0
        self.token = ""
        self.tokens: list[str] = []
        self.worker: Worker | None = None
        self.sent_at = 0.0
        self.done = False  # answered, or not wanted any more: to be passed over


class PendingActivity:
    """The token is the same whenever this activity is given out, by another run of the server too: a worker that was
    cut off may deliver its result after the server has come back."""

    __slots__ = ("added_at", "again", "done", "number", "sent_at", "task", "token", "worker")

    def __init__(self, task: ActivityTask) -> None:
        self.task = task
        self.token = f"{task.key}.{task.task_id}.{task.task_execution_id}"
        self.number = 0
        self.added_at = 0.0
        self.worker: Worker | None = None
        self.sent_at = 0.0
        self.again = 0  # how often it was given out again because its answer may have been lost
        self.done = False


Work = PendingTurn | PendingActivity


class Worker:
    """A connected worker with its two windows: long activities must not use up the room for turns.

    `wake` is called, from any thread, when something was put into `outbox`; what lies there is already counted as in
    the worker's hands. `app_id`: it takes the work of this app alone; None where there is only one. `agent` and
    `address` are what is known of it.
    """

    def __init__(
        self,
        wake: Callable[[], None],
        *,
        most_turns: int,
        most_activities: int,
        app_id: str | None = None,
        agent: str = "",
        address: str | None = None,
    ) -> None:
        self.wake = wake
        self.agent = agent
        self.address = address
        self.attached_at = 0.0
        self.app_id = app_id
        self.most_turns = most_turns
        self.most_activities = most_activities
        self.turns: dict[int, PendingTurn] = {}
        self.activities: dict[int, PendingActivity] = {}
        self.outbox: deque[Work] = deque()
        self.names_turns: bool | None = None  # by its token, in all answers; None before the first
        # When answers of this worker were lost on their way to the server.
        self.lost_turns: list[float] = []
        self.lost_activities: list[float] = []

    @property
    def turn_room(self) -> int:
        return self.most_turns - len(self.turns)

    @property
    def activity_room(self) -> int:
        return self.most_activities - len(self.activities)
