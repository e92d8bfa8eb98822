"""Spans of what happens to instances, with the names and attributes of Dapr's workflow tracing.

`create_orchestration||NAME` for a start through an API, `orchestration||NAME` for an instance from its first turn to
its end, below it `activity||NAME` for each attempt and `timer` for each timer that fires. Everything is made on one
thread of its own, from what was committed and from what executors were given; the engine only puts it in a queue.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from wfctl.engine.execute.port import ActivityResult, ActivityTask, Delivery, Executor, Turn
from wfctl.engine.store.clocks import TreeClock
from wfctl.engine.store.instances import Row
from wfctl.engine.store.values import to_micros
from wfctl.engine.transaction import Unit
from wfctl.gateway.tracing.trace_ids import INCOMING, MOST, Place, Span, Traces, parse
from wfctl.model import events as ev
from wfctl.model.events import Event, Failure
from wfctl.model.status import Status
from wfctl.model.turn import TurnResult

Attributes = dict[str, Any]
Notable = tuple[str, Attributes, int]
# Ends a span, on any thread; with the error, if there was one.
End = Callable[[BaseException | None], None]
_PREFIX = "durabletask."


class Exporter(Protocol):
    """The maker of spans (`wfctl.gateway.tracing.otel`). Times in nanoseconds since 1970."""

    def sampled(self, trace: int) -> bool: ...

    def create(self, name: str, above: Span | None, attributes: Attributes) -> tuple[Span, End]:
        """Begin a client's span with an ID of its own. Returns it, and what is to be called at its end."""
        ...

    def emit(
        self,
        name: str,
        kind: str,
        own: Span | None,
        above: Span,
        began: int,
        ended: int,
        attributes: Attributes,
        notable: Sequence[Notable] = (),
        error: str | None = None,
    ) -> None:
        """Make a span that is over; `own` None: with any ID. `kind` is `server` or `internal`."""
        ...

    def close(self) -> None: ...


class _Course:
    """The parts of the span of an instance."""

    def __init__(self, started: ev.ExecutionStarted, place: Place | None, began: int) -> None:
        self.name = started.name
        self.instance_id = started.instance_id
        self.place = place
        self.began = began
        self.timers: dict[int, ev.TimerCreated] = {}
        self.notable: list[Notable] = []


class Tracing:
    def __init__(self, exporter: Exporter, store: Path) -> None:
        """`store` exists. Starts the thread that makes the spans."""
        self._exporter = exporter
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._courses: OrderedDict[int, _Course] = OrderedDict()
        self._activities: OrderedDict[tuple[int, int, str], tuple[ActivityTask, int]] = OrderedDict()
        self._traces = Traces(store, exporter.sampled)
        self._thread = threading.Thread(target=self._work, name="wfctl-tracing", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Make what is left, after the engine has stopped, and end."""
        self._queue.put(None)
        self._thread.join(5)
        self._exporter.close()
        self._traces.close()

    def _work(self) -> None:
        while True:
            job = self._queue.get()
            if job is None:
                return
            with contextlib.suppress(Exception):  # a span that cannot be made must not end the others
                job()

    # --- from the gateway ------------------------------------------------------------------------------------------

    def creating(self, name: str, instance_id: str) -> tuple[str, End]:
        """Begin the span of a start. Returns the trace parent for what is started, and what ends the span."""
        span, end = self._exporter.create(
            f"create_orchestration||{name}", parse(INCOMING.get()), _attributes("orchestration", name, instance_id)
        )
        return span.text(), end

    def activity_parent(self, task: ActivityTask) -> str | None:
        """Return the trace parent for what an activity does."""
        found = self._traces.activity(task)
        return found[0].text() if found is not None and found[0].sampled else None

    # --- from the engine's thread ------------------------------------------------------------------------------------

    def executor(self, inner: Executor) -> Executor:
        return _Traced(inner, self)

    def deliver(self, inner: Callable[[Delivery], None]) -> Callable[[Delivery], None]:
        def deliver(delivery: Delivery) -> None:
            if isinstance(delivery, ActivityResult):
                self.activity_ended(delivery)
            inner(delivery)

        return deliver

    def committed(self, appended: Sequence[tuple[int, int, list[Event]]]) -> None:
        places: dict[int, Place] = {}
        for key, seq, events in appended:
            for event in events[:3]:  # it is the second one of a history
                if isinstance(event, ev.ExecutionStarted):
                    places[key] = self._traces.note(key, seq, event)
        self._queue.put(lambda: self._follow(appended, places))

    def activities_began(self, tasks: Sequence[ActivityTask]) -> None:
        now = time.time_ns()
        self._queue.put(lambda: self._keep_activities(tasks, now))

    def activity_ended(self, result: ActivityResult) -> None:
        """Note the end of an activity.

        Its place is looked up now: the instance may continue as new in its next turn.
        """
        now, place = time.time_ns(), self._traces.activity(result)
        if place is not None:
            self._queue.put(lambda: self._activity(result, place, now))

    # --- on the thread of this object --------------------------------------------------------------------------------

    def _keep_activities(self, tasks: Sequence[ActivityTask], now: int) -> None:
        for task in tasks:
            self._activities[task.key, task.task_id, task.task_execution_id] = task, now
        while len(self._activities) > MOST:
            self._activities.popitem(last=False)

    def _activity(self, result: ActivityResult, place: tuple[Span, Span], ended: int) -> None:
        task, began = self._activities.pop((result.key, result.task_id, result.task_execution_id), (None, 0))
        if task is not None:
            attributes = _attributes("activity", task.name, task.instance_id)
            attributes[_PREFIX + "task.task_id"] = task.task_id
            error = _words(result.failure)
            self._emit(f"activity||{task.name}", "server", *place, began, ended, attributes, error=error)

    def _follow(self, appended: Sequence[tuple[int, int, list[Event]]], places: dict[int, Place]) -> None:
        for key, seq, events in appended:
            course = self._courses.pop(key, None)
            if course is None and key not in places:
                course = self._read(key, seq)
            for event in events:
                if isinstance(event, ev.ExecutionStarted):
                    if course is not None:
                        self._continued(course, event)
                    course = _Course(event, places.get(key), _nanos(events[0].timestamp))
                elif course is not None and self._event(course, event):
                    course = None
            if course is not None:
                self._courses[key] = course
        while len(self._courses) > MOST:
            self._courses.popitem(last=False)

    def _read(self, key: int, before: int) -> _Course | None:
        """Read a course from the store, after a restart."""
        course: _Course | None = None
        for _, event in self._traces.history(key, before):
            if isinstance(event, ev.ExecutionStarted):
                course = _Course(event, self._traces.of(key), _nanos(event.timestamp))
            elif course is not None:
                self._event(course, event, again=True)
        return course

    def _event(self, course: _Course, event: Event, *, again: bool = False) -> bool:
        """Take one event in. Returns True if the instance has ended. `again`: its spans were made before."""
        if isinstance(event, ev.TimerCreated):
            course.timers[event.event_id] = event
        elif isinstance(event, ev.TimerFired):
            timer = course.timers.pop(event.timer_id, None)
            if not again:
                self._timer(course, event.timer_id, event.fire_at, event.timestamp, timer)
        elif isinstance(event, ev.EventRaised):
            size = len((event.input or "").encode("utf-8", "replace"))
            course.notable.append(
                ("Received external event", {"name": event.name, "size": size}, _nanos(event.timestamp))
            )
        elif isinstance(event, (ev.ExecutionSuspended, ev.ExecutionResumed)):
            word = "suspended" if isinstance(event, ev.ExecutionSuspended) else "resumed"
            course.notable.append((f"Execution {word}", {}, _nanos(event.timestamp)))
        elif isinstance(event, ev.ExecutionCompleted):
            if not again:
                error = _words(event.failure) if event.status is Status.FAILED else None
                self._ended(course, event.timestamp, event.status.name, error)
            return True
        return False

    def _continued(self, course: _Course, event: ev.ExecutionStarted) -> None:
        """End the span of a generation.

        Its last turn is in no history: what timer that saw fire follows from the time.
        """
        for timer in course.timers.values():
            if timer.fire_at <= event.timestamp:
                self._timer(course, timer.event_id, timer.fire_at, timer.fire_at, timer)
        self._ended(course, event.timestamp, Status.CONTINUED_AS_NEW.name, None)

    def _timer(
        self, course: _Course, timer_id: int, fire_at: datetime, fired: datetime, created: ev.TimerCreated | None
    ) -> None:
        attributes: Attributes = {
            _PREFIX + "type": "timer",
            _PREFIX + "fire_at": fire_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            _PREFIX + "task.task_id": timer_id,
            _PREFIX + "task.instance_id": course.instance_id,
        }
        began = fired if created is None else created.timestamp
        if course.place is not None:
            self._emit("timer", "internal", None, course.place.own, _nanos(began), _nanos(fired), attributes)

    def _ended(self, course: _Course, ended: datetime, status: str, error: str | None) -> None:
        place = course.place
        if place is not None:
            attributes = _attributes("orchestration", course.name, course.instance_id)
            attributes[_PREFIX + "runtime_status"] = status
            self._emit(
                f"orchestration||{course.name}", "server", place.own, place.above, course.began, _nanos(ended),
                attributes, course.notable, error,
            )  # fmt: skip

    def _emit(self, name: str, kind: str, own: Span | None, above: Span, *more: Any, **named: Any) -> None:
        if above.sampled:
            self._exporter.emit(name, kind, own, above, *more, **named)


class TracedUnit:
    """A unit that notes with what it creates whose span that is in."""

    def __init__(self, inner: Unit, parent: str) -> None:
        self.now, self.store = inner.now, inner.store
        self.find, self.pending, self.children = inner.find, inner.pending, inner.children
        self.clock, self.expect, self.whole_store = inner.clock, inner.expect, inner.whole_store
        self.history, self.send, self.suspend, self.delete = inner.history, inner.send, inner.suspend, inner.delete
        self._create = inner.create
        self._parent = parent

    def create(
        self, row: Row, arriving: Sequence[Event], history: Sequence[Event] = (), clock: TreeClock | None = None
    ) -> None:
        started = [
            replace(one, trace_parent=self._parent) if isinstance(one, ev.ExecutionStarted) else one for one in arriving
        ]
        self._create(row, started, history, clock)


class _Traced:
    """An executor that tells which activities begin."""

    def __init__(self, inner: Executor, tracing: Tracing) -> None:
        self._inner = inner
        self._tracing = tracing
        self.has_app, self.knows = inner.has_app, inner.knows
        self.run_turn: Callable[[Turn], TurnResult | None] = inner.run_turn
        self.forget = inner.forget
        self.close = inner.close

    def run_activities(self, tasks: Sequence[ActivityTask]) -> None:
        self._tracing.activities_began(tasks)
        self._inner.run_activities(tasks)


def _attributes(kind: str, name: str, instance_id: str) -> Attributes:
    return {_PREFIX + "type": kind, _PREFIX + "task.name": name, _PREFIX + "task.instance_id": instance_id}


def _nanos(when: datetime) -> int:
    return to_micros(when) * 1000


def _words(failure: Failure | None) -> str | None:
    return None if failure is None else failure.message
