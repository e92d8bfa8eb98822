"""Hold workflow code against a stored history: does it still fit, and if not, what differs first, at which line?

`difference` is pure but for the code that it runs: no activity runs, and nothing is changed. It replays by the rules of
`LiveWorkflow`, so that it finds what would stall an instance; and it looks at the end of a history too, which no engine
replays.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from types import CodeType, FrameType
from typing import Any, get_args

from wfctl.model.events import ActionEvent, Event, ExecutionCompleted, ExecutionStarted, PropagatedEvents
from wfctl.model.events import WorkflowStarted as TurnBegun
from wfctl.model.fit import Action, Difference, Misfit, Place, Recorded
from wfctl.model.status import Status
from wfctl.workflow.payloads import optional_from_json
from wfctl.workflow.registry import Registry, VersionNotAvailable, function_of
from wfctl.workflow.replay.history_check import action_of, completes, confirm, described, ended, lacking, unconfirmed
from wfctl.workflow.replay.live_workflow import LiveWorkflow
from wfctl.workflow.sdk.tasks import Task
from wfctl.workflow.sdk.unyielded import Call, Calls, Unyielded

_ACTIONS = get_args(ActionEvent)
# How many steps code may ask for beyond those in its history, before it counts as a loop without end.
MOST_MORE = 10_000
_FRAME = re.compile(r'File "(.*)", line (\d+), in ')
_NOT_THE_USERS = ("site-packages", "dist-packages", "<frozen")


def difference(
    registry: Registry,
    recorded: Recorded,
    *,
    results: bool = False,
    read_propagated: Callable[[], PropagatedEvents | None] = lambda: None,
) -> Difference | None:
    """Return the first thing in which the code of `registry` differs from a history; None if it fits.

    The end of a finished history is compared too: how it ended, and the type of the error. With `results`, also
    its result, as JSON, and the text of the error. `read_propagated` reads what the parent has propagated, if the
    code asks for it.

    Whatever the code prints or logs is let through, and it may take as long as it likes: see `guard.Guard`.
    """
    name = recorded.workflow
    if name is None or not registry.has_workflow(name):
        known = ", ".join(registry.workflow_names()) or "none"
        return Difference(Misfit.UNREGISTERED, f"workflow {name!r} is not registered; registered: {known}")
    replay = Replay(
        registry, recorded.id, read_propagated, MOST_MORE + sum(type(e) in _ACTIONS for e in recorded.events)
    )
    replay.belong_to(recorded)
    try:
        return replay.difference(recorded.events, results)
    finally:
        replay.close()


class EndlessSteps(BaseException):
    """Raised in code that asks for ever more steps."""


class Noted(Calls):
    """The calls of a replay, all of which are kept with their lines."""

    __slots__ = ("endless", "most")

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.endless: Place | None = None

    def note(self, task: Task[Any], number: int, said: str, name: str = "") -> None:
        frame = sys._getframe(3)
        if number > self.most:
            self.endless = Place(frame.f_code.co_filename, frame.f_lineno)
            raise EndlessSteps
        self._fresh.append(Call(task, number, said, name, frame.f_code, frame.f_lineno))

    def add(self, task: Task[Any], number: int, said: str, name: str, frame: FrameType) -> None:
        """Note a call in this frame."""
        self._fresh.append(Call(task, number, said, name, frame.f_code, frame.f_lineno))

    def at_end(self, unrun: object) -> list[Unyielded]:
        return []


class Replay(LiveWorkflow):
    """One history, replayed from its beginning to its end."""

    __slots__ = ("_calls", "_frame")

    def __init__(
        self,
        registry: Registry,
        instance_id: str,
        read_propagated: Callable[[], PropagatedEvents | None] = lambda: None,
        most: int = sys.maxsize,
    ) -> None:
        super().__init__(registry, instance_id, read_propagated)
        self._calls = Noted(most)
        self._pending.calls = self._calls
        self._frame: FrameType | None = None

    def belong_to(self, recorded: Recorded) -> None:
        """Let the code find itself in the app that the history is of, unless its runtime names one."""
        if self._pending.app_id is None:
            begun = recorded.begun
            self._pending.app_id = recorded.app_id or (None if begun is None else begun.app_id)

    def difference(self, history: Sequence[Event], results: bool) -> Difference | None:
        """Replay the history. Returns the first difference, with its line."""
        try:
            found = self._compare(history, results)
        except VersionNotAvailable as missing:
            return Difference(Misfit.VERSION, self._version_missing(str(missing)).description)
        if self._calls.endless is not None:
            text = f"the code asks for steps without end: {self._calls.most:,} by now"
            return Difference(Misfit.HANGS, text, place=self._calls.endless)
        if self._pending.patches_match():
            return None if found is None else self._located(found)
        if found is None:
            return Difference(Misfit.PATCHES, self._patches(), place=self._stands())
        return self._located(found, f"{found.text}; {self._patches()}")

    def _compare(self, history: Sequence[Event], results: bool) -> Difference | None:
        pending = self._pending
        # As the engine does it: what records no action has never run.
        fresh = not any(type(event) in _ACTIONS or type(event) is ExecutionCompleted for event in history)
        pending.replaying = not fresh
        left: Mapping[int, Event] = {}  # what the code had asked for, and the history not confirmed, before this turn
        for event in history:
            kind = type(event)
            if kind in _ACTIONS:
                found = confirm(pending, event)  # type: ignore[arg-type]
                if found is not None:
                    return found
                self.confirmed(event)
                continue
            if kind is ExecutionCompleted:
                self.arrived(event)
                return self._end(event, left, results)  # type: ignore[arg-type]
            if kind is TurnBegun:
                left = dict(pending.actions) if pending.actions else {}
            self.arrived(event)
            self._take(event)
            if kind is ExecutionStarted and self._frame is None and self._generator.code is not None:
                self._frame = self._generator.code.gi_frame
        if not fresh:
            return unconfirmed(pending)
        asked = ended(pending)
        if asked is None or asked.failure is None:
            return None
        text = f"the code {completes(asked)}, at its beginning"
        return Difference(Misfit.END, text, None, None, action_of(asked))

    def confirmed(self, event: Event) -> None:
        """Called when the code has asked for a recorded action."""

    def arrived(self, event: Event) -> None:
        """Called before the code is given a recorded event."""

    def _end(self, recorded: ExecutionCompleted, left: Mapping[int, Event], results: bool) -> Difference | None:
        """Compare the end of the history with that of the code."""
        pending = self._pending
        if (missing := lacking(left)) is not None:
            return missing
        if recorded.status in (Status.TERMINATED, Status.CANCELED):
            return None  # whatever the code made of what came with the request
        has, asked = action_of(recorded), ended(pending)
        where = f"where the history {_past(recorded)}"
        if pending.continuation is not None:
            return Difference(Misfit.END, f"the code continues as new, {where}", None, has, Action("continued"))
        if asked is None:
            for number, action in pending.actions.items():
                text = f"step {number}: the code asks for {described(action)}, {where}"
                return Difference(Misfit.STEP, text, number, has, action_of(action))
            return Difference(Misfit.END, f"the code still waits, {where}", None, has, Action("nothing"))
        if action_of(asked) != has:
            return Difference(Misfit.END, f"the code {completes(asked)}, {where}", None, has, action_of(asked))
        if not results:
            return None
        if asked.failure is not None and recorded.failure is not None:
            if asked.failure.message != recorded.failure.message:
                return Difference(Misfit.END, f"the code {completes(asked)}, {where}", None, has, has)
        elif not _same(asked.result, recorded.result):
            text = f"the result is {_short(asked.result)}, that in the history {_short(recorded.result)}"
            return Difference(Misfit.END, text, None, has, has)
        return None

    # --- the line ------------------------------------------------------------------------------------------------

    def _located(self, found: Difference, text: str | None = None) -> Difference:
        return Difference(found.kind, text or found.text, found.step, found.recorded, found.asked, self._place(found))

    def _place(self, found: Difference) -> Place | None:
        if found.asked is not None and found.asked.kind == "failed":
            asked = ended(self._pending)
            raised = None if asked is None or asked.failure is None else _raised_at(asked.failure.stack_trace)
            return raised or self._stands()
        return (None if found.step is None else self.asked_at(found.step)) or self._stands()

    def asked_at(self, number: int) -> Place | None:
        """Return the line that asked for an action that is not complete; for a retry, that of the first attempt."""
        task = self._pending.tasks.get(number)
        call = None if task is None else self._calls.find(task)
        return None if call is None else Place(call.code.co_filename, call.line)

    def _stands(self) -> Place | None:
        """Return the line at which the code waits, or has returned; else that of the function."""
        generator = self._generator.code
        frame = self._frame
        while generator is not None and generator.gi_frame is not None:
            frame = generator.gi_frame
            inner = generator.gi_yieldfrom
            generator = inner if inspect.isgenerator(inner) else None
        if frame is not None:
            return Place(frame.f_code.co_filename, frame.f_lineno)
        code = code_of(self._registry, self._generator.name, self._version)
        return None if code is None else Place(code.co_filename, code.co_firstlineno)


def code_of(registry: Registry, name: str, version: str | None = None) -> CodeType | None:
    """Return the code of a registered workflow, behind its decorators; None where it has none of its own."""
    registered = registry.workflow(name, version)
    function = None if registered is None else function_of(registered.fn)
    return None if function is None else function.__code__


def _raised_at(trace: str | None) -> Place | None:
    """Return the last line of the user's own in a traceback."""
    places = [Place(file, int(line)) for file, line in _FRAME.findall(trace or "")]
    own = [one for one in places if not any(part in one.file for part in _NOT_THE_USERS)]
    return next(reversed(own or places), None)


def _past(recorded: ExecutionCompleted) -> str:
    if recorded.failure is not None:
        return f"failed with {recorded.failure.error_type}: {recorded.failure.message}"
    return recorded.status.name.lower()


def _same(one: str | None, other: str | None) -> bool:
    try:
        return one == other or bool(optional_from_json(one) == optional_from_json(other))
    except ValueError:
        return False


def _short(text: str | None) -> str:
    if text is None:
        return "none"
    return text if len(text) <= 60 else text[:57] + "..."
