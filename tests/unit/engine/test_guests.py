"""Transactions on the thread of whoever waits for them (`Engine.do`): what that may not change, and when it waits."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

import pytest
from engine_rig import Rig, inconsistencies
from limits import LIMIT_SECONDS, until

from wfctl.engine import operations
from wfctl.engine.engine_thread import Engine
from wfctl.engine.store.values import from_micros
from wfctl.errors import Conflict, StoreError, WfctlError
from wfctl.model.instance import StartRequest
from wfctl.model.status import Status

T = TypeVar("T")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.close()


def ready(rig: Rig) -> Engine:
    """Own the store, and wait until the engine takes messages and has none."""
    engine = rig.own()
    engine.settled(None)
    until(lambda: not engine._in_hand and engine._queue.empty())
    return engine


def elsewhere(call: Callable[[], T]) -> tuple[T, int]:
    """Call it on another thread than the main one. Returns what it returns, and the thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: (call(), threading.get_ident())).result(LIMIT_SECONDS)


def start(engine: Engine, name: str, instance_id: str) -> str:
    return engine.do(lambda unit: operations.start(unit, StartRequest(name, instance_id)))


def test_it_runs_on_the_thread_that_waits_and_is_committed_then(rig: Rig) -> None:
    ran: list[int] = []

    @rig.workflow
    def Waits(ctx, _):
        ran.append(threading.get_ident())
        yield ctx.wait_for_external_event("go")

    engine = ready(rig)
    instance_id, thread = elsewhere(lambda: start(engine, "Waits", "w1"))
    assert instance_id == "w1"
    assert rig.status("w1") is Status.RUNNING, "what another connection sees"
    assert ran == [thread]
    elsewhere(lambda: engine.do(lambda unit: operations.raise_event(unit, "w1", "go", None)))
    assert rig.status("w1") is Status.COMPLETED


def test_the_activities_that_follow_run_on_threads_of_their_own(rig: Rig) -> None:
    ran: list[int] = []

    @rig.activity
    def step(ctx, _):
        ran.append(threading.get_ident())

    @rig.workflow
    def Calls(ctx, _):
        yield ctx.call_activity("step")

    engine = ready(rig)

    def wait() -> None:
        start(engine, "Calls", "c1")
        rig.ended("c1")

    _, thread = elsewhere(wait)
    assert ran
    assert thread not in ran


def test_an_activity_may_wait_for_what_follows_from_what_it_asks_for(rig: Rig) -> None:
    ran: list[int] = []

    @rig.activity
    def step(ctx, _):
        return "stepped"

    @rig.workflow
    def Inner(ctx, _):
        ran.append(threading.get_ident())
        return (yield ctx.call_activity("step"))

    @rig.activity
    def asks(ctx, _):
        until(lambda: engine._is_idle() and not engine._at_work.locked())
        start(engine, "Inner", "i1")
        return [ran[0] == threading.get_ident(), rig.ended("i1").status.name]

    @rig.workflow
    def Outer(ctx, _):
        return (yield ctx.call_activity("asks"))

    engine = ready(rig)
    rig.start("Outer", "o1")
    assert rig.ended("o1").output == '[true, "COMPLETED"]'


def test_it_raises_what_the_operation_raises(rig: Rig) -> None:
    @rig.workflow
    def Waits(ctx, _):
        yield ctx.wait_for_external_event("go")

    engine = ready(rig)
    elsewhere(lambda: start(engine, "Waits", "w1"))
    with pytest.raises(Conflict):
        elsewhere(lambda: start(engine, "Waits", "w1"))
    with pytest.raises(WfctlError, match="the engine failed: ZeroDivisionError"):
        elsewhere(lambda: engine.do(lambda unit: 1 // 0))
    assert elsewhere(lambda: start(engine, "Waits", "w2"))[0] == "w2"


def test_code_sees_nothing_of_the_context_of_the_thread(rig: Rig) -> None:
    mine: ContextVar[str] = ContextVar("mine", default="nobody's")
    seen: list[str] = []

    @rig.workflow
    def Looks(ctx, _):
        seen.append(mine.get())
        return None
        yield

    engine = ready(rig)

    def call() -> str:
        mine.set("the caller's")
        start(engine, "Looks", "l1")
        return mine.get()

    assert elsewhere(call)[0] == "the caller's"
    assert seen == ["nobody's"]


def test_workflow_code_cannot_ask_the_engine_that_runs_it(rig: Rig) -> None:
    @rig.workflow
    def Asks(ctx, _):
        engine.do(lambda unit: None)
        yield

    engine = ready(rig)
    elsewhere(lambda: start(engine, "Asks", "a1"))
    failure = rig.row("a1").failure
    assert failure is not None
    assert "workflow code cannot ask the engine that runs it" in failure


def test_while_the_engine_is_at_work_it_waits_for_its_turn(rig: Rig) -> None:
    ran: list[int] = []
    begun, go = threading.Event(), threading.Event()

    @rig.workflow
    def Waits(ctx, _):
        ran.append(threading.get_ident())
        yield ctx.wait_for_external_event("go")

    def hold(unit: object) -> None:
        begun.set()
        assert go.wait(LIMIT_SECONDS)

    engine = ready(rig)
    held = engine.submit(hold)
    assert begun.wait(LIMIT_SECONDS)
    with ThreadPoolExecutor() as pool:
        asked = [pool.submit(start, engine, "Waits", f"w{number}") for number in range(5)]
        until(lambda: engine._queue.qsize() == 5)
        go.set()
        assert [one.result(LIMIT_SECONDS) for one in asked] == [f"w{number}" for number in range(5)]
    held.result(LIMIT_SECONDS)
    assert engine._thread is not None
    assert set(ran) == {engine._thread.ident}


def test_many_threads_at_once(rig: Rig) -> None:
    @rig.activity
    def step(ctx, value):
        return value

    @rig.workflow
    def Calls(ctx, _):
        for number in range(3):
            yield ctx.call_activity("step", input=number)
        return "done"

    engine = ready(rig)
    with ThreadPoolExecutor(8) as pool:
        assert len({*pool.map(lambda number: start(engine, "Calls", f"c{number}"), range(200))}) == 200
    rig.until(lambda: engine.completions().get(Status.COMPLETED, 0) == 200)
    assert rig.look(inconsistencies) == []


def test_after_trouble_with_the_store_the_engine_does_it(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []

    @rig.workflow
    def Waits(ctx, _):
        ran.append(threading.get_ident())
        yield ctx.wait_for_external_event("go")

    engine = ready(rig)
    flush = engine._store._dispatcher.flush

    def fails() -> None:
        flush()
        if engine._guest is not None:
            raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(engine._store._dispatcher, "flush", fails)
    _, thread = elsewhere(lambda: start(engine, "Waits", "w1"))
    assert engine._thread is not None
    assert ran == [thread, engine._thread.ident]
    assert rig.status("w1") is Status.RUNNING
    assert rig.look(inconsistencies) == []


def test_the_main_thread_leaves_it_to_the_engine(rig: Rig) -> None:
    """Workflow code that catches all exceptions would keep Ctrl-C from ending a command."""
    ran: list[int | None] = []

    @rig.workflow
    def Waits(ctx, _):
        ran.append(threading.get_ident())
        yield ctx.wait_for_external_event("go")

    engine = ready(rig)
    assert threading.current_thread() is threading.main_thread()
    engine.do(lambda unit: operations.start(unit, StartRequest("Waits", "w1")))
    assert engine._thread is not None
    assert ran == [engine._thread.ident]


def test_a_stopped_engine_refuses_it(rig: Rig) -> None:
    engine = ready(rig)
    rig.leave()
    with pytest.raises(StoreError, match="stopped"):
        engine.do(lambda unit: None)


class TestSubmitHere:
    """`submit(here=True)` does not block, and is for threads that others wait for."""

    @pytest.fixture
    def ran(self, rig: Rig) -> list[int]:
        ran: list[int] = []

        @rig.workflow
        def Waits(ctx, _):
            ran.append(threading.get_ident())
            yield ctx.wait_for_external_event("go")

        return ran

    def submit(self, engine: Engine, instance_id: str) -> Future[str]:
        return engine.submit(lambda unit: operations.start(unit, StartRequest("Waits", instance_id)), here=True)

    def test_it_is_done_when_it_returns_where_nothing_else_is_to_be_done(self, rig: Rig, ran: list[int]) -> None:
        engine = ready(rig)
        assert self.submit(engine, "w1").result(0) == "w1"
        assert rig.status("w1") is Status.RUNNING
        assert ran == [threading.get_ident()]
        with pytest.raises(Conflict):
            self.submit(engine, "w1").result(0)

    def test_where_others_have_written_it_is_left_to_the_engine(
        self, rig: Rig, ran: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What they wrote is taken in with it, and may be much."""
        engine = ready(rig)
        monkeypatch.setattr(engine._store, "something_due", lambda: True)
        assert self.submit(engine, "w1").result(LIMIT_SECONDS) == "w1"
        rig.reached("w1", Status.RUNNING)
        assert engine._thread is not None
        assert ran == [engine._thread.ident]

    def test_it_waits_for_no_other_process_that_writes(
        self, rig: Rig, ran: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        engine = ready(rig)
        rolled_back: list[int] = []
        monkeypatch.setattr(engine._store, "roll_back", lambda: rolled_back.append(threading.get_ident()))
        engine._store.db.execute("PRAGMA busy_timeout=100")
        with contextlib.closing(sqlite3.connect(rig.store, isolation_level=None)) as beside:
            beside.execute("BEGIN IMMEDIATE")
            started = self.submit(engine, "w1")
            beside.execute("ROLLBACK")
        assert started.result(LIMIT_SECONDS) == "w1"
        assert rolled_back == [], "it waited until it could wait no longer"
        assert engine._thread is not None
        assert ran == [engine._thread.ident]

    def test_what_cannot_be_committed_here_is_done_by_the_engine(
        self, rig: Rig, ran: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        engine = ready(rig)
        dispatcher = engine._store._dispatcher
        flush = dispatcher.flush

        def fail() -> None:
            monkeypatch.setattr(dispatcher, "flush", flush)
            raise sqlite3.OperationalError("disk I/O error")

        monkeypatch.setattr(dispatcher, "flush", fail)
        assert self.submit(engine, "w1").result(LIMIT_SECONDS) == "w1"
        assert rig.status("w1") is Status.RUNNING
        assert rig.look(inconsistencies) == []


def test_what_is_due_may_change_while_it_is_asked_for(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's thread asks while a guest is in a transaction: a timer may be there, and not be any more."""
    ready(rig)
    trees = rig.engine._store._trees
    moments = [0, None]

    class Changing(type(trees)):  # type: ignore[misc]
        @property
        def _due(self) -> int | None:
            return moments.pop(0)

    rig.leave()
    monkeypatch.setattr(trees, "__class__", Changing)
    assert trees.seconds_to_due(lambda: from_micros(1_000_000)) == -1.0


def test_nothing_of_a_transaction_is_left_where_its_rollback_is_interrupted_too(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of a turn must not be written by the next transaction."""

    @rig.workflow
    def Waits(ctx, _):
        yield ctx.wait_for_external_event("go")

    @rig.workflow
    def Calls(ctx, _):
        yield ctx.call_child_workflow("Waits", instance_id="c1:child")

    engine = ready(rig)
    owned = engine._store
    end, create, interrupted = owned._end_transaction, owned._dispatcher.create, 0

    def interrupt() -> None:
        nonlocal interrupted
        interrupted += 1
        raise sqlite3.OperationalError("interrupted")

    def end_interrupted() -> None:
        end()
        if interrupted == 1:
            interrupt()

    def create_interrupted(row, *args, **kwargs) -> None:
        if row.parent is not None and not interrupted:
            interrupt()
        create(row, *args, **kwargs)

    monkeypatch.setattr(owned, "_end_transaction", end_interrupted)
    monkeypatch.setattr(owned._dispatcher, "create", create_interrupted)
    assert engine.submit(lambda unit: operations.start(unit, StartRequest("Calls", "c1")), here=True).result(
        LIMIT_SECONDS
    )
    assert interrupted == 2
    rig.reached("c1:child", Status.RUNNING)
    assert rig.look(inconsistencies) == []
    rig.raise_event("c1:child", "go")
    assert rig.ended("c1").status is Status.COMPLETED
