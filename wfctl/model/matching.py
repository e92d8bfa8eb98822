"""Which instances a `Filter` lets through, and in which order: for targets that cannot filter by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone

from wfctl.model.instance import Filter, Instance, Sort

_LONG_AGO = datetime(1, 1, 1, tzinfo=timezone.utc)


def matches(filter: Filter, instance: Instance) -> bool:
    """Whether all conditions hold. `sort`, `limit` and `after` are none.

    An instance whose time or parent is not known does not match a condition on it.
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
    """What the ID alone decides."""
    return filter.id_prefix is None or instance_id.startswith(filter.id_prefix)


def waits_for(instance: Instance, event: str) -> bool:
    """Whether it is alive and waits for the event. Names are compared as Dapr's SDKs do: without regard to case."""
    wanted = event.casefold()
    return any(w.kind == "event" and w.name is not None and w.name.casefold() == wanted for w in instance.waiting_for)


def _between(time: datetime | None, after: datetime | None, before: datetime | None) -> bool:
    """From `after` (included) to `before` (not included)."""
    if after is None and before is None:
        return True
    return time is not None and (after is None or time >= after) and (before is None or time < before)


def ordered(filter: Filter, instances: Iterable[Instance]) -> list[Instance]:
    """By `filter.sort`: newest first, IDs and names from A to Z; a time that is not known counts as the oldest."""
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
    """Those of `rows` (ordered) that come behind `last`, which need not be one of them."""
    if all(row.id != last.id for row in rows):
        rows = ordered(filter, [*rows, last])
    place = next(index for index, row in enumerate(rows) if row.id == last.id)
    return rows[place + 1 :]
