"""Words for command lines that users copy from messages."""

from __future__ import annotations

from wfctl.render.text import clean


def quoted(word: str) -> str:
    """Return a word as a shell takes it."""
    from shlex import quote

    return quote(clean(word))
