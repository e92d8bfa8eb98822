"""Parse durations, times and ages."""

from __future__ import annotations

import re
import time as clock_time
from datetime import date, datetime, time, timedelta, timezone

from wfctl.errors import InvalidInput
from wfctl.model.times import RFC3339, parse_rfc3339
from wfctl.render.text import clean

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+", re.IGNORECASE | re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])", re.IGNORECASE)
_CLOCK = r"\d\d:\d\d(?::\d\d(?:\.\d{3}|\.\d{6})?)?"
_LOCAL = re.compile(
    rf"(?:(?P<word>today|yesterday)|(?P<date>\d{{4}}-\d\d-\d\d))(?:[T ](?P<clock>{_CLOCK}))?|(?P<alone>{_CLOCK})",
    re.IGNORECASE | re.ASCII,
)
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
    return None if text is None else clock_time.monotonic() + parse_duration(text, flag).total_seconds()


def parse_start(text: str, now: datetime, flag: str = "--start-at") -> datetime:
    """Parse when to start: a time, or `+5m` from now."""
    word = text.strip()
    if word.startswith("+"):
        if (delay := _duration(word[1:])) is None:
            raise InvalidInput(f"{flag} {clean(text)!r} is not a time", hint=f"{TIME_EXAMPLES}, or +5m from now")
        return _moved(now, delay, text)
    found = _time(word, flag)
    if found is None:
        hint = f"+{word} from now" if _duration(word) is not None else f"{TIME_EXAMPLES}, or +5m from now"
        raise InvalidInput(f"{flag} {clean(text)!r} is not a time", hint=hint)
    return found


def parse_moment(text: str, what: str, now: datetime) -> datetime:
    """Parse a time, or an age: `7d` is seven days ago. Times without a zone are local, and may be short."""
    word = text.strip()
    found = _rfc3339(word, what) or _local(word, what, now)
    if found is not None:
        return found
    age = _duration(word)
    if age is not None:
        return _moved(now, -age, text)
    raise InvalidInput(
        f"{what} {clean(text)!r} is neither a time nor an age",
        hint=f"{TIME_EXAMPLES}; local: 2026-01-31, 08:00 or yesterday; or an age such as 7d, 36h or 90m",
    )


def is_local(text: str) -> bool:
    """Return True for a time that is understood in the time zone of this machine."""
    return _LOCAL.fullmatch(text.strip()) is not None


def _local(text: str, what: str, now: datetime) -> datetime | None:
    """Parse `2026-11-25`, `2026-11-25 08:00`, `yesterday 08:00`, `today`, or `08:00` (when it was that last)."""
    match = _LOCAL.fullmatch(text)
    if match is None:
        return None
    here = now.astimezone()
    day, clock = here.date(), time.min
    try:
        if match["word"] and match["word"].lower() == "yesterday":
            day -= timedelta(days=1)
        elif match["date"]:
            day = date.fromisoformat(match["date"])
        written = match["clock"] or match["alone"]
        if written:
            clock = time.fromisoformat(written if written.count(":") > 1 else f"{written}:00")
        found = datetime.combine(day, clock).astimezone()
        if match["alone"] and found > now:
            found = datetime.combine(day - timedelta(days=1), clock).astimezone()
        return found.astimezone(timezone.utc)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"{what} {clean(text)} is not a time: {error}", hint=TIME_EXAMPLES) from None


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
    return _rfc3339(text, what)


def _rfc3339(text: str, what: str) -> datetime | None:
    if not RFC3339.fullmatch(text):
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
