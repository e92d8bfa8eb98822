"""From arguments to an exit status. The only `except` that turns errors into words is here."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from typing import Any

import typer

from wfctl.cli.root import root_command
from wfctl.cli.session import Session
from wfctl.errors import (
    Interrupted,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    PartFailed,
    StoreError,
    StoreGone,
    WfctlError,
)
from wfctl.render.console import let_go, wants_color
from wfctl.render.errors import fault_json, fault_text, traceback_text

PROGRAM = "wfctl"
NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC))
SIGNALLED = (129, 143)  # SIGHUP and SIGTERM, as a shell tells them
COMPLETE = "_WFCTL_COMPLETE"

# The base of all usage errors: Typer carries its own Click since 0.20 or so, and used the real one before.
_BASES = (base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")
ClickException: Any = next(_BASES, typer.BadParameter)


def main(argv: Sequence[str]) -> int:
    """Run one command line on this process's streams; returns the exit status and never raises."""
    if os.environ.get(COMPLETE):
        from wfctl.cli.complete.protocol import main as complete

        complete(argv, os.environ)
    session = Session(sys.stdin, sys.stdout, sys.stderr, os.environ)
    try:
        session.argv = argv
        status = _invoke(list(argv), session)
        session.stdout.flush()
        if status in SIGNALLED:
            _say(Interrupted(session.stopped(), hint=session.going_on()), KeyboardInterrupt(), session, argv)
        return status
    except BrokenPipeError:  # `wfctl list | head`: whoever read has seen enough
        let_go(session.stdout)
        if not session.acting:
            return session.seen_enough()
        return _explain(PartFailed(session.stopped(), hint=session.going_on()), session, argv)
    except BaseException as error:
        return _explain(error, session, argv)


def _invoke(argv: list[str], session: Session) -> int:
    group = root_command()
    try:
        with group.make_context(PROGRAM, argv, obj=session) as ctx:
            status = group.invoke(ctx)
    except (typer.Exit, SystemExit) as error:
        code = error.exit_code if isinstance(error, typer.Exit) else error.code
        return code if isinstance(code, int) else 0 if code is None else 1
    return status if isinstance(status, int) else 0


def _explain(error: BaseException, session: Session, argv: Sequence[str]) -> int:
    """Say what went wrong, in one place and in one way; returns the exit status."""
    try:
        session.stdout.flush()
    except OSError:
        let_go(session.stdout)
    fault = _fault(error, session)
    try:
        _say(fault, error, session, argv)
    except OSError:  # nobody hears it; the status tells
        let_go(session.stderr)
    return fault.exit_status


def _fault(error: BaseException, session: Session) -> WfctlError:
    if isinstance(error, StoreError) and not isinstance(error, StoreGone) and session.recorded:
        from wfctl.cli.waiting.report import none_lost

        return none_lost(error, session.recorded)
    if isinstance(error, NotAuthenticated):
        error.hint = _withheld(session) or error.hint
    if isinstance(error, NotFound):
        error.hint = _where_to_look(session, error.hint)
    if isinstance(error, WfctlError):
        return error
    if isinstance(error, ClickException):
        return _usage(error)
    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        return Interrupted(session.stopped(), hint=session.going_on())
    if isinstance(error, OSError) and error.errno in NO_ROOM and error.filename is None:
        return WfctlError(f"the output cannot be written: {error.strerror}")
    reason = f"{type(error).__name__}: {error}".rstrip(": ")
    hint = None if session.debug else "the same command with --debug (or WFCTL_DEBUG=1) shows the traceback"
    return WfctlError(f"unexpected error: {reason}", hint=hint)


def _where_to_look(session: Session, hint: str | None) -> str | None:
    """Add to a hint where was looked, if the user has not said where."""
    if "target" not in vars(session):
        return hint
    from wfctl.cli.empty import looked_at

    return "; ".join(part for part in (hint, looked_at(session)) if part) or None


def _withheld(session: Session) -> str | None:
    """Return why the user's token was not sent, if there is one and it was not."""
    try:
        return session.settings.withheld
    except WfctlError:
        return None


def _usage(error: Any) -> InvalidInput:
    """A mistake in the arguments, in our words."""
    message = " ".join(str(error.format_message()).split()).rstrip(".")
    option = getattr(error, "option_name", None)
    if option in ("--output", "--out", "-f"):
        return InvalidInput(f"there is no option {option}", hint="-o json (or --format json) for the output format")
    path = error.ctx.command_path if getattr(error, "ctx", None) is not None else PROGRAM
    return InvalidInput(message[:1].lower() + message[1:], hint=f"{path} --help")


def _say(fault: WfctlError, error: BaseException, session: Session, argv: Sequence[str]) -> None:
    stderr = session.stderr
    if type(error).__name__ == "NoArgsIsHelpError":
        stderr.write(str(error).rstrip() + "\n")
        return
    if not isinstance(error, (WfctlError, ClickException, KeyboardInterrupt, typer.Abort)) and session.debug:
        stderr.write(traceback_text(error, color=_colors(session)))
    if _wants_json(session, argv):
        stderr.write(fault_json(fault) + "\n")
    else:
        stderr.write(fault_text(fault, color=_colors(session)) + "\n")
    stderr.flush()


def _colors(session: Session) -> bool:
    return wants_color(session.stderr, session.flags.color or "auto", session.environ)


def _wants_json(session: Session, argv: Sequence[str]) -> bool:
    """Return True if errors are to be JSON. Arguments that were not understood are searched for the format."""
    format = session.flags.format or _format_in(argv)
    if format is None:
        try:
            format = session.file_format()
        except WfctlError:
            return False
    return format is not None and format.lower() in ("json", "jsonl")


def _format_in(argv: Sequence[str]) -> str | None:
    for index, word in enumerate(argv):
        if word == "--":
            return None
        if word in ("-o", "--format"):
            return argv[index + 1] if index + 1 < len(argv) else None
        for prefix in ("--format=", "-o"):
            if word.startswith(prefix) and not word.startswith("--o"):
                return word[len(prefix) :].lstrip("=")
    return None
