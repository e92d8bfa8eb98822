"""The options that hand over JSON: --input and --data, as text, from a file, from stdin, or as a plain string."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from wfctl.cli.options.group import Option, OptionGroup
from wfctl.cli.parsing.json_input import STDIN, read_payload

if TYPE_CHECKING:
    from wfctl.cli.session import Session

PANEL = "Input"


@dataclass(frozen=True, slots=True)
class Payload:
    """Hold what was given for the option `flag` or its companions, unread."""

    flag: str
    text: str | None = None
    file: str | None = None
    string: str | None = None

    def read(self, session: Session) -> str | None:
        """Return the JSON text; None if none was given. Raises InvalidInput."""
        return read_payload(session, self.text, self.file, self.string, self.flag)

    @property
    def given(self) -> bool:
        return (self.text, self.file, self.string) != (None, None, None)

    @property
    def from_stdin(self) -> bool:
        return self.text in STDIN


def _option(flag: str, *more: str, metavar: str, help: str) -> Option:
    option = typer.Option(flag, *more, metavar=metavar, help=help, rich_help_panel=PANEL, show_default=False)
    return Annotated[str | None, option], None


def _group(name: str, letter: str, noun: str) -> OptionGroup:
    flag = f"--{name}"
    options = {
        name: _option(
            flag, letter, metavar="JSON|-|@FILE", help=f"{noun} as JSON, byte for byte; - reads it from stdin."
        ),
        f"{name}_file": _option(f"{flag}-file", metavar="FILE", help="Read that JSON from a file."),
        f"{name}_string": _option(f"{flag}-string", metavar="TEXT", help=f"{noun} is this text, as a JSON string."),
    }
    return OptionGroup(options, lambda **given: Payload(flag, *(given[each] for each in options)))


Input = Annotated[Payload, _group("input", "-i", "The input")]
Data = Annotated[Payload, _group("data", "-d", "The event's data")]
