"""A small engine in memory for tests of workflow code: one history, activities run at once, timers fire at once.

It does what the engine does to one instance and its children, and nothing of what makes it durable. `record` is
called with every turn, before it is taken.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from wfctl.engine.execute.activity_pool import run, run_async
from wfctl.engine.execute.port import ActivityTask
from wfctl.model.events import (
    NEVER,
    NO_ID,
    ChildWorkflowInstanceCompleted,
    ChildWorkflowInstanceCreated,
    ChildWorkflowInstanceFailed,
    Event,
    EventRaised,
    ExecutionCompleted,
    ExecutionStarted,
    Failure,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
    WorkflowStarted,
)
from wfctl.model.status import Status
from wfctl.model.turn import TurnResult
from wfctl.workflow.registry import Registry
from wfctl.workflow.replay.live_workflow import LiveWorkflow

START = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)
Record = Callable[[str, Sequence[Event], Sequence[Event], TurnResult], None]


@dataclass
class Simulation:
    registry: Registry
    record: Record = lambda *_: None
    live: bool = True  # False: replay everything for every turn
    now: datetime = START
    histories: dict[str, list[Event]] = field(default_factory=dict)

    def run(
        self, workflow: str, input: str | None = None, events: Sequence[tuple[str, str | None]] = (), id: str = "i1"
    ) -> ExecutionCompleted:
        """Run an instance to its end; it must not wait for anything that does not come."""
        self.now += timedelta(milliseconds=1)
        inbox: list[Event] = [ExecutionStarted(NO_ID, self.now, workflow, input, id, "e1")]
        inbox += [EventRaised(NO_ID, self.now, name, data) for name, data in events]
        history: list[Event] = []
        self.histories[id] = history
        timers: list[tuple[datetime, int]] = []
        code = LiveWorkflow(self.registry, id)
        while True:
            self.now += timedelta(milliseconds=1)
            new = [WorkflowStarted(NO_ID, self.now), *inbox]
            inbox = []
            if not self.live:
                code.close()
                code = LiveWorkflow(self.registry, id)
            result = code.turn([] if self.live else list(history), new)
            self.record(id, list(history), new, result)
            assert result.stall is None, result.stall
            if result.continue_as_new is not None:
                again = result.continue_as_new
                history.clear()
                timers.clear()
                code = LiveWorkflow(self.registry, id)
                inbox = [ExecutionStarted(NO_ID, self.now, workflow, again.input, id, "e2"), *again.carried]
                continue
            if result.version or result.patches:
                known = sum(len(e.patches) for e in history if isinstance(e, WorkflowStarted))
                new[0] = replace(new[0], version=result.version, patches=result.patches[known:])  # type: ignore[call-arg]
            history += [*new, *result.events]
            for event in result.events:
                if isinstance(event, ExecutionCompleted):
                    return event
                if isinstance(event, TaskScheduled):
                    inbox.append(self._activity(id, event))
                elif isinstance(event, ChildWorkflowInstanceCreated):
                    inbox.append(self._child(event))
                elif isinstance(event, TimerCreated) and event.fire_at != NEVER:
                    heapq.heappush(timers, (event.fire_at, event.event_id))
            if not inbox:
                assert timers, f"{id} waits for nothing that can happen: {history[-3:]}"
                due, number = heapq.heappop(timers)
                self.now = max(self.now, due)
                inbox.append(TimerFired(NO_ID, self.now, number, due))

    def _activity(self, id: str, event: TaskScheduled) -> Event:
        task = ActivityTask(1, id, event.event_id, event.name, event.input, event.task_execution_id)
        function = self.registry.activity(event.name)
        assert function is not None, event.name
        if function.is_async:
            import asyncio

            answer = asyncio.run(run_async(task, function))
        else:
            answer = run(task, function)
        if answer.failure is not None:
            return TaskFailed(NO_ID, self.now, event.event_id, answer.failure, event.task_execution_id)
        return TaskCompleted(NO_ID, self.now, event.event_id, answer.result, event.task_execution_id)

    def _child(self, event: ChildWorkflowInstanceCreated) -> Event:
        done = self.run(event.name, event.input, id=event.instance_id)
        if done.status is Status.COMPLETED:
            return ChildWorkflowInstanceCompleted(NO_ID, self.now, event.event_id, done.result)
        return ChildWorkflowInstanceFailed(NO_ID, self.now, event.event_id, done.failure or Failure("", ""))


LATER = START + timedelta(seconds=10)


def started(at: datetime = START, **more: Any) -> WorkflowStarted:
    return WorkflowStarted(NO_ID, at, **more)


def execution(name: str, input: str | None = None, id: str = "i1") -> ExecutionStarted:
    return ExecutionStarted(NO_ID, START, name, input, id, "e1")


def done(number: int, result: str | None = None) -> TaskCompleted:
    return TaskCompleted(NO_ID, START, number, result)


def failed(number: int, type: str = "ValueError", message: str = "bad") -> TaskFailed:
    return TaskFailed(NO_ID, START, number, Failure(type, message))


def fired(number: int) -> TimerFired:
    return TimerFired(NO_ID, START, number, START)


def raised(name: str, input: str | None = None) -> EventRaised:
    return EventRaised(NO_ID, START, name, input)


class Live:
    """A live run of one workflow function, fed event by event."""

    def __init__(self, fn: Callable[..., Any], name: str = "w") -> None:
        self.registry = Registry()
        self.registry.add_workflow(name, fn)
        self.run = LiveWorkflow(self.registry, "i1")
        self.name = name

    def start(self, input: str | None = None, *more: Event) -> TurnResult:
        return self.run.turn((), [started(), execution(self.name, input), *more])

    def feed(self, *events: Event, at: datetime = LATER) -> TurnResult:
        return self.run.turn((), [started(at), *events])


def only(result: TurnResult) -> Any:
    assert result.stall is None
    (event,) = result.events
    return event


def completed(result: TurnResult) -> str | None:
    event = only(result)
    assert isinstance(event, ExecutionCompleted), event
    assert event.status is Status.COMPLETED, event.failure
    return event.result


def failure(result: TurnResult) -> Failure:
    event = only(result)
    assert isinstance(event, ExecutionCompleted), event
    assert event.status is Status.FAILED
    assert event.result is None
    assert event.failure is not None
    return event.failure
