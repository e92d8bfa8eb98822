"""Text that is safe on a terminal: no control characters, no escapes, widths as the terminal counts them."""

from __future__ import annotations

import re
import unicodedata

from wfctl.model.ids import UNSAFE

_UNSAFE_IN_BLOCK = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_C1_IN_JSON = re.compile(r"[\x7f-\x9f]")
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    if char in _NAMED:
        return _NAMED[char]
    return f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{ord(char):04x}"


def clean(text: str) -> str:
    """One line that says everything and does nothing: control characters appear as their escapes."""
    return text if text.isascii() and text.isprintable() else UNSAFE.sub(_escape, text)


def clean_block(text: str) -> str:
    """As `clean`, but newlines and tabs stay."""
    return _UNSAFE_IN_BLOCK.sub(_escape, text)


def safe_json(text: str) -> str:
    """JSON text without the control characters that JSON itself allows in a string (DEL and C1)."""
    return text if text.isascii() and "\x7f" not in text else _C1_IN_JSON.sub(lambda m: f"\\u{ord(m[0]):04x}", text)


def width(text: str) -> int:
    """Terminal cells that cleaned text takes."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def cut(text: str, cells: int) -> str:
    """At most `cells` wide, with `…` for what went."""
    if width(text) <= cells:
        return text
    if cells <= 0:
        return ""
    kept: list[str] = []
    used = 0
    for char in text:
        step = _char_width(char)
        if used + step > cells - 1:
            break
        kept.append(char)
        used += step
    return "".join(kept) + "…"


def pad(text: str, cells: int) -> str:
    return text + " " * (cells - width(text))


def plural(count: int, one: str, many: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"
