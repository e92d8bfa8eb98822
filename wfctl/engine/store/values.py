"""Times, failures and statuses as stored, for whoever reads no history: see `codec` for events."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

from wfctl.model.failure import Failure
from wfctl.model.status import LIVE

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
LIVE_SQL = ", ".join(str(int(status)) for status in sorted(LIVE))  # for `status IN (...)`
_MICROSECOND = timedelta(microseconds=1)
# What Python raises on the way from a text that no wfctl wrote to events.
ODD = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)


class Unreadable(ValueError):
    """The store holds what no wfctl writes. The message says what, without the store's name."""


def to_micros(when: datetime) -> int:
    """Microseconds since 1970-01-01 UTC of an aware datetime."""
    global _latest
    known, micros = _latest
    if known is not when:
        micros = (when - EPOCH) // _MICROSECOND
        _latest = when, micros
    return micros


# What was asked for last: the events of a transaction, and its rows, have the very same time.
_latest = EPOCH, 0


def from_micros(micros: int) -> datetime:
    """Return the time. Raises Unreadable: there is no such time."""
    try:
        return EPOCH + timedelta(0, 0, micros)  # named, it takes a third longer
    except (TypeError, OverflowError, ValueError):
        raise Unreadable("a time in it is none") from None


def maybe_micros(when: datetime | None) -> int | None:
    return None if when is None else to_micros(when)


def maybe_time(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def decode_failure(text: str | None) -> Failure | None:
    """Decode a failure. Raises Unreadable."""
    try:
        return None if text is None else failure_of(json.loads(text))
    except ODD as error:
        raise Unreadable("the failure of an instance in it cannot be read") from error


def failure_of(record: dict[str, Any]) -> Failure:
    inner = record.pop("inner", None)
    return Failure(**record, inner=failure_of(inner) if inner else None)
