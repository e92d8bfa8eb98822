"""Why instances failed, as the engine records it, and as an older store tells it by its histories."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from engine_rig import Rig

from wfctl.engine import operations
from wfctl.engine.store import causes, database, reads
from wfctl.engine.store.reading import open_reader
from wfctl.model.failure import chain, root
from wfctl.model.instance import Filter
from wfctl.workflow.sdk.retry_policy import RetryPolicy


@pytest.fixture
def rig(tmp_path: Path):
    made = Rig(tmp_path)

    @made.activity
    def charge(ctx, order):
        raise LookupError(f"no card of {order}")

    @made.workflow
    def pay(ctx, order):
        policy = RetryPolicy(first_retry_interval=timedelta(0), max_number_of_attempts=2)
        yield ctx.call_activity("charge", input=order, retry_policy=policy)

    @made.workflow
    def checkout(ctx, order):
        yield ctx.call_child_workflow("pay", input=order)

    yield made
    made.close()


def fail(rig: Rig) -> None:
    rig.own()
    rig.start("checkout", "o1", '"o1"')
    rig.ended("o1")
    rig.leave()


def seen(rig: Rig):
    db = open_reader(rig.store)
    try:
        one = reads.get(db, "o1", payloads=True, driven=True)
        (listed,) = reads.select(db, Filter(id_prefix="o1", limit=1, reverse=True), payloads=False, driven=True)
    finally:
        db.close()
    assert one is not None
    assert (listed.failure, listed.failed_step) == (one.failure, one.failed_step)
    return one


def test_it_is_recorded_with_the_failure(rig: Rig) -> None:
    fail(rig)
    rows = rig.look(lambda db: db.execute("SELECT id, step, error FROM failures JOIN instances USING (key)").fetchall())
    assert sorted(rows) == [(one, "charge", "LookupError: no card of o1") for one in ("o1", "o1:0001")]
    one = seen(rig)
    assert [each.error_type for each in chain(one.failure)] == ["TaskFailedError", "TaskFailedError", "LookupError"]
    step = one.failed_step
    assert (step.name, step.attempt, step.max_attempts, step.instance_id) == ("charge", 2, 2, "o1:0001")


def test_it_goes_with_its_instance(rig: Rig) -> None:
    fail(rig)
    rig.own()
    rig.do(lambda unit: unit.delete([rig.key("o1"), rig.key("o1:0001")]))
    rig.leave()
    assert rig.look(lambda db: db.execute("SELECT count(*) FROM failures").fetchone()) == (0,)


def test_an_older_store_tells_it_by_its_histories(rig: Rig) -> None:
    fail(rig)
    recorded = seen(rig)
    db = sqlite3.connect(rig.store)
    for table in ("failures", "reruns", "logs", "clocks", "real_ends", "early_events", "keys"):
        db.execute(f"DROP TABLE {table}")
    db.execute("CREATE TABLE inputs (key INTEGER PRIMARY KEY, input TEXT NOT NULL)")
    for index in ("event_waits_name", "event_waits_since"):
        db.execute(f"DROP INDEX {index}")
    added = {"owner": ("command", "apps"), "wanted": ("skip",), "event_waits": ("event", "since", "until")}
    for table, columns in added.items():
        for column in columns:
            db.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    db.execute("CREATE INDEX event_waits_name ON event_waits (name)")
    # The failures as they were recorded then: without what they wrap.
    db.execute("UPDATE instances SET failure = json_remove(failure, '$.inner')")
    db.execute(f"PRAGMA user_version={causes.SINCE - 1}")
    db.commit()
    db.close()
    assert seen(rig) == recorded
    rig.own()
    assert rig.look(lambda db: db.execute("PRAGMA user_version").fetchone()) == (database.SCHEMA_VERSION,)
    rig.start("checkout", "o2", '"o2"')
    rig.ended("o2")
    assert seen(rig) == recorded, "older rows stay as they are"
    assert rig.look(lambda db: db.execute("SELECT count(*) FROM failures").fetchone()) == (2,)


def test_the_worker_says_nothing(rig: Rig) -> None:
    """A failure without a text: the cause is as bare as it."""

    @rig.workflow
    def mute(ctx, order):
        raise RuntimeError
        yield

    rig.own()
    rig.start("mute", "o1")
    rig.ended("o1")
    rig.leave()
    one = seen(rig)
    assert (root(one.failure).error_type, one.failed_step) == ("RuntimeError", None)


def test_orphans_and_what_is_stuck(rig: Rig) -> None:
    """A child whose parent is gone; and an event that arrived long ago, which no code was given."""

    @rig.workflow
    def waits(ctx, order):
        yield ctx.wait_for_external_event("go")

    @rig.workflow
    def shop(ctx, order):
        yield ctx.call_child_workflow("waits", input=order)

    def ids(filter: Filter) -> list[str]:
        return rig.look(lambda db: [one.id for one in reads.select(db, filter, payloads=False, driven=False)])

    rig.own()
    rig.start("shop", "s1")
    rig.waits_for("s1:0001", "go")
    assert ids(Filter(orphans=True)) == []
    rig.do(lambda unit: unit.delete([rig.key("s1")]))
    assert ids(Filter(orphans=True)) == ["s1:0001"]
    rig.leave()
    assert ids(Filter(stuck=timedelta(0))) == []
    rig.beside(lambda unit: operations.raise_event(unit, "s1:0001", "go", None))
    assert ids(Filter(stuck=timedelta(0))) == ["s1:0001"]
    assert ids(Filter(stuck=timedelta(hours=1))) == []
