"""The books of one live workflow: what its code asked for in this turn, and what it is waiting for.

The context (`context.py`) writes requests into it; the run (`run.py`) fills in what happened. Action numbers begin
at 1 and follow the SDK's counting: timers of waits and of retries take one, and so does the completion.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from wfctl.model.events import (
    NEVER,
    ChildWorkflowInstanceCreated,
    Event,
    Origin,
    PropagatedEvents,
    TaskScheduled,
    TimerCreated,
)
from wfctl.workflow.sdk.determinism import guid
from wfctl.workflow.sdk.retry_policy import RetryPolicy
from wfctl.workflow.sdk.tasks import CompletableTask, EventTask, RetryableTask, Task, TimerTask

_BEGINNING = datetime(1000, 1, 1, tzinfo=timezone.utc)


class PendingActions:
    """Mutable on purpose: one per live instance, touched on every turn.

    now        the workflow's time, aware; the context hands it out naive
    stamp      the time of the turn at hand, for the events it makes: differs from `now` while held events are replayed
    closed     nothing that the code asks for counts any more: it completed, continued as new, or was evicted
    """

    __slots__ = (
        "actions",
        "app_id",
        "applied_patches",
        "closed",
        "continuation",
        "custom_status",
        "event_waits",
        "guids",
        "instance_id",
        "now",
        "now_text",
        "patch_decisions",
        "read_propagated",
        "recorded_patches",
        "replaying",
        "sequence",
        "tasks",
        "ticks",
        "turn_time",
        "unconsumed_events",
    )

    def __init__(
        self,
        instance_id: str,
        app_id: str | None = None,
        read_propagated: Callable[[], PropagatedEvents | None] = lambda: None,
    ) -> None:
        self.read_propagated = read_propagated
        self.instance_id = instance_id
        self.app_id = app_id
        self.now = self.turn_time = _BEGINNING
        self.now_text: str | None = None
        self.replaying = False
        self.closed = False
        self.sequence = 0
        self.guids = 0
        self.ticks = 0
        self.actions: dict[int, Event] = {}
        self.tasks: dict[int, Task[Any]] = {}
        self.event_waits: dict[str, deque[EventTask]] = {}
        self.unconsumed_events: dict[str, deque[Any]] = {}
        self.custom_status: str | None = None
        self.continuation: tuple[str | None, bool] | None = None
        self.recorded_patches: tuple[str, ...] = ()
        self.patch_decisions: dict[str, bool] = {}
        self.applied_patches: tuple[str, ...] = ()

    def set_time(self, now: datetime) -> None:
        self.now = now
        self.now_text = None

    def next_guid(self) -> str:
        if self.now_text is None:
            self.now_text = self.now.isoformat().removesuffix("+00:00")  # as of the naive time; twice as fast
        number = self.guids
        self.guids = number + 1
        return guid(f"{self.instance_id}_{self.now_text}_{number}")

    def schedule_activity(self, name: str, text: str | None, number: int, execution_id: str, scope: int) -> Task[Any]:
        self.actions[number] = TaskScheduled(number, self.turn_time, name, text, execution_id, None, None, None, scope)
        task: Task[Any] = CompletableTask()
        self.tasks[number] = task
        return task

    def create_child(self, name: str, text: str | None, number: int, instance_id: str, scope: int) -> Task[Any]:
        self.actions[number] = ChildWorkflowInstanceCreated(
            number, self.turn_time, instance_id, name, text, None, None, None, scope
        )
        task: Task[Any] = CompletableTask()
        self.tasks[number] = task
        return task

    def schedule_attempt(self, task: RetryableTask[Any], number: int) -> None:
        """Schedule the activity or child of a retryable task; it keeps its subject, the action is a new one."""
        attempts = task.policy.max_number_of_attempts
        if task.child:
            self.actions[number] = ChildWorkflowInstanceCreated(
                number, self.turn_time, task.subject, task.name, task.input, attempts, None, None, task.propagation
            )
        else:
            self.actions[number] = TaskScheduled(
                number, self.turn_time, task.name, task.input, task.subject, attempts, None, None, task.propagation
            )
        self.tasks[number] = task

    def call_with_retries(
        self, policy: RetryPolicy, name: str, text: str | None, number: int, subject: str, scope: int, child: bool
    ) -> Task[Any]:
        task: RetryableTask[Any] = RetryableTask(policy, name, text, subject, scope, child)
        self.schedule_attempt(task, number)
        return task

    def schedule_retry(self, task: RetryableTask[Any], delay: timedelta) -> None:
        """Set the timer after which `task` is attempted again."""
        task.attempt += 1
        number = self.next_number()
        origin = Origin.CHILD_RETRY if task.child else Origin.ACTIVITY_RETRY
        self.actions[number] = TimerCreated(number, self.turn_time, self.now + delay, None, origin, task.subject)
        self.tasks[number] = task

    def create_timer(self, fire_at: datetime) -> Task[Any]:
        number = self.next_number()
        self.actions[number] = TimerCreated(number, self.turn_time, fire_at)
        task: Task[Any] = TimerTask()
        self.tasks[number] = task
        return task

    def wait_for_event(self, name: str, key: str, timeout: Any, fire_at: datetime | None) -> EventTask:
        """Wait for an event that has not arrived; with `fire_at` None for good, which is recorded as a timer too."""
        number = self.next_number()
        self.actions[number] = TimerCreated(
            number, self.turn_time, NEVER if fire_at is None else fire_at, None, Origin.EXTERNAL_EVENT, name
        )
        task = EventTask(name, key, timeout, number)
        self.tasks[number] = task
        self.event_waits.setdefault(key, deque()).append(task)
        return task

    def stop_waiting(self, task: EventTask) -> None:
        """Take a wait that timed out off the books, so that a late event is kept for the next wait."""
        queue = self.event_waits.get(task.key)
        if queue is not None and task in queue:
            queue.remove(task)
            if not queue:
                del self.event_waits[task.key]

    def deliver_event(self, key: str, value: Any) -> bool:
        """Hand the event to the oldest wait for it, or keep it; says whether somebody was waiting."""
        queue = self.event_waits.get(key)
        if not queue:
            self.unconsumed_events.setdefault(key, deque()).append(value)
            return False
        task = queue.popleft()
        if not queue:
            del self.event_waits[key]
        self.tasks.pop(task.timer_id, None)
        task._settle(value)
        return True

    def take_event(self, key: str) -> tuple[bool, Any]:
        queue = self.unconsumed_events.get(key)
        if not queue:
            return False, None
        value = queue.popleft()
        if not queue:
            del self.unconsumed_events[key]
        return True, value

    def next_number(self) -> int:
        self.sequence += 1
        return self.sequence

    def is_patched(self, patch: str) -> bool:
        """Whether the code of this patch applies: recorded in history, or first met when not replaying.

        Each time that it applies counts, as in the SDK: the runtime holds the sequence against its record.
        """
        applies = self.patch_decisions.get(patch)
        if applies is None:
            applies = self.patch_decisions[patch] = patch in self.recorded_patches or not self.replaying
        if applies:
            self.applied_patches += (patch,)
        return applies

    def patches_match(self) -> bool:
        """Check that the patches of the history are the first ones that the code has applied."""
        return self.applied_patches[: len(self.recorded_patches)] == self.recorded_patches
