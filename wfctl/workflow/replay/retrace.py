"""Replay one history for a person: each step is told, what the code prints is seen, a debugger stops where asked."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from wfctl.model import events as ev
from wfctl.model.events import Event, PropagatedEvents, TimerFired
from wfctl.model.fit import Action, Difference, Misfit, Place, Recorded, Retraced, Told
from wfctl.workflow.registry import Registry, VersionNotAvailable
from wfctl.workflow.replay.check import Noted, Replay, code_of, difference
from wfctl.workflow.replay.debugger import Debugger
from wfctl.workflow.replay.history_check import action_of
from wfctl.workflow.sdk.tasks import Task

LOG_FORMAT = "%(levelname)s %(name)s: %(message)s"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants to see. `step` and `until` are names or numbers of steps.

    debug   stop in the debugger: at the first step named `step`, else at the first line of the workflow
    until   replay no further than to this step
    """

    debug: bool = False
    step: str | None = None
    until: str | None = None


def retrace(
    registry: Registry,
    recorded: Recorded,
    wish: Wish,
    tell: Callable[[Told], None],
    read_propagated: Callable[[], PropagatedEvents | None] = lambda: None,
) -> Retraced:
    """Replay a history once, on this thread. `tell` is told of each step, between what the code prints."""
    name = recorded.workflow
    if name is None or not registry.has_workflow(name):
        return Retraced(difference(registry, recorded))
    replay = _Retracing(registry, recorded.id, read_propagated, wish, tell)
    replay.belong_to(recorded)
    debugger = replay.debugger
    if debugger is not None and wish.step is None:
        code = _code(registry, recorded, name)
        if code is not None:
            debugger.stop_at_first_line(code)
    try:
        with _logs_shown():
            found = replay.run(recorded)
    finally:
        sys.settrace(None)
        replay.close()
    return Retraced(found, tuple(replay.asked), replay.reached, debugger is not None and debugger.left)


class _Enough(Exception):
    """Nothing more is to be replayed."""


class _Watched(Noted):
    """Tells of each call of the code, and stops there where that is wished for."""

    __slots__ = ("_asked",)

    def __init__(self, asked: Callable[[int, Action, Any], None]) -> None:
        super().__init__(sys.maxsize)
        self._asked = asked

    def note(self, task: Task[Any], number: int, said: str, name: str = "") -> None:
        frame = sys._getframe(3)
        self.add(task, number, said, name, frame)
        kind = next((kind for word, kind in _KINDS if said.startswith(word)), "timer")
        self._asked(number, Action(kind, name or None), frame)


_KINDS = (("activity", "activity"), ("child", "child"), ("event", "event"))


class _Retracing(Replay):
    __slots__ = ("_tell", "_wish", "asked", "debugger", "enough", "reached", "stopped")

    def __init__(
        self,
        registry: Registry,
        instance_id: str,
        read_propagated: Callable[[], PropagatedEvents | None],
        wish: Wish,
        tell: Callable[[Told], None],
    ) -> None:
        super().__init__(registry, instance_id, read_propagated)
        self._calls = _Watched(self._note)
        self._pending.calls = self._calls
        self._wish = wish
        self._tell = tell
        self.debugger = Debugger() if wish.debug else None
        self.asked: list[str] = []
        self.enough = False
        self.stopped = False  # in the debugger, at the step that was wished for
        self.reached = True

    def run(self, recorded: Recorded) -> Difference | None:
        wish = self._wish
        try:
            found = self.difference(recorded.events, results=False)
        except _Enough:
            found = None
        except VersionNotAvailable as missing:
            found = Difference(Misfit.VERSION, str(missing))
        wanted = wish.until if wish.until is not None and not self.enough else None
        if wanted is None and wish.debug and wish.step is not None and not self.stopped:
            wanted = wish.step
        self.reached = wanted is None
        return found

    def _note(self, number: int, action: Action, frame: Any) -> None:
        self.asked.append(action.name or action.kind)
        self._tell(Told(number, action, None, None, Place(frame.f_code.co_filename, frame.f_lineno)))
        if self._wish.until is not None and _is(self._wish.until, number, action):
            self.enough = True
        debugger, step = self.debugger, self._wish.step
        if debugger is not None and step is not None and not self.stopped and _is(step, number, action):
            self.stopped = True
            debugger.stop_here_at(frame)

    def arrived(self, event: Event) -> None:
        if self.enough or (self.debugger is not None and self.debugger.left):
            raise _Enough
        told = _arrival(event)
        if told is not None:
            self._tell(told)

    def confirmed(self, event: Event) -> None:
        action = action_of(event)
        if action.kind == "retry":
            self._tell(Told(event.event_id, action, None, None, self.asked_at(event.event_id)))


def _arrival(event: Event) -> Told | None:
    """Return what the code is given."""
    kind = type(event)
    if kind in (ev.TaskCompleted, ev.ChildWorkflowInstanceCompleted):
        return Told(event.task_scheduled_id, None, "completed", event.result)  # type: ignore[attr-defined]
    if kind in (ev.TaskFailed, ev.ChildWorkflowInstanceFailed):
        failure = event.failure  # type: ignore[attr-defined]
        text = None if failure is None else f"{failure.error_type}: {failure.message}"
        return Told(event.task_scheduled_id, None, "failed", text)  # type: ignore[attr-defined]
    if isinstance(event, TimerFired):
        return Told(event.timer_id, None, "fired", None)
    if isinstance(event, ev.EventRaised):
        return Told(None, Action("event", event.name), "raised", event.input)
    word = _REQUESTS.get(kind)
    return None if word is None else Told(None, None, word, None)


_REQUESTS: dict[type[Event], str] = {
    ev.ExecutionSuspended: "suspended",
    ev.ExecutionResumed: "resumed",
    ev.ExecutionTerminated: "terminated",
}


def _is(wanted: str, number: int, action: Action) -> bool:
    return wanted in (str(number), action.name) or (action.name is None and wanted == action.kind)


def _code(registry: Registry, recorded: Recorded, name: str) -> Any:
    version = next((e.version for e in recorded.events if isinstance(e, ev.WorkflowStarted) and e.version), None)
    try:
        return code_of(registry, name, version)
    except VersionNotAvailable:
        return None


@contextmanager
def _logs_shown() -> Iterator[None]:
    """Show what the code logs, from INFO on, where the app has not said how."""
    root = logging.getLogger()
    if root.handlers:
        yield
        return
    handler, level = logging.StreamHandler(), root.level
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
