"""The error tree: what went wrong, which exit status it has, and what to try.

    WfctlError                     1    unexpected
    +-- InvalidInput               2    wrong usage, bad JSON, bad time, bad ID
    |   +-- AppError               2    the app file is missing, does not import, registers nothing
    +-- NotFound                   3    no such instance
    +-- Conflict                   4    the ID is taken
    +-- WrongState                 4    the instance cannot do that in the status it has
    +-- Unreachable                5    nobody answers at the target
    +-- Unsupported                5    the target lacks the feature
    +-- StoreError                 5    the store file cannot be used
    |   +-- DiskFull               5    there is no room for what was to be written
    |   +-- StoreGone              5    it was deleted or replaced while it was in use
    +-- NotAuthenticated           6    no token, or a wrong one
    +-- NotPermitted               6    the target's policy says no, or a file's permissions do
    +-- NotTrusted                 6    a project's file says what its user has not agreed to, or is somebody else's
    +-- PartFailed                 7    part of a batch failed
    +-- Refused                    8    needs a confirmation that cannot be had, or the answer was no
    +-- TimedOut                 124    the deadline passed
    +-- Interrupted              130    Ctrl-C

Everything below the command line raises these; `wfctl.cli.main` alone turns them into words and a status.
Exit statuses 10, 11 and 12 are outcomes of an instance, not errors: see `wfctl.cli.exit_codes`.
"""

from __future__ import annotations

from typing import ClassVar


class WfctlError(Exception):
    """An error to show to the user as one line, with an optional line on what to try."""

    code: ClassVar[str] = "error"
    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None, instance_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.instance_id = instance_id


class InvalidInput(WfctlError):
    code = "invalid_input"
    exit_status = 2


class AppError(InvalidInput):
    """The app could not be loaded; `detail` holds the user's own error, ready to print."""

    code = "app"

    def __init__(self, message: str, *, hint: str | None = None, detail: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.detail = detail


class NotFound(WfctlError):
    code = "not_found"
    exit_status = 3


class Conflict(WfctlError):
    code = "conflict"
    exit_status = 4


class WrongState(WfctlError):
    code = "wrong_state"
    exit_status = 4


class Unreachable(WfctlError):
    code = "unreachable"
    exit_status = 5


class Unsupported(WfctlError):
    code = "unsupported"
    exit_status = 5


class StoreError(WfctlError):
    code = "store"
    exit_status = 5


class DiskFull(StoreError):
    """What was not acknowledged is not recorded. What was is safe, and goes on when there is room."""


class StoreGone(StoreError):
    """Nothing more may be written, nor tried again: it would be lost."""


class NotAuthenticated(WfctlError):
    code = "not_authenticated"
    exit_status = 6


class NotPermitted(WfctlError):
    code = "not_permitted"
    exit_status = 6


class NotTrusted(WfctlError):
    code = "not_trusted"
    exit_status = 6


class PartFailed(WfctlError):
    code = "part_failed"
    exit_status = 7


class Refused(WfctlError):
    code = "refused"
    exit_status = 8


class TimedOut(WfctlError):
    code = "timed_out"
    exit_status = 124


class Interrupted(WfctlError):
    code = "interrupted"
    exit_status = 130
