"""Check the JSON that users hand over, and pass it on byte for byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from wfctl.errors import InvalidInput
from wfctl.render.text import clean

if TYPE_CHECKING:
    from wfctl.cli.session import Session

STDIN = ("-", "@-")  # the second as curl has it
BEFORE, AFTER = 50, 25  # characters of the excerpt on either side of the error


class BadJson(InvalidInput):
    """Points at the place: `detail` is the line and a caret."""

    code = "invalid_json"

    def __init__(self, message: str, *, detail: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.detail = detail


def read_payload(session: Session, text: str | None, file: str | None, string: str | None, flag: str) -> str | None:
    """Return the payload of `--input`, `--input-file` or `--input-string`; None if none was given."""
    given = [
        name for name, value in ((flag, text), (f"{flag}-file", file), (f"{flag}-string", string)) if value is not None
    ]
    if len(given) > 1:
        raise InvalidInput(f"{' and '.join(given)} exclude each other", hint=f"give only {given[0]}")
    if string is not None:
        _encodable(string, f"{flag}-string")
        return json.dumps(string, ensure_ascii=False)
    if file is not None:
        return checked_json(_read_file(file, f"{flag}-file"), file)
    if text in STDIN:
        return checked_json(_read_stdin(session, flag), "stdin")
    if text is not None and text.startswith("@"):  # with which no JSON begins
        return checked_json(_read_file(text[1:], flag), text[1:])
    return None if text is None else checked_json(text, flag)


def checked_json(text: str, source: str) -> str:
    """`text` itself, if it is one JSON value."""
    _encodable(text, source)
    if text.startswith("\ufeff"):
        raise BadJson(f"{source} begins with a byte order mark, which JSON does not allow")
    if not text.strip():
        raise BadJson(f"{source} is empty", hint="null is the JSON for no value")
    try:
        json.loads(text, parse_constant=_refuse, parse_int=_any_number, parse_float=_any_number)
    except json.JSONDecodeError as error:
        raise BadJson(
            f"{source} is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}",
            detail=excerpt(text, error.lineno, error.colno),
            hint=_advice(text, source),
        ) from None
    except RecursionError:
        raise BadJson(f"{source} is nested too deeply") from None
    except ValueError as error:
        raise BadJson(f"{source} is not valid JSON: {error}", hint='null, or a string such as "NaN"') from None
    return text


def excerpt(text: str, line: int, column: int) -> str:
    """Return the line with the error, cut around it, and a caret below the place."""
    rows = text.split("\n")
    row = rows[line - 1] if line <= len(rows) else ""
    start = max(0, column - 1 - BEFORE)
    shown = row[start : column - 1 + AFTER]
    before = clean(row[start : column - 1])
    lead = "…" if start else ""
    tail = "…" if column - 1 + AFTER < len(row) else ""
    return f"{lead}{clean(shown)}{tail}\n{' ' * (len(lead) + len(before))}^"


def _advice(text: str, source: str) -> str | None:
    if source.startswith("--") and text.strip()[:1] not in ("{", "[", '"') and " " not in source:
        return f"{source}-string if it is meant as text"
    if "'" in text and '"' not in text:
        return "JSON has double quotes: put single quotes around the whole argument"
    return None


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not a JSON value")


def _any_number(text: str) -> int:
    return 0


def _encodable(text: str, source: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{source} is not UTF-8 text") from None


def _read_file(file: str, flag: str) -> str:
    if not file:
        raise InvalidInput(f"{flag} names no file", hint="order.json, say")
    try:
        return _decoded(Path(file).read_bytes(), file)
    except OSError as error:
        raise InvalidInput(f"{flag} {clean(file)} cannot be read: {error.strerror or error}") from None


def _read_stdin(session: Session, flag: str) -> str:
    if session.stdin.isatty():
        session.console.note(f"reading the JSON for {flag} from the terminal; end it with Ctrl-D")
    buffer = getattr(session.stdin, "buffer", None)
    return session.stdin.read() if buffer is None else _decoded(buffer.read(), "stdin")


def _decoded(content: bytes, source: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise InvalidInput(f"{clean(source)} is not UTF-8 text") from None
