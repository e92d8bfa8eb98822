"""Times for machines (RFC 3339, UTC) and for people (`2h 14m`)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone


def rfc3339(when: datetime) -> str:
    return when.astimezone(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


def seconds_text(when: datetime) -> str:
    """Format as `rfc3339` does, to the second: for tables."""
    return when.astimezone(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")


def millis_text(when: datetime) -> str:
    """Format as `rfc3339` does, to the millisecond: for histories."""
    return when.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def span(delta: timedelta) -> str:
    """A length of time in its two largest units: `3d 4h`, `2h 14m`, `1m 5s`, `12s`, `1.25s`, `40ms`."""
    seconds = max(delta.total_seconds(), 0.0)
    if seconds < 0.9995:
        return f"{round(seconds * 1000)}ms"
    if seconds < 9.995:
        return f"{seconds:.2f}".rstrip("0").rstrip(".") + "s"
    return _two_units(int(seconds + 0.5))


def age(delta: timedelta) -> str:
    """Format as `span` does, in whole seconds."""
    return _two_units(max(int(delta.total_seconds()), 0))


def short_age(delta: timedelta) -> str:
    """Format an age in its largest unit, for a narrow column: `12m`, `3h`, `45d`."""
    return age(delta).split(" ")[0]


def _two_units(total: int) -> str:
    days, rest = divmod(total, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    if days:
        return f"{days}d {hours}h" if hours and days < 100 else f"{days}d"
    if hours:
        return f"{hours}h {minutes}m" if minutes else f"{hours}h"
    if minutes:
        return f"{minutes}m {seconds}s" if seconds else f"{minutes}m"
    return f"{seconds}s"
