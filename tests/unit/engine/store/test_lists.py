"""Lists, counts and what is deleted, held to a plain model of the rows: any store, any filter, any page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wfctl.engine.retention import MOST, STATUSES, Retention, expired
from wfctl.engine.store import clocks, database, instances, reads
from wfctl.engine.store.clocks import TreeClock
from wfctl.engine.store.database import Connection
from wfctl.engine.store.instances import Row
from wfctl.engine.store.values import EPOCH, from_micros
from wfctl.model.apps import Apps
from wfctl.model.instance import Filter, Sort
from wfctl.model.status import Status

# Few moments, so that many rows have the same; an import or a clock that was set back has any order of them.
moments = st.integers(0, 6)
times = st.none() | moments.map(from_micros)
NAMES = ("Alpha", "Beta", "Alphabet")
APPS = ("", "orders", "stock")


@st.composite
def stores(draw: st.DrawFn) -> list[Row]:
    """Return rows in the order of their keys, of which some are not in use."""
    keys = sorted(draw(st.sets(st.integers(1, 40), max_size=24)))
    return [a_row(key, draw) for key in keys]


def a_row(key: int, draw: st.DrawFn) -> Row:
    status = draw(st.sampled_from(Status))
    row = Row(
        key,
        f"{draw(st.sampled_from('ab'))}{key}",
        draw(st.sampled_from(NAMES)),
        status,
        root=key,
        parent=None,
        parent_id=None,
        parent_task=None,
        parent_execution=None,
        execution_id="x",
        created_at=draw(moments),
        app=draw(st.sampled_from(APPS)),
    )
    if status.terminal:
        row.completed_at = draw(moments)
    else:
        row.wake_at = draw(st.none() | moments)
    return row


filters = st.builds(
    Filter,
    statuses=st.frozensets(st.sampled_from(Status), max_size=3),
    name=st.sampled_from((None, None, "Alpha", "Alpha*", "*", "Nobody")),
    id_prefix=st.sampled_from((None, None, "a", "b1")),
    created_after=times,
    created_before=times,
    finished_after=times,
    finished_before=times,
    updated_after=times,
    sort=st.sampled_from((Sort.CREATED, Sort.FINISHED, Sort.NAME, Sort.ID, Sort.DUE, Sort.ANY, Sort.UPDATED)),
    reverse=st.booleans(),
    orphans=st.just(False),
)
apps_asked: st.SearchStrategy[Apps] = st.none() | st.lists(st.sampled_from(APPS), min_size=1, unique=True).map(tuple)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    db = database.open_store(tmp_path_factory.mktemp("lists") / "store.db")
    yield db
    db.close()


def put(db: Connection, rows: list[Row]) -> None:
    """Have these rows in the store, and no others."""
    for table in ("instances", "clocks", "real_ends"):
        db.execute(f"DELETE FROM {table}")
    instances.insert(db, rows)


def meets(row: Row, filter: Filter, apps: Apps) -> bool:
    def between(at: int | None, after, before) -> bool:
        if after is None and before is None:
            return True
        return (
            at is not None
            and (after is None or from_micros(at) >= after)
            and (before is None or from_micros(at) < before)
        )

    return (
        (apps is None or row.app in apps)
        and (not filter.statuses or row.status in filter.statuses)
        and (
            filter.name is None
            or row.name == filter.name
            or ("*" in filter.name and row.name.startswith(filter.name[:-1]))
        )
        and (filter.id_prefix is None or row.id.startswith(filter.id_prefix))
        and between(row.created_at, filter.created_after, filter.created_before)
        and between(row.completed_at, filter.finished_after, filter.finished_before)
        and between(row.created_at, filter.updated_after, None)  # without a history
    )


def in_order(rows: list[Row], filter: Filter) -> list[Row]:
    if filter.sort is Sort.DUE:
        due = sorted((row for row in rows if row.wake_at is not None), key=lambda row: (row.wake_at, row.key))
        never = sorted((row for row in rows if row.wake_at is None), key=lambda row: -row.key)
        return (due[::-1] if filter.reverse else due) + never
    by: dict[Sort, Callable[[Row], object]] = {
        Sort.NAME: lambda row: row.name,
        Sort.ID: lambda row: row.id,
        Sort.FINISHED: lambda row: -1 if row.completed_at is None else row.completed_at,
    }
    first = by.get(filter.sort, lambda row: row.created_at)
    down = filter.sort not in (Sort.NAME, Sort.ID)
    return sorted(rows, key=lambda row: (first(row), row.key), reverse=down != filter.reverse)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stores(), filters, apps_asked, st.integers(1, 7))
def test_pages_one_after_the_other_are_the_list(db, rows: list[Row], filter: Filter, apps: Apps, size: int) -> None:
    put(db, rows)
    matching = [row for row in rows if meets(row, filter, apps)]
    expected = [row.id for row in in_order(matching, filter)]
    found = [one.id for one in reads.select(db, filter, payloads=False, driven=True, apps=apps)]
    assert found == expected
    paged: list[str] = []
    while True:
        page = replace(filter, limit=size, after=paged[-1] if paged else None)
        ids = [one.id for one in reads.select(db, page, payloads=False, driven=True, apps=apps)]
        paged += ids
        if len(ids) < size:
            break
    assert paged == expected
    assert sorted(reads.keys(db, filter, apps)) == [row.key for row in matching]
    counted = {(one.status, one.name): one.count for one in reads.count(db, filter, apps)}
    assert counted == Counter((row.status, row.name) for row in matching)


kept = st.none() | st.integers(0, 4).map(lambda micros: timedelta(microseconds=micros))


@given(stores(), st.builds(Retention, kept, kept, kept, kept), moments, st.dictionaries(st.integers(1, 40), moments))
def test_what_is_old_enough_is_deleted(
    db, rows: list[Row], retention: Retention, now: int, real_ends: dict[int, int]
) -> None:
    """Those in `real_ends` have a clock of their own, and ended then by the real one."""
    for row in rows:
        row.created_at = min(row.created_at, row.created_at if row.completed_at is None else row.completed_at)
    put(db, rows)
    for row in rows:
        if row.key in real_ends:
            clocks.add(db, TreeClock(row.key, 5, 0))
            if row.status.terminal:
                clocks.put_real_ends(db, [(row.key, real_ends[row.key])])
    expected = []
    for row in rows:
        age = retention.of(row.status)
        ended = real_ends.get(row.key, row.completed_at)
        if (
            row.status in STATUSES
            and age is not None
            and ended is not None
            and from_micros(ended) + age <= from_micros(now)
        ):
            expected.append(row.key)
    assert len(rows) < MOST
    assert sorted(expired(db, retention, EPOCH + timedelta(microseconds=now))) == expected
