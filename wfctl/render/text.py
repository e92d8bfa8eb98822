"""Text that is safe on a terminal: no control characters, no escape sequences."""

from __future__ import annotations

import re

from wfctl.model.ids import UNSAFE

_UNSAFE_IN_BLOCK = re.compile(rf"(?![\t\n]){UNSAFE.pattern}")
_C1_IN_JSON = re.compile(r"[\x7f-\x9f]")
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    if char in _NAMED:
        return _NAMED[char]
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def clean(text: str) -> str:
    """One line that says everything and does nothing: control characters appear as their escapes."""
    return text if text.isascii() and text.isprintable() else UNSAFE.sub(_escape, text)


def clean_block(text: str) -> str:
    """Clean a text as `clean` does, but keep newlines and tabs."""
    return _UNSAFE_IN_BLOCK.sub(_escape, text)


def safe_json(text: str) -> str:
    """JSON text without the control characters that JSON itself allows in a string (DEL and C1)."""
    return text if text.isascii() and "\x7f" not in text else _C1_IN_JSON.sub(lambda m: f"\\u{ord(m[0]):04x}", text)


def cells(text: str) -> int:
    """Return the cells of a terminal that cleaned text takes, as Rich counts them."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def shorten(text: str, most: int) -> str:
    """Return at most so many characters, with `…` for what is left out."""
    return text if len(text) <= most else text[: most - 1] + "…"


def plural(count: int, one: str, many: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"
