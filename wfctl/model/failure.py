"""The failure of an activity or an instance, and how to tell it in few words. `cause` finds what is at its bottom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime


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
    """

    kind: str
    name: str | None
    event_id: int
    attempt: int | None = None
    max_attempts: int | None = None
    at: datetime | None = None
    instance_id: str | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """A failure with its `inner` ones down to the bottom, and the step that failed there; None: no step did."""

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
    """Return `type: message` of one failure, or what there is of it."""
    return ": ".join(part for part in (failure.error_type, failure.message) if part)


def cause_text(failure: Failure) -> str:
    """Return `type: message` of the innermost failure: what `--error` looks at, and what failures are grouped by."""
    return error_text(root(failure))


def headline(failure: Failure, step: FailedStep | None) -> str:
    """Return the cause in a few words: `ChargeCard: card declined`, or `ValueError: no items` where no step failed."""
    bottom = root(failure)
    if step is None:
        return error_text(bottom)
    return f"{step_name(step)}: {bottom.message or bottom.error_type}"


def step_name(step: FailedStep) -> str:
    """Return the step's name, or its kind and number where the name is not known."""
    return step.name or f"{step.kind} #{step.event_id}"
