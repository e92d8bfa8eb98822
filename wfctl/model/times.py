"""Read RFC 3339 times, from users and from the wire. Times are aware UTC everywhere."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

# An external event awaited without a timeout has a timer that never fires, as Dapr's SDKs since 1.18 make it
# (9999-12-31T23:59:59.999999999Z there; Python's datetime ends at microseconds).
NEVER = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=timezone.utc)
# Go's zero time. An instance that no turn has seen yet has it for its times: read as "not known".
YEAR_ONE = datetime(1, 1, 1, tzinfo=timezone.utc)


def later(time: datetime, by: timedelta) -> datetime:
    """Return the time that is later by so much (less than nothing: earlier); at the ends of the calendar it stops."""
    try:
        return time + by
    except OverflowError:
        return NEVER if by > timedelta(0) else YEAR_ONE


RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def parse_rfc3339(text: str) -> datetime:
    """Return the time, cut to microseconds. A space may stand for the T. Raises ValueError.

    A time that an offset moves out of the calendar is `NEVER` or `YEAR_ONE`; a leap second is the second before it.
    """
    match = RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"not an RFC 3339 time: {text!r}")
    *numbers, second, fraction, zone = match.groups()
    year, month, day, hour, minute = map(int, numbers)
    micros = int((fraction or "0").ljust(6, "0")[:6])
    if int(second) > 60:
        raise ValueError("second must be in 0..60")
    time = datetime(year, month, day, hour, minute, min(int(second), 59), micros, tzinfo=timezone.utc)
    if zone in "Zz":
        return time
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if hours > 23 or minutes > 59:
        raise ValueError("offset must be less than a day")
    sign = 1 if zone[0] == "+" else -1
    try:
        return time - sign * timedelta(hours=hours, minutes=minutes)
    except OverflowError:
        return NEVER if sign < 0 else YEAR_ONE
