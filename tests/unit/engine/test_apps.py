"""Instances belong to an app: an ID is taken within one only, calls go to the app that they name, and wait for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_rig import Rig, inconsistencies

from wfctl.engine import operations
from wfctl.engine.app_client import EngineBackend
from wfctl.engine.store import awaited, database, instances, reads
from wfctl.engine.store.reading import open_reader
from wfctl.errors import Conflict, InvalidInput
from wfctl.model import events as ev
from wfctl.model.instance import Filter, RerunRequest, StartRequest
from wfctl.model.status import Status
from wfctl.workflow.client_backend import bind_backend
from wfctl.workflow.registry import Registry
from wfctl.workflow.sdk.client import DaprWorkflowClient

OWN, PAY = ("",), ("pay",)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)

    @made.workflow
    def Order(ctx, given):
        paid = yield ctx.call_activity("who", app_id="pay")
        child = yield ctx.call_child_workflow("Below", input=given, app_id="pay")
        mine = yield ctx.call_activity("who")
        return [paid, child, mine]

    @made.workflow
    def Wait(ctx, given):
        return (yield ctx.wait_for_external_event("go"))

    @made.activity
    def who(ctx, given):
        return "own"

    pay = made.others["pay"] = Registry("pay")

    def Below(ctx, given):
        found = yield ctx.call_activity("who")
        back = yield ctx.call_activity("who", app_id="wfctl")
        if given == "wait":
            yield ctx.wait_for_external_event("go")
        if given == "fail":
            raise ValueError("no card")
        return [ctx.app_id, found, back]

    pay.add_workflow("Below", Below)
    pay.add_workflow("Wait", lambda ctx, given: (yield ctx.wait_for_external_event("go")))
    pay.add_activity("who", lambda ctx, given: "pay")
    yield made
    made.close()


def test_calls_go_to_the_app_that_they_name(rig: Rig) -> None:
    rig.own()
    rig.start("Order", "o1")
    assert rig.ended("o1").output == '["pay", ["pay", "pay", "own"], "own"]'
    child = rig.row("o1:0002")
    assert (child.app, child.name, child.root) == ("pay", "Below", rig.key("o1"))
    started = next(event for event in rig.history("o1:0002") if isinstance(event, ev.ExecutionStarted))
    assert (started.app_id, started.parent.app_id) == ("pay", None)  # type: ignore[union-attr]
    assert rig.look(inconsistencies) == []


def test_one_id_lives_in_two_apps(rig: Rig) -> None:
    rig.own()
    rig.start("Wait", "a")
    rig.start("Wait", "a", app_id="pay")
    with pytest.raises(Conflict):
        rig.start("Wait", "a", app_id="pay")
    for beside in (False, True):
        with pytest.raises(InvalidInput, match="'a' in each of 2 apps: pay, wfctl") as caught:
            (rig.beside if beside else rig.do)(lambda unit: operations.pause(unit, "a", None))
        assert caught.value.hint == "say which is meant: --app-id pay"
    rig.do(lambda unit: operations.raise_event(unit, "a", "go", "1", PAY))
    rig.until(lambda: rig.find("a", PAY).status is Status.COMPLETED, "the one of pay")  # type: ignore[union-attr]
    assert rig.find("a", OWN).status is Status.RUNNING  # type: ignore[union-attr]
    rig.do(lambda unit: operations.purge(unit, "a", False, True, PAY))
    assert rig.row("a").app == ""
    assert rig.do(lambda unit: unit.find("a", PAY)) is None
    assert rig.do(lambda unit: unit.find("a", ("pay", ""))).app == ""


@pytest.mark.parametrize("beside", [False, True], ids=["the owner", "beside it"])
def test_an_id_must_be_free_where_a_start_says(rig: Rig, beside: bool) -> None:
    """The first of several apps has the store's own instances besides its own."""
    rig.own()
    rig.start("Wait", "a")
    do = rig.beside if beside else rig.do
    with pytest.raises(Conflict):
        do(lambda unit: operations.start(unit, StartRequest("Wait", "a", app_id="pay"), ("pay", "")))
    do(lambda unit: operations.start(unit, StartRequest("Wait", "a", app_id="pay"), PAY))
    assert sorted(rig.look(lambda db: instances.of_every_app(db, "a"))) == ["", "pay"]


def test_each_of_two_with_one_id_waits_by_the_clock_of_its_own_tree(rig: Rig) -> None:
    rig.own()
    rig.start("Wait", "twin", own_clock=True)
    rig.start("Wait", "twin", app_id="pay")
    for apps in (OWN, PAY):
        rig.do(lambda unit, apps=apps: operations.raise_event(unit, "twin", "stop", None, apps))  # type: ignore[misc]
    rig.settle()
    found = rig.look(lambda db: awaited.listed(db, Filter()))
    assert sorted((one.event, one.own_time is not None) for one in found) == [
        ("go", False),
        ("go", True),
        ("stop", False),
        ("stop", True),
    ]


def test_what_is_for_an_app_that_is_not_here_waits_for_it(rig: Rig) -> None:
    rig.own(others={}, apps=[""])
    rig.start("Order", "o1")
    rig.start("Wait", "w1", app_id="pay")
    rig.settle()
    assert (rig.row("o1").status, rig.row("w1").status) == (Status.RUNNING, Status.PENDING)
    for one, kinds in (("o1", ["app", "activity"]), ("w1", ["app"])):
        found = rig.look(lambda db, one=one: reads.get(db, one, payloads=False, driven=True))  # type: ignore[misc]
        assert found is not None
        assert [wait.kind for wait in found.waiting_for] == kinds
        assert found.waiting_for[0].name == "pay"
    assert rig.engine.left_alone() == {rig.key("w1"): "pay/Wait"}
    rig.leave()
    rig.own()
    assert rig.ended("o1").output == '["pay", ["pay", "pay", "own"], "own"]'
    rig.raise_event("w1", "go", "2")
    assert rig.ended("w1").output == "2"
    assert rig.look(inconsistencies) == []


def test_operations_on_a_tree_cross_apps(rig: Rig) -> None:
    rig.own()
    rig.start("Order", "o1", '"wait"')
    rig.waits_for("o1:0002", "go")
    rig.terminate("o1")
    assert rig.ended("o1:0002").status is Status.TERMINATED
    rig.do(lambda unit: operations.rerun(unit, RerunRequest("o1", 2, "o2")))
    rig.waits_for("o2:0002", "go")
    assert rig.row("o2:0002").app == "pay"
    rig.raise_event("o2:0002", "go")
    assert rig.ended("o2").status is Status.COMPLETED
    assert rig.do(lambda unit: operations.purge(unit, "o2", False, True)) == 2
    assert rig.find("o2:0002") is None


def test_the_cause_is_found_in_the_child_of_the_other_app(rig: Rig) -> None:
    """An instance of its own app that has the child's ID is another one."""
    rig.own()
    rig.start("Wait", "o1:0002")
    rig.start("Order", "o1", '"fail"')
    rig.ended("o1")
    one = rig.look(lambda db: reads.get(db, "o1", payloads=False, driven=True))
    assert one is not None
    assert one.failed_step is not None
    assert (one.failed_step.name, one.failed_step.app_id) == ("Below", "pay")


def test_lists_are_of_one_app_or_of_all(rig: Rig) -> None:
    rig.own()
    rig.start("Order", "o1")
    rig.ended("o1")
    for apps, expected in ((None, ["o1", "o1:0002"]), (OWN, ["o1"]), (PAY, ["o1:0002"])):
        rows = rig.look(lambda db, apps=apps: [*reads.select(db, Filter(), payloads=False, driven=True, apps=apps)])  # type: ignore[misc]
        assert sorted(row.id for row in rows) == expected
        counts = rig.look(lambda db, apps=apps: reads.count(db, Filter(), apps))  # type: ignore[misc]
        assert sum(count.count for count in counts) == len(expected)
    below = Filter(parent_id="o1", parent_app="")
    rows = rig.look(lambda db: [*reads.select(db, below, payloads=False, driven=True, apps=OWN)])
    assert [(row.id, row.app_id) for row in rows] == [("o1:0002", "pay")]
    plan = rig.look(lambda db: db.execute("EXPLAIN QUERY PLAN SELECT 1 FROM instances WHERE app <> ''").fetchall())
    assert "instances_app" in plan[0][-1]


def test_a_store_without_apps_migrates(tmp_path: Path) -> None:
    """Its instances are the store's own, its keys stay, and no key comes back."""
    path = tmp_path / "store.db"
    db = database.open_store(path)
    db.close()
    old = sqlite3.connect(path, isolation_level=None)
    old.execute("DROP TABLE instances")
    for name in [name for (name,) in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]:
        if not name.startswith("sqlite_"):
            old.execute(f"DROP TABLE {name}")
    old.execute("PRAGMA user_version=0")
    database.apply_migrations(old, 2)
    insert = "INSERT INTO instances (id, name, status, root, execution_id, created_at) VALUES (?, 'W', 6, 1, 'x', 1)"
    for number in range(3):
        old.execute(insert, (f"i{number}",))
    old.execute("DELETE FROM instances WHERE key = 3")
    old.close()
    reader = open_reader(path)
    assert [row.app for row in map(instances.find, [reader] * 2, ["i0", "i1"]) if row is not None] == ["", ""]
    assert not reads.names_apps(reader)
    reader.close()
    db = database.open_store(path)
    try:
        rows = db.execute("SELECT key, id, app FROM instances ORDER BY key").fetchall()
        assert rows == [(1, "i0", ""), (2, "i1", "")]
        assert instances.next_key(db) == 4
    finally:
        db.close()


def test_the_client_of_an_activity_means_its_own_app(rig: Rig) -> None:
    """And another one where it names that."""
    found: dict[str, object] = {}

    def ask(ctx, given):
        client = DaprWorkflowClient()
        client.schedule_new_workflow("Wait", instance_id="a")
        found["mine"] = client.get_workflow_state("a")
        found["other"] = client.get_workflow_state("a", app_id="wfctl")
        client.raise_workflow_event("a", "go", data=1)
        return 1

    def Ask(ctx, given):
        return (yield ctx.call_activity("ask"))

    rig.others["pay"].add_activity("ask", ask)
    rig.others["pay"].add_workflow("Ask", Ask)
    backend = EngineBackend(rig.own(), rig.store)
    before = bind_backend(backend)
    try:
        rig.start("Ask", "p1", app_id="pay")
        assert rig.ended("p1").output == "1"
        rig.until(lambda: rig.row("a").status is Status.COMPLETED, "its event")
    finally:
        bind_backend(before)
        backend.close()
    assert rig.row("a").app == "pay"
    assert found["mine"] is not None
    assert found["other"] is None
