"""The rules of a turn: the events that it may see, and the changes that its result makes to the instance."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from wfctl.engine.core.folded_state import RESOLVES, State, fold, resolved_id
from wfctl.model import events as ev
from wfctl.model.events import NO_ID, Event
from wfctl.model.status import Status
from wfctl.model.turn import ContinueAsNew, Stall, TurnResult

# Requests that code takes no notice of by itself: it is merely not given anything between the two.
PAUSES = (ev.ExecutionSuspended, ev.ExecutionResumed)


def admit(state: State, arrived: Sequence[Event]) -> list[Event]:
    """Return the events among those that arrived which mean something to the instance now, in order.

    The rest are duplicates, late answers, or requests without effect, and are dropped for good.
    """
    if state.completed is not None:
        return []
    if len(arrived) == 1 and (operation := RESOLVES.get(type(arrived[0]))) is not None:  # most turns
        return [*arrived] if type(state.open.get(resolved_id(arrived[0]))) is operation else []
    admitted: list[Event] = []
    started, suspended = state.started is not None, state.suspended
    resolved: set[int] = set()
    for event in arrived:
        kind = type(event)
        operation = RESOLVES.get(kind)
        if operation is not None:
            event_id = resolved_id(event)
            if event_id in resolved or type(state.open.get(event_id)) is not operation:
                continue
            resolved.add(event_id)
        elif kind is ev.EventRaised:
            timer = state.event_timer(event.name, resolved)  # type: ignore[attr-defined]
            if timer is not None:
                resolved.add(timer)
        elif kind is ev.ExecutionStarted:
            if started:
                continue
            started = True
        elif kind is ev.ExecutionSuspended:
            if suspended:
                continue
            suspended = True
        elif kind is ev.ExecutionResumed:
            if not suspended:
                continue
            suspended = False
        admitted.append(event)
    return admitted


def held_back(history: Sequence[Event]) -> bool:
    """Return True if something arrived since the suspension, which the code is to be given at the resume."""
    for event in reversed(history):
        kind = type(event)
        if kind is ev.ExecutionSuspended:
            return False
        if kind in RESOLVES or kind in (ev.EventRaised, ev.ExecutionStarted):
            return True
    return False


@dataclass(slots=True)
class Outcome:
    """The changes that one turn makes.

    `events` are appended to the history, or replace it if `again` is set: a new generation.

    `scheduled` and `children` are the operations to start after the commit; `terminated` is the request that ended the
    instance, if one did. A new generation gets a turn at once.
    """

    events: list[Event]
    again: bool = False
    scheduled: list[ev.TaskScheduled] = field(default_factory=list)
    children: list[ev.ChildWorkflowInstanceCreated] = field(default_factory=list)
    terminated: ev.ExecutionTerminated | None = None
    completed: ev.ExecutionCompleted | None = None


def conclude(state: State, new: Sequence[Event], result: TurnResult, now: datetime, execution_id: str) -> Outcome:
    """Return the outcome of a turn over `new`. `execution_id` is used only if the instance continues as new.

    The state must be the one before the turn; it is not changed.
    """
    terminated: ev.ExecutionTerminated | None = None
    pauses = False
    for event in new:
        kind = type(event)
        if kind is ev.ExecutionTerminated:
            terminated = terminated or event  # type: ignore[assignment]
        elif kind is ev.ExecutionSuspended:
            pauses = True
    if result.continue_as_new is not None and terminated is None:
        return _continued(state, new, result.continue_as_new, now, execution_id)
    events = list(new)
    if result.version is not None or result.patches:
        events[0] = replace(new[0], version=result.version, patches=result.patches[len(state.patches) :])  # type: ignore[call-arg]
    actions: list[Event] = []
    scheduled: list[ev.TaskScheduled] = []
    children: list[ev.ChildWorkflowInstanceCreated] = []
    completed: ev.ExecutionCompleted | None = None
    for event in result.events:
        kind = type(event)
        if kind is ev.ExecutionCompleted:
            if completed is not None:
                continue
            completed = event  # type: ignore[assignment]
        elif kind is ev.TaskScheduled:
            scheduled.append(event)  # type: ignore[arg-type]
        elif kind is ev.ChildWorkflowInstanceCreated:
            children.append(event)  # type: ignore[arg-type]
        actions.append(event)
    if terminated is not None:
        if completed is None:
            completed = ev.ExecutionCompleted(NO_ID, now, Status.TERMINATED, terminated.input)
            actions, scheduled, children = [completed], [], []
        if completed.status is not Status.TERMINATED:
            terminated = None
    place = _before_pause(events) if pauses and completed is None else len(events)
    events[place:place] = actions
    return Outcome(events, False, scheduled, children, terminated, completed)


def _before_pause(events: Sequence[Event]) -> int:
    """Return the place of the suspension that the turn ends with, or the end if it ends with none.

    What the code asked for, it did before that. Behind it, a replay of the Python SDK would not see that it is
    recorded, and ask for it again in every turn until the resume (dapr 1.19.0, `worker.py`: what follows waits).
    """
    place: int | None = None
    for number, event in enumerate(events):
        if type(event) is ev.ExecutionSuspended and place is None:
            place = number
        elif type(event) is ev.ExecutionResumed:
            place = None
    return len(events) if place is None else place


def _continued(state: State, new: Sequence[Event], again: ContinueAsNew, now: datetime, execution_id: str) -> Outcome:
    """Return a fresh history: WorkflowStarted, ExecutionStarted with the new input, the carried events.

    A request to suspend that the old generation has taken in holds for the new one (Dapr loses it).
    """
    started = state.started or next(event for event in new if type(event) is ev.ExecutionStarted)
    fresh: list[Event] = [
        ev.WorkflowStarted(NO_ID, now),
        replace(
            started,
            timestamp=now,
            input=again.input,
            execution_id=execution_id,
            scheduled_start=None,
        ),
    ]
    fresh += [replace(event, timestamp=now) for event in again.carried]
    suspended = ev.ExecutionSuspended(NO_ID, now) if state.suspended else None
    for event in new:
        if type(event) is ev.ExecutionSuspended:
            suspended = replace(event, timestamp=now)
        elif type(event) is ev.ExecutionResumed:
            suspended = None
    if suspended is not None:
        fresh.append(suspended)
    return Outcome(fresh, again=True)


def unstorable(result: TurnResult) -> str | None:
    """Return what of this turn cannot be stored: a text with lone surrogates, which Python can hold and UTF-8 cannot.

    Payloads are no concern: they are JSON, and stored with escapes.
    """
    if not encodable(result.custom_status):
        return "the custom status"
    for event in result.events:
        kind = type(event)
        if kind is ev.TimerCreated:
            if not encodable(event.subject):  # type: ignore[attr-defined]
                return "the name of an external event"
        elif kind is ev.ChildWorkflowInstanceCreated:
            if not encodable(event.instance_id):  # type: ignore[attr-defined]
                return "the ID of a child workflow"
            if not (encodable(event.name) and encodable(event.input)):  # type: ignore[attr-defined]
                return "a child workflow"
        elif kind is ev.ExecutionCompleted and not encodable(event.result):  # type: ignore[attr-defined]
            return "the output"
    return None


def repeated(state: State, new: Sequence[Event], result: TurnResult) -> int | None:
    """Return an ID that two operations of this turn have, or one of them and one that is open still; None if none has.

    Both would run, and the first answer would be taken for that of both. An ID may come back once it is resolved:
    the Python SDK tries again under the ID of the first attempt. The state must be the one before the turn.
    """
    if result.continue_as_new is not None:
        return None
    used: set[int] = set()
    for event in result.events:
        if type(event) in _OPERATIONS:
            if event.event_id in used or (event.event_id in state.open and event.event_id in _open_after(state, new)):
                return event.event_id
            used.add(event.event_id)
    return None


_OPERATIONS = frozenset(RESOLVES.values())


def _open_after(state: State, new: Sequence[Event]) -> Collection[int]:
    after = replace(state, open=dict(state.open))
    fold(after, new)
    return after.open


def encodable(text: str | None) -> bool:
    """Return True if UTF-8 can hold this."""
    if text is None or text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def patch_mismatch(state: State, result: TurnResult) -> Stall | None:
    """Return the stall that Dapr's runtime decides: the recorded patches must be an exact prefix of the turn's."""
    if result.patches[: len(state.patches)] == state.patches:
        return None
    return Stall(
        ev.StallReason.PATCH_MISMATCH,
        f"patches recorded in history {list(state.patches)}, the code at hand met {list(result.patches)}",
    )


def stalled(state: State, stall: Stall, now: datetime) -> list[Event]:
    """Return the event that records a stall; none when the same stall is recorded already."""
    known = state.stalled
    if known is not None and (known.reason, known.description) == (stall.reason, stall.description):
        return []
    return [ev.ExecutionStalled(NO_ID, now, stall.reason, stall.description)]


def child_resolution(completed: ev.ExecutionCompleted, task_id: int, now: datetime) -> Event:
    """Return what the end of a child tells its parent: a terminated child is a failed one, as in Dapr."""
    if completed.status is Status.COMPLETED:
        return ev.ChildWorkflowInstanceCompleted(NO_ID, now, task_id, completed.result)
    failure = completed.failure
    if failure is None and completed.status is Status.TERMINATED:
        failure = ev.Failure("TerminatedError", "the child workflow was terminated")
    return ev.ChildWorkflowInstanceFailed(NO_ID, now, task_id, failure)


def due_timers(state: State, now: datetime, skipped_ms: int = 0) -> list[Event]:
    """Return a TimerFired for each open timer that is due, in due order. `skipped_ms`: how far the clock jumped."""
    due = [op for op in state.open.values() if type(op) is ev.TimerCreated and op.fire_at <= now]
    due.sort(key=lambda timer: timer.fire_at)
    return [ev.TimerFired(NO_ID, now, timer.event_id, timer.fire_at, skipped_ms) for timer in due]
