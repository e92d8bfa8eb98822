"""Filtering and sorting of instances, for targets that do neither."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone

from wfctl.model.instance import Filter, Instance, Sort

_LONG_AGO = datetime(1, 1, 1, tzinfo=timezone.utc)


def matches(filter: Filter, instance: Instance) -> bool:
    """Return True if `instance` meets all conditions; `sort`, `limit` and `after` are no conditions.

    An instance does not meet a condition on a time or parent that is not known.
    """
    return (
        may_match(filter, instance.id)
        and (not filter.statuses or instance.status in filter.statuses)
        and (filter.name is None or instance.name == filter.name)
        and _between(instance.created_at, filter.created_after, filter.created_before)
        and _between(instance.completed_at, filter.finished_after, filter.finished_before)
        and (filter.parent_id is None or instance.parent_id == filter.parent_id)
        and (filter.waiting_event is None or waits_for(instance, filter.waiting_event))
    )


def may_match(filter: Filter, instance_id: str) -> bool:
    """Return False if the ID alone rules an instance out."""
    return filter.id_prefix is None or instance_id.startswith(filter.id_prefix)


def waits_for(instance: Instance, event: str) -> bool:
    """Return True if `instance` waits for the event. Names are compared without case, as Dapr's SDKs do."""
    wanted = event.casefold()
    return any(w.kind == "event" and w.name is not None and w.name.casefold() == wanted for w in instance.waiting_for)


def _between(time: datetime | None, after: datetime | None, before: datetime | None) -> bool:
    """Return True if `time` is not earlier than `after` and earlier than `before`."""
    if after is None and before is None:
        return True
    return time is not None and (after is None or time >= after) and (before is None or time < before)


def ordered(filter: Filter, instances: Iterable[Instance]) -> list[Instance]:
    """Sort by `filter.sort`. A time that is not known counts as the oldest."""
    rows = sorted(instances, key=lambda row: row.id)
    if filter.sort is Sort.ID:
        return rows[::-1] if filter.reverse else rows
    if filter.sort is Sort.NAME:
        rows.sort(key=lambda row: row.name or "", reverse=filter.reverse)
        return rows
    rows.sort(key=lambda row: _time(filter.sort, row) or _LONG_AGO, reverse=not filter.reverse)
    return rows


def _time(sort: Sort, row: Instance) -> datetime | None:
    if sort is Sort.FINISHED:
        return row.completed_at
    return row.updated_at if sort is Sort.UPDATED else row.created_at


def after(rows: list[Instance], last: Instance, filter: Filter) -> list[Instance]:
    """Return the sorted `rows` that come after `last`, which need not be one of them."""
    if all(row.id != last.id for row in rows):
        rows = ordered(filter, [*rows, last])
    place = next(index for index, row in enumerate(rows) if row.id == last.id)
    return rows[place + 1 :]
