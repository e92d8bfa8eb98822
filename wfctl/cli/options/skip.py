"""Declare the options of commands that skip the time of what they execute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer

from wfctl.cli.options.group import Option, OptionGroup
from wfctl.cli.parsing.duration import parse_duration, parse_moment, parse_start
from wfctl.errors import InvalidInput
from wfctl.model.instance import Skip
from wfctl.render.views.waiting import utc_now

PANEL = "Skipped time"


@dataclass(frozen=True, slots=True)
class StartSkip:
    """`how` is None where time is not skipped; `now` is where the clock begins, None for the real time."""

    how: Skip | None
    now: datetime | None

    @property
    def given(self) -> bool:
        return self.how is not None

    @property
    def begin(self) -> datetime:
        """Return what the clock of the new instance says now."""
        return self.now or utc_now()


def _text(flag: str, metavar: str, help: str) -> Option:
    option = typer.Option(flag, metavar=metavar, help=help, rich_help_panel=PANEL, show_default=False)
    return Annotated[str | None, option], None


def _skip_time(help: str) -> Option:
    option = typer.Option("--skip-time", help=help, rich_help_panel=PANEL, show_default=False)
    return Annotated[bool, option], False


_UNTIL = _text("--until", "TIME|+DURATION", "Skip no further than this: RFC 3339, or +3d from its own now.")
_ON_START = {
    "skip_time": _skip_time("Let its timers and time-outs pass at once (embedded)."),
    "now": _text("--now", "TIME|AGE", "Begin at this time, not now."),
    "until": _UNTIL,
}
_ON_RUN = {"skip_time": _skip_time("Execute what was started so, and let its timers pass at once."), "until": _UNTIL}


def _start_skip(skip_time: bool, now: str | None, until: str | None) -> StartSkip:
    begin = None if now is None else parse_moment(now, "--now", utc_now())
    if now is not None and not skip_time:
        raise InvalidInput("--now is for --skip-time", hint="--skip-time --now TIME; --start-at TIME starts it later")
    how = _run_skip(skip_time, until)
    if how is not None and how.until is not None and how.until <= (begin or utc_now()):
        raise InvalidInput("--until is before its beginning", hint="--until +3d counts from there")
    return StartSkip(how, begin)


def _run_skip(skip_time: bool, until: str | None) -> Skip | None:
    if not skip_time:
        if until is not None:
            raise InvalidInput("--until is for --skip-time", hint="--skip-time --until +3d")
        return None
    if until is None:
        return Skip()
    if until.strip().startswith("+"):
        return Skip(by=parse_duration(until.strip()[1:], "--until"))
    return Skip(until=parse_start(until, utc_now(), "--until"))


StartSkips = Annotated[StartSkip, OptionGroup(_ON_START, _start_skip)]
RunSkips = Annotated[Skip | None, OptionGroup(_ON_RUN, _run_skip)]
