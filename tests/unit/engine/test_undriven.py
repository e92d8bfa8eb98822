"""Requests to a store without an owner: what needs no workflow code is done at once, the rest waits for one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from engine_rig import Rig, inconsistencies
from limits import LIMIT_SECONDS

from wfctl.client.embedded import effects
from wfctl.client.embedded.workflows import EmbeddedWorkflows, open_embedded
from wfctl.engine import operations
from wfctl.engine.engine_thread import Engine
from wfctl.engine.execute.local import LocalExecutor
from wfctl.engine.execute.remote import RemoteExecutor
from wfctl.engine.execute.worker import Worker
from wfctl.engine.store import history_inbox
from wfctl.engine.transaction import Transaction, Unit
from wfctl.errors import NotFound, WrongState
from wfctl.model.instance import StartRequest
from wfctl.model.status import Status
from wfctl.workflow.registry import Registry


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)

    @rig.workflow
    def Await(ctx, name):
        first = yield ctx.wait_for_external_event(name)
        second = yield ctx.wait_for_external_event("second")
        return [first, second]

    @rig.workflow
    def Parent(ctx, times):
        try:
            return (yield ctx.call_child_workflow("Await", input="go"))
        except Exception as error:
            return f"the child says: {type(error).__name__}"

    yield rig
    rig.close()


@pytest.fixture
def command(rig: Rig) -> Iterator[EmbeddedWorkflows]:
    """A command without an app, on the rig's store."""
    workflows = open_embedded(rig.store, None, None, True, note=lambda line: None)
    yield workflows
    workflows.close()


def kinds(rig: Rig, instance_id: str) -> list[str]:
    return [type(event).__name__ for event in rig.history(instance_id)]


def left(rig: Rig, name: str, instance_id: str, input: str | None = None, **fields: Any) -> None:
    """Start it, let it come to rest, and leave the store to nobody."""
    rig.own()
    rig.start(name, instance_id, input, **fields)
    rig.settle()
    rig.leave()


def inbox(rig: Rig, instance_id: str) -> list[str]:
    key = rig.key(instance_id)
    return [type(event).__name__ for _, event in rig.look(lambda db: history_inbox.inbox_of(db, key))]


AWAITING = ["WorkflowStarted", "ExecutionStarted", "TimerCreated"]
ENDED = ["WorkflowStarted", "ExecutionTerminated", "ExecutionCompleted"]


class TestTerminate:
    def test_at_once_with_its_output(self, rig: Rig, command: EmbeddedWorkflows) -> None:
        left(rig, "Await", "a", '"go"')
        assert command.terminate("a", output='"bye"') is None
        row = rig.row("a")
        assert (row.status, row.output) == (Status.TERMINATED, '"bye"')
        assert kinds(rig, "a") == AWAITING + ENDED
        assert inbox(rig, "a") == []
        assert command.purge("a") == 1
        assert rig.look(inconsistencies) == []

    def test_a_suspended_one(self, rig: Rig, command: EmbeddedWorkflows) -> None:
        left(rig, "Await", "a", '"go"')
        command.pause("a")
        command.terminate("a")
        assert kinds(rig, "a") == [*AWAITING, "WorkflowStarted", "ExecutionSuspended", *ENDED]

    @pytest.mark.parametrize("delay", [None, timedelta(hours=1)])
    def test_one_that_has_not_started_never_runs(self, rig: Rig, command: EmbeddedWorkflows, delay) -> None:
        start_at = None if delay is None else rig.clock.now() + delay
        rig.start_beside("Await", "a", '"go"', start_at=start_at)
        assert command.terminate("a") is None
        assert rig.status("a") is Status.TERMINATED
        assert kinds(rig, "a") == ["WorkflowStarted", "ExecutionStarted", "ExecutionTerminated", "ExecutionCompleted"]
        assert rig.look(inconsistencies) == []

    def test_what_came_before_stays_before_it(self, rig: Rig, command: EmbeddedWorkflows) -> None:
        left(rig, "Await", "a", '"go"')
        command.raise_event("a", "go", "1")
        command.terminate("a")
        assert kinds(rig, "a") == [
            *AWAITING,
            "WorkflowStarted",
            "EventRaised",
            "ExecutionTerminated",
            "ExecutionCompleted",
        ]

    @pytest.mark.parametrize("recursive", [True, False])
    def test_of_a_parent_reaches_its_children(self, rig: Rig, command: EmbeddedWorkflows, recursive: bool) -> None:
        left(rig, "Parent", "p")
        assert command.terminate("p", recursive=recursive) is None
        assert rig.status("p") is Status.TERMINATED
        assert rig.status("p:0001") is (Status.TERMINATED if recursive else Status.RUNNING)
        assert rig.look(inconsistencies) == []

    def test_of_a_child_is_told_to_its_parent_when_that_is_driven(self, rig: Rig, command: EmbeddedWorkflows) -> None:
        left(rig, "Parent", "p")
        assert command.terminate("p:0001") is None
        assert rig.status("p:0001") is Status.TERMINATED
        assert rig.status("p") is Status.RUNNING
        assert inbox(rig, "p") == ["ChildWorkflowInstanceFailed"]
        rig.own()
        assert rig.ended("p").output == '"the child says: TaskFailedError"'
        assert rig.look(inconsistencies) == []

    def test_a_request_that_an_owner_left_undone_is_carried_out(self, rig: Rig, command: EmbeddedWorkflows) -> None:
        left(rig, "Await", "a", '"go"')
        rig.beside(lambda unit: operations.terminate(unit, "a", '"first"', None, True))
        with pytest.raises(WrongState) as refused:
            command.purge("a")
        assert "terminate" not in (refused.value.hint or "").split(), (
            "it is terminated already: no way round in a circle"
        )
        assert command.terminate("a", output='"second"') is None
        assert rig.row("a").output == '"first"'


class TestPauseAndResume:
    def test_at_once(self, rig: Rig, command: EmbeddedWorkflows) -> None:
        left(rig, "Await", "a", '"go"')
        assert command.pause("a", reason="lunch") is None
        assert rig.status("a") is Status.SUSPENDED
        assert command.pause("a") is None, "twice is once"
        assert command.resume("a") is None
        assert rig.status("a") is Status.RUNNING
        paused = ["WorkflowStarted", "ExecutionSuspended", "WorkflowStarted", "ExecutionResumed"]
        assert kinds(rig, "a") == AWAITING + paused
        rig.own()
        rig.raise_event("a", "go", "1")
        rig.raise_event("a", "second", "2")
        assert rig.ended("a").output == "[1, 2]", "the code replays over it"
        assert rig.look(inconsistencies) == []

    def test_a_pause_overtakes_an_event_that_no_turn_has_seen(self, rig: Rig, command: EmbeddedWorkflows) -> None:
        left(rig, "Await", "a", '"go"')
        command.raise_event("a", "go", "1")
        assert command.pause("a") is None
        assert (rig.status("a"), inbox(rig, "a")) == (Status.SUSPENDED, ["EventRaised"])
        assert command.resume("a") is None, "no code has seen the event, nor is owed it at the resume"
        assert (rig.status("a"), inbox(rig, "a")) == (Status.RUNNING, ["EventRaised"])
        rig.own()
        rig.raise_event("a", "second", "2")
        assert rig.ended("a").output == "[1, 2]"
        assert rig.look(inconsistencies) == []

    def test_a_resume_that_owes_the_code_something_waits_for_it(self, rig: Rig, command: EmbeddedWorkflows) -> None:
        rig.own()
        rig.start("Await", "a", '"go"')
        rig.do(lambda unit: operations.pause(unit, "a", None))
        rig.raise_event("a", "go", "1")
        rig.settle()
        rig.leave()
        answer = command.resume("a")
        assert answer is not None
        assert "no process is executing" in answer.waits_for
        assert (rig.status("a"), inbox(rig, "a")) == (Status.SUSPENDED, ["ExecutionResumed"])
        rig.own()
        rig.raise_event("a", "second", "2")
        assert rig.ended("a").output == "[1, 2]"
        assert rig.look(inconsistencies) == []

    def test_one_that_has_not_started_is_paused_when_it_does(self, rig: Rig, command: EmbeddedWorkflows) -> None:
        rig.start_beside("Await", "now", '"go"')
        rig.start_beside("Await", "later", '"go"', start_at=rig.clock.now() + timedelta(hours=1))
        for instance_id, words in (("now", "no process is executing"), ("later", "not started")):
            answer = command.pause(instance_id)
            assert answer is not None
            assert words in answer.waits_for
            assert rig.status(instance_id) is Status.PENDING
        rig.own()
        rig.reached("now", Status.SUSPENDED)


class TestBesideAnOwner:
    def test_its_app_lacks_the_workflow(self, rig: Rig) -> None:
        left(rig, "Await", "a", '"go"')
        rig.own(registry=Registry())
        rig.settle()
        rig.do(lambda unit: operations.pause(unit, "a", None))
        assert rig.status("a") is Status.SUSPENDED
        rig.do(lambda unit: operations.resume(unit, "a", None))
        assert rig.status("a") is Status.RUNNING
        rig.beside(lambda unit: operations.pause(unit, "a", None))
        rig.reached("a", Status.SUSPENDED)
        rig.settle()
        rig.leave()
        rig.own()
        rig.do(lambda unit: operations.resume(unit, "a", None))
        rig.raise_event("a", "go", "1")
        rig.raise_event("a", "second", "2")
        assert rig.ended("a").output == "[1, 2]"

    def test_the_owner_does_it_and_the_command_sees_to_that(self, rig: Rig, command: EmbeddedWorkflows) -> None:
        rig.own()
        rig.start("Await", "a", '"go"')
        assert command.pause("a") is None
        assert rig.status("a") is Status.SUSPENDED
        assert command.resume("a") is None
        assert rig.status("a") is Status.RUNNING
        assert command.terminate("a") is None
        assert rig.status("a") is Status.TERMINATED

    def test_one_that_rests_is_paused_without_it(
        self, rig: Rig, command: EmbeddedWorkflows, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The owner has its code alive, which is not to see what arrives now."""
        monkeypatch.setattr(effects, "EFFECT_SECONDS", 0.0)
        rig.own()
        rig.start("Await", "a", '"go"')
        rig.settle()
        assert command.pause("a", reason="lunch") is None
        rig.raise_event("a", "go", "1")
        rig.settle()
        paused = ["WorkflowStarted", "ExecutionSuspended"]
        assert kinds(rig, "a") == AWAITING + paused + ["WorkflowStarted", "EventRaised"]
        assert rig.status("a") is Status.SUSPENDED
        rig.do(lambda unit: operations.resume(unit, "a", None))
        rig.raise_event("a", "second", "2")
        assert rig.ended("a").output == "[1, 2]"
        assert rig.look(inconsistencies) == []

    def test_one_with_something_in_its_inbox_is_left_to_it(self, rig: Rig) -> None:
        left(rig, "Await", "a", '"go"')

        def raise_and_pause(unit: Unit) -> None:
            operations.raise_event(unit, "a", "go", "1")
            operations.pause(unit, "a", None)

        rig.beside(raise_and_pause)
        assert (rig.status("a"), inbox(rig, "a")) == (Status.RUNNING, ["EventRaised", "ExecutionSuspended"])
        rig.own()
        rig.reached("a", Status.SUSPENDED)

    def test_twice_in_one_transaction_is_once(self, rig: Rig) -> None:
        left(rig, "Await", "a", '"go"')

        def pause_and_resume(unit: Unit) -> None:
            operations.pause(unit, "a", None)
            operations.pause(unit, "a", None)
            operations.resume(unit, "a", None)
            operations.pause(unit, "a", None)

        rig.beside(pause_and_resume)
        assert kinds(rig, "a") == [*AWAITING, "WorkflowStarted", "ExecutionSuspended"]
        assert inbox(rig, "a") == ["ExecutionResumed", "ExecutionSuspended"]
        rig.own()
        rig.settle()
        assert rig.status("a") is Status.SUSPENDED
        assert rig.look(inconsistencies) == []

    def test_whoever_follows_the_owner_is_told(self, rig: Rig, command: EmbeddedWorkflows) -> None:
        left(rig, "Await", "a", '"go"')
        key = rig.key("a")
        seen: list[tuple[Status, list[str]]] = []

        def committed(transaction: Transaction) -> None:
            events = [type(event).__name__ for of, _, row in transaction.history if of == key for event in row]
            seen.extend((row.status, events) for row in transaction.rows if row.key == key)

        registry = rig.registry
        engine = Engine(rig.store, lambda deliver: LocalExecutor(registry, deliver), after_commit=committed)
        assert engine.start(None)
        try:
            assert engine.settled(None), "it has taken up the store"
            assert command.pause("a") is None
            rig.until(lambda: seen, "the owner has looked")
        finally:
            engine.stop()
        assert seen == [(Status.SUSPENDED, ["WorkflowStarted", "ExecutionSuspended"])]

    def test_whoever_owns_it_next_is_not_told_what_changed_before(self, rig: Rig, command: EmbeddedWorkflows) -> None:
        """Nor has it anything to forget: what it took up is to be run once."""
        turns: list[None] = []

        @rig.workflow
        def Work(ctx, value):
            turns.append(None)
            work = ctx.call_activity("rest")
            yield ctx.wait_for_external_event("first")
            yield work

        rest, begun = threading.Event(), threading.Event()

        @rig.activity
        def rest_(ctx, value):
            begun.set()
            rest.wait(LIMIT_SECONDS)

        rig.registry.add_activity("rest", rest_)
        rig.own()
        rig.start("Work", "busy")
        rig.start("Await", "ended", '"go"')
        assert begun.wait(LIMIT_SECONDS)
        rig.until(lambda: rig.status("ended") is Status.RUNNING)
        rig.leave()
        for one in ("busy", "ended"):
            assert command.pause(one) is None
        command.raise_event("busy", "first")
        command.terminate("ended")

        turns.clear()
        told: list[str] = []
        rig.own(after_commit=lambda transaction: told.extend(row.id for row in transaction.rows))
        rig.until(lambda: not inbox(rig, "busy"), "the event is in the history")
        rest.set()
        rig.settle()
        assert turns == [None]
        assert set(told) == {"busy"}
        assert rig.look(inconsistencies) == []

    def test_an_owner_that_does_not_act(
        self, rig: Rig, command: EmbeddedWorkflows, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its worker has the turn and never answers."""
        monkeypatch.setattr(effects, "EFFECT_SECONDS", 0.1)
        remotes: list[RemoteExecutor] = []

        def executor(deliver: Any) -> RemoteExecutor:
            remotes.append(RemoteExecutor(deliver))
            return remotes[-1]

        def commit(_: object) -> None:
            remotes[0].released()

        engine = Engine(rig.store, executor, after_commit=commit)
        assert engine.start(None)
        try:
            handed: list[None] = []
            remotes[0].attach(Worker(lambda: handed.append(None), most_turns=1, most_activities=1))
            engine.submit(lambda unit: operations.start(unit, StartRequest("Await", "a"))).result(LIMIT_SECONDS)
            rig.until(lambda: handed, "the worker has the turn")
            with_little_patience = open_embedded(rig.store, None, None, True, note=lambda line: None)
            answer = with_little_patience.terminate("a")
            assert answer is not None
            assert "the process that executes this store (PID " in answer.waits_for
            assert rig.status("a") is Status.PENDING
            with pytest.raises(WrongState) as refused:
                with_little_patience.purge("a")
            assert "requested already" in (refused.value.hint or "")
            with_little_patience.close()
        finally:
            engine.stop()


def test_what_a_transaction_deletes_is_gone_for_what_follows_in_it(rig: Rig, command: EmbeddedWorkflows) -> None:
    left(rig, "Parent", "p")
    command.terminate("p")
    child = rig.look(lambda db: db.execute("SELECT id FROM instances WHERE parent IS NOT NULL").fetchone()[0])
    before = rig.key("p")

    def purge_and_start(unit: Unit) -> list[int]:
        unit.expect(["p", child])
        counts = [operations.purge(unit, one, False, True) for one in (child, "p")]
        with pytest.raises(NotFound):
            operations.purge(unit, child, False, True)
        operations.start(unit, StartRequest("Parent", "p"))
        return counts

    assert rig.beside(purge_and_start) == [1, 1]
    assert rig.key("p") > before
    assert rig.status("p") is Status.PENDING
    assert rig.look(lambda db: db.execute("SELECT count(*) FROM instances").fetchone()[0]) == 1
    assert rig.look(inconsistencies) == []


def test_a_batch_counts_each_of_a_tree_once(rig: Rig, command: EmbeddedWorkflows) -> None:
    @rig.workflow
    def Grandparent(ctx, value):
        return (yield ctx.call_child_workflow("Parent", instance_id="p"))

    rig.own()
    rig.start("Grandparent", "g")
    rig.until(lambda: rig.status("p:0001") is Status.RUNNING)
    rig.terminate("g")
    rig.until(lambda: rig.find("p:0001") and rig.status("p:0001") is Status.TERMINATED)
    rig.settle()
    rig.leave()
    first, gone, last = command.for_each(["p", "p:0001", "g"], command.purge, lambda error: False)
    assert (first, last) == (2, 1)
    assert isinstance(gone, NotFound)
