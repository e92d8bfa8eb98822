"""The failure of an activity or an instance, and a short text for it. See also `cause`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

DEEPEST = 100  # children of children that are followed

# How the SDKs word it: Python and JavaScript; .NET and Java.
_WRAPPED = re.compile(
    r"(?:[^\n]{0,200}?: )?(?P<what>Activity|Sub-orchestration) task #(?P<number>\d{1,9}) failed: "
    r"|Task '(?P<name>[^'\n]*)' \(#(?P<id>\d{1,9})\) failed with an unhandled exception: ",
)


@dataclass(frozen=True, slots=True)
class Failure:
    """The failure of an activity or an instance."""

    error_type: str
    message: str
    stack_trace: str | None = None
    non_retriable: bool = False
    inner: Failure | None = None


@dataclass(frozen=True, slots=True)
class FailedStep:
    """The step at the bottom of a failure.

    kind          `activity`, `child` (a child workflow whose own code failed) or `event` (it timed out)
    name          None where only its number is known
    event_id      the number of its first attempt, in the history of the instance that scheduled it
    attempt       the attempts made; None where they are not known
    max_attempts  of the retry policy, where it is known
    at            when it failed
    instance_id   the child workflow, or its descendant, in which it failed; None for the instance itself
    app_id        the app that ran the step, where it is another than that of the instance that asked for it
    """

    kind: str
    name: str | None
    event_id: int
    attempt: int | None = None
    max_attempts: int | None = None
    at: datetime | None = None
    instance_id: str | None = None
    app_id: str | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """A failure with all its `inner` failures, and the step that failed at the bottom; None if no step failed."""

    failure: Failure
    step: FailedStep | None = None


def chain(failure: Failure) -> Iterator[Failure]:
    """Yield the failure, and each that it wraps."""
    inner: Failure | None = failure
    while inner is not None:
        yield inner
        inner = inner.inner


def root(failure: Failure) -> Failure:
    """Return the innermost failure."""
    while failure.inner is not None:
        failure = failure.inner
    return failure


def error_text(failure: Failure) -> str:
    """Return `type: message` of one failure, or the one of them that is not empty."""
    return ": ".join(part for part in (failure.error_type, failure.message) if part)


def cause_text(failure: Failure) -> str:
    """Return `type: message` of the innermost failure, which `--error` matches and failures are grouped by."""
    return error_text(root(failure))


def headline(failure: Failure, step: FailedStep | None) -> str:
    """Return the cause in a few words: `ChargeCard: card declined`, or `ValueError: no items` where no step failed."""
    bottom = root(failure)
    if step is None:
        return error_text(bottom)
    if step.kind == "event":
        return f"{step_name(step)}: timed out"
    # The text of a KeyError is the bare key.
    return f"{step_name(step)}: {bottom.message if ' ' in bottom.message else error_text(bottom)}"


def step_name(step: FailedStep) -> str:
    """Return the step's name, or its kind and number where the name is not known."""
    return step.name or f"{step.kind} #{step.event_id}"


def unwrapped(failure: Failure) -> Cause:
    """Return the cause as far as the text of a failure contains it, for a target without histories.

    The text has the step's number and message, but not its type, and its name only with some SDKs.
    """
    step: FailedStep | None = None
    text = root(failure).message
    for _ in range(DEEPEST):
        match = _WRAPPED.match(text)
        if match is None:
            break
        text = text[match.end() :]
        child = (match["what"] or "").startswith("Sub-")
        number = int(match["number"] or match["id"])
        step = FailedStep("child" if child else "activity", match["name"] or None, number)
    if step is None or failure.inner is not None:
        return Cause(failure, step)
    return Cause(replace(failure, inner=Failure("", text)), step)
