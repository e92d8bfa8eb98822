"""Filtering and sorting of instances, for targets that do neither."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from wfctl.model.failure import cause_text
from wfctl.model.instance import Filter, Instance, Sort
from wfctl.model.status import Status

_LONG_AGO = datetime(1, 1, 1, tzinfo=timezone.utc)
STEPS = frozenset({"activity", "child", "event", "timer"})
STUCK = frozenset({Status.RUNNING, Status.PENDING, Status.STALLED})  # a suspended one waits for whoever paused it


def matches(filter: Filter, instance: Instance, now: datetime | None = None) -> bool:
    """Return True if `instance` meets all conditions; `sort`, `limit` and `after` are no conditions.

    An instance does not meet a condition on a time or parent that is not known. Of `orphans`, only what can be told of
    an instance by itself is looked at.
    """
    return (
        may_match(filter, instance.id)
        and (not filter.statuses or instance.status in filter.statuses)
        and may_be(filter, instance.status)
        and (filter.name is None or name_matches(filter.name, instance.name))
        and _between(instance.created_at, filter.created_after, filter.created_before)
        and _between(instance.updated_at, filter.updated_after, filter.updated_before)
        and _between(instance.completed_at, filter.finished_after, filter.finished_before)
        and (filter.parent_id is None or instance.parent_id == filter.parent_id)
        and (filter.waiting_event is None or waits_for(instance, filter.waiting_event))
        and (filter.error is None or error_matches(instance, filter.error))
        and (filter.custom_status is None or status_matches(filter.custom_status, instance.custom_status))
        and (filter.step is None or is_at(instance, filter.step))
        and (filter.stuck is None or is_stuck(instance, filter.stuck, now or datetime.now(timezone.utc)))
        and (not filter.retrying or is_retrying(instance))
        and (not filter.orphans or instance.parent_id is not None)
    )


def may_be(filter: Filter, status: Status) -> bool:
    """Return False if the status alone rules an instance out."""
    if filter.waiting_event is not None or filter.retrying or filter.orphans:
        return not status.terminal
    if filter.stuck is not None:
        return status in STUCK
    if filter.error is not None:
        return status is Status.FAILED
    return filter.step is None or status is Status.FAILED or not status.terminal


def is_glob(text: str) -> bool:
    return "*" in text


def name_matches(wanted: str, name: str | None) -> bool:
    """Return True for the very name, or with a `*` in `wanted` for a name that fits."""
    return name is not None and (_glob(wanted, False)(name) if is_glob(wanted) else name == wanted)


def text_matches(wanted: str, text: str) -> bool:
    """Return True if `wanted` is part of the text, in any case; with a `*` in it, if the whole text fits.

    `*` stands for any text, and beside one `?` for any character; after a `=` stands the whole text itself. There is no
    other syntax: errors are full of it.
    """
    if wanted.startswith("="):
        return wanted[1:].casefold() == text.casefold()
    if is_glob(wanted):
        return _glob(wanted, True)(text)
    return wanted.casefold() in text.casefold()


def status_matches(wanted: str, custom_status: str | None) -> bool:
    """Match as `text_matches`, a custom status as stored: a JSON string by the text in it, all else as it stands."""
    if custom_status is None:
        return False
    text = custom_status
    if text.startswith('"'):
        with suppress(ValueError):
            text = json.loads(text)
    return text_matches(wanted, text)


@lru_cache(maxsize=16)
def _glob(pattern: str, any_case: bool) -> Callable[[str], bool]:
    """Compile a glob. It takes the text piece by piece, so that no pattern makes it slow."""
    flags = re.DOTALL | (re.IGNORECASE if any_case else 0)
    pieces = [re.compile(re.escape(piece).replace(r"\?", "."), flags) for piece in pattern.split("*")]
    first, *middle = pieces[:-1]
    last, length = pieces[-1], len(pattern.rsplit("*", 1)[1])

    def fits(text: str) -> bool:
        found = first.match(text)
        for piece in middle:
            found = found and piece.search(text, found.end())
        if found is None:
            return False
        start = len(text) - length
        return start >= found.end() and last.fullmatch(text, start) is not None

    return fits


def error_matches(instance: Instance, wanted: str) -> bool:
    """Match as `text_matches`, the cause of a failed instance."""
    return instance.failure is not None and text_matches(wanted, cause_text(instance.failure))


def is_at(instance: Instance, step: str) -> bool:
    """Return True if the instance failed at the step with this name (or glob), or waits for it now."""
    if instance.status is Status.FAILED:
        return instance.failed_step is not None and name_matches(step, instance.failed_step.name)
    return any(name_matches(step, waiting.name) for waiting in instance.waiting_for if waiting.kind in STEPS)


def is_stuck(instance: Instance, age: timedelta, now: datetime) -> bool:
    """Return True if nothing has happened to the instance for so long, and nothing is to come by itself.

    It is not stuck if it waits for an external event, for a resume, for a timer, a retry or a start whose time has not
    come or has come less than `age` ago, or for a child that lives (if that is stuck, the child is).
    """
    since = now - age
    if instance.status not in STUCK or instance.updated_at is None or instance.updated_at > since:
        return False
    for waiting in instance.waiting_for:
        if waiting.kind in ("event", "resume") or (waiting.until is not None and waiting.until > since):
            return False
        if waiting.kind == "child" and waiting.status is not None and not waiting.status.terminal:
            return False
    return True


def is_retrying(instance: Instance) -> bool:
    """Return True if an activity or a child of the instance failed, and is tried again."""
    return any(w.kind in ("activity", "child") and (w.attempt or 1) > 1 for w in instance.waiting_for)


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
    if filter.sort is Sort.DUE:
        rows.sort(key=lambda row: row.created_at or _LONG_AGO, reverse=True)
        rows.sort(key=lambda row: row.due or _LONG_AGO, reverse=filter.reverse)
        rows.sort(key=lambda row: row.due is None)
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
