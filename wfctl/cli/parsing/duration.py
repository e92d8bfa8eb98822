"""Parse durations, times and ages."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta

from wfctl.errors import InvalidInput
from wfctl.model.times import RFC3339, parse_rfc3339
from wfctl.render.text import clean

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+", re.IGNORECASE | re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])", re.IGNORECASE)
DURATION_EXAMPLES = "a duration such as 250ms, 90s, 5m, 1h30m or 7d"
TIME_EXAMPLES = "an RFC 3339 time such as 2026-01-31T09:00:00Z"


def parse_duration(text: str, what: str) -> timedelta:
    """`90s`, `1h30m`, `7d`. A number without a unit is refused: seconds or milliseconds, who knows."""
    found = _duration(text.strip())
    if found is not None:
        return found
    if re.fullmatch(r"\d+(\.\d+)?", text.strip(), re.ASCII):
        raise InvalidInput(f"{what} {clean(text)} has no unit", hint=f"{text.strip()}s for seconds, or {text.strip()}m")
    raise InvalidInput(f"{what} {clean(text)!r} is not a duration", hint=DURATION_EXAMPLES)


def parse_deadline(text: str | None, flag: str = "--timeout") -> float | None:
    """Return the moment of `time.monotonic()` at which this duration, counted from now, is over."""
    return None if text is None else time.monotonic() + parse_duration(text, flag).total_seconds()


def parse_start(text: str, now: datetime) -> datetime:
    """When to start: a time, or `+5m` from now."""
    word = text.strip()
    if word.startswith("+"):
        if (delay := _duration(word[1:])) is None:
            raise InvalidInput(f"--start-at {clean(text)!r} is not a time", hint=f"{TIME_EXAMPLES}, or +5m from now")
        return _moved(now, delay, text)
    found = _time(word, "--start-at")
    if found is None:
        hint = f"+{word} from now" if _duration(word) is not None else f"{TIME_EXAMPLES}, or +5m from now"
        raise InvalidInput(f"--start-at {clean(text)!r} is not a time", hint=hint)
    return found


def parse_moment(text: str, what: str, now: datetime) -> datetime:
    """A time, or an age: `7d` is seven days ago."""
    word = text.strip()
    found = _time(word, what)
    if found is not None:
        return found
    age = _duration(word)
    if age is not None:
        return _moved(now, -age, text)
    raise InvalidInput(
        f"{what} {clean(text)!r} is neither a time nor an age",
        hint=f"{TIME_EXAMPLES}, or an age such as 7d, 36h or 90m",
    )


def _duration(text: str) -> timedelta | None:
    if not _DURATION.fullmatch(text):
        return None
    try:
        return timedelta(seconds=sum(float(number) * _UNITS[unit.lower()] for number, unit in _PART.findall(text)))
    except OverflowError:
        return None


def _time(text: str, what: str) -> datetime | None:
    if not RFC3339.fullmatch(text):
        if re.fullmatch(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?", text, re.ASCII):
            raise InvalidInput(
                f"{what} {clean(text)} has no time zone", hint=f"{TIME_EXAMPLES}, or with an offset: ...T09:00:00+02:00"
            )
        return None
    try:
        return parse_rfc3339(text)
    except ValueError as error:
        raise InvalidInput(f"{what} {clean(text)} is not a time: {error}", hint=TIME_EXAMPLES) from None


def _moved(now: datetime, delta: timedelta, text: str) -> datetime:
    try:
        return now + delta
    except OverflowError:
        raise InvalidInput(f"{clean(text)!r} is beyond the calendar", hint=TIME_EXAMPLES) from None
