"""Build the errors that refuse an operation on an instance: one place for these sentences, for every target.

The engine and the sidecar client both raise these. A number, a status or a parent that is None is not known there.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TypeVar

from wfctl.errors import AlreadyRerun, Conflict, InvalidInput, NotFound, Unsupported, WfctlError, WrongState
from wfctl.model.apps import DEFAULT_ID
from wfctl.model.ids import Fault
from wfctl.model.status import Status

# What does not come about; the end of the sentence of `finished` and `stalled`.
NOT_PAUSED = "it cannot be paused"
NOT_RESUMED = "it cannot be resumed"
NOT_TERMINATED = "it cannot be terminated"


def event_not_raised(name: str) -> str:
    return f"event '{name}' was not raised"


def not_found(instance_id: str) -> NotFound:
    return NotFound(
        f"there is no instance '{instance_id}'",
        instance_id=instance_id,
        hint="wfctl list shows the instances of this target",
    )


def in_several_apps(instance_id: str, apps: Sequence[str]) -> InvalidInput:
    """Return the error for an ID that lives in several apps; `apps` are as the store has them."""
    named = sorted(app or DEFAULT_ID for app in apps)
    return InvalidInput(
        f"there is an instance '{instance_id}' in each of {len(named)} apps: {', '.join(named)}",
        hint=f"say which is meant: --app-id {named[0]}",
        instance_id=instance_id,
    )


def bad_id(fault: Fault, instance_id: str) -> InvalidInput:
    return InvalidInput(fault.text, hint=fault.hint, instance_id=instance_id)


# --- skipped time ---------------------------------------------------------------------------------------------------


def no_skipping_on_sidecar() -> Unsupported:
    return Unsupported(
        "a sidecar goes by the real time: only the embedded engine skips it",
        hint="wfctl start WORKFLOW --skip-time --target embedded",
    )


def no_skipping_beside(owner: str) -> Unsupported:
    return Unsupported(
        f"{owner} executes this store, and skips no time",
        hint="try it in another store: --store trial.db",
    )


# --- start ----------------------------------------------------------------------------------------------------------


def id_of_live_instance(instance_id: str, status: Status | None = None) -> Conflict:
    return Conflict(
        f"an active workflow with ID '{instance_id}' already exists"
        + (f" ({status.name})" if status is not None else ""),
        instance_id=instance_id,
        hint=f"look at it: wfctl get {instance_id}, use another --id, or keep it: --if-exists use",
    )


def id_of_finished_instance(instance_id: str, status: Status) -> Conflict:
    return Conflict(
        f"a finished workflow with ID '{instance_id}' exists ({status.name})",
        instance_id=instance_id,
        hint="run it anew in its place: --if-exists replace, keep it: --if-exists use, or use another --id",
    )


def children_still_running(instance_id: str, running: Sequence[str]) -> Conflict:
    return Conflict(
        children_running_text(instance_id, running),
        instance_id=instance_id,
        hint=f"end it first: wfctl terminate {running[0]}",
    )


def children_running_text(instance_id: str, running: Sequence[str]) -> str:
    """Return Dapr's message, with every descendant that prevents the purge."""
    reasons = ", ".join(f"child workflow '{child}' has not yet completed" for child in running)
    return f"cannot recreate workflow with ID '{instance_id}': {reasons}"


# --- pause, resume, raise-event, terminate --------------------------------------------------------------------------


def finished(instance_id: str, status: Status, consequence: str) -> WrongState:
    return WrongState(
        f"'{instance_id}' is finished ({status.name}): {consequence}",
        instance_id=instance_id,
        hint=f"see how it ended: wfctl get {instance_id}",
    )


def stalled(instance_id: str, consequence: str, reason: str | None = None) -> WrongState:
    return WrongState(
        f"'{instance_id}' is STALLED{f' ({reason})' if reason else ''}: {consequence}",
        instance_id=instance_id,
        hint="run it with code that fits its history, or delete it: wfctl purge --force",
    )


def not_suspended(instance_id: str, status: Status) -> WrongState:
    return WrongState(
        f"'{instance_id}' is {status.name}, not SUSPENDED: there is nothing to resume",
        instance_id=instance_id,
        hint=f"see what it waits for: wfctl get {instance_id}",
    )


# --- purge ----------------------------------------------------------------------------------------------------------


def not_purgeable(
    instance_id: str, status: Status, *, descendant: str | None = None, terminating: bool = False
) -> WrongState:
    """`descendant` is the one that is not finished, unless that is the instance itself.

    `terminating`: its termination has been requested already.
    """
    live = descendant or instance_id
    if status is Status.STALLED:
        hint = "delete it as it is: --force"
    elif terminating:
        hint = f"its end is requested already: wfctl wait {live} --for terminal, or delete it as it is: --force"
    else:
        hint = _end_first(live)
    whose = "it" if descendant is None else f"its descendant '{descendant}'"
    return WrongState(f"'{instance_id}' cannot be purged: {whose} is {status.name}", instance_id=instance_id, hint=hint)


def not_completed(instance_id: str) -> WrongState:
    return WrongState(
        f"'{instance_id}' cannot be purged: it, or a descendant of it, has not yet completed",
        instance_id=instance_id,
        hint=_end_first(instance_id),
    )


def _end_first(instance_id: str) -> str:
    return f"end it first: wfctl terminate {instance_id}, or delete it as it is: --force"


# --- rerun ----------------------------------------------------------------------------------------------------------


class RerunRule(Enum):
    """What a rerun must heed. Each API of the gateway has an answer of its own for each."""

    OTHER_ID = "the new instance has another ID than the source"
    NEW_ID = "no instance has the new ID yet"
    FINISHED = "the source is finished"
    NO_CHILD = "the source has no parent"
    EVENT = "the source has the event"
    RERUNNABLE = "the event is an activity, a timer or a child workflow"
    NO_TIMER_INPUT = "a timer takes no input"
    CHILD_ID = "only a child workflow takes a child instance ID"


E = TypeVar("E", bound=WfctlError)


def broken(rule: RerunRule, error: E, kind: str | None = None) -> E:
    error.rule, error.kind = rule, kind
    return error


def rerun_under_same_id() -> InvalidInput:
    return broken(
        RerunRule.OTHER_ID,
        InvalidInput(
            "the new instance must have another ID than the one it comes from", hint="leave --new-id out, or change it"
        ),
    )


def rerun_of_child(instance_id: str, parent_id: str | None = None) -> WrongState:
    return broken(
        RerunRule.NO_CHILD,
        WrongState(
            f"'{instance_id}' is a child workflow: only topmost instances can be rerun",
            instance_id=instance_id,
            hint=f"rerun its parent: wfctl steps {parent_id}" if parent_id else None,
        ),
    )


def rerun_of_live_instance(instance_id: str, status: Status | None = None) -> WrongState:
    is_not = f"is {status.name}, not" if status is not None else "is not"
    return broken(
        RerunRule.FINISHED,
        WrongState(
            f"'{instance_id}' {is_not} in a terminal state: it cannot be rerun",
            instance_id=instance_id,
            hint=f"wait for its end: wfctl wait {instance_id}, or end it: wfctl terminate {instance_id}",
        ),
    )


def new_id_taken(instance_id: str) -> Conflict:
    return broken(
        RerunRule.NEW_ID,
        Conflict(
            f"a workflow with ID '{instance_id}' exists already", instance_id=instance_id, hint="use another --new-id"
        ),
    )


def already_rerun(instance_id: str, rerun_id: str, status: Status | None = None) -> AlreadyRerun:
    """`status` is that of the rerun; None if it is gone, or not known."""
    state = f" ({status.name})" if status is not None else ""
    return AlreadyRerun(
        f"'{instance_id}' was rerun already, as '{rerun_id}'{state}",
        instance_id=instance_id,
        rerun_id=rerun_id,
        hint=f"look at that: wfctl get {rerun_id}; to rerun it once more: --again",
    )


def no_event(instance_id: str, event_id: int | None = None) -> NotFound:
    which = "with that number" if event_id is None else f"with the number {event_id}"
    return broken(
        RerunRule.EVENT,
        NotFound(f"'{instance_id}' has no event {which}", instance_id=instance_id, hint=_numbers(instance_id)),
    )


def not_rerunnable(instance_id: str, event_id: int | None = None, kind: str | None = None) -> NotFound:
    which = "that event" if event_id is None else f"event {event_id}"
    return broken(
        RerunRule.RERUNNABLE,
        NotFound(
            f"{which} of '{instance_id}' is {kind + ', ' if kind else ''}no activity, timer or child workflow: "
            "nothing to rerun from",
            instance_id=instance_id,
            hint=_numbers(instance_id),
        ),
        kind,
    )


def takes_no_result(instance_id: str, event_id: int) -> InvalidInput:
    return InvalidInput(
        f"event {event_id} of '{instance_id}' is no activity or child workflow that begins again there: "
        "no result can be supplied for it",
        instance_id=instance_id,
        hint=f"what begins again, and what is kept: wfctl rerun {instance_id} --plan",
    )


def timer_takes_no_input() -> InvalidInput:
    return broken(RerunRule.NO_TIMER_INPUT, InvalidInput("a timer takes no input", hint="leave the input out"))


def no_child_to_name(kind: str | None = None) -> InvalidInput:
    return broken(
        RerunRule.CHILD_ID,
        InvalidInput("only a child workflow takes a child instance ID", hint="leave the child ID out"),
        kind,
    )


def _numbers(instance_id: str) -> str:
    return f"wfctl steps {instance_id} shows the numbers"
