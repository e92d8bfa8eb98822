"""Read the IDs for `-` from stdin: JSON, which any ID survives, or one a line.

    wfctl list --status COMPLETED -o jsonl | wfctl purge -

The first character tells which: `{` and `[` begin JSON, as `-o jsonl` and `-o json` write it. An ID that came as JSON
is taken as it is: an older store, or a sidecar, may have IDs with a newline, and they must be within reach.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from wfctl.cli.parsing.instance_id import check_id
from wfctl.cli.session import Session
from wfctl.errors import InvalidInput
from wfctl.render.text import clean

_SPACE = re.compile(r"\s*")
_HINT = "JSON with an instanceID each, as list -o jsonl writes it, or one ID a line"


def named_ids(session: Session, words: Iterable[str]) -> list[str]:
    """Return the IDs that the arguments of a command name, each once; `-` stands for those on stdin.

    Raises InvalidInput.
    """
    found = (one for word in words for one in (read_ids(session) if word == "-" else [check_id(word)]))
    return list(dict.fromkeys(found))


def read_ids(session: Session) -> list[str]:
    """Read all of stdin. Raises InvalidInput, before anything is done, where one thing there is no ID."""
    if session.stdin.isatty():
        session.console.note("reading IDs from the terminal, one a line; end them with Ctrl-D")
    try:
        return list(_ids(session.stdin))
    except RecursionError:
        raise InvalidInput("stdin is JSON that is nested too deeply", hint=_HINT) from None


def _ids(stdin: Iterable[str]) -> Iterator[str]:
    lines = (line for line in stdin if line.strip())
    for first in lines:
        if first.lstrip()[0] in "{[":
            for value in _values(first, lines):
                yield from _named(value)
        else:
            yield from (check_id(line.strip()) for line in chain([first], lines))


def _values(first: str, lines: Iterator[str]) -> Iterator[Any]:
    """Yield each JSON value; line by line while each line is one, so that a long list is never held as a whole."""
    for line in chain([first], lines):
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            yield from _spread(line + "".join(lines))


def _spread(text: str) -> Iterator[Any]:
    """JSON values that span lines."""
    decoder = json.JSONDecoder()
    text, at = text.strip(), 0
    while at < len(text):
        try:
            value, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            start = clean(text[at : at + 40].split("\n")[0])
            raise InvalidInput(f"stdin is not JSON from {start!r} on: {error.msg}", hint=_HINT) from None
        yield value
        space = _SPACE.match(text, end)
        at = space.end() if space else end


def _named(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        found = one.get("instanceID") if isinstance(one, dict) else None
        if not isinstance(found, str) or not found:
            raise InvalidInput(f"stdin has JSON without an instanceID: {clean(json.dumps(one))[:60]}", hint=_HINT)
        yield found
