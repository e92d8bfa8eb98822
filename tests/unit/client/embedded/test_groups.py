"""A batch on the embedded engine: few transactions, a result for each instance, and none before its commit."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from engine_rig import Rig, inconsistencies
from limits import LIMIT_SECONDS

from wfctl.client.embedded.workflows import EmbeddedWorkflows, open_embedded
from wfctl.client.port import Requested
from wfctl.engine import operations, recovery, undriven
from wfctl.engine.engine_thread import Engine
from wfctl.engine.execute.local import LocalExecutor
from wfctl.engine.store import database
from wfctl.engine.transaction import Unit
from wfctl.errors import NotFound, WfctlError, WrongState
from wfctl.model.instance import Filter, StartRequest
from wfctl.model.status import Status
from wfctl.workflow.sdk.tasks import when_any

SIZE = 1000
APP = """
import datetime

import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()


@wfr.workflow(name="Await")
def wait(ctx, name):
    yield ctx.wait_for_external_event(name)


@wfr.workflow(name="Above")
def above(ctx, name):
    yield ctx.call_child_workflow("Await", input=name)


@wfr.workflow(name="Later")
def later(ctx, name):
    yield wf.when_any([ctx.wait_for_external_event(name), ctx.create_timer(datetime.timedelta(hours=1))])
"""


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)

    @rig.workflow
    def Await(ctx, name):
        yield ctx.wait_for_external_event(name)

    @rig.workflow
    def Echo(ctx, value):
        return value

    @rig.workflow
    def Parent(ctx, value):
        return (yield ctx.call_child_workflow("Echo", input=value, instance_id=f"{ctx.instance_id}-child"))

    @rig.workflow
    def Above(ctx, name):
        return (yield ctx.call_child_workflow("Await", input=name))

    @rig.workflow
    def Later(ctx, name):
        yield when_any([ctx.wait_for_external_event(name), ctx.create_timer(timedelta(hours=1))])

    yield rig
    rig.close()


class Traced:
    """Counts the connections that are opened, and what is written through them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened = 0
        self.statements: Counter[str] = Counter()
        real = database.open_store

        def opened(path: Path, **options: Any) -> database.Connection:
            self.opened += 1
            db = real(path, **options)
            db.set_trace_callback(lambda sql: self.statements.update([sql]))
            return db

        monkeypatch.setattr(database, "open_store", opened)

    @property
    def transactions(self) -> int:
        return self.statements["BEGIN IMMEDIATE"]


@pytest.fixture
def traced(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Traced:
    return Traced(monkeypatch)


@pytest.fixture
def command(rig: Rig) -> Iterator[EmbeddedWorkflows]:
    workflows = open_embedded(rig.store, None, None, True, note=lambda line: None)
    yield workflows
    workflows.close()


def started(rig: Rig, name: str, size: int) -> list[str]:
    engine = rig.owner or rig.own()
    ids = [f"{name}-{number}" for number in range(size)]
    calls = [StartRequest(name, one, '"go"') for one in ids]
    for future in [engine.submit(lambda unit, call=call: operations.start(unit, call)) for call in calls]:  # type: ignore[misc]
        future.result()
    rig.settle()
    return ids


def never(error: WfctlError) -> bool:
    return False


def committed(rig: Rig, sql: str) -> int:
    """A number from the store, as another process finds it."""
    db = sqlite3.connect(rig.store)
    try:
        return int(db.execute(sql).fetchone()[0])
    finally:
        db.close()


class TestWhereNobodyDrives:
    def test_a_purge_takes_few_transactions_on_one_connection(
        self, rig: Rig, command: EmbeddedWorkflows, traced: Traced
    ) -> None:
        ids = started(rig, "Echo", SIZE - 1)
        started(rig, "Parent", 1)
        rig.leave()
        traced.statements.clear()
        traced.opened = 0
        named = ["Parent-0", *ids[:500], "nosuch", *ids[500:]]
        results = [*command.for_each(named, command.purge, never)]
        assert traced.transactions <= 10
        assert traced.opened <= 2
        assert results[0] == 2
        assert type(results[501]) is NotFound
        assert results[501].instance_id == "nosuch"
        assert results[1:501] + results[502:] == [1] * (SIZE - 1)
        assert committed(rig, "SELECT count(*) FROM instances") == 0
        assert committed(rig, "SELECT count(*) FROM history") == 0

    @pytest.mark.parametrize(
        ("verb", "status"), [("pause", Status.SUSPENDED), ("terminate", Status.TERMINATED)], ids=["pause", "terminate"]
    )
    def test_what_needs_no_code_is_done(
        self, rig: Rig, command: EmbeddedWorkflows, traced: Traced, verb: str, status: Status
    ) -> None:
        ids = started(rig, "Await", SIZE)
        rig.leave()
        traced.statements.clear()
        results = [*command.for_each(ids, getattr(command, verb), never)]
        assert traced.transactions <= 10
        assert results == [None] * SIZE
        assert committed(rig, f"SELECT count(*) FROM instances WHERE status = {int(status)}") == SIZE

    @pytest.mark.parametrize("verb", ["pause", "terminate", "purge"])
    def test_what_is_acted_on_is_read_with_few_statements(
        self, rig: Rig, command: EmbeddedWorkflows, traced: Traced, verb: str
    ) -> None:
        ids = started(rig, "Echo" if verb == "purge" else "Await", SIZE)
        rig.leave()
        traced.statements.clear()
        assert all(not isinstance(one, WfctlError) for one in command.for_each(ids, getattr(command, verb), never))
        reads = sum(count for sql, count in traced.statements.items() if sql.startswith("SELECT"))
        assert reads <= {"pause": 0, "terminate": 1, "purge": 0}[verb] * SIZE + 100

    def test_a_child_that_went_with_its_parent_is_not_found(self, rig: Rig, command: EmbeddedWorkflows) -> None:
        started(rig, "Parent", 2)
        rig.leave()
        named = ["Parent-0", "Parent-0-child", "Parent-1-child", "Parent-1"]
        results = [*command.for_each(named, command.purge, never)]
        assert [results[0], results[2], results[3]] == [2, 1, 1]
        assert type(results[1]) is NotFound

    def test_what_needs_code_is_requested_with_who_must_act(
        self, rig: Rig, command: EmbeddedWorkflows, traced: Traced
    ) -> None:
        ids = started(rig, "Await", SIZE)
        for one in ids:
            rig.engine.submit(lambda unit, one=one: operations.pause(unit, one, None))  # type: ignore[misc]
            rig.engine.submit(lambda unit, one=one: operations.raise_event(unit, one, "go", None))  # type: ignore[misc]
        rig.settle()
        rig.leave()
        traced.statements.clear()
        results = [*command.for_each(ids, command.resume, never)]
        assert traced.transactions <= 10
        assert [type(one) for one in results] == [Requested] * SIZE
        assert "no process is executing this store" in getattr(results[0], "waits_for", "")

    def test_each_result_is_durable_when_it_comes(self, rig: Rig, command: EmbeddedWorkflows) -> None:
        ids = started(rig, "Echo", 450)
        rig.leave()
        for number, _ in enumerate(command.for_each(ids, command.purge, never)):
            assert committed(rig, f"SELECT count(*) FROM instances WHERE id = '{ids[number]}'") == 0

    def test_one_that_cannot_be_handled_fails_alone(self, rig: Rig, command: EmbeddedWorkflows) -> None:
        ids = started(rig, "Await", 50)
        rig.leave()
        key = rig.key(ids[20])
        db = sqlite3.connect(rig.store)
        db.execute("UPDATE history SET events = 'torn' WHERE key = ?", (key,))
        db.commit()
        db.close()
        results = [*command.for_each(ids, command.terminate, never)]
        assert isinstance(results.pop(20), WfctlError)
        assert results == [None] * 49
        assert committed(rig, f"SELECT count(*) FROM instances WHERE status = {int(Status.TERMINATED)}") == 49

    def test_an_error_stops_the_rest(self, rig: Rig, command: EmbeddedWorkflows) -> None:
        ids = started(rig, "Await", 3)
        rig.leave()
        results = [*command.for_each(ids, command.purge, lambda error: True)]
        assert [type(one) for one in results] == [WrongState]


class TestBesideAnOwner:
    def test_the_owner_follows_a_group_of_requests(
        self, rig: Rig, command: EmbeddedWorkflows, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ids = started(rig, "Await", SIZE)
        echoes = started(rig, "Echo", SIZE)
        traced = Traced(monkeypatch)  # the owner's connection is open already: this counts the command's alone
        results = [*command.for_each(ids, command.terminate, never)]
        assert [
            one for one in results if one is not None and "has not done it yet" not in getattr(one, "waits_for", "")
        ] == []
        assert traced.transactions <= 10
        rig.until(
            lambda: committed(rig, f"SELECT count(*) FROM instances WHERE status = {int(Status.TERMINATED)}") == SIZE
        )
        assert [*command.for_each([*ids, *echoes], command.purge, never)] == [1] * 2 * SIZE
        assert traced.transactions <= 30
        assert traced.opened <= 2
        assert committed(rig, "SELECT count(*) FROM instances") == 0
        rig.settle()
        assert [*map(rig.find, (ids[0], echoes[0]))] == [None, None]

    def test_raising_reads_nothing_of_one_alone(self, rig: Rig, command: EmbeddedWorkflows, traced: Traced) -> None:
        ids = started(rig, "Await", SIZE)
        traced.statements.clear()
        asked = Filter(name="Await", statuses=frozenset({Status.RUNNING}))
        matched: list[str] = []

        def look(group: Sequence[str]) -> None:
            matched.extend(sorted(command.still_match(group, asked)))

        results = command.for_each(ids, lambda one: command.raise_event(one, "other"), never, look)
        assert [*results] == [None] * SIZE
        assert matched == [one for first in range(0, SIZE, 200) for one in sorted(ids[first : first + 200])]
        command.drive(ids)
        alone = [sql for sql in traced.statements if sql.startswith("SELECT") and " = " in sql and "sqlite" not in sql]
        assert sum(traced.statements[sql] for sql in alone) <= 20, alone


class TestInTheOwner:
    def test_the_engine_commits_a_group_at_once(self, rig: Rig, traced: Traced, tmp_path: Path) -> None:
        ids = started(rig, "Await", SIZE)
        rig.leave()
        (tmp_path / "app.py").write_text(APP)
        here = open_embedded(rig.store, "app.py", tmp_path, True, note=lambda line: None)
        try:
            here.drive([])
            traced.statements.clear()
            assert [*here.for_each(ids, here.pause, never)] == [None] * SIZE
            assert [type(one) for one in here.for_each(ids, here.pause, never)] == [type(None)] * SIZE
            assert traced.transactions <= 20
        finally:
            here.abandon()
        assert committed(rig, f"SELECT count(*) FROM instances WHERE status = {int(Status.SUSPENDED)}") == SIZE


class TestWhoMayDrive:
    """A process with an app, which drives what is to be driven, and imports the app for nothing else."""

    @pytest.fixture
    def here(self, rig: Rig, tmp_path: Path) -> Iterator[EmbeddedWorkflows]:
        (tmp_path / "app.py").write_text(
            f"from pathlib import Path\nPath({str(tmp_path)!r}, 'imported').touch()\n{APP}"
        )
        here = open_embedded(rig.store, "app.py", tmp_path, True, note=lambda line: None)
        yield here
        here.abandon()

    def test_to_pause_what_rests_takes_no_app(self, rig: Rig, here: EmbeddedWorkflows, tmp_path: Path) -> None:
        ids = [*started(rig, "Await", 299), *started(rig, "Later", 1)]
        rig.leave()
        assert [*here.for_each(ids, here.pause, never)] == [None] * 300
        assert committed(rig, f"SELECT count(*) FROM instances WHERE status = {int(Status.SUSPENDED)}") == 300
        assert [*here.for_each(ids, here.pause, never)] == [None] * 300
        assert not (tmp_path / "imported").exists()
        assert rig.look(inconsistencies) == []
        assert [*here.for_each(ids, here.resume, never)] == [None] * 300
        assert (tmp_path / "imported").exists()

    @pytest.mark.parametrize("what", ["an event", "a child", "a timer"])
    def test_whoever_has_something_to_do_is_driven(
        self, rig: Rig, here: EmbeddedWorkflows, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ids = started(rig, "Await", 3)
        if what == "a child":
            ids += started(rig, "Above", 1)
        elif what == "a timer":
            ids += started(rig, "Later", 1)
            monkeypatch.setattr(undriven, "SOON", timedelta(hours=2))
        rig.leave()
        if what == "an event":
            rig.beside(lambda unit: operations.raise_event(unit, ids[1], "other", None))
        assert [*here.for_each(ids, here.pause, never)] == [None] * len(ids)
        assert (tmp_path / "imported").exists()
        assert {one: rig.status(one) for one in ids} == dict.fromkeys(ids, Status.SUSPENDED)

    def test_an_app_that_fails_leaves_the_rest_to_the_store(
        self, rig: Rig, here: EmbeddedWorkflows, tmp_path: Path
    ) -> None:
        ids = started(rig, "Await", 3)
        rig.leave()
        (tmp_path / "app.py").write_text("raise RuntimeError('not now')")
        rig.beside(lambda unit: operations.raise_event(unit, ids[1], "other", None))
        assert [*here.for_each(ids, here.pause, never)] == [None] * 3
        assert {one: rig.status(one) for one in ids} == dict.fromkeys(ids, Status.SUSPENDED)


def test_an_owner_reads_the_histories_of_many_with_few_statements(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of those whose turn comes in a later transaction than that in which they were read."""
    ids = started(rig, "Await", 500)
    rig.leave()

    def raise_all(unit: Unit) -> None:
        for name in ("other", "go"):
            for one in ids:
                operations.raise_event(unit, one, name, None)

    rig.beside(raise_all)
    monkeypatch.setattr(recovery, "MOST_TURNS", 40)
    traced = Traced(monkeypatch)
    rig.own()
    rig.until(
        lambda: committed(rig, "SELECT count(*) FROM instances WHERE completed_at IS NOT NULL") == 500, "all ended"
    )
    rig.settle()
    assert not [sql for sql in traced.statements if "FROM history WHERE key = " in sql]


def test_an_owner_that_begins_beside_a_group_waits_for_its_end(rig: Rig, command: EmbeddedWorkflows) -> None:
    """A process that drives nothing holds the lock of the owner only for as long as its transaction takes."""
    ids = started(rig, "Await", 2)
    rig.leave()
    engine = Engine(rig.store, lambda deliver: LocalExecutor(rig.registry, deliver), workflows=("Await",))
    rig.engines.append(engine)
    came: list[bool] = []

    def act(instance_id: str) -> object:
        value = command.terminate(instance_id)
        if instance_id == ids[0]:
            beside.start()
            beside.join(0.3)  # longer than an owner tries for the lock
            assert not came
        return value

    beside = threading.Thread(target=lambda: came.append(engine.start(None)))
    assert [*command.for_each(ids, act, never)] == [None, None]
    beside.join(LIMIT_SECONDS)
    assert came == [True]
