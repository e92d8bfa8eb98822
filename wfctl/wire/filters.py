"""The conditions of a `Filter` as the query of a URL, for what `wfctl serve` answers besides Dapr's API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from wfctl.model.instance import Filter
from wfctl.model.status import Status
from wfctl.wire import times

_FLAGS = frozenset({"retrying", "orphans"})
# The order is the answer's own, and there are no pages.
_LEFT = frozenset({"sort", "reverse", "after"})
_NAMES = tuple(field.name for field in fields(Filter) if field.name not in _LEFT)
_MOST = 2**31


def write(filter: Filter) -> dict[str, str]:
    """Return the conditions that are given, and the limit."""
    given = {name: getattr(filter, name) for name in _NAMES}
    return {name: _text(value) for name, value in given.items() if value not in (None, False, frozenset())}


def _text(value: Any) -> str:
    if isinstance(value, frozenset):
        return ",".join(status.name for status in sorted(value))
    if isinstance(value, datetime):
        return times.to_text(value)
    if isinstance(value, timedelta):
        return f"{value.total_seconds()}"
    return "true" if value is True else str(value)


def read(query: Mapping[str, str]) -> Filter:
    """Read what `write` writes; other names are passed over. Raises ValueError."""
    try:
        return Filter(**{name: _value(name, query[name]) for name in _NAMES if name in query})
    except (KeyError, OverflowError) as error:
        raise ValueError(f"a condition cannot be read: {error}") from error


def _value(name: str, text: str) -> Any:
    if name == "statuses":
        return frozenset(Status[word] for word in text.split(","))
    if name == "limit":
        limit = int(text)
        if not 0 <= limit < _MOST:
            raise ValueError("the limit is out of range")
        return limit
    if name == "stuck":
        return timedelta(seconds=float(text))
    if name.endswith(("_after", "_before")):
        return times.from_text(text)
    return text == "true" if name in _FLAGS else text
