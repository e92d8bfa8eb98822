"""What stands in for activities and child workflows."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from wfctl.errors import InvalidInput
from wfctl.workflow.payloads import to_model
from wfctl.workflow.registry import Function, Registry


@dataclass(frozen=True)
class Takes:
    """See `takes`."""

    time: timedelta
    what: Any


class InTurn:
    """See `in_turn`."""

    def __init__(self, all_of_them: tuple[Any, ...]) -> None:
        self._all = all_of_them
        self._used = 0
        self._lock = threading.Lock()

    def next(self) -> Any:
        with self._lock:
            self._used += 1
            if self._used > len(self._all):
                raise AssertionError(f"called for the {self._used}. time, and in_turn has {len(self._all)}")
            return self._all[self._used - 1]


def takes(time: timedelta, result: Any = None) -> Any:
    """Stand in for an activity that takes a while: by the workflow's clock, and no time by the real one.

    Args:
        time: how long it takes.
        result: what it comes to, as any other replacement: a value, an exception, a function of its input.

    Returns:
        What to give `run_workflow` for the activity.
    """
    return Takes(time, result)


def in_turn(*results: Any) -> Any:
    """Stand in for an activity or a child workflow with another result at each call: for retries and loops.

    Args:
        *results: what each call comes to: a value, an exception, a function of its input. More calls are an error.

    Returns:
        What to give `run_workflow` for the activity or the workflow.
    """
    return InTurn(results)


class Replaced:
    """The registry of an app with stand-ins in it."""

    def __init__(self, registry: Registry, activities: Mapping[str, Any], children: Mapping[str, Any]) -> None:
        """Raises InvalidInput: a name is nearly that of an activity or a workflow."""
        self.registry = registry.copy()
        self._times: dict[str, Callable[[], timedelta | None]] = {}
        for name, what in activities.items():
            _check(name, registry.activity_names(), "activity")
            self.registry.add_activity(name, self._activity(registry.activity(name), name, what), replace=True)
        for name, what in children.items():
            _check(name, registry.workflow_names(), "workflow")
            self.registry.add_workflow(name, _child(what), replace=True)

    def time(self, name: str) -> timedelta | None:
        """Return how long a call of this activity that begins now takes by the workflow's clock; None: no time."""
        given = self._times.get(name)
        return None if given is None else given()

    def _activity(self, real: Function | None, name: str, what: Any) -> Callable[..., Any]:
        if isinstance(what, Takes):
            self._times[name] = lambda: what.time

        def stand_in(context: Any, given: Any = None) -> Any:
            model = None if real is None else real.model
            return outcome(what, given if model is None else to_model(given, model))

        return stand_in


def _child(what: Any) -> Callable[..., Any]:
    def stand_in(context: Any, given: Any = None) -> Any:
        if isinstance(what, Takes):
            yield context.create_timer(what.time)
        return outcome(what, given)

    return stand_in


def outcome(what: Any, given: Any) -> Any:
    """Return what a stand-in comes to with this input. Raises what it is to raise."""
    if isinstance(what, Takes):
        return outcome(what.what, given)
    if isinstance(what, InTurn):
        return outcome(what.next(), given)
    if isinstance(what, BaseException):
        raise what
    if isinstance(what, type) and issubclass(what, BaseException):
        raise what()
    result = what(given) if callable(what) else what
    return asyncio.run(result) if inspect.iscoroutine(result) else result


def _check(name: str, known: list[str], kind: str) -> None:
    """Refuse a name that is nearly one that the app registers. Others may be another app's. Raises InvalidInput."""
    near = [] if name in known else get_close_matches(name, known, 1)
    if near:
        raise InvalidInput(f"the app registers no {kind} {name!r}", hint=f"did you mean {near[0]!r}?")
