"""A file that a command was asked to write."""

from __future__ import annotations

from pathlib import Path

from wfctl.cli.session import Session
from wfctl.errors import InvalidInput
from wfctl.render.text import clean


def write_text(session: Session, file: str, text: str) -> None:
    """Write the text; `-` is stdout. Raises InvalidInput."""
    if file == "-":
        session.console.data(text)
        return
    try:
        Path(file).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise InvalidInput(f"{clean(file)} cannot be written: {error.strerror or error}") from None
    session.console.note(f"wrote {clean(file)}")
