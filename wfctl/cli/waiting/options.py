"""Declare the options of commands that start an instance or wait for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from wfctl.cli.options.common import WAITING
from wfctl.cli.options.group import Option, OptionGroup
from wfctl.cli.parsing.duration import parse_deadline
from wfctl.errors import InvalidInput
from wfctl.render.text import clean


@dataclass(frozen=True, slots=True)
class WaitOptions:
    """`deadline` is a moment of `time.monotonic()`."""

    wait: bool = True
    deadline: float | None = None
    fail_on_stall: bool = False


def _flag(flag: str, help: str) -> Option:
    return Annotated[bool, typer.Option(flag, help=help, rich_help_panel=WAITING, show_default=False)], False


_TIMEOUT: Option = (
    Annotated[
        str | None,
        typer.Option(
            "--timeout",
            metavar="DURATION",
            help="Give up waiting after this long (exit status 124).",
            rich_help_panel=WAITING,
            show_default=False,
        ),
    ],
    None,
)
_ALWAYS: dict[str, Option] = {
    "timeout": _TIMEOUT,
    "fail_on_stall": _flag("--fail-on-stall", "Also stop waiting when it is SUSPENDED (exit status 12)."),
}
_IF_ASKED = {"wait": _flag("--wait", "Wait until the instance ends; exit by its outcome."), **_ALWAYS}


def _options(timeout: str | None, fail_on_stall: bool, wait: bool = True) -> WaitOptions:
    if fail_on_stall and not wait:
        raise InvalidInput("--fail-on-stall is for --wait", hint="--wait --fail-on-stall")
    if timeout is not None and not wait:
        raise InvalidInput("--timeout is for --wait", hint=f"--wait --timeout {clean(timeout)}")
    return WaitOptions(wait, parse_deadline(timeout), fail_on_stall)


MayWait = Annotated[WaitOptions, OptionGroup(_IF_ASKED, _options)]
Waits = Annotated[WaitOptions, OptionGroup(_ALWAYS, _options)]
