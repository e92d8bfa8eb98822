"""One line of `wfctl doctor`, and how to wait until no line is a failure any more."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from wfctl.errors import NotAuthenticated, NotPermitted, TimedOut, Unreachable, WfctlError

POLL_SECONDS = 0.25


class Result(str, Enum):
    OK = "ok"
    WARN = "warning"
    FAIL = "failure"


@dataclass(frozen=True, slots=True)
class Check:
    """One line. `fix` says what to do, where there is something to do.

    `status` is the exit status that a failure means. `blocks`: a warning that is worth waiting for.
    """

    name: str
    level: Result
    detail: str
    fix: str | None = None
    status: int = Unreachable.exit_status
    blocks: bool = False


class NotReady(TimedOut):
    """The time to become ready is over; `checks` are the last ones made."""

    def __init__(self, message: str, *, hint: str | None, checks: list[Check]) -> None:
        super().__init__(message, hint=hint)
        self.checks = checks


def failed(name: str, error: WfctlError) -> Check:
    known = isinstance(error, (NotAuthenticated, NotPermitted))
    status = error.exit_status if known else Unreachable.exit_status
    return Check(name, Result.FAIL, error.message, error.hint, status=status)


def wait_until_ready(look: Callable[[], list[Check]], seconds: float, note: Callable[[str], None]) -> list[Check]:
    """Look again and again until nothing is missing. Raises NotReady, saying what is missing still."""
    until = time.monotonic() + seconds
    said = ""
    while True:
        checks = look()
        missing = [check for check in checks if check.level is Result.FAIL or check.blocks]
        if not missing:
            return checks
        first = missing[0]
        if time.monotonic() >= until:
            words = f"not ready after {seconds:g} s: {first.name}: {first.detail}"
            raise NotReady(words, hint=first.fix, checks=checks)
        if first.detail != said:
            note(f"waiting: {first.name}: {first.detail}")
            said = first.detail
        time.sleep(min(POLL_SECONDS, max(0.0, until - time.monotonic())))
