"""Hold the result of one check of `wfctl doctor`, and repeat checks until none fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
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
    """Hold the result of one check. `fix` says what to do about it, if anything.

    `status` is the exit status if it failed. `blocks`: a warning that `--wait-ready` waits for.
    """

    name: str
    level: Result
    detail: str
    fix: str | None = None
    status: int = Unreachable.exit_status
    blocks: bool = False


class NotReady(TimedOut):
    """Report that the target was not ready in time. `checks` are the last results."""

    def __init__(self, message: str, *, hint: str | None, checks: Sequence[Check]) -> None:
        super().__init__(message, hint=hint)
        self.checks = checks


def failed(name: str, error: WfctlError) -> Check:
    known = isinstance(error, (NotAuthenticated, NotPermitted))
    status = error.exit_status if known else Unreachable.exit_status
    return Check(name, Result.FAIL, error.message, error.hint, status=status)


def wait_until_ready(
    look: Callable[[], Sequence[Check]], seconds: float, note: Callable[[str], None]
) -> Sequence[Check]:
    """Repeat the checks until none fails or blocks. Returns the last results. Raises NotReady after `seconds`."""
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
