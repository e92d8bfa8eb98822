"""What becomes of an instance of a bundle in another store: finished ones are as they were, live ones are suspended.

Nothing of a suspended one runs, whoever drives the store: no turn of its code, and no activity that had no result. Both
go on with a resume.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from wfctl.bundle import Exported
from wfctl.engine.core.decide import PAUSES
from wfctl.engine.core.folded_state import State, folded
from wfctl.model import events as ev
from wfctl.model.events import NO_ID, Event, Origin
from wfctl.model.instance import Instance

REASON = "imported"


class Unfit(ValueError):
    """An instance of a bundle contradicts itself. The message says how."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """An instance as it is to be stored. `started` is its first event, in the history or still in the inbox."""

    history: tuple[Event, ...]
    inbox: tuple[Event, ...]
    started: ev.ExecutionStarted
    state: State


def arrival(one: Exported, now: datetime, execution_id: Callable[[], str]) -> Arrival:
    """Return how an instance is to be stored. `execution_id` makes one where the bundle has none. Raises Unfit."""
    history, inbox = one.history, one.inbox or ()
    state = folded(history)
    if (state.completed is not None) is not one.instance.status.terminal:
        raise Unfit(f"the instance is {one.instance.status.name}, and its history says {state.status().name}")
    if state.completed is not None:
        if state.started is None:
            raise Unfit("the history of the instance has no beginning")
        return Arrival(history, (), state.started, state)
    suspended = next((event for event in inbox if isinstance(event, ev.ExecutionSuspended)), None)
    suspended = suspended or ev.ExecutionSuspended(NO_ID, now, REASON)
    # What was asked for there, to resume above all, is not asked for here.
    inbox = tuple(event for event in inbox if type(event) not in PAUSES)
    if state.started is not None:
        if not state.suspended or state.stalled is not None:
            history = (*history, suspended)
        return Arrival(history, inbox, state.started, folded(history))
    started = _first(inbox) or _made_up(one.instance, execution_id)
    rest = tuple(event for event in inbox if event is not started)
    if started.scheduled_start is not None and started.scheduled_start > now:
        return Arrival((), (suspended, started, *rest), started, State())
    # Its code is given the start with the resume: until then it is held, as whatever comes while it is suspended.
    history = (ev.WorkflowStarted(NO_ID, now), suspended, started)
    return Arrival(history, rest, started, folded(history))


def _first(inbox: Sequence[Event]) -> ev.ExecutionStarted | None:
    return next((event for event in inbox if isinstance(event, ev.ExecutionStarted)), None)


def _made_up(instance: Instance, execution_id: Callable[[], str]) -> ev.ExecutionStarted:
    """Return the start of an instance that a sidecar has and that no turn has seen: Dapr does not tell its inbox."""
    if instance.name is None or instance.created_at is None:
        raise Unfit("the instance has neither a history, nor a name and a time to start it with")
    return ev.ExecutionStarted(NO_ID, instance.created_at, instance.name, instance.input, instance.id, execution_id())


def of_own_app(one: Exported) -> Exported:
    """Return the instance as one of the store's own app. Calls of other apps stay what they are."""
    app_id = one.app_id
    if app_id is None:
        return one

    def own(event: Event) -> Event:
        if not isinstance(event, ev.ExecutionStarted):
            return event
        parent = event.parent
        if parent is not None and parent.app_id == app_id:
            parent = replace(parent, app_id=None)
        return replace(event, app_id=None, parent=parent)

    return replace(
        one,
        instance=replace(one.instance, app_id=None),
        history=tuple(map(own, one.history)),
        inbox=None if one.inbox is None else tuple(map(own, one.inbox)),
    )


def renamed(one: Exported, name: Callable[[str], str]) -> Exported:
    """Return the instance with another ID, and all that it says of other instances with theirs."""
    instance = one.instance
    step = instance.failed_step
    return replace(
        one,
        instance=replace(
            instance,
            id=name(instance.id),
            parent_id=_maybe(name, instance.parent_id),
            failed_step=None if step is None else replace(step, instance_id=_maybe(name, step.instance_id)),
            rerun_of=_maybe(name, instance.rerun_of),
            rerun_as=None if instance.rerun_as is None else tuple(map(name, instance.rerun_as)),
        ),
        history=tuple(_renamed(event, name) for event in one.history),
        inbox=None if one.inbox is None else tuple(_renamed(event, name) for event in one.inbox),
    )


def _renamed(event: Event, name: Callable[[str], str]) -> Event:
    if isinstance(event, ev.ExecutionStarted):
        parent = event.parent
        if parent is not None:
            parent = replace(parent, instance_id=name(parent.instance_id))
        return replace(event, instance_id=name(event.instance_id), parent=parent)
    if isinstance(event, ev.ChildWorkflowInstanceCreated):
        return replace(event, instance_id=name(event.instance_id), rerun_parent=_maybe(name, event.rerun_parent))
    if isinstance(event, ev.TaskScheduled) and event.rerun_parent is not None:
        return replace(event, rerun_parent=name(event.rerun_parent))
    if isinstance(event, ev.TimerCreated) and (event.rerun_parent is not None or event.origin is Origin.CHILD_RETRY):
        subject = _maybe(name, event.subject) if event.origin is Origin.CHILD_RETRY else event.subject
        return replace(event, subject=subject, rerun_parent=_maybe(name, event.rerun_parent))
    return event


def _maybe(name: Callable[[str], str], instance_id: str | None) -> str | None:
    return None if instance_id is None else name(instance_id)
