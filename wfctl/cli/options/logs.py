"""What an app logs while a command runs it: from which level on that is shown, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wfctl.cli.options.choices import SHOWN_LEVEL
from wfctl.errors import InvalidInput
from wfctl.model.logs import LEVELS

if TYPE_CHECKING:
    from wfctl.engine.execute.port import Logged
    from wfctl.render.console import Console

OFF = 1000  # above every level

LogLevel = Annotated[
    str | None,
    typer.Option(
        "--log-level",
        metavar=SHOWN_LEVEL.metavar,
        help="Show what the app logs from this level on: debug, info (the default), warning, error, or off.",
        show_default=False,
    ),
]


def shown_from(text: str | None, origin: str = "--log-level") -> int:
    """Return the level from which on lines are shown. Raises InvalidInput."""
    word = "info" if text is None else SHOWN_LEVEL.parse(text, origin)
    return OFF if word == "off" else LEVELS[word]


def show(console: Console, logged: Logged) -> None:
    """Write a line to stderr, from the thread that logged it."""
    from wfctl.render.views.logs import live_parts

    console.note(*live_parts(logged.instance_id, logged.line))


def parse_level(text: str | None) -> int:
    """Return the level named by `--level` of `logs`; 0 for all. Raises InvalidInput."""
    if text is None:
        return 0
    word = text.strip().lower()
    if word not in LEVELS:
        raise InvalidInput(f"--level {text!r} is not a level", hint=f"--level {', '.join(LEVELS)}")
    return LEVELS[word]
