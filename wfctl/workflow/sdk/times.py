"""Conversion of times: apps see naive UTC, wfctl works with aware UTC."""

from __future__ import annotations

from datetime import datetime, timezone


def aware(time: datetime) -> datetime:
    """Return `time` as aware UTC; a naive time is taken as UTC."""
    return time.replace(tzinfo=timezone.utc) if time.utcoffset() is None else time.astimezone(timezone.utc)


def naive(time: datetime | None) -> datetime:
    """Return `time` as naive UTC; the beginning of 1970 for a time that is not known, as in Dapr's SDK."""
    if time is None:
        return datetime(1970, 1, 1)
    return time.astimezone(timezone.utc).replace(tzinfo=None)
