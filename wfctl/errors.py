"""The errors of wfctl, with their exit statuses.

    WfctlError                     1    unexpected
    +-- InvalidInput               2    wrong usage, bad JSON, bad time, bad ID
    |   +-- AppError               2    the app file is missing, does not import, registers nothing
    +-- NotFound                   3    no such instance
    +-- Conflict                   4    the ID is taken
    |   +-- AlreadyRerun           4    the instance was rerun already
    +-- WrongState                 4    the instance cannot do that in the status it has
    +-- Unreachable                5    nothing answers at the target
    |   +-- AppExited              5    the process that the app runs in has ended
    +-- Unsupported                5    the target lacks the feature
    +-- StoreError                 5    the store file cannot be used
    |   +-- DiskFull               5    there is no room left to write
    |   +-- StoreGone              5    the store was deleted or replaced while it was in use
    +-- NotAuthenticated           6    no token, or a wrong one
    +-- NotPermitted               6    the target's policy says no, or a file's permissions do
    +-- NotTrusted                 6    a project's file says what its user has not agreed to, or is somebody else's
    +-- PartFailed                 7    part of a batch failed
    +-- Refused                    8    the question was answered with no, or could not be asked
    +-- TimedOut                 124    the deadline passed
    +-- Interrupted              130    Ctrl-C

Everything below the command line raises these; `wfctl.cli.main` alone prints them and sets the exit status. The exit
statuses 10, 11 and 12 are outcomes of an instance, not errors: see `wfctl.cli.exit_codes`.
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar


class WfctlError(Exception):
    """An error to show to the user.

    `message` is one line, `hint` a second one on what to try, `instance_id` the instance concerned. `code` is the
    error's name in JSON output. `rule` is the rule that was broken, where somebody must tell one from
    another, and `kind` the kind of event that broke it.
    """

    code: ClassVar[str] = "error"
    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None, instance_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.instance_id = instance_id
        self.rule: Enum | None = None
        self.kind: str | None = None


class InvalidInput(WfctlError):
    """The command or the request is wrong: usage, JSON, a time, an ID."""

    code = "invalid_input"
    exit_status = 2


class AppError(InvalidInput):
    """The app cannot be loaded. `detail` is the user's own error, ready to print."""

    code = "app"

    def __init__(self, message: str, *, hint: str | None = None, detail: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.detail = detail


class NotFound(WfctlError):
    """There is no such instance."""

    code = "not_found"
    exit_status = 3


class Conflict(WfctlError):
    """The ID is taken."""

    code = "conflict"
    exit_status = 4


class AlreadyRerun(Conflict):
    """The instance was rerun already, as `rerun_id`."""

    code = "already_rerun"

    def __init__(self, message: str, *, rerun_id: str, hint: str | None = None, instance_id: str | None = None) -> None:
        super().__init__(message, hint=hint, instance_id=instance_id)
        self.rerun_id = rerun_id


class WrongState(WfctlError):
    """The instance cannot do that in its status."""

    code = "wrong_state"
    exit_status = 4


class Unreachable(WfctlError):
    """Nothing answers at the target."""

    code = "unreachable"
    exit_status = 5


class AppExited(Unreachable):
    """The process of an app that runs in another Python has ended, so that nothing of it can run."""


class Unsupported(WfctlError):
    """The target lacks the feature."""

    code = "unsupported"
    exit_status = 5


class StoreError(WfctlError):
    """The store file cannot be used."""

    code = "store"
    exit_status = 5


class DiskFull(StoreError):
    """The disk is full. What was acknowledged is safe, and continues when there is room; nothing else is recorded."""


class StoreGone(StoreError):
    """The store is another file, or gone. Do not write or retry: it would be lost."""


class NotAuthenticated(WfctlError):
    """The token is missing or wrong."""

    code = "not_authenticated"
    exit_status = 6


class NotPermitted(WfctlError):
    """The target's policy refuses the request."""

    code = "not_permitted"
    exit_status = 6


class NotTrusted(WfctlError):
    """A project's file asks for what needs its user's trust, or belongs to somebody else."""

    code = "not_trusted"
    exit_status = 6


class PartFailed(WfctlError):
    """Part of a batch failed."""

    code = "part_failed"
    exit_status = 7


class Refused(WfctlError):
    """The question was answered with no, or could not be asked."""

    code = "refused"
    exit_status = 8


class TimedOut(WfctlError):
    """The deadline passed."""

    code = "timed_out"
    exit_status = 124


class Interrupted(WfctlError):
    """The user pressed Ctrl-C."""

    code = "interrupted"
    exit_status = 130
