"""Colours and weights, each by what it says: few, calm, and always beside the word they stand for.

Nothing here loads Rich until something is painted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.style import Style
    from rich.theme import Theme

    from wfctl.model.status import Status, StepStatus

BOLD = "bold"
DIM = "dim"
RED = "red"

ERROR = "wfctl.error"
HINT = "wfctl.hint"
TITLE = "wfctl.title"
LABEL = "wfctl.label"
NAME = "wfctl.name"
QUIET = "wfctl.quiet"
WAITS = "wfctl.waits"

# The sixteen colours that a terminal's own palette defines, so that light and dark terminals both show them well.
STYLES = {
    ERROR: "bold red",
    HINT: "dim",
    TITLE: "dim",
    LABEL: "dim",
    NAME: "bold",
    QUIET: "dim",
    WAITS: "yellow",
    "status.running": "cyan",
    "status.pending": "dim",
    "status.completed": "green",
    "status.failed": "red",
    "status.terminated": "magenta",
    "status.canceled": "magenta",
    "status.suspended": "yellow",
    "status.stalled": "bold red",
    "status.continued_as_new": "none",
    "status.unknown": "none",
    "check.ok": "green",
    "check.warning": "yellow",
    "check.failure": "bold red",
    "step.running": "cyan",
    "step.waiting": "cyan",
    "step.retrying": "yellow",
    "step.completed": "green",
    "step.received": "green",
    "step.failed": "red",
    "step.timed_out": "yellow",
    "step.abandoned": "dim",
    "line.activity": "cyan",
    "line.child": "blue",
    "line.wait": "dim",
    "line.failed": "red",
    "line.open": "yellow",
    "json.key": "cyan",
    "json.str": "green",
    "json.number": "none",
    "json.bool_true": "yellow",
    "json.bool_false": "yellow",
    "json.null": "dim",
    "json.brace": "dim",
    "trace.path": "cyan",
    "trace.line": "yellow",
    "trace.function": "bold",
    "trace.error": "bold red",
    "bar.back": "bright_black",
    "bar.complete": "cyan",
    "bar.finished": "green",
    "bar.pulse": "cyan",
    "progress.spinner": "cyan",
}

Paint = Callable[[str, str], str]


def status_style(status: Status) -> str:
    return f"status.{status.name.lower()}"


def step_style(status: StepStatus) -> str:
    return f"step.{status.name.lower()}"


def plain(text: str, style: str) -> str:
    """Leave the text as it is: what `paint` is where there are no colours."""
    return text


def paint(text: str, style: str) -> str:
    """Return the text with the escape sequences of a style, by its name here or in Rich's own words."""
    if not style or not text:
        return text
    from rich.color import ColorSystem

    return style_of(style).render(text, color_system=ColorSystem.STANDARD)


@cache
def style_of(name: str) -> Style:
    from rich.style import Style

    return Style.parse(STYLES.get(name, name))


@cache
def rich_theme() -> Theme:
    from rich.theme import Theme

    return Theme(STYLES)
