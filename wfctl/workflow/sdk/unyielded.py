"""Find calls whose task nobody yields: a forgotten `yield`, as a rule.

A task that is part of a `when_all` or `when_any` that is yielded is fine, however late, and so is one that the code
asks for its result. A task that the code has let go of is told of at the end of its turn; one that it still holds, when
the workflow completes, since a fan-out may yield it until then.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Container
from types import CodeType
from typing import Any, NamedTuple

from wfctl.workflow.sdk.tasks import EventTask, Task


class Call(NamedTuple):
    """A call of the code that made a task: `said` it was, of what `name`, at which place in `code`."""

    task: Task[Any]
    number: int
    said: str  # with {} for the name
    name: str
    code: CodeType
    line: int

    @property
    def what(self) -> str:
        """The beginning of a sentence: `activity 'Charge' was called`."""
        return self.said.format(repr(self.name))

    @property
    def where(self) -> str:
        return f"{os.path.basename(self.code.co_filename)}:{self.line}"


class Unyielded(NamedTuple):
    """A warning. `number` is that of the action in the history."""

    number: int
    text: str


class Calls:
    """The calls of one live workflow that may still turn out to be without `yield`."""

    __slots__ = ("_fresh", "_held")

    def __init__(self) -> None:
        # Plain tuples: nearly every call is yielded in its turn, and to make a Call is most of the cost of a note.
        self._fresh: list[tuple[Task[Any], int, str, str, CodeType, int]] = []
        self._held: list[Call] = []

    def note(self, task: Task[Any], number: int, said: str, name: str = "") -> None:
        """Note a call of the code, which is three frames above: it called the context, and that PendingActions."""
        frame = sys._getframe(3)
        self._fresh.append((task, number, said, name, frame.f_code, frame.f_lineno))

    def find(self, task: object) -> Call | None:
        return next((call for call in self._all() if call.task is task), None)

    def _all(self) -> list[Call]:
        return [*map(Call._make, self._fresh), *self._held]

    def after_turn(self, *, replayed: bool) -> list[Unyielded]:
        """Return the calls of this turn whose tasks the code has let go of; none of what was `replayed`."""
        if not self._fresh:
            return []
        fresh = [noted for noted in self._fresh if not noted[0]._observed]
        self._fresh.clear()
        told: list[Unyielded] = []
        while fresh:
            call = Call._make(fresh.pop())
            # Held by the list of pending tasks, by `call`, and by the argument of getrefcount; else by the code.
            if not _let_go(call.task):
                self._held.append(call)
            elif not replayed:
                told.append(_warning(call))
        return told[::-1]

    def at_end(self, unrun: Container[int]) -> list[Unyielded]:
        """Return the calls that were never yielded, now that the workflow has completed. `unrun`: the numbers of those
        that the end of the workflow drops."""
        calls = sorted((call for call in self._all() if not call.task._observed), key=lambda call: call.number)
        self._fresh, self._held = [], []
        return [_warning(call, call.number in unrun) for call in calls]


# What getrefcount says of a task that only the engine's own structures refer to; found out once, since it is CPython's.
_OWN_REFERENCES: int | None = None


def _let_go(task: Task[Any]) -> bool:
    if not hasattr(sys, "getrefcount"):
        return False
    return sys.getrefcount(task) <= _own_references() + isinstance(task, EventTask)  # which its queue holds too


def _own_references() -> int:
    """Count the references to a task that is in `Calls` and among the pending tasks, and nowhere else."""
    global _OWN_REFERENCES
    if _OWN_REFERENCES is None:
        pending = {1: Task[Any]()}
        call = Call(pending[1], 1, "", "", _own_references.__code__, 0)
        _OWN_REFERENCES = _count(call.task)
    return _OWN_REFERENCES


def _count(task: Task[Any]) -> int:
    return sys.getrefcount(task)


def _warning(call: Call, unrun: bool = False) -> Unyielded:
    end = ", and did not run: the workflow ended" if unrun else ""
    return Unyielded(call.number, f"{call.what} without yield at {call.where}{end}")
