"""What became of a workflow that was run by a test."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from wfctl.model.events import ChildWorkflowInstanceCreated, Event, TaskScheduled
from wfctl.model.failure import Failure, cause_text, root
from wfctl.model.instance import Instance
from wfctl.model.steps import Step, steps_of


@dataclass(frozen=True)
class Call:
    """One attempt of an activity, or one start of a child workflow.

    Attributes:
        kind: `activity` or `child`.
        name: the name of the activity or the workflow.
        input: its input, as JSON has it.
        at: when it was asked for, by the workflow's clock.
        instance_id: the instance that asked for it.
    """

    kind: str
    name: str
    input: Any
    at: datetime
    instance_id: str


@dataclass(frozen=True)
class Run:
    """The outcome of `run_workflow`.

    Attributes:
        status: `COMPLETED`, `FAILED`, `TERMINATED`; or `RUNNING` and the like, if it waits for what is not to come.
        output: its result, as JSON has it; None if there is none.
        error: why it failed, as `ValueError: card declined`: the error at the bottom, as of an activity. Else None.
        failure: the failure with all that it wraps; None unless it failed.
        duration: how long it took by its own clock, to the millisecond; so far, if it has not ended.
        began: when it was started, by its own clock.
        steps: the steps of its last generation: activities with their attempts, children, timers, waits.
        history: the events of its last generation.
        calls: the activities and children that it and its children asked for, each attempt, in their order; those of
            generations before a continue-as-new too.
        waits_for: what it waits for, if it has not ended: `event "approval"`.
        custom_status: as JSON has it.
        children: the instances below it, by their IDs.
    """

    status: str
    output: Any
    error: str | None
    failure: Failure | None = field(repr=False)
    duration: timedelta
    began: datetime
    steps: Sequence[Step] = field(repr=False)
    history: Sequence[Event] = field(repr=False)
    calls: Sequence[Call] = field(repr=False)
    waits_for: Sequence[str]
    custom_status: Any
    children: Mapping[str, Instance] = field(repr=False)

    def called(self, name: str) -> list[Any]:
        """Return the inputs of all calls of this activity or child workflow, in their order; none if there was none."""
        return [call.input for call in self.calls if call.name == name]


def run_of(
    instance: Instance, now: datetime, history: Sequence[Event], calls: Sequence[Call], children: Iterable[Instance]
) -> Run:
    """Sum a run up. `now` is by the clock of the instance."""
    began = instance.created_at or now
    took = (instance.completed_at or now) - began
    return Run(
        status=instance.status.name,
        output=decoded(instance.output),
        error=None if instance.failure is None else cause_text(root(instance.failure)),
        failure=instance.failure,
        duration=timedelta(milliseconds=round(took / timedelta(milliseconds=1))),
        began=began,
        steps=steps_of(history),
        history=history,
        calls=calls,
        waits_for=[_words(wait.kind, wait.name) for wait in instance.waiting_for],
        custom_status=decoded(instance.custom_status),
        children={child.id: child for child in children},
    )


def call_in(event: Event, instance_id: str) -> Call | None:
    """Return the call that this event of a history asks for."""
    if isinstance(event, TaskScheduled):
        return Call("activity", event.name, decoded(event.input), event.timestamp, instance_id)
    if isinstance(event, ChildWorkflowInstanceCreated):
        return Call("child", event.name, decoded(event.input), event.timestamp, instance_id)
    return None


def decoded(text: str | None) -> Any:
    """Return a payload as JSON has it, and as the text that it is if it is none."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def _words(kind: str, name: str | None) -> str:
    return kind if name is None else f'{kind} "{name}"'
