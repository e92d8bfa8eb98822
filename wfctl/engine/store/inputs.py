"""The input of an instance: it stands in its ExecutionStarted, wherever that is, and nowhere else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from wfctl.engine.store.database import Connection
from wfctl.engine.store.values import ODD, Unreadable

# As `codec` begins it. No payload has this in it: its quotes are escaped.
_STARTED = re.compile(r'\{"type": ?"ExecutionStarted"')
_decode = json.JSONDecoder().raw_decode

# Almost always in the first row; in the inbox until the first turn of the instance, or of its next generation.
_PLACES = (
    "SELECT events FROM history WHERE key = ? ORDER BY seq",
    "SELECT event FROM inbox WHERE key = ? ORDER BY seq",
)


def of(db: Connection, key: int, first: str | None = None) -> str | None:
    """Return the input of an instance. `first`: the first row of its history, if that is at hand. Raises Unreadable."""
    for text in _texts(db, key, first):
        try:
            started = _STARTED.search(text)
            if started is not None:
                return _input(text, started.start())
        except ODD as error:
            raise Unreadable("an event in it cannot be read") from error
    return None


def _texts(db: Connection, key: int, first: str | None) -> Iterator[str]:
    if first is not None:
        yield first
    for sql in _PLACES:
        for (text,) in db.execute(sql, (key,)):
            yield text


def _input(text: str, at: int) -> str | None:
    """Read the one event, not the thousand that may lie in the same row."""
    record, _ = _decode(text, at)
    given = record.get("input")
    return None if given is None else str(given)
