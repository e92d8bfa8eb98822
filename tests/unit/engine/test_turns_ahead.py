"""Turns that workers get before the commit of what led to them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from limits import LIMIT_SECONDS, until

from wfctl.engine import operations, owned_store
from wfctl.engine.engine_thread import Engine
from wfctl.engine.execute.port import Delivery, LateTurn
from wfctl.engine.execute.remote import RemoteExecutor
from wfctl.engine.execute.worker import PendingActivity, PendingTurn, Work, Worker
from wfctl.engine.store import reads
from wfctl.engine.store.reading import open_reader
from wfctl.engine.transaction import Transaction
from wfctl.model import events as ev
from wfctl.model.events import NO_ID
from wfctl.model.instance import StartRequest
from wfctl.model.status import Status
from wfctl.model.turn import TurnResult


class Server:
    """An engine and one worker, whose answers the test gives."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.commits: list[int] = []  # of each commit, how many rows of history it wrote
        self.delivered: list[Delivery] = []
        self.engine = Engine(
            store, self._executor, after_commit=self._committed, hand_out_turns=lambda: self.remote.hand_out_turns()
        )
        assert self.engine.start(None)
        self.worker = Worker(lambda: None, most_turns=10, most_activities=10)
        self.remote.attach(self.worker)

    def _executor(self, deliver: Callable[[Delivery], None]) -> RemoteExecutor:
        def noted(delivery: Delivery) -> None:
            self.delivered.append(delivery)
            deliver(delivery)

        self.remote = RemoteExecutor(noted)
        return self.remote

    def _committed(self, transaction: Transaction) -> None:
        self.commits.append(len(transaction.history))
        self.remote.released()

    def start(self, instance_id: str) -> None:
        request = StartRequest("W", instance_id, None)
        self.engine.submit(lambda unit: operations.start(unit, request)).result(LIMIT_SECONDS)

    def given(self) -> Work:
        """Return the next item that the worker gets."""
        until(lambda: bool(self.worker.outbox), "the worker has got something")
        return self.worker.outbox.popleft()

    def turn(self) -> PendingTurn:
        turn = self.given()
        assert isinstance(turn, PendingTurn)
        return turn

    def call(self, turn: PendingTurn, task_id: int) -> PendingActivity:
        """Answer a turn with the call of an activity. Returns what the worker gets then."""
        task = ev.TaskScheduled(task_id, turn.new[0].timestamp, "A", None, f"x{task_id}")
        assert self.answer(turn, task)
        activity = self.given()
        assert isinstance(activity, PendingActivity)
        return activity

    def complete(self, turn: PendingTurn) -> None:
        assert self.answer(turn, ev.ExecutionCompleted(NO_ID, turn.new[0].timestamp, Status.COMPLETED, "1"))

    def answer(self, turn: PendingTurn, *actions: ev.Event) -> bool:
        return self.remote.complete_turn(turn.instance_id, turn.token, lambda: TurnResult([*actions]))

    def finish(self, activity: PendingActivity) -> None:
        task = activity.task
        assert self.remote.complete_activity(task.instance_id, task.task_id, activity.token, "1", None)

    def results(self, instance_id: str) -> list[int]:
        """Return the IDs of the activities with a result in the history, and 0 for each event in the inbox."""
        db = open_reader(self.store)
        try:
            history = reads.history(db, instance_id, None) or []
            there = "SELECT count(*) FROM inbox WHERE key = (SELECT key FROM instances WHERE id = ?)"
            waiting = db.execute(there, (instance_id,)).fetchone()[0]
        finally:
            db.close()
        return [e.task_scheduled_id for e in history if isinstance(e, ev.TaskCompleted)] + [0] * waiting

    def ended(self, instance_id: str) -> bool:
        with sqlite3.connect(self.store) as db:
            found = db.execute("SELECT status FROM instances WHERE id = ?", (instance_id,)).fetchone()
        return bool(found[0] == Status.COMPLETED)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "store.db")
    yield server
    server.engine.stop()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owned_store, "ANSWER_SECONDS", LIMIT_SECONDS)


@pytest.mark.usefixtures("patient")
def test_a_result_is_committed_with_the_answer_that_it_led_to(server: Server) -> None:
    server.start("i1")
    activity = server.call(server.turn(), 1)
    server.commits.clear()
    for number in range(2, 5):
        server.finish(activity)
        turn = server.turn()
        assert server.results("i1") == list(range(1, number - 1)), "the turn went out before the commit"
        activity = server.call(turn, number)
        assert server.results("i1") == list(range(1, number)), "the activity went out after it"
    assert server.commits == [1, 1, 1]


def test_a_worker_that_takes_its_time_is_not_waited_for(server: Server) -> None:
    server.start("i1")
    server.finish(server.call(server.turn(), 1))
    turn = server.turn()
    until(lambda: server.results("i1") == [0], "the result is committed, for the turn to come")
    server.complete(turn)
    until(lambda: server.ended("i1"), "the end")
    assert server.results("i1") == [1]


@pytest.mark.usefixtures("patient")
def test_a_request_is_not_kept_waiting(server: Server) -> None:
    server.start("i1")
    server.finish(server.call(server.turn(), 1))
    server.turn()
    server.start("i2")
    assert server.results("i1") == [0]


@pytest.mark.usefixtures("patient")
def test_the_server_stops_without_waiting_and_nothing_is_lost(tmp_path: Path) -> None:
    server = Server(tmp_path / "store.db")
    server.start("i1")
    server.finish(server.call(server.turn(), 1))
    server.turn()
    assert server.engine.stop(LIMIT_SECONDS)
    assert server.results("i1") == [0]


@pytest.mark.parametrize("answered", [False, True], ids=["before the answer", "with the answer"])
def test_after_a_rollback_the_answer_of_the_turn_counts_for_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch, answered: bool
) -> None:
    server.start("i1")
    activity = server.call(server.turn(), 1)
    store = server.engine._store
    flush, left = store._dispatcher.flush, [1]

    def failing() -> None:
        flush()
        if left:
            left.pop()
            store.db.execute("INSERT INTO no_such_table VALUES (1)")

    monkeypatch.setattr(owned_store, "ANSWER_SECONDS", LIMIT_SECONDS if answered else 0.0)
    monkeypatch.setattr(store._dispatcher, "flush", failing)
    server.finish(activity)
    before = server.turn()
    if answered:
        server.answer(before, ev.TaskScheduled(7, before.new[0].timestamp, "Wrong", None, "x7"))
        monkeypatch.setattr(owned_store, "ANSWER_SECONDS", 0.0)
    again = server.turn()
    assert again is not before
    assert again.new is not before.new
    until(lambda: before.done, "the turn of before the rollback is taken back")
    assert not server.remote.complete_turn("i1", before.token, TurnResult)
    assert list(server.worker.turns.values()) == [again]
    server.engine._deliver(LateTurn(before.key, TurnResult(custom_status="wrong"), before.new))
    server.complete(again)
    until(lambda: server.ended("i1"), "the end")
    db = open_reader(server.store)
    history = reads.history(db, "i1", None) or []
    custom = db.execute("SELECT custom_status FROM instances").fetchone()[0]
    db.close()
    assert custom is None
    assert [type(event).__name__ for event in history] == [
        "WorkflowStarted", "ExecutionStarted", "TaskScheduled", "WorkflowStarted", "TaskCompleted",
        "ExecutionCompleted",
    ]  # fmt: skip


@pytest.mark.usefixtures("patient")
def test_a_turn_on_top_of_an_answer_waits_for_its_commit(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its worker is sent the past as the store has it."""
    server.start("i1")
    first = server.turn()
    tasks = [ev.TaskScheduled(n, first.new[0].timestamp, "A", None, f"x{n}") for n in (1, 2)]
    assert server.answer(first, *tasks)
    one, two = server.given(), server.given()
    assert isinstance(one, PendingActivity)
    assert isinstance(two, PendingActivity)
    server.finish(one)
    turn = server.turn()
    server.finish(two)
    assert server.answer(turn)
    following = server.turn()
    assert server.results("i1") == [1, 0]
    assert [type(event).__name__ for event in following.new] == ["WorkflowStarted", "TaskCompleted"]
    server.complete(following)
    until(lambda: server.ended("i1"), "the end")
    assert server.results("i1") == [1, 2]
