"""What the store keeps once, or leaves to be found: keys, counts, lists of all statuses, rows of a history."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from engine_rig import Rig

from wfctl.engine import operations
from wfctl.engine.store import database, history_inbox, inputs, instances, reads, summaries
from wfctl.engine.store.database import Connection
from wfctl.engine.store.instances import Row
from wfctl.model.events import TaskCompleted
from wfctl.model.instance import Filter
from wfctl.model.status import Status


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.close()


def test_a_key_is_never_used_twice(rig: Rig) -> None:
    @rig.workflow
    def Echo(ctx, value):
        return value

    rig.own()
    rig.start("Echo", "a")
    rig.start("Echo", "b")
    rig.ended("a")
    rig.ended("b")
    last = rig.key("b")
    for instance_id in ("b", "a"):
        rig.do(partial(operations.purge, instance_id=instance_id, force=False, recursive=True))
    rig.start("Echo", "c")
    assert rig.key("c") == last + 1
    rig.ended("c")
    rig.beside(lambda unit: operations.purge(unit, "c", False, True))
    rig.start_beside("Echo", "d")
    assert rig.key("d") == last + 2


def test_rows_from_one_on_say_what_the_whole_history_says(rig: Rig) -> None:
    @rig.workflow
    def Steps(ctx, value):
        first = ctx.call_activity("step", input=1)
        for number in range(3):
            yield ctx.call_activity("step", input=number)
        return (yield first)

    @rig.activity
    def step(ctx, value):
        return value

    rig.own()
    rig.start("Steps", "s", '"given"')
    rig.ended("s")
    key = rig.key("s")
    whole = rig.look(lambda db: history_inbox.read_rows(db, key))
    assert len(whole) > 2
    results = [event for _, events in whole for event in events if isinstance(event, TaskCompleted)]
    assert len({event.task_execution_id for event in results} - {""}) == 4
    for seq in range(len(whole) + 1):
        assert rig.look(partial(summaries.history_after, key=key, seq=seq)).decode() == whole[seq:]
    (row,) = rig.look(lambda db: db.execute("SELECT events FROM history WHERE seq = 1").fetchone())
    assert "s" not in row.split('"'), "a history says nothing twice"
    assert '"at"' not in row


def test_the_input_of_a_start_that_waits_and_of_the_next_generation(rig: Rig) -> None:
    @rig.workflow
    def Generations(ctx, left):
        if left:
            ctx.continue_as_new(left - 1)
            return None
        return (yield ctx.wait_for_external_event("go"))

    rig.start_beside("Generations", "g", "2")
    assert rig.look(lambda db: inputs.of(db, rig.key("g"))) == "2"
    rig.own()
    rig.waits_for("g", "go")
    assert rig.look(lambda db: inputs.of(db, rig.key("g"))) == "0"


@pytest.fixture
def mixed(tmp_path: Path) -> Iterator[tuple[Connection, list[Row]]]:
    """Instances of all statuses, many of which were created at the same time."""
    dice = random.Random(7)
    rows = []
    for key in range(1, 400):
        status, name = dice.choice(list(Status)), f"W{dice.randrange(3)}"
        row = Row(key, f"i{key}", name, status, key, None, None, None, None, "x", 1000 + dice.randrange(40))
        row.completed_at = row.created_at + dice.randrange(9) if status.terminal else None
        rows.append(row)
    db = database.open_store(tmp_path / "store.db")
    instances.insert(db, rows)
    yield db, rows
    db.close()


@pytest.mark.parametrize("statuses", [frozenset[Status](), frozenset({Status.COMPLETED, Status.RUNNING})])
@pytest.mark.parametrize("reverse", [False, True])
def test_a_list_of_several_statuses_is_in_one_order(
    mixed: tuple[Connection, list[Row]], statuses: frozenset[Status], reverse: bool
) -> None:
    db, rows = mixed
    asked = [row for row in rows if not statuses or row.status in statuses]
    expected = [row.id for row in sorted(asked, key=lambda row: (row.created_at, row.key), reverse=not reverse)]
    found: list[str] = []
    while True:
        after = found[-1] if found else None
        filter = Filter(statuses=statuses, reverse=reverse, limit=50, after=after)
        page = [one.id for one in reads.select(db, filter, payloads=False, driven=True)]
        if not page:
            break
        found += page
    assert found == expected


@pytest.mark.parametrize("statuses", [frozenset[Status](), frozenset({Status.COMPLETED}), frozenset({Status.FAILED})])
def test_counts_are_those_of_the_rows(mixed: tuple[Connection, list[Row]], statuses: frozenset[Status]) -> None:
    db, rows = mixed
    expected = Counter((row.status, row.name) for row in rows if not statuses or row.status in statuses)
    counts = reads.count(db, Filter(statuses=statuses))
    assert [(one.status, one.name, one.count) for one in counts] == [
        (*each, expected[each]) for each in sorted(expected)
    ]


def test_a_list_is_read_as_far_as_its_page_goes(mixed: tuple[Connection, list[Row]]) -> None:
    db, _ = mixed
    asked: list[str] = []
    db.set_trace_callback(asked.append)
    list(reads.select(db, Filter(limit=5), payloads=False, driven=True))
    db.set_trace_callback(None)
    merged = next(sql for sql in asked if "UNION ALL" in sql)
    plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {merged}")]
    assert not any(step.startswith("SCAN") or step == "USE TEMP B-TREE FOR ORDER BY" for step in plan), plan
    assert sum("INDEX instances_status (status=?)" in step for step in plan) == len(Status)
