"""Times of the SDK: naive UTC towards workflow code, aware UTC inside wfctl."""

from __future__ import annotations

from datetime import datetime, timezone


def aware(time: datetime) -> datetime:
    """Return `time` in UTC; a naive time is UTC already."""
    return time.replace(tzinfo=timezone.utc) if time.utcoffset() is None else time.astimezone(timezone.utc)


def naive(time: datetime | None) -> datetime:
    """UTC without a zone, as the SDK has it; a time that is not known is the beginning of the year 1970."""
    if time is None:
        return datetime(1970, 1, 1)
    return time.astimezone(timezone.utc).replace(tzinfo=None)
