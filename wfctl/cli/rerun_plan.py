"""Choose the step that a rerun begins with, and say what it keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from wfctl.errors import InvalidInput, WrongState
from wfctl.model.events import Event, WorkflowStarted
from wfctl.model.instance import Instance
from wfctl.model.steps import Step, failed_step, steps_of
from wfctl.render.history_records import step_record
from wfctl.render.json_records import Record
from wfctl.render.printer import View
from wfctl.render.table import Cell, Column
from wfctl.render.text import clean
from wfctl.render.theme import BOLD, DIM
from wfctl.render.views.failure import cause_line

Results = Sequence[tuple[int, str]]  # an action's number, and its result as JSON text


@dataclass(frozen=True, slots=True)
class Beginning:
    """Name the step to begin with: by its name, as the one that failed, or by an event number; else the first."""

    name: str | None = None
    failed: bool = False
    event_id: str | None = None

    def __post_init__(self) -> None:
        """Raises InvalidInput where the options name more than one beginning, or a number that is none."""
        options = (("--from", self.name), ("--from-failed", self.failed), ("--event-id", self.event_id))
        given = [flag for flag, on in options if on]
        if len(given) > 1:
            raise InvalidInput(f"{' and '.join(given)} exclude each other")
        if self.event_id is not None:
            event_number(self.event_id)

    @property
    def words(self) -> str:
        """Return what a question calls it."""
        if self.name is not None:
            return clean(self.name)
        if self.event_id is not None:
            return f"event {event_number(self.event_id)}"
        return "the step that failed" if self.failed else "the first step"

    def step(self, source: Instance, steps: Sequence[Step]) -> Step:
        """Return the step. Raises InvalidInput, and WrongState when no step failed."""
        able = [step for step in steps if step.event_id >= 0]
        if not able:
            raise InvalidInput(
                f"{clean(source.id)} has no step to run again from",
                hint=f"wfctl start {clean(source.name or 'WORKFLOW')} begins a new instance",
            )
        if self.failed:
            return _failed(source, able)
        if self.name is not None:
            return _named(source, able, self.name)
        return able[0] if self.event_id is None else _numbered(source, able, self.event_id)


def event_number(text: str) -> int:
    """Raises InvalidInput."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 12 and int(digits) < 2**31):
        raise InvalidInput(
            f"--event-id {clean(text[:40])!r} is no event number", hint="wfctl steps ID shows the numbers"
        )
    return int(digits)


@dataclass(frozen=True, slots=True)
class Planned:
    """Say of a step of the source whether it runs `again`, is kept, or has its result `supplied`."""

    step: Step
    again: bool
    supplied: bool = False


def _failed(source: Instance, steps: Sequence[Step]) -> Step:
    step = failed_step(steps)
    if step is not None:
        return step
    why = f": {cause_line(source.failure, source.failed_step)}" if source.failure is not None else ""
    raise WrongState(
        f"no step of {clean(source.id)} failed; it is {source.status.name}{why}",
        hint=f"wfctl rerun {clean(source.id)} --from STEP; its steps: wfctl steps {clean(source.id)}",
        instance_id=source.id,
    )


def _named(source: Instance, steps: Sequence[Step], name: str) -> Step:
    found = [step for step in steps if step.name == name] or [
        step for step in steps if (step.name or "").casefold() == name.casefold()
    ]
    if not found:
        names = list(dict.fromkeys(step.name for step in steps if step.name))
        near = get_close_matches(name, names, n=1)
        raise InvalidInput(
            f"{clean(source.id)} has no step {clean(name)!r}",
            hint=f"did you mean {clean(near[0])}?" if near else "one of " + ", ".join(clean(one) for one in names),
        )
    if len(found) > 1:
        numbers = ", ".join(str(step.event_id) for step in found)
        raise InvalidInput(
            f"{clean(source.id)} has {len(found)} steps {clean(name)!r}", hint=f"--event-id with one of {numbers}"
        )
    return found[0]


def _numbered(source: Instance, steps: Sequence[Step], text: str) -> Step:
    number = event_number(text)
    for step in steps:
        if number == step.event_id or number in (attempt.event_id for attempt in step.attempts):
            return replace(step, event_id=number)
    numbers = ", ".join(f"{step.event_id} ({clean(step.name or step.kind)})" for step in steps)
    raise InvalidInput(f"{clean(source.id)} has no step with the event {clean(text)}", hint=f"one of {numbers}")


def plan(history: Sequence[Event], start: Step, supplied: Results = ()) -> list[Planned]:
    """Return each step, and whether it runs again: all that had not ended when the turn that began `start` was over."""
    kept = {(step.event_id, step.name) for step in _until(history, start) if step.completed_at is not None}
    given = {event_id for event_id, _ in supplied}
    planned = []
    for step in steps_of(history):
        is_kept = (step.event_id, step.name) in kept
        is_supplied = not is_kept and any(attempt.event_id in given for attempt in step.attempts)
        if step.event_id >= 0 or is_kept:
            planned.append(Planned(step, not is_kept and not is_supplied, is_supplied))
    return planned


def _until(history: Sequence[Event], start: Step) -> Sequence[Step]:
    """Return the steps as they stood when the turn that began `start` was over."""
    begun = next(i for i, event in enumerate(history) if event.event_id == start.event_id)
    end = next((i for i in range(begun, len(history)) if isinstance(history[i], WorkflowStarted)), len(history))
    return steps_of(history[:end])


def parse_result(text: str) -> tuple[str, str]:
    """Split `STEP=JSON`. Raises InvalidInput."""
    step, equals, result = text.partition("=")
    if not step.strip() or not equals:
        raise InvalidInput(
            f"--result {clean(text[:40])!r} is not STEP=JSON", hint="--result ChargeCard='{\"ok\": true}'"
        )
    return step.strip(), result


def supplied(source: Instance, history: Sequence[Event], start: Step, given: Sequence[tuple[str, str]]) -> Results:
    """Return the supplied results by the numbers of their actions.

    Raises InvalidInput for a step that does not begin again at once: a later one has no place in the history yet.
    """
    able = [one for one in _until(history, start) if one.completed_at is None and one.kind in ("activity", "child")]
    found: dict[int, str] = {}
    for name, result in given:
        matching = [one for one in able if one.name == name or str(one.event_id) == name] or [
            one for one in able if (one.name or "").casefold() == name.casefold()
        ]
        if not matching:
            names = ", ".join(dict.fromkeys(clean(one.name or "") for one in able)) or "none"
            raise InvalidInput(
                f"{clean(name)} of {clean(source.id)} is no activity or child workflow that begins again at once there",
                hint=f"--result can be for {names}; begin elsewhere with --from, and see with --plan",
            )
        if len(matching) > 1:
            numbers = ", ".join(str(one.event_id) for one in matching)
            raise InvalidInput(
                f"{len(matching)} steps {clean(name)!r} of {clean(source.id)} begin again",
                hint=f"--result NUMBER=JSON with one of {numbers}",
            )
        found[matching[0].attempts[-1].event_id] = result
    return tuple(found.items())


def _record(planned: Planned) -> Record:
    record = step_record(planned.step)
    kept = {key: record[key] for key in ("eventID", "kind", "name", "status", "childInstanceID")}
    return {**kept, "again": planned.again, "supplied": planned.supplied}


def _word(one: Planned) -> Cell:
    if one.supplied:
        return Cell("supplied", BOLD)
    return Cell("again", BOLD) if one.again else Cell("kept", DIM)


def plan_view() -> View[Planned]:
    return View(
        record=_record,
        columns=(
            Column("EVENT", lambda one: str(one.step.event_id) if one.step.event_id >= 0 else "-", right=True),
            Column("KIND", lambda one: one.step.kind),
            Column("NAME", lambda one: clean(one.step.name or "")),
            Column("WAS", lambda one: one.step.status.value),
            Column("PLAN", _word),
        ),
    )
