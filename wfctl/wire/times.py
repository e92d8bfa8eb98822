"""Times on the wire: RFC 3339 text in JSON, seconds and nanoseconds in protobuf.

Python's datetime ends at microseconds and at the year 9999. What does not fit is cut off towards the past, but the
far future (Dapr's timer that never fires is 9999-12-31T23:59:59.999999999Z) is `NEVER`, in both directions.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from wfctl.model.times import NEVER, parse_rfc3339
from wfctl.model.times import YEAR_ONE as YEAR_ONE

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
NEVER_SECONDS = 253402300799
NEVER_NANOS = 999_999_999
_YEAR_ONE_SECONDS = -62135596800


def to_text(time: datetime) -> str:
    """RFC 3339 in UTC with as many digits as protobuf's JSON uses: 0, 3, 6, or 9 for `NEVER`."""
    if time >= NEVER:
        return "9999-12-31T23:59:59.999999999Z"
    time = time.astimezone(timezone.utc)
    base = time.replace(microsecond=0, tzinfo=None).isoformat()
    if not time.microsecond:
        return f"{base}Z"
    if time.microsecond % 1000:
        return f"{base}.{time.microsecond:06d}Z"
    return f"{base}.{time.microsecond // 1000:03d}Z"


def from_text(text: str) -> datetime:
    """Read a time. Raises ValueError for what is not RFC 3339."""
    if " " in text:
        raise ValueError(f"not an RFC 3339 time: {text!r}")
    return parse_rfc3339(text)


def maybe_text(time: datetime | None) -> str | None:
    return None if time is None else to_text(time)


def maybe_time(value: object) -> datetime | None:
    """Read a time of a JSON document; None for null. Raises ValueError."""
    return None if value is None else from_text(str(value))


def to_seconds(time: datetime) -> tuple[int, int]:
    """Seconds since 1970 and nanoseconds."""
    if time >= NEVER:
        return NEVER_SECONDS, NEVER_NANOS
    delta = time - EPOCH
    return delta.days * 86400 + delta.seconds, delta.microseconds * 1000


def from_seconds(seconds: int, nanos: int) -> datetime:
    if seconds > NEVER_SECONDS or (seconds == NEVER_SECONDS and nanos >= 999_999_000):
        return NEVER
    if seconds <= _YEAR_ONE_SECONDS:
        return YEAR_ONE
    return EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)


def known(time: datetime | None) -> datetime | None:
    """None for Go's zero time."""
    return None if time is None or time <= YEAR_ONE else time
