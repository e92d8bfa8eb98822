"""What Dapr's own integration suites pin down, on the embedded engine. In brackets: the suite it is from."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from engine_rig import Rig, inconsistencies, replace_request
from limits import LIMIT_SECONDS

from wfctl.engine import operations
from wfctl.engine.transaction import Unit
from wfctl.errors import Conflict, WrongState
from wfctl.model import events as ev
from wfctl.model.instance import RerunRequest, StartRequest
from wfctl.model.status import Status
from wfctl.workflow.sdk.retry_policy import RetryPolicy
from wfctl.workflow.sdk.tasks import when_all

TABLES = ("instances", "history", "inbox", "event_waits")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)

    @rig.activity
    def give(ctx, value):
        return value

    @rig.workflow
    def Echo(ctx, value):
        return value
        yield

    @rig.workflow
    def Await(ctx, _):
        return (yield ctx.wait_for_external_event("go"))

    @rig.workflow
    def Fan(ctx, child):
        results = yield when_all([ctx.call_child_workflow(child, instance_id=f"k{n}") for n in range(8)])
        return len(results)

    @rig.workflow
    def Calls(ctx, child):
        try:
            return (yield ctx.call_child_workflow("Echo", input=1, instance_id=child))
        except Exception as error:
            return str(error)

    rig.own()
    yield rig
    rig.engine.settled(None)
    assert rig.look(inconsistencies) == []
    rig.close()


def kinds(rig: Rig, instance_id: str) -> list[str]:
    return [type(event).__name__ for event in rig.history(instance_id)]


class TestStart:
    def test_two_at_once_of_one_id(self, rig: Rig) -> None:
        """[reuse]"""
        futures = [
            rig.engine.submit(lambda unit: operations.start(unit, StartRequest("Await", "foo"))) for _ in range(2)
        ]
        outcomes = [future.exception(LIMIT_SECONDS) for future in futures]
        assert outcomes.count(None) == 1
        (refused,) = [outcome for outcome in outcomes if outcome is not None]
        assert "an active workflow with ID 'foo' already exists" in str(refused)

    def test_activities_that_nobody_waits_for_run(self, rig: Rig) -> None:
        """[noawait]; but for those of the last turn, which the Python SDK drops."""
        ran: list[int] = []
        gate = threading.Event()

        @rig.activity
        def note(ctx, n):
            gate.wait(LIMIT_SECONDS)
            ran.append(n)

        @rig.workflow
        def Forget(ctx, _):
            for n in range(3):
                ctx.call_activity("note", input=n)
            yield ctx.call_activity("give", input=0)
            return "done"

        rig.start("Forget", "f1")
        assert rig.ended("f1").output == '"done"'
        gate.set()
        rig.settle()
        assert sorted(ran) == [0, 1, 2]

    def test_running_descendants_block_the_id_of_a_finished_parent(self, rig: Rig) -> None:
        """[reuseid/childrunning, grandchild, purgedchild]"""
        rig.start("Fan", "p", '"Await"')
        rig.waits_for("k7", "go")
        rig.do(lambda unit: operations.terminate(unit, "p", None, None, False))
        rig.ended("p")
        for n in range(6):
            rig.raise_event(f"k{n}", "go")
            rig.ended(f"k{n}")
        with pytest.raises(Conflict, match="cannot recreate workflow with ID 'p'") as caught:
            rig.do(lambda unit: operations.start(unit, replace_request("Echo", "p", "1")))
        assert "child workflow 'k6'" in str(caught.value)
        assert "child workflow 'k7'" in str(caught.value)
        rig.do(lambda unit: operations.purge(unit, "k6", True, True))
        rig.raise_event("k7", "go")
        rig.ended("k7")
        rig.do(lambda unit: operations.start(unit, replace_request("Echo", "p", "1")))
        assert rig.ended("p").output == "1"

    def test_a_child_id_that_is_taken(self, rig: Rig) -> None:
        """[reuseid/occupied/basic, handled]"""
        rig.start("Await", "c")
        rig.start("Calls", "p", '"c"')
        assert "an active workflow with ID 'c' already exists" in (rig.ended("p").output or "")
        assert rig.status("c") is Status.RUNNING

    def test_a_child_id_whose_holder_ended_but_has_a_running_child(self, rig: Rig) -> None:
        """[reuseid/occupied/subtree]"""
        rig.start("Fan", "c", '"Await"')
        rig.waits_for("k0", "go")
        rig.do(lambda unit: operations.terminate(unit, "c", None, None, False))
        rig.ended("c")
        rig.start("Calls", "p", '"c"')
        assert "cannot recreate workflow with ID 'c'" in (rig.ended("p").output or "")

    def test_a_retry_gets_the_id_once_its_holder_has_ended(self, rig: Rig) -> None:
        """[reuseid/occupied/retrypolicy]"""

        @rig.workflow
        def Insists(ctx, _):
            policy = RetryPolicy(first_retry_interval=timedelta(seconds=30), max_number_of_attempts=5)
            return (yield ctx.call_child_workflow("Echo", input=7, instance_id="c", retry_policy=policy))

        rig.start("Await", "c")
        rig.start("Insists", "p")
        rig.until(lambda: rig.row("p").wake_at)
        rig.terminate("c")
        rig.ended("c")
        rig.advance(minutes=1)
        assert rig.ended("p").output == "7"


class TestHistory:
    def test_of_an_empty_workflow(self, rig: Rig) -> None:
        """[get/base]"""
        rig.start("Echo", "e")
        rig.ended("e")
        assert kinds(rig, "e") == ["WorkflowStarted", "ExecutionStarted", "ExecutionCompleted"]

    def test_of_a_parent(self, rig: Rig) -> None:
        """[get/childwf]"""
        rig.start("Calls", "p", '"c"')
        rig.ended("p")
        first = ["WorkflowStarted", "ExecutionStarted", "ChildWorkflowInstanceCreated"]
        assert kinds(rig, "p") == [
            *first,
            "WorkflowStarted",
            "ChildWorkflowInstanceCompleted",
            "ExecutionCompleted",
        ]


class TestEvents:
    def test_two_alike_are_both_delivered(self, rig: Rig) -> None:
        """[chaos/eventdedup]"""

        @rig.workflow
        def Two(ctx, _):
            first = yield ctx.wait_for_external_event("go")
            second = yield ctx.wait_for_external_event("GO")
            return [first, second]

        rig.start("Two", "t")
        rig.raise_event("t", "go", "1")
        rig.raise_event("t", "go", "1")
        assert rig.ended("t").output == "[1, 1]"

    def test_racing_raises_over_many_generations_are_all_consumed(self, rig: Rig) -> None:
        """[continueasnew/carryover]"""

        @rig.workflow
        def Counter(ctx, n):
            yield ctx.wait_for_external_event("inc")
            if n + 1 == 50:
                return n + 1
            ctx.continue_as_new(n + 1, save_events=True)
            return None

        rig.start("Counter", "c", "0")

        def raise_some(call) -> None:
            for _ in range(10):
                call(lambda unit: operations.raise_event(unit, "c", "inc", None))

        threads = [threading.Thread(target=raise_some, args=(rig.do if n % 2 else rig.beside,)) for n in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert rig.ended("c").output == "50"

    def test_a_result_does_not_advance_what_is_suspended(self, rig: Rig) -> None:
        """[rerun/suspend]"""
        gate, advanced = threading.Event(), []

        @rig.activity
        def slow(ctx, _):
            gate.wait(LIMIT_SECONDS)
            return 1

        @rig.workflow
        def Slow(ctx, _):
            value = yield ctx.call_activity("slow")
            advanced.append(value)
            return value

        rig.start("Slow", "s")
        rig.do(lambda unit: operations.pause(unit, "s", None))
        rig.reached("s", Status.SUSPENDED)
        gate.set()
        rig.until(lambda: rig.row("s").busy == 0)
        assert not advanced
        rig.do(lambda unit: operations.resume(unit, "s", None))
        assert rig.ended("s").output == "1"


class TestTerminate:
    def test_a_fan_out_of_children(self, rig: Rig) -> None:
        """[terminate/fanout]"""
        rig.start("Fan", "p", '"Await"')
        rig.waits_for("k7", "go")
        rig.terminate("p", '"stop"')
        assert rig.ended("p").status is Status.TERMINATED
        assert {rig.ended(f"k{n}").status for n in range(8)} == {Status.TERMINATED}

    def test_behind_the_completing_event_leaves_it_completed(self, rig: Rig) -> None:
        """[terminate/batched]"""
        rig.start("Await", "a")
        rig.waits_for("a", "go")

        def both(unit):
            operations.raise_event(unit, "a", "go", "1")
            operations.terminate(unit, "a", None, None, True)

        rig.do(both)
        row = rig.ended("a")
        assert (row.status, row.output) == (Status.COMPLETED, "1")

    def test_before_the_completing_event_wins(self, rig: Rig) -> None:
        rig.start("Await", "a")
        rig.waits_for("a", "go")

        def both(unit):
            operations.terminate(unit, "a", '"x"', None, True)
            operations.raise_event(unit, "a", "go", "1")

        rig.do(both)
        row = rig.ended("a")
        assert (row.status, row.output) == (Status.TERMINATED, '"x"')

    def test_wins_over_a_continue_as_new(self, rig: Rig) -> None:
        """[terminate/continueasnew]"""

        @rig.workflow
        def Again(ctx, n):
            yield ctx.wait_for_external_event("go")
            ctx.continue_as_new(n + 1)

        rig.start("Again", "a", "0")
        rig.waits_for("a", "go")

        def both(unit):
            operations.raise_event(unit, "a", "go", None)
            operations.terminate(unit, "a", None, None, True)

        rig.do(both)
        assert rig.ended("a").status is Status.TERMINATED

    def test_activities_after_timers_never_run(self, rig: Rig) -> None:
        """[terminate/basic]"""
        ran = []

        @rig.activity
        def late(ctx, _):
            ran.append(1)

        @rig.workflow
        def Later(ctx, _):
            yield ctx.create_timer(timedelta(hours=1))
            yield ctx.call_activity("late")

        rig.start("Later", "l")
        rig.until(lambda: rig.row("l").wake_at)
        rig.terminate("l")
        rig.ended("l")
        rig.advance(hours=2)
        rig.settle()
        assert not ran


class TestPurge:
    def rows(self, rig: Rig) -> int:
        return rig.look(lambda db: sum(db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in TABLES))

    def test_leaves_no_rows(self, rig: Rig) -> None:
        """[purge/base]"""
        rig.start("Calls", "p", '"c"')
        rig.ended("p")
        assert rig.do(lambda unit: operations.purge(unit, "p", False, True)) == 2
        assert self.rows(rig) == 0

    @pytest.mark.parametrize("beside", [False, True])
    def test_forced_in_the_middle(self, rig: Rig, beside: bool) -> None:
        """[purge/force/midexecution]"""
        gate = threading.Event()

        @rig.activity
        def slow(ctx, _):
            gate.wait(LIMIT_SECONDS)
            return "old"

        @rig.workflow
        def Slow(ctx, quick):
            if quick:
                return "new"
            return (yield ctx.call_activity("slow"))

        rig.start("Slow", "s", "false")
        rig.until(lambda: rig.row("s").busy == 1)
        (rig.beside if beside else rig.do)(lambda unit: operations.purge(unit, "s", True, True))
        assert self.rows(rig) == 0
        rig.start("Slow", "s", "true")
        gate.set()
        assert rig.ended("s").output == '"new"'
        rig.settle()
        assert rig.ended("s").output == '"new"', "the old run's result is nobody's"


class TestRerun:
    def test_children_before_the_event_keep_their_id_and_later_ones_get_a_new_one(self, rig: Rig) -> None:
        """[rerun/child/base]"""

        @rig.workflow
        def Two(ctx, _):
            first = yield ctx.call_child_workflow("Echo", input=1)
            second = yield ctx.call_child_workflow("Echo", input=2)
            return [first, second]

        rig.start("Two", "a")
        rig.ended("a")
        rig.do(lambda unit: operations.rerun(unit, RerunRequest("a", 2, "b")))
        assert rig.ended("b").output == "[1, 2]"
        created = [e for e in rig.history("b") if isinstance(e, ev.ChildWorkflowInstanceCreated)]
        assert [(e.instance_id, e.rerun_parent) for e in created] == [("a:0001", None), ("b:0002", "a")]

    def test_of_a_terminated_wait_waits_again(self, rig: Rig) -> None:
        """[rerun/terminated, raise/active]"""
        rig.start("Await", "a")
        rig.waits_for("a", "go")
        rig.terminate("a")
        rig.ended("a")
        rig.do(lambda unit: operations.rerun(unit, RerunRequest("a", 1, "b")))
        rig.waits_for("b", "go")
        rig.raise_event("b", "go", "2")
        assert rig.ended("b").output == "2"

    def test_onto_a_child_id_that_is_taken(self, rig: Rig) -> None:
        """[reuseid/occupied/rerun]"""
        rig.start("Calls", "p", '"c"')
        rig.ended("p")
        rig.start("Await", "taken")
        rig.do(lambda unit: operations.rerun(unit, RerunRequest("p", 1, "q", new_child_id="taken")))
        assert "already exists" in (rig.ended("q").output or "")

    def test_ten_of_one_source(self, rig: Rig) -> None:
        """[rerun/multirerun]"""
        rig.start("Calls", "p", '"c"')
        rig.ended("p")
        for n in range(10):
            rig.do(lambda unit, n=n: operations.rerun(unit, RerunRequest("p", 1, f"q{n}")))  # type: ignore[misc]
        for n in range(10):
            assert rig.ended(f"q{n}").output == "1"

    def test_one_whose_original_is_purged_in_the_same_transaction_is_still_a_rerun(self, rig: Rig) -> None:
        @rig.workflow
        def Once(ctx, value):
            return (yield ctx.call_activity("give", input=value))

        rig.start("Once", "a", "1")
        rig.ended("a")

        def rerun_and_purge(unit: Unit) -> None:
            operations.rerun(unit, RerunRequest("a", 1, "b"))
            operations.purge(unit, "a", False, True)

        rig.do(rerun_and_purge)
        rig.ended("b")
        originals = "SELECT original FROM reruns WHERE key = ?"
        assert rig.look(lambda db: db.execute(originals, (rig.key("b"),)).fetchall()) == [("a",)]
        rig.do(lambda unit: operations.purge(unit, "b", False, True))
        assert rig.look(lambda db: db.execute("SELECT count(*) FROM reruns").fetchone()) == (0,)


class TestStalled:
    def test_everything_but_a_forced_purge_is_refused_and_the_stall_is_recorded_once(self, rig: Rig) -> None:
        """[versioning/stalled/*, uniquestalledevent]"""

        def edited(ctx, _):
            return (yield ctx.call_activity("give", input=1))

        good = rig.registry.workflow("Await").fn  # type: ignore[union-attr]
        rig.start("Await", "a")
        rig.waits_for("a", "go")
        rig.leave()
        rig.registry.add_workflow("Await", edited, replace=True)
        rig.beside(lambda unit: operations.raise_event(unit, "a", "go", "5"))
        for _ in range(3):
            rig.own()
            rig.reached("a", Status.STALLED)
            rig.settle()
            rig.leave()
        assert kinds(rig, "a").count("ExecutionStalled") == 1
        rig.own()
        for call in (
            lambda unit: operations.terminate(unit, "a", None, None, True),
            lambda unit: operations.pause(unit, "a", None),
            lambda unit: operations.resume(unit, "a", None),
            lambda unit: operations.raise_event(unit, "a", "go", None),
            lambda unit: operations.purge(unit, "a", False, True),
        ):
            with pytest.raises(WrongState, match="STALLED"):
                rig.do(call)
        rig.leave()
        rig.registry.add_workflow("Await", good, replace=True)
        rig.own()
        assert rig.ended("a").output == "5"


@pytest.mark.parametrize("bad", ["a\nb", "a\tb", " a", "a ", "\x1b[31mred", "a\u2028b", ""])
def test_a_child_id_that_is_not_one_plain_line_fails_the_call(rig: Rig, bad: str) -> None:
    """The workflow catches it, and the engine goes on."""
    rig.start("Calls", "p", json.dumps(bad))
    assert "instance ID" in json.loads(rig.ended("p").output or "")
    rig.start("Echo", "after", "1")
    assert rig.ended("after").status is Status.COMPLETED
    assert rig.look(lambda db: db.execute("SELECT count(*) FROM instances").fetchone()[0]) == 2


def test_an_instance_of_an_older_store_with_such_an_id_still_calls_children(rig: Rig) -> None:
    @rig.workflow
    def Older(ctx, _):
        yield ctx.wait_for_external_event("go")
        return (yield ctx.call_child_workflow("Echo", input=7))

    rig.start("Older", "plain")
    rig.waits_for("plain", "go")
    rig.leave()
    db = sqlite3.connect(rig.store)
    with db:
        assert db.execute("UPDATE instances SET id = ? WHERE id = 'plain'", ("odd\tid",)).rowcount == 1
    db.close()
    rig.own()
    rig.raise_event("odd\tid", "go")
    assert rig.ended("odd\tid").output == "7"
