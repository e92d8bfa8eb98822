"""Random programs, taken out of one store and put into another: nothing is lost, nothing runs, all comes to its end."""

from __future__ import annotations

import contextlib
import io
import os
import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from bundles import finished, written
from engine_programs import Storm
from engine_rig import Rig, inconsistencies
from kills import killed_everywhere

from wfctl.bundle import BundleReader, Exported
from wfctl.engine import operations
from wfctl.engine.store import database
from wfctl.engine.store.exporting import export
from wfctl.engine.store.importing import import_bundle
from wfctl.engine.store.reading import NoStore, open_reader
from wfctl.errors import Conflict, InvalidInput, StoreError
from wfctl.model import events as ev
from wfctl.model.choices import Reach
from wfctl.model.instance import Filter, Instance, RerunRequest
from wfctl.model.status import Status
from wfctl.workflow.sdk.tasks import when_all

T0 = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)


def exported(store: Path) -> list[Exported]:
    try:
        db = open_reader(store)
    except NoStore:
        return []
    try:
        found = list(export(db, None, Filter(), Reach.TREE))
    finally:
        db.close()
    # The row of a log line is no matter of the line.
    return [replace(one, logs=tuple(replace(line, row=0) for line in one.logs or ())) for one in found]


def put(store: Path, all_of_them: list[Exported], prefix: str = "") -> int:
    stream = io.BytesIO(written(*all_of_them))
    return import_bundle(store, BundleReader(stream, "b.jsonl"), "b.jsonl", prefix=prefix).paused


@pytest.mark.parametrize("seed", range(int(os.environ.get("WFCTL_STORM", "2"))))
def test_random_programs(seed: int, tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    try:
        storm = Storm(rig, seed)
        storm.rage(50)
        rig.leave()
        before = exported(rig.store)
        desk = tmp_path / "desk.db"
        paused = put(desk, before)
        after = exported(desk)
        assert [one.id for one in after] == [one.id for one in before]
        assert paused == sum(not one.instance.status.terminal for one in before)
        for old, new in zip(before, after, strict=True):
            if old.instance.status.terminal:
                assert new == replace(old, inbox=())
            else:
                assert new.instance.status in (Status.SUSPENDED, Status.PENDING)
                assert {*new.history, *new.inbox} >= set(old.history)  # type: ignore[misc]
                assert (new.instance.created_at, new.instance.input) == (old.instance.created_at, old.instance.input)
                assert new.instance.rerun_as == old.instance.rerun_as
        again = tmp_path / "again.db"
        put(again, after)
        assert exported(again) == after
        assert put(again, after, prefix="desk-") == paused
        rig.store = desk
        storm.own(whole=True)
        rig.settle()
        for old, new in zip(after, exported(desk), strict=True):
            assert new.instance.status in (old.instance.status, Status.SUSPENDED)
        storm.calm()  # resumes what is suspended, and holds all results and histories against the programs
    finally:
        rig.close()


def test_no_activity_runs_before_the_resume(tmp_path: Path) -> None:
    ran: list[str] = []
    rig = Rig(tmp_path)

    @rig.workflow
    def Work(ctx, value):
        tasks = [ctx.call_activity("act", input=name) for name in ("a", "b")]
        results = yield when_all(tasks)
        return results

    @rig.activity
    def act(ctx, value):
        ran.append(value)
        return value

    history = (
        ev.WorkflowStarted(-1, T0),
        ev.ExecutionStarted(-1, T0, "Work", None, "w", "e"),
        ev.TaskScheduled(1, T0, "act", '"a"', "x1"),
        ev.TaskScheduled(2, T0, "act", '"b"', "x2"),
        ev.WorkflowStarted(-1, T0),
        ev.TaskCompleted(-1, T0, 1, '"a"', "x1"),
    )
    put(rig.store, [Exported(Instance("w", "Work", Status.RUNNING, T0), history)])
    try:
        for _ in range(2):
            rig.own()
            rig.settle()
            assert (rig.status("w"), ran) == (Status.SUSPENDED, [])
            rig.leave()
        rig.beside(lambda unit: operations.resume(unit, "w", None))
        rig.own()
        assert rig.ended("w").output == '["a", "b"]'
        assert ran == ["b"]
        assert rig.look(inconsistencies) == []
    finally:
        rig.close()


def test_what_a_sidecar_has_not_begun_is_begun_with_the_resume(tmp_path: Path) -> None:
    put(tmp_path / "s.db", [Exported(Instance("w", "W", Status.PENDING, T0, input="1"), ())])
    (found,) = exported(tmp_path / "s.db")
    assert found.instance.status is Status.SUSPENDED
    assert found.instance.input == "1"
    kinds = [type(event) for event in found.history]
    assert kinds == [ev.WorkflowStarted, ev.ExecutionSuspended, ev.ExecutionStarted]


def test_a_delayed_start_waits_for_its_time_and_for_the_resume(tmp_path: Path) -> None:
    later = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=1)
    start = ev.ExecutionStarted(-1, T0, "W", None, "w", "e", scheduled_start=later)
    asked = ev.ExecutionResumed(-1, T0)
    put(tmp_path / "s.db", [Exported(Instance("w", "W", Status.PENDING, T0), (), (start, asked))])
    (found,) = exported(tmp_path / "s.db")
    assert found.instance.status is Status.PENDING
    assert found.inbox is not None
    assert [type(event) for event in found.inbox] == [ev.ExecutionSuspended, ev.ExecutionStarted]


def test_reruns_that_are_gone_still_have_been(tmp_path: Path) -> None:
    """Their IDs stay in use, in their order."""
    names = [f"a-rerun-{number}" for number in range(1, 6)]
    first = finished("a")
    history = (*first.history[:2], ev.TaskScheduled(1, T0, "act", None, "x"), *first.history[2:])
    bundle = [replace(first, history=history, instance=replace(first.instance, rerun_as=tuple(names)))]
    for number in (2, 4):
        one = finished(f"a-rerun-{number}")
        bundle.append(replace(one, instance=replace(one.instance, rerun_of="a", rerun_as=tuple(names[number:]))))
    put(tmp_path / "store.db", bundle)
    assert [(one.instance.rerun_of, one.instance.rerun_as) for one in exported(tmp_path / "store.db")] == [
        (one.instance.rerun_of, one.instance.rerun_as) for one in bundle
    ]
    rig = Rig(tmp_path)
    rig.own()
    assert rig.do(lambda unit: operations.rerun(unit, RerunRequest("a", 1))) == "a-rerun-6"
    rig.close()


def test_apps_keep_their_instances(tmp_path: Path) -> None:
    """One ID may be in two apps, and a child in another app than its parent."""

    def of_app(one: Exported, app_id: str | None, parent: ev.Parent | None = None) -> Exported:
        started = replace(one.history[1], app_id=app_id, parent=parent)  # type: ignore[call-arg]
        parent_id = None if parent is None else parent.instance_id
        instance = replace(one.instance, app_id=app_id, parent_id=parent_id, started_at=T0, rerun_as=())
        return replace(one, instance=instance, history=(one.history[0], started, *one.history[2:]), inbox=(), logs=())

    parent = ev.Parent(1, "a", "W", "e", "other")
    bundle = [of_app(finished("a"), None), of_app(finished("a"), "other"), of_app(finished("kid"), None, parent)]
    put(tmp_path / "s.db", bundle)
    found = exported(tmp_path / "s.db")
    for old, new in zip(bundle, found, strict=True):
        assert replace(new, instance=replace(new.instance, updated_at=None, completed_at=None)) == old
    db = open_reader(tmp_path / "s.db")
    rows = db.execute("SELECT parent, app FROM instances ORDER BY key").fetchall()
    db.close()
    assert rows == [(None, ""), (None, "other"), (2, "")]
    stream = io.BytesIO(written(bundle[1]))
    import_bundle(tmp_path / "own.db", BundleReader(stream, "b"), "b", as_own=True)
    (own,) = exported(tmp_path / "own.db")
    assert own.app_id is None
    assert own.history[1].app_id is None  # type: ignore[attr-defined]


def test_an_event_that_nobody_knows_is_kept(tmp_path: Path) -> None:
    one = finished("a")
    one = replace(one, history=(*one.history, ev.OtherEvent(7, T0, "Teleported", (("to", "Mars"),))), inbox=(), logs=())
    put(tmp_path / "s.db", [one])
    assert exported(tmp_path / "s.db")[0].history == one.history


def test_all_or_nothing(tmp_path: Path) -> None:
    store = tmp_path / "s.db"
    text = written(finished("a"), finished("b"))
    for size in range(0, len(text), 97):
        with pytest.raises(InvalidInput):
            import_bundle(store, BundleReader(io.BytesIO(text[:size]), "b"), "b")
        assert not store.exists()
    put(store, [finished("b")])
    with pytest.raises(Conflict, match="an ID is in use in this store already: 'b'"):
        put(store, [finished("a"), finished("b"), finished("c")])
    assert [one.id for one in exported(store)] == ["b"]
    put(store, [finished("a"), finished("b")], prefix="x-")
    assert [one.id for one in exported(store)] == ["b", "x-a", "x-b"]


@pytest.mark.parametrize(
    ("one", "says"),
    [
        (replace(finished("a"), history=()), "the instance is COMPLETED, and its history says PENDING"),
        (replace(finished("a"), instance=Instance("a", "W", Status.RUNNING, T0)), "and its history says COMPLETED"),
        (replace(finished("a"), history=finished("a").history[2:]), "has no beginning"),
        (Exported(Instance("a", None, Status.PENDING, T0), ()), "neither a history, nor a name"),
        (replace(finished("a"), instance=replace(finished("a").instance, id="a\nb")), "no ID can have control"),
    ],
)
def test_what_contradicts_itself_is_told_with_its_line(tmp_path: Path, one: Exported, says: str) -> None:
    with pytest.raises(InvalidInput, match=f"b.jsonl, line 3: .*{says}"):
        put(tmp_path / "s.db", [finished("first"), one])


def test_a_child_before_its_parent(tmp_path: Path) -> None:
    child = finished("kid")
    started = replace(child.history[1], parent=ev.Parent(1, "a"))  # type: ignore[call-arg]
    child = replace(child, history=(child.history[0], started, child.history[2]))
    put(tmp_path / "alone.db", [child])
    (alone,) = exported(tmp_path / "alone.db")
    assert alone.instance.parent_id == "a"
    with pytest.raises(InvalidInput, match="line 3: a child of this instance stands before it"):
        put(tmp_path / "s.db", [child, finished("a")])


def test_a_file_that_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_text("mine, and no store at all, for sure" * 40)
    with pytest.raises(StoreError):
        put(tmp_path / "s.db", [finished("a")])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills need fork")
def test_killed_anywhere_there_is_all_of_it_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "s.db"
    found: set[int] = set()
    database.open_store(store).close()
    empty = store.read_bytes()
    with contextlib.closing(sqlite3.connect(store)) as db:
        schema = "\n".join(db.iterdump())
    # The nameless store is made at once: there is nothing to be seen of it.
    monkeypatch.setattr(database, "apply_migrations", lambda db, upto: db.executescript(schema))

    def begin() -> None:
        for file in tmp_path.iterdir():
            file.unlink()
        store.write_bytes(empty)

    def look() -> None:
        found.add(len(exported(store)))
        assert {file.name for file in tmp_path.iterdir()} <= {"s.db", "s.db-wal", "s.db-shm", "s.db.lock"}

    kills = killed_everywhere(begin, lambda: put(store, [finished("a")]), look)
    assert kills > 20
    assert found == {0, 1}
