"""What the engine must survive: hostile texts, failing commits, callers that go away, requests at the wrong moment."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from engine_rig import Rig, inconsistencies
from limits import LIMIT_SECONDS, until

from wfctl.engine import driven_trees as scope_module
from wfctl.engine import operations, recovery
from wfctl.engine.engine_thread import Engine
from wfctl.engine.transaction import Unit
from wfctl.errors import DiskFull, InvalidInput, WfctlError
from wfctl.model import events as ev
from wfctl.model.instance import RerunRequest, StartRequest
from wfctl.model.status import Status
from wfctl.workflow.registry import Registry


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.close()


def echo(ctx, value):
    return value
    yield


class TestHostileTexts:
    """A lone surrogate is a Python str that no UTF-8 file can hold. It must not stop the engine."""

    def test_in_a_custom_status(self, rig: Rig) -> None:
        @rig.workflow
        def Bad(ctx, _):
            ctx.set_custom_status("\ud800")
            yield ctx.wait_for_external_event("go")

        rig.workflow(echo)
        rig.own()
        rig.start("Bad", "b1")
        rig.start("echo", "e1", "1")
        assert rig.ended("e1").output == "1"
        assert rig.ended("b1").status is Status.FAILED

    def test_in_a_child_id(self, rig: Rig) -> None:
        @rig.workflow
        def Bad(ctx, _):
            yield ctx.call_child_workflow("echo", instance_id="c\udcff")

        rig.workflow(echo)
        rig.own()
        rig.start("Bad", "b1")
        assert rig.ended("b1").status is Status.FAILED

    def test_in_the_name_of_an_event(self, rig: Rig) -> None:
        @rig.workflow
        def Bad(ctx, _):
            yield ctx.wait_for_external_event("\udcff")

        rig.own()
        rig.start("Bad", "b1")
        assert rig.ended("b1").status is Status.FAILED

    @pytest.mark.parametrize("field", ["id", "name", "input"])
    def test_in_a_start(self, rig: Rig, field: str) -> None:
        rig.workflow(echo)
        rig.own()
        fields = {"name": "echo", "id": "e1", "input": "1", field: '"\udcff"'}
        with pytest.raises(InvalidInput):
            rig.do(lambda unit: operations.start(unit, StartRequest(**fields)))  # type: ignore[arg-type]
        rig.start("echo", "e2", "2")
        assert rig.ended("e2").output == "2"

    def test_in_the_output_of_a_termination(self, rig: Rig) -> None:
        @rig.workflow
        def Await(ctx, _):
            yield ctx.wait_for_external_event("go")

        rig.own()
        rig.start("Await", "a1")
        with pytest.raises(InvalidInput):
            rig.terminate("a1", '"\udcff"')
        with pytest.raises(InvalidInput):
            rig.beside(lambda unit: operations.terminate(unit, "a1", '"\udcff"', None, True))
        rig.terminate("a1", '"x"')
        assert rig.ended("a1").output == '"x"'


class TestCallers:
    def test_an_operation_with_a_defect_harms_nobody_else(self, rig: Rig) -> None:
        rig.workflow(echo)
        engine = rig.own()

        def defect(unit):
            raise ZeroDivisionError("a defect")

        for _ in range(recovery.MOST_FAILURES + 2):
            with pytest.raises(WfctlError, match="ZeroDivisionError"):
                rig.do(defect)
        gate = threading.Event()
        blocker = engine.submit(lambda unit: gate.wait(LIMIT_SECONDS))
        good = [
            engine.submit(lambda unit, n=n: operations.start(unit, StartRequest("echo", f"g{n}")))  # type: ignore[misc]
            for n in range(3)
        ]
        bad = engine.submit(defect)
        gate.set()
        blocker.result(LIMIT_SECONDS)
        assert [future.result(LIMIT_SECONDS) for future in good] == ["g0", "g1", "g2"]
        with pytest.raises(WfctlError):
            bad.result(LIMIT_SECONDS)
        rig.ended("g2")

    def test_a_caller_that_gives_up_harms_nobody(self, rig: Rig) -> None:
        """As a gateway's client that disconnects: asyncio cancels the future."""
        rig.workflow(echo)
        engine = rig.own()
        gate = threading.Event()

        async def give_up() -> None:
            blocker = engine.submit(lambda unit: gate.wait(LIMIT_SECONDS))
            missing = asyncio.wrap_future(engine.submit(lambda unit: operations.pause(unit, "nope", None)))
            start = asyncio.wrap_future(
                engine.submit(lambda unit: operations.start(unit, StartRequest("echo", "given-up")))
            )
            missing.cancel()
            start.cancel()
            await asyncio.sleep(0)
            gate.set()
            await asyncio.wrap_future(blocker)

        asyncio.run(give_up())
        rig.start("echo", "e1", "1")
        assert rig.ended("e1").output == "1"
        assert rig.find("given-up") is None, "what was given up before it began is not done"

    def test_nobody_waits_for_an_engine_that_is_gone(self, rig: Rig) -> None:
        rig.workflow(echo)
        for _ in range(30):
            engine = rig.own()
            outcomes: list[str] = []

            def ask(engine=engine, outcomes=outcomes) -> None:
                while True:
                    try:
                        engine.submit(lambda unit: None).result(LIMIT_SECONDS)
                    except WfctlError:
                        outcomes.append("told")
                        return
                    except TimeoutError:
                        outcomes.append("hung")
                        return

            threads = [threading.Thread(target=ask) for _ in range(4)]
            for thread in threads:
                thread.start()
            engine.stop()
            for thread in threads:
                thread.join()
            assert outcomes == ["told"] * 4

    def test_workflow_code_that_asks_the_engine_is_told_off(self, rig: Rig) -> None:
        @rig.workflow
        def Asks(ctx, _):
            return engine.submit(lambda unit: 1).result(LIMIT_SECONDS)
            yield

        engine = rig.own()
        rig.start("Asks", "a1")
        row = rig.ended("a1")
        assert row.status is Status.FAILED
        assert "workflow code" in (row.failure or "")

    def test_so_is_code_that_goes_on_where_an_activity_ran(self, rig: Rig) -> None:
        ran_on: set[int] = set()

        @rig.activity
        def here(ctx, _):
            ran_on.add(threading.get_ident())
            return engine.submit(lambda unit: "asked").result(LIMIT_SECONDS)

        @rig.workflow
        def Asks(ctx, _):
            shared = 0
            for _ in range(50):
                assert (yield ctx.call_activity("here")) == "asked"
                shared += threading.get_ident() in ran_on
                with pytest.raises(WfctlError, match="workflow code"):
                    engine.submit(lambda unit: 1)
            return shared

        engine = rig.own()
        rig.start("Asks", "a1")
        row = rig.ended("a1")
        assert row.status is Status.COMPLETED, row.failure
        assert int(row.output or 0) > 0, "a lone instance goes on where its activity ran"

    def test_the_engines_thread_leaves_a_lone_instance_where_it_goes_on(self, rig: Rig) -> None:
        """It looks every few milliseconds whether another process has written, which the other thread does too."""
        here = 0

        @rig.activity
        def step(ctx, _):
            return threading.get_ident()

        @rig.workflow
        def Chain(ctx, steps):
            nonlocal here
            for _ in range(steps):
                here += threading.get_ident() == (yield ctx.call_activity("step"))

        rig.own()
        rig.start("Chain", "c1", "400")
        assert rig.ended("c1").status is Status.COMPLETED
        assert here > 200

    def test_a_lone_instance_lets_callers_in_between_its_steps(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        """Also while it goes on where its activities run."""
        asked: list[tuple[int, Future[int]]] = []
        ran = 0

        @rig.activity
        def step(ctx, number):
            nonlocal ran
            ran += 1

        @rig.workflow
        def Chain(ctx, _):
            for number in range(500):
                yield ctx.call_activity("step", input=number)

        engine = rig.own()
        commit = engine._store._dispatcher.flush

        def flush() -> None:
            """Let somebody ask while the thread of an activity has the store, and the engine's has taken it up."""
            if engine._guest is not None and len(asked) < 50:
                guest, engine._guest = engine._guest, None
                asked.append((ran, engine.submit(lambda unit: ran)))
                engine._guest = guest
                until(engine._queue.empty, "the engine's thread has it in hand")
            commit()

        monkeypatch.setattr(engine._store._dispatcher, "flush", flush)
        rig.start("Chain", "c1")
        assert rig.ended("c1").status is Status.COMPLETED
        late = [answer.result(LIMIT_SECONDS) - before for before, answer in asked]
        assert late, "a lone instance goes on where its activity ran"
        assert max(late) <= 1


class TestFullDisk:
    """SQLite's own limit on the size of a file stands for the disk's: it fails with the same words."""

    @pytest.fixture
    def told(self) -> list[str | None]:
        return []

    @pytest.fixture
    def limited(self, rig: Rig, told: list[str | None]) -> Engine:
        """A engine whose store has no room for a large result, which waits to be returned."""
        self.gate = threading.Event()

        @rig.activity
        def large(ctx, _):
            self.gate.wait(LIMIT_SECONDS)
            self.ran.append(1)
            return "x" * 500_000

        @rig.workflow
        def Large(ctx, _):
            return len((yield ctx.call_activity("large")))

        self.ran: list[int] = []
        rig.workflow(echo)
        engine = rig.own(on_full=lambda error: told.append(error and error.message))
        rig.start("Large", "l1")
        rig.until(lambda: rig.row("l1").busy == 1)
        engine.write(lambda unit, db: db.execute("PRAGMA max_page_count=1")).result(LIMIT_SECONDS)
        return engine

    def lift(self, engine: Engine) -> None:
        engine._store.db.execute("PRAGMA max_page_count=1000000")

    def test_it_is_waited_for_and_requests_are_refused_meanwhile(self, rig: Rig, limited: Engine, told) -> None:
        self.gate.set()
        rig.until(lambda: told, "it is told")
        for number in range(recovery.MOST_FAILURES + 3):
            with pytest.raises(DiskFull, match="disk of the store"):
                rig.start("echo", f"e{number}", "1")
        assert limited.completions() == {}, "which asks nothing of the disk"
        assert len(told) == 1, "once"
        self.lift(limited)
        assert rig.ended("l1").output == "500000"
        assert self.ran == [1], "the result was kept"
        rig.until(lambda: told[1:] == [None])
        assert rig.find("e0") is None
        rig.start("echo", "e0", "1")
        assert rig.ended("e0").output == "1"

    def test_a_request_that_has_no_room_is_refused_and_the_next_one_taken(
        self, rig: Rig, limited: Engine, told
    ) -> None:
        with pytest.raises(DiskFull):
            rig.start("echo", "big", '"' + "x" * 500_000 + '"')
        self.lift(limited)
        rig.until(lambda: told[1:] == [None], "it goes on")
        rig.start("echo", "big", '"' + "x" * 500_000 + '"')
        self.gate.set()
        assert rig.ended("l1").output == "500000"

    def test_code_that_comes_meanwhile_is_not_forgotten(
        self, rig: Rig, limited: Engine, told, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        knows, known = type(limited._executor).knows, {"echo", "Large"}
        monkeypatch.setattr(
            type(limited._executor), "knows", lambda self, name, app: name in known and knows(self, name, app)
        )
        known.discard("echo")
        rig.start("echo", "e1", "1")
        rig.until(lambda: "echo" in limited.left_alone().values(), "it waits for code")
        self.gate.set()
        rig.until(lambda: told, "it is told")
        known.add("echo")
        limited.try_all_again()
        with pytest.raises(DiskFull):
            rig.start("echo", "e2", "1")
        self.lift(limited)
        assert rig.ended("e1").output == "1"

    def test_a_host_stops_on_a_full_disk_and_the_next_one_goes_on(self, rig: Rig, limited: Engine, told) -> None:
        self.gate.set()
        rig.until(lambda: told, "it is told")
        rig.leave()
        rig.own()
        assert rig.ended("l1").output == "500000"


class TestDefects:
    def test_an_instance_on_which_the_engine_itself_fails_stalls_alone(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever it is: the others go on, and the next engine tries again."""
        from wfctl.engine.core import decide

        rig.workflow(echo)
        conclude = decide.conclude

        def faulty(state, new, *words):
            if any(isinstance(event, ev.ExecutionStarted) and event.instance_id == "bad" for event in new):
                raise RuntimeError("a defect")
            return conclude(state, new, *words)

        monkeypatch.setattr(decide, "conclude", faulty)
        rig.own()
        for name in ("e1", "bad", "e2"):
            rig.start("echo", name, "1")
        assert rig.ended("e1").output == rig.ended("e2").output == "1"
        rig.reached("bad", Status.STALLED)
        assert "a defect" in (rig.row("bad").stall or "")
        rig.leave()
        monkeypatch.undo()
        rig.own()
        assert rig.ended("bad").output == "1"

    def test_at_the_write_too(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        """A failure that only shows when all is written is found by running turns one by one."""
        from wfctl.engine import dispatcher

        rig.workflow(echo)
        write = dispatcher.write  # type: ignore[attr-defined]

        def faulty(db, dirty, transaction):
            if any(live.row.id == "bad" and live.row.status is Status.COMPLETED for live in dirty):
                raise ValueError("cannot be written")
            return write(db, dirty, transaction)

        monkeypatch.setattr(dispatcher, "write", faulty)
        engine = rig.own()
        names = ["e1", "e2", "bad", "e3"]
        gate = threading.Event()
        engine.submit(lambda unit: gate.wait(LIMIT_SECONDS))
        futures = [engine.submit(lambda unit, n=n: operations.start(unit, StartRequest("echo", n, "1"))) for n in names]  # type: ignore[misc]
        gate.set()
        assert [future.result(LIMIT_SECONDS) for future in futures] == names
        for name in ("e1", "e2", "e3"):
            assert rig.ended(name).output == "1"
        rig.reached("bad", Status.STALLED)


class TestTightLoops:
    def test_a_workflow_that_continues_as_new_for_ever_starves_nobody(self, rig: Rig) -> None:
        @rig.workflow
        def Spin(ctx, n):
            ctx.continue_as_new((n or 0) + 1)
            return None
            yield

        @rig.activity
        def add(ctx, value):
            return value + 1

        @rig.workflow
        def Chain(ctx, steps):
            value = 0
            for _ in range(steps):
                value = yield ctx.call_activity("add", input=value)
            return value

        rig.own()
        rig.start("Spin", "s1")
        rig.start("Chain", "c1", "5")
        assert rig.ended("c1").output == "5"
        rig.terminate("s1")
        assert rig.ended("s1").status is Status.TERMINATED

    def test_a_pause_in_the_turn_that_continues_as_new_is_kept(self, rig: Rig) -> None:
        @rig.workflow
        def Monitor(ctx, n):
            yield ctx.wait_for_external_event("poll")
            ctx.continue_as_new(n + 1)

        rig.own()
        rig.start("Monitor", "m1", "0")
        rig.waits_for("m1", "poll")

        def both(unit):
            operations.raise_event(unit, "m1", "poll", None)
            operations.pause(unit, "m1", None)

        rig.do(both)
        rig.settle()
        assert rig.status("m1") is Status.SUSPENDED
        rig.do(lambda unit: operations.resume(unit, "m1", None))
        rig.raise_event("m1", "poll")
        rig.until(lambda: getattr(rig.history("m1")[1], "input", None) == "2", "the third generation")


class TestRunsOfOthers:
    def test_another_apps_activities_are_left_alone(self, rig: Rig) -> None:
        gate = threading.Event()

        @rig.activity
        def slow(ctx, _):
            gate.wait(LIMIT_SECONDS)
            return 7

        @rig.workflow
        def Mine(ctx, _):
            return (yield ctx.call_activity("slow"))

        rig.own()
        rig.start("Mine", "m1")
        rig.until(lambda: rig.row("m1").busy == 1)
        rig.leave()
        other = Registry()
        other.add_workflow("echo", echo)
        rig.own(registry=other)
        rig.start("echo", "e1", "1")
        rig.ended("e1")
        rig.settle()
        rig.leave()
        assert rig.status("m1") is Status.RUNNING
        gate.set()
        rig.own()
        row = rig.ended("m1")
        assert (row.status, row.output) == (Status.COMPLETED, "7")

    def test_another_apps_children_are_left_alone(self, rig: Rig) -> None:
        @rig.workflow
        def Child(ctx, _):
            return (yield ctx.wait_for_external_event("go"))

        @rig.workflow
        def Mine(ctx, _):
            return (yield ctx.call_child_workflow("Child"))

        rig.own()
        rig.start("Mine", "m1")
        rig.waits_for("m1:0001", "go")
        rig.leave()
        rig.beside(lambda unit: operations.raise_event(unit, "m1:0001", "go", "8"))
        other = Registry()
        other.add_workflow("echo", echo)
        engine = rig.own(registry=other)
        rig.settle()
        assert set(engine.left_alone().values()) == {"Child"}
        rig.leave()
        assert rig.status("m1:0001") is Status.RUNNING
        rig.own()
        assert rig.ended("m1").output == "8"

    def test_another_apps_instance_that_is_rerun_here_is_left_to_it(self, rig: Rig) -> None:
        @rig.activity
        def give(ctx, _):
            return 7

        @rig.workflow
        def Mine(ctx, _):
            return (yield ctx.call_activity("give"))

        rig.own()
        rig.start("Mine", "m1")
        rig.ended("m1")
        rig.leave()
        rig.own(registry=Registry())
        rig.do(lambda unit: operations.rerun(unit, RerunRequest("m1", 1, "m2")))
        rig.settle()
        rig.leave()
        assert rig.status("m2") is Status.RUNNING
        rig.own()
        assert rig.ended("m2").output == "7"

    def test_what_no_worker_knew_goes_on_when_one_comes(self, rig: Rig) -> None:
        """As behind a gateway, where workers come later than the engine: activities too."""

        @rig.activity
        def give(ctx, _):
            gate.wait(LIMIT_SECONDS)
            return 7

        @rig.workflow
        def Mine(ctx, _):
            return (yield ctx.call_activity("give"))

        gate = threading.Event()
        rig.own()
        rig.start("Mine", "m1")
        rig.until(lambda: rig.row("m1").busy == 1)
        rig.leave()
        gate.set()
        late = Registry()
        engine = rig.own(registry=late)
        rig.start("Mine", "m2")
        rig.until(lambda: set(engine.left_alone().values()) == {"Mine"})
        rig.settle()
        late.add_activity("give", give)
        late.add_workflow("Mine", Mine)
        engine.try_all_again()
        assert rig.ended("m1").output == rig.ended("m2").output == "7"

    def test_terminating_what_no_worker_knows_keeps_what_it_had(self, rig: Rig) -> None:
        @rig.workflow
        def Mine(ctx, _):
            ctx.is_patched("p1")
            ctx.set_custom_status("half way")
            yield ctx.wait_for_external_event("go")

        rig.own()
        rig.start("Mine", "m1")
        rig.waits_for("m1", "go")
        rig.leave()
        rig.own(registry=Registry())
        rig.terminate("m1", '"bye"')
        row = rig.ended("m1")
        assert (row.status, row.output) == (Status.TERMINATED, '"bye"')
        assert "half way" in (row.custom_status or "")


class TestGenerations:
    def test_a_child_of_an_earlier_generation_blocks_its_id(self, rig: Rig) -> None:
        """Not taken for the child that this generation asks for, whose end the parent would await for ever."""

        @rig.workflow
        def Child(ctx, _):
            return (yield ctx.wait_for_external_event("go"))

        @rig.workflow
        def Parent(ctx, n):
            child = ctx.call_child_workflow("Child", instance_id="c")
            if n == 0:
                yield ctx.wait_for_external_event("next")
                ctx.continue_as_new(1)
                return None
            try:
                return (yield child)
            except Exception as error:
                return str(error)

        rig.own()
        rig.start("Parent", "p1", "0")
        rig.waits_for("c", "go")
        rig.raise_event("p1", "next")
        rig.settle()
        assert "already exists" in (rig.ended("p1").output or "")
        assert rig.status("c") is Status.RUNNING

    def test_results_of_an_earlier_generation_do_not_count_for_the_last(self, rig: Rig) -> None:
        first, second = threading.Event(), threading.Event()

        @rig.activity
        def wait(ctx, n):
            (first if n == 0 else second).wait(LIMIT_SECONDS)

        @rig.workflow
        def Loop(ctx, n):
            ctx.call_activity("wait", input=n)
            yield ctx.create_timer(timedelta(0))
            if n == 0:
                ctx.continue_as_new(1)

        rig.own()
        rig.start("Loop", "l1", "0")
        assert rig.ended("l1").status is Status.COMPLETED
        assert rig.row("l1").busy == 1
        first.set()
        rig.do(lambda unit: None)
        rig.start("Loop", "l2", "1")
        rig.ended("l2")
        assert rig.row("l1").busy == 1, "its own activity still runs"
        second.set()
        rig.until(lambda: rig.row("l1").busy == 0)


class TestStalls:
    def test_timers_go_on_after_a_stall(self, rig: Rig) -> None:
        gate = threading.Event()

        @rig.activity
        def slow(ctx, _):
            gate.wait(LIMIT_SECONDS)
            return 1

        def good(ctx, _):
            timer = ctx.create_timer(timedelta(hours=1))
            yield ctx.call_activity("slow")
            yield timer
            return "done"

        def edited(ctx, _):
            yield ctx.call_child_workflow("Other")

        rig.registry.add_workflow("W", good)
        rig.own()
        rig.start("W", "w1")
        rig.until(lambda: rig.row("w1").busy == 1)
        rig.leave()
        rig.registry.add_workflow("W", edited, replace=True)
        rig.own()
        gate.set()
        rig.reached("w1", Status.STALLED)
        rig.leave()
        rig.registry.add_workflow("W", good, replace=True)
        rig.own()
        rig.reached("w1", Status.RUNNING)
        rig.settle()
        assert rig.look(inconsistencies) == []
        rig.advance(hours=2)
        assert rig.ended("w1").output == '"done"'

    def test_what_came_meanwhile_is_not_forgotten_with_the_timer_due(self, rig: Rig) -> None:
        def good(ctx, _):
            yield ctx.create_timer(timedelta(hours=1))
            yield ctx.create_timer(timedelta(hours=1))
            return "done"

        def edited(ctx, _):
            yield ctx.call_activity("x")

        rig.registry.add_workflow("W", good)
        rig.own()
        rig.start("W", "w1")
        rig.until(lambda: rig.row("w1").wake_at)
        rig.leave()
        rig.registry.add_workflow("W", edited, replace=True)
        rig.advance(hours=2)
        rig.own()
        rig.reached("w1", Status.STALLED)
        rig.leave()
        rig.advance(hours=2)
        rig.registry.add_workflow("W", good, replace=True)
        rig.own()
        rig.until(lambda: len(rig.history("w1")) > 6)
        rig.advance(hours=2)
        assert rig.ended("w1").output == '"done"'


class TestRerun:
    def test_from_a_suspended_moment_can_be_resumed(self, rig: Rig) -> None:
        gate = threading.Event()

        @rig.activity
        def step(ctx, n):
            if n == 1:
                gate.wait(LIMIT_SECONDS)
            return n

        @rig.workflow
        def Chain(ctx, _):
            yield ctx.wait_for_external_event("go")
            a = yield ctx.call_activity("step", input=1)
            b = yield ctx.call_activity("step", input=2)
            return a + b

        rig.own()
        rig.start("Chain", "c1")
        rig.waits_for("c1", "go")

        def both(unit):
            operations.raise_event(unit, "c1", "go", None)
            operations.pause(unit, "c1", None)

        rig.do(both)
        rig.reached("c1", Status.SUSPENDED)
        rig.terminate("c1")
        rig.ended("c1")
        gate.set()
        rig.do(lambda unit: operations.rerun(unit, RerunRequest("c1", 2, "c2")))
        rig.settle()
        assert rig.look(inconsistencies) == []
        if rig.status("c2") is Status.SUSPENDED:
            rig.do(lambda unit: operations.resume(unit, "c2", None))
        assert rig.ended("c2").output == "3"


class TestDelayedStarts:
    def test_events_from_another_process_are_kept_for_the_start(self, rig: Rig) -> None:
        @rig.workflow
        def Await(ctx, _):
            return (yield ctx.wait_for_external_event("go"))

        rig.own()
        rig.start("Await", "d1", None, start_at=rig.clock.now() + timedelta(hours=1))
        rig.beside(lambda unit: operations.raise_event(unit, "d1", "go", "5"))
        rig.do(lambda unit: None)
        assert rig.status("d1") is Status.PENDING
        rig.advance(hours=2)
        assert rig.ended("d1").output == "5"

    def test_a_pause_from_another_process_can_be_taken_back_here(self, rig: Rig) -> None:
        rig.workflow(echo)
        rig.own()
        rig.start("echo", "d1", "5", start_at=rig.clock.now() + timedelta(hours=1))
        rig.beside(lambda unit: operations.pause(unit, "d1", None))
        rig.do(lambda unit: None)
        rig.do(lambda unit: operations.resume(unit, "d1", None))
        rig.advance(hours=2)
        assert rig.ended("d1").output == "5"


class TestBacklogs:
    def test_thousands_of_requests_from_another_process_all_arrive(self, rig: Rig) -> None:
        """More than one transaction reads, and what the engine itself puts into the inbox meanwhile hides none."""
        rig.workflow(echo)

        @rig.workflow
        def Parent(ctx, n):
            return (yield ctx.call_child_workflow("echo", input=n))

        count = scope_module.MOST_ARRIVALS + 1000

        def many(unit):
            for n in range(count):
                operations.start(unit, StartRequest("Parent", f"p{n}", str(n)))

        rig.beside(many)
        rig.own()
        done = "SELECT count(*) FROM instances WHERE status = ?"
        rig.settle()
        assert rig.look(lambda db: db.execute(done, (Status.COMPLETED,)).fetchone()) == (2 * count,)
        assert rig.look(inconsistencies) == []

    def test_what_is_read_back_before_a_transaction_may_be_gone_in_it(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        @rig.workflow
        def Await(ctx, name):
            return (yield ctx.wait_for_external_event(name))

        rig.own()
        ids = [f"a{n}" for n in range(40)]
        for one in ids:
            rig.start("Await", one, '"go"')
        rig.leave()
        monkeypatch.setattr(scope_module, "FEW_ARRIVALS", 10)
        monkeypatch.setattr(scope_module, "MOST_ARRIVALS", 10)
        read_ahead = scope_module.DrivenTrees.read_ahead
        loads: list[int] = []

        def raise_all(unit: Unit) -> None:
            for one in ids:
                operations.raise_event(unit, one, "go", '"yes"')

        def purge(unit: Unit) -> None:
            operations.purge(unit, "a10", True, True)
            operations.pause(unit, "a11", None)
            operations.start(unit, StartRequest("Await", "a10", '"again"'))

        def and_then_others_write(self: Any) -> None:
            read_ahead(self)
            if self._dispatcher.turns_left:
                loads.append(self._dispatcher.turns_left)
                if len(loads) == 1:
                    assert self._dispatcher.is_live(rig.key("a10"))
                    rig.beside(purge)

        monkeypatch.setattr(scope_module.DrivenTrees, "read_ahead", and_then_others_write)
        rig.beside(raise_all)
        rig.own()
        for one in ids:
            if one != "a10":
                assert rig.ended(one).output == '"yes"'
        rig.settle()
        assert loads[:3] == [10, 10, 10]
        assert rig.status("a10") is Status.RUNNING
        assert rig.look(inconsistencies) == []
        rig.raise_event("a10", "again", "1")
        assert rig.ended("a10").output == "1"


class TestFailingCommits:
    def break_commits(self, rig: Rig, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
        """The next `times` transactions fail at their end."""
        engine = rig.engine
        flush = engine._store._dispatcher.flush
        left = [times]

        def failing() -> None:
            flush()
            if left[0] > 0:
                left[0] -= 1
                engine._store.db.execute("INSERT INTO no_such_table VALUES (1)")

        monkeypatch.setattr(engine._store._dispatcher, "flush", failing)

    def test_a_tree_that_was_left_to_this_owner_is_set_in_motion_all_the_same(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gate = threading.Event()

        @rig.activity
        def slow(ctx, _):
            gate.wait(LIMIT_SECONDS)
            return 7

        @rig.workflow
        def Mine(ctx, _):
            return (yield ctx.call_activity("slow"))

        rig.own()
        rig.start("Mine", "m1")
        rig.until(lambda: rig.row("m1").busy == 1)
        rig.leave()
        gate.set()
        rig.own(scope=[])
        rig.do(lambda unit: None)
        from wfctl.engine.store import history_inbox

        self.break_commits(rig, monkeypatch, 1)
        rig.beside(lambda unit: history_inbox.put_wanted(unit._db, [rig.key("m1")]))  # type: ignore[attr-defined]
        assert rig.ended("m1").output == "7"

    def test_results_survive(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        broken: list[int] = []

        @rig.activity
        def add(ctx, value):
            return value + 1

        @rig.workflow
        def Chain(ctx, steps):
            value = 0
            for n in range(steps):
                if n == 2 and not broken:
                    broken.append(n)
                    self.break_commits(rig, monkeypatch, 2)
                value = yield ctx.call_activity("add", input=value)
            return value

        rig.own()
        rig.start("Chain", "c1", "5")
        assert rig.ended("c1").output == "5"
        rig.settle()
        assert rig.engine.completions() == {Status.COMPLETED: 1}
        assert [e.task_scheduled_id for e in rig.history("c1") if isinstance(e, ev.TaskCompleted)] == [1, 2, 3, 4, 5]

    def test_no_caller_waits_when_even_the_look_for_news_fails(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        """What was taken from the queue before the engine gave up is answered too."""
        rig.workflow(echo)
        engine = rig.own()
        gate, begun = threading.Event(), threading.Event()
        blocker = engine.submit(lambda unit: (begun.set(), gate.wait(LIMIT_SECONDS)))  # type: ignore[func-returns-value]
        assert begun.wait(LIMIT_SECONDS)
        waiting = [engine.submit(lambda unit: 1) for _ in range(3)]

        def no_luck(*words: object) -> None:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(engine._store._trees, "others_wrote", no_luck)
        monkeypatch.setattr(engine._store._trees, "read_others", no_luck)
        monkeypatch.setattr(engine._store, "roll_back", no_luck)
        gate.set()
        blocker.result(LIMIT_SECONDS)
        for future in waiting:
            with pytest.raises(WfctlError):
                future.result(LIMIT_SECONDS)

    def test_on_the_thread_of_an_activity(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        """The engine's thread takes the result then."""
        ran: list[int] = []
        failed: list[int] = []

        @rig.activity
        def step(ctx, number):
            ran.append(number)
            return number

        @rig.workflow
        def Chain(ctx, _):
            for number in range(50):
                yield ctx.call_activity("step", input=number)
            return "done"

        engine = rig.own()
        commit = engine._store._dispatcher.flush

        def flush() -> None:
            commit()
            if engine._guest is not None and len(failed) < 20:
                failed.append(len(ran))
                raise sqlite3.OperationalError("disk I/O error")

        monkeypatch.setattr(engine._store._dispatcher, "flush", flush)
        rig.start("Chain", "c1")
        assert rig.ended("c1").output == '"done"'
        assert failed, "a lone instance goes on where its activity ran"
        assert ran == list(range(50)), "no activity ran twice"
        assert rig.look(inconsistencies) == []
