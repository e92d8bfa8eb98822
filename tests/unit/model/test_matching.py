"""Filters and orders applied on this side."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from wfctl.model.instance import Filter, Instance, Sort, Waiting
from wfctl.model.matching import after, matches, ordered
from wfctl.model.status import Status

T = datetime(2026, 3, 1, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)


def row(name: str, hours: int | None = 0, **fields: object) -> Instance:
    created = None if hours is None else T + hours * HOUR
    return Instance(name, "W", Status.RUNNING, created, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        (Filter(), True),
        (Filter(statuses=frozenset({Status.RUNNING, Status.FAILED})), True),
        (Filter(statuses=frozenset({Status.FAILED})), False),
        (Filter(name="W"), True),
        (Filter(name="w"), False),
        (Filter(id_prefix="i"), True),
        (Filter(id_prefix="x"), False),
        (Filter(created_after=T), True),
        (Filter(created_after=T + HOUR), False),
        (Filter(created_before=T), False),
        (Filter(created_before=T + HOUR), True),
        (Filter(finished_after=T), False),
        (Filter(finished_before=T), False),
        (Filter(parent_id="p"), True),
        (Filter(parent_id="q"), False),
        (Filter(waiting_event="GO"), True),
        (Filter(waiting_event="stop"), False),
        (Filter(name="W", id_prefix="x"), False),
    ],
)
def test_matches(filter: Filter, expected: bool) -> None:
    instance = row("i1", 0, parent_id="p", waiting_for=(Waiting("activity", "go2"), Waiting("event", "Go")))
    assert matches(filter, instance) is expected


def test_what_is_not_known_does_not_match() -> None:
    assert not matches(Filter(created_before=T), row("i", None))
    assert not matches(Filter(name="W"), Instance("i", None, Status.PENDING))


def ids(rows: list[Instance]) -> list[str]:
    return [each.id for each in rows]


def test_orders() -> None:
    rows = [row("b", 2), row("a", 1), row("c", None), row("d", 3, completed_at=T)]
    assert ids(ordered(Filter(), rows)) == ["d", "b", "a", "c"]
    assert ids(ordered(Filter(reverse=True), rows)) == ["c", "a", "b", "d"]
    assert ids(ordered(Filter(sort=Sort.ID), rows)) == ["a", "b", "c", "d"]
    assert ids(ordered(Filter(sort=Sort.ID, reverse=True), rows)) == ["d", "c", "b", "a"]
    assert ids(ordered(Filter(sort=Sort.FINISHED), rows))[0] == "d"
    assert ids(ordered(Filter(sort=Sort.UPDATED), rows)) == ["a", "b", "c", "d"]
    assert ids(ordered(Filter(sort=Sort.NAME), rows)) == ["a", "b", "c", "d"]


def test_what_is_due_comes_first_and_what_is_never_due_last() -> None:
    soon, late = T + timedelta(hours=1), T + timedelta(days=1)
    timer = Waiting("timer", until=late)
    rows = [
        row("done", 4),
        row("late", 1, waiting_for=(timer,)),
        row("soon", 2, waiting_for=(timer, Waiting("event", "e", until=soon))),
        row("event", 5, waiting_for=(Waiting("event", "e"),)),
    ]
    assert ids(ordered(Filter(sort=Sort.DUE), rows)) == ["soon", "late", "event", "done"]
    assert ids(ordered(Filter(sort=Sort.DUE, reverse=True), rows)) == ["late", "soon", "event", "done"]


def test_pages() -> None:
    rows = ordered(Filter(), [row("a", 1), row("b", 2), row("d", 4)])
    assert ids(after(rows, row("b", 2), Filter())) == ["a"]
    assert ids(after(rows, row("c", 3), Filter())) == ["b", "a"], "it need not match itself"
    assert ids(after(rows, row("a", 1), Filter())) == []
