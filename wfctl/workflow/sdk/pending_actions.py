"""The state of one live workflow: the actions that its code asked for in this turn, and the tasks it waits for.

`DaprWorkflowContext` adds actions; `LiveWorkflow` (in `replay`) completes tasks. Action numbers begin at 1 and count as
in Dapr's SDK: the timers of waits and retries take one each, and so does the completion.
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
from wfctl.workflow.sdk.determinism import guid, time_text
from wfctl.workflow.sdk.retry_policy import RetryPolicy
from wfctl.workflow.sdk.tasks import CompletableTask, EventTask, RetryableTask, Task, TimerTask
from wfctl.workflow.sdk.unyielded import Calls, Unyielded

_BEGINNING = datetime(1000, 1, 1, tzinfo=timezone.utc)


class PendingActions:
    """One object per live instance, changed in every turn.

    actions            the events to record for what the code asked for in this turn, by action number
    tasks              the tasks that are not complete, by action number
    event_waits        the waits for external events, oldest first, by case-folded event name
    unconsumed_events  the payloads of events that nobody has waited for, oldest first, by case-folded event name
    now                the workflow's time, aware UTC; the context returns it naive
    turn_time          when the current turn began, the timestamp of its actions; `now` lags behind it while events
                       that arrived during a suspension are worked off
    replaying          the code repeats what the history records
    closed             the code completed, continued as new or was evicted: what it asks for is ignored
    continuation       the input (JSON text) and `save_events` of a continue-as-new
    recorded_patches   the patches in the history, in its order
    applied_patches    the patches that the code has applied, in its order, with repetitions
    warnings           what there is to say of such calls, until somebody takes it
    patch_decisions    the answer that `is_patched` gave, by patch
    calls              the calls whose tasks the code may forget to yield
    read_propagated    reads the history that the parent propagated
    """

    __slots__ = (
        "actions",
        "app_id",
        "applied_patches",
        "calls",
        "closed",
        "continuation",
        "custom_status",
        "event_waits",
        "guids",
        "instance_id",
        "now",
        "patch_decisions",
        "read_propagated",
        "recorded_patches",
        "replaying",
        "sequence",
        "tasks",
        "ticks",
        "turn_time",
        "unconsumed_events",
        "warnings",
    )

    def __init__(
        self,
        instance_id: str,
        app_id: str | None = None,
        read_propagated: Callable[[], PropagatedEvents | None] = lambda: None,
    ) -> None:
        self.read_propagated = read_propagated
        self.calls = Calls()
        self.warnings: list[Unyielded] = []
        self.instance_id = instance_id
        self.app_id = app_id
        self.now = self.turn_time = _BEGINNING
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
        """Set the workflow's time."""
        self.now = now

    def next_guid(self) -> str:
        """Return the next UUID of this instance and time, as Dapr's SDK makes them."""
        number = self.guids
        self.guids = number + 1
        return guid(f"{self.instance_id}_{time_text(self.now)}_{number}")

    def schedule_activity(
        self, name: str, text: str | None, number: int, execution_id: str, scope: int, app_id: str | None = None
    ) -> Task[Any]:
        """Schedule an activity without a retry policy."""
        self.actions[number] = TaskScheduled(
            number, self.turn_time, name, text, execution_id, None, None, app_id, scope
        )
        task: Task[Any] = CompletableTask()
        self.tasks[number] = task
        self.calls.note(task, number, "activity {} was called", name)
        return task

    def create_child(
        self, name: str, text: str | None, number: int, instance_id: str, scope: int, app_id: str | None = None
    ) -> Task[Any]:
        """Create a child workflow without a retry policy."""
        self.actions[number] = ChildWorkflowInstanceCreated(
            number, self.turn_time, instance_id, name, text, None, None, app_id, scope
        )
        task: Task[Any] = CompletableTask()
        self.tasks[number] = task
        self.calls.note(task, number, "child workflow {} was started", name)
        return task

    def schedule_attempt(self, task: RetryableTask[Any], number: int) -> None:
        """Schedule the next attempt of a task as a new action; attempts share the task's `subject`."""
        attempts = task.policy.max_number_of_attempts
        if task.child:
            self.actions[number] = ChildWorkflowInstanceCreated(
                number,
                self.turn_time,
                task.subject,
                task.name,
                task.input,
                attempts,
                None,
                task.app_id,
                task.propagation,
            )
        else:
            self.actions[number] = TaskScheduled(
                number,
                self.turn_time,
                task.name,
                task.input,
                task.subject,
                attempts,
                None,
                task.app_id,
                task.propagation,
            )
        self.tasks[number] = task

    def call_with_retries(
        self,
        policy: RetryPolicy,
        name: str,
        text: str | None,
        number: int,
        subject: str,
        scope: int,
        child: bool,
        app_id: str | None = None,
    ) -> Task[Any]:
        """Schedule the first attempt of an activity or child workflow with a retry policy."""
        task: RetryableTask[Any] = RetryableTask(policy, name, text, subject, scope, child, app_id)
        self.schedule_attempt(task, number)
        said = "child workflow {} was started" if child else "activity {} was called"
        self.calls.note(task, number, said, name)
        return task

    def schedule_retry(self, task: RetryableTask[Any], delay: timedelta) -> None:
        """Create the timer after which `task` is attempted again."""
        task.attempt += 1
        number = self.next_number()
        origin = Origin.CHILD_RETRY if task.child else Origin.ACTIVITY_RETRY
        self.actions[number] = TimerCreated(number, self.turn_time, self.now + delay, None, origin, task.subject)
        self.tasks[number] = task

    def create_timer(self, fire_at: datetime) -> Task[Any]:
        """Create a timer of the code."""
        number = self.next_number()
        self.actions[number] = TimerCreated(number, self.turn_time, fire_at)
        task: Task[Any] = TimerTask()
        self.tasks[number] = task
        self.calls.note(task, number, "a timer was created")
        return task

    def wait_for_event(self, name: str, key: str, timeout: Any, fire_at: datetime | None) -> EventTask:
        """Wait for an event that has not arrived, until `fire_at` (None: without limit, recorded as a timer too)."""
        number = self.next_number()
        self.actions[number] = TimerCreated(
            number, self.turn_time, NEVER if fire_at is None else fire_at, None, Origin.EXTERNAL_EVENT, name
        )
        task = EventTask(name, key, timeout, number)
        self.tasks[number] = task
        self.event_waits.setdefault(key, deque()).append(task)
        self.calls.note(task, number, "event {} was waited for", name)
        return task

    def stop_waiting(self, task: EventTask) -> None:
        """Remove a wait that timed out, so that a late event is kept for the next wait."""
        queue = self.event_waits.get(task.key)
        if queue is not None and task in queue:
            queue.remove(task)
            if not queue:
                del self.event_waits[task.key]

    def deliver_event(self, key: str, value: Any) -> bool:
        """Complete the oldest wait for an event, or keep the event. Returns True if there was a wait."""
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
        """Take the oldest unconsumed event of a name. Returns False and None if there is none."""
        queue = self.unconsumed_events.get(key)
        if not queue:
            return False, None
        value = queue.popleft()
        if not queue:
            del self.unconsumed_events[key]
        return True, value

    def next_number(self) -> int:
        """Return the number of the next action."""
        self.sequence += 1
        return self.sequence

    def is_patched(self, patch: str) -> bool:
        """Return True if the code of this patch applies: the history records it, or it is first met outside a replay.

        Each time counts, as in Dapr's SDK: `patches_match` compares the whole sequence with the history.
        """
        applies = self.patch_decisions.get(patch)
        if applies is None:
            applies = self.patch_decisions[patch] = patch in self.recorded_patches or not self.replaying
        if applies:
            self.applied_patches += (patch,)
        return applies

    def patches_match(self) -> bool:
        """Return True if the code has applied the recorded patches first, in their order."""
        return self.applied_patches[: len(self.recorded_patches)] == self.recorded_patches
