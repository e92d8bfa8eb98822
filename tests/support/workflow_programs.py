"""Workflows made up at random, and a scheduler that lets things happen in a random order; for property tests.

A program is a list of steps that one workflow interprets. Its results go into its output, so that a difference shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from workflow_simulator import START

from wfctl.model.events import (
    NO_ID,
    ChildWorkflowInstanceCompleted,
    ChildWorkflowInstanceCreated,
    ChildWorkflowInstanceFailed,
    Event,
    EventRaised,
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    ExecutionTerminated,
    Failure,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
    WorkflowStarted,
)
from wfctl.model.turn import TurnResult

NAMES = ("a", "B", "c")

leaf = st.one_of(
    st.tuples(st.just("activity"), st.sampled_from(NAMES), st.booleans()),
    st.tuples(st.just("child"), st.sampled_from(NAMES), st.booleans()),
    st.tuples(st.just("timer"), st.integers(0, 5), st.booleans()),
    st.tuples(st.just("event"), st.sampled_from(NAMES), st.sampled_from([None, 0, 3, -1])),
)
step = st.one_of(
    leaf,
    st.tuples(st.sampled_from(["all", "any"]), st.lists(leaf, max_size=4), st.booleans()),
    st.tuples(st.just("status"), st.sampled_from(NAMES), st.booleans()),
    st.tuples(st.just("guid"), st.just(""), st.booleans()),
    st.tuples(st.just("patch"), st.sampled_from(NAMES), st.booleans()),
)
programs = st.lists(step, max_size=6)


def workflow(wf: Any, program: Sequence[Any]) -> Any:
    """The workflow that runs `program`, written with the module `wf`: ours or the official SDK."""
    policy = wf.RetryPolicy(
        first_retry_interval=timedelta(seconds=1),
        max_number_of_attempts=3,
        backoff_coefficient=2.0,
        max_retry_interval=timedelta(seconds=3),
        retry_timeout=timedelta(seconds=20),
    )

    def begin(ctx: Any, op: Any) -> Any:
        kind, what, flag = op
        if kind == "activity":
            return ctx.call_activity(what, input=[what], retry_policy=policy if flag else None)
        if kind == "child":
            return ctx.call_child_workflow(what, retry_policy=policy if flag else None)
        if kind == "timer":
            due = timedelta(seconds=what)
            return ctx.create_timer(ctx.current_utc_datetime + due if flag else due)
        return ctx.wait_for_external_event(what, timeout=None if flag is None else timedelta(seconds=flag))

    def interpret(ctx: Any) -> Any:
        seen: list[Any] = []
        for op in program:
            kind, what, _ = op
            try:
                if kind == "status":
                    ctx.set_custom_status(what)
                elif kind == "guid":
                    seen.append(str(ctx.new_guid()))
                elif kind == "patch":
                    seen.append(ctx.is_patched(what))
                elif kind == "all":
                    seen.append((yield wf.when_all([begin(ctx, each) for each in what])))
                elif kind == "any":
                    tasks = [begin(ctx, each) for each in what]
                    first = yield wf.when_any(tasks)
                    seen.append(tasks.index(first) if tasks else first)
                else:
                    seen.append((yield begin(ctx, op)))
            except Exception as error:
                seen.append([type(error).__name__, str(error)])
        return seen

    return interpret


@dataclass
class World:
    """What is open, and what happens next. `draw` chooses."""

    draw: Any
    requests: bool = True  # suspend, resume and terminate too
    now: Any = START
    open: list[Event] = field(default_factory=list)
    suspended: bool = False
    history: list[Event] = field(default_factory=list)

    def first(self) -> list[Event]:
        return self._turn([ExecutionStarted(NO_ID, self.now, "interpret", None, "i1", "e1"), *self._raised()])

    def commit(self, new: Sequence[Event], result: TurnResult) -> bool:
        """Whether the instance goes on."""
        known = sum(len(e.patches) for e in self.history if isinstance(e, WorkflowStarted))
        begun = WorkflowStarted(NO_ID, new[0].timestamp, result.version, result.patches[known:])
        self.history += [begun, *new[1:], *result.events]
        self.open += [
            e for e in result.events if isinstance(e, (TaskScheduled, TimerCreated, ChildWorkflowInstanceCreated))
        ]
        return not any(isinstance(e, ExecutionCompleted) for e in result.events)

    def next(self) -> list[Event]:
        happened: list[Event] = []
        for _ in range(self.draw(st.integers(1, 3))):
            if self.open:
                event = self.open.pop(self.draw(st.integers(0, len(self.open) - 1)))
                happened.append(self._resolution(event))
        happened += self._raised()
        if self.requests:
            happened += self._requests()
        return self._turn(happened)

    def _turn(self, events: list[Event]) -> list[Event]:
        self.now += timedelta(milliseconds=self.draw(st.integers(1, 5000)))
        return [WorkflowStarted(NO_ID, self.now), *events]

    def _raised(self) -> list[Event]:
        payload = st.sampled_from([None, "0", '"x"', '{"k":[1]}'])
        raised = self.draw(st.lists(st.tuples(st.sampled_from(("A", "b", "C")), payload), max_size=2))
        return [EventRaised(NO_ID, self.now, name, data) for name, data in raised]

    def _requests(self) -> list[Event]:
        what = self.draw(st.sampled_from(["", "", "", "pause", "terminate"]))
        if self.suspended and what != "terminate":
            self.suspended = False
            return [ExecutionResumed(NO_ID, self.now)]
        if what == "pause":
            self.suspended = True
            return [ExecutionSuspended(NO_ID, self.now), *self._raised()]
        if what == "terminate":
            return [ExecutionTerminated(NO_ID, self.now, '"stop"')]
        return []

    def _resolution(self, event: Event) -> Event:
        number, bad = event.event_id, self.draw(st.booleans())
        failure = Failure(self.draw(st.sampled_from(["ValueError", "NonRetryableError"])), "bad")
        if isinstance(event, TimerCreated):
            return TimerFired(NO_ID, self.now, number, event.fire_at)
        if isinstance(event, TaskScheduled):
            if bad:
                return TaskFailed(NO_ID, self.now, number, failure)
            return TaskCompleted(NO_ID, self.now, number, str(number))
        if bad:
            return ChildWorkflowInstanceFailed(NO_ID, self.now, number, failure)
        return ChildWorkflowInstanceCompleted(NO_ID, self.now, number, '{"n": 1}')
