"""Three days in seconds: timers of a thousand instances on attached workers, over restarts, under a clock that the test
moves."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import limits

from wfctl.engine import operations
from wfctl.engine.clock import MICROSECOND
from wfctl.engine.engine_thread import Engine
from wfctl.engine.execute.port import Delivery
from wfctl.engine.execute.remote import RemoteExecutor
from wfctl.engine.execute.worker import PendingTurn, Worker
from wfctl.engine.store import database
from wfctl.engine.store.history_inbox import read_history
from wfctl.model import events as ev
from wfctl.model.instance import StartRequest
from wfctl.model.status import Status
from wfctl.model.turn import TurnResult

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
COUNT = 1000


class Moved:
    """A clock."""

    step = MICROSECOND

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return 0.0


def run(turn: PendingTurn) -> TurnResult:
    """Sleep for as many seconds as the input says, once; then end."""
    now = turn.new[0].timestamp
    started = next((event for event in turn.new if isinstance(event, ev.ExecutionStarted)), None)
    if started is not None:
        return TurnResult([ev.TimerCreated(1, now, START + timedelta(seconds=int(started.input or "0")))])
    return TurnResult([ev.ExecutionCompleted(2, now, Status.COMPLETED, None)])


class Server:
    """An engine with one worker, which answers at once."""

    def __init__(self, store: Path, clock: Moved) -> None:
        self.engine = Engine(store, self._executor, clock=clock, after_commit=lambda changed: self.remote.released())
        assert self.engine.start(None)
        self.worker = Worker(self._work, most_turns=10, most_activities=10)
        self.remote.attach(self.worker)
        self.engine.try_all_again()

    def _executor(self, deliver: Callable[[Delivery], None]) -> RemoteExecutor:
        self.remote = RemoteExecutor(deliver)
        return self.remote

    def _work(self) -> None:
        """Called under the executor's lock: answer from another thread."""
        threading.Thread(target=self._answer).start()

    def _answer(self) -> None:
        while self.worker.outbox:
            try:
                turn = self.worker.outbox.popleft()
            except IndexError:
                return
            if isinstance(turn, PendingTurn):
                self.remote.complete_turn(turn.instance_id, turn.token, lambda turn=turn: run(turn))  # type: ignore[misc]


def statuses(server: Server, ids: Iterable[str]) -> dict[str, Status]:
    rows = server.engine.submit(lambda unit: [unit.find(instance_id) for instance_id in ids]).result()
    return {row.id: row.status for row in rows if row is not None}


def until(server: Server, ids: Iterable[str], wanted: Status) -> None:
    server.engine.tick()
    limits.until(
        lambda: not set(statuses(server, ids).values()) - {wanted} and not server.remote.counts()[0],
        f"all are {wanted.name}",
    )


def test_timers_days_away_fire_on_time_and_in_order_over_restarts(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    draw = random.Random(1)
    due = {f"i{number}": draw.randrange(60, 72 * 3600) for number in range(COUNT)}
    clock = Moved()
    server = Server(store, clock)
    for instance_id, seconds in due.items():
        request = StartRequest("Sleep", instance_id, str(seconds))
        server.engine.submit(lambda unit, request=request: operations.start(unit, request))  # type: ignore[misc]
    until(server, due, Status.RUNNING)
    for step in range(1, 74):
        if step % 20 == 0:
            server.engine.stop()
            server = Server(store, clock)
        clock.time = START + timedelta(hours=step)
        until(server, [i for i, seconds in due.items() if seconds <= step * 3600], Status.COMPLETED)
        for instance_id, status in statuses(server, due).items():
            assert status.terminal == (due[instance_id] <= step * 3600), (step, instance_id)
    server.engine.stop()
    db = database.open_store(store)
    fired: list[tuple[datetime, int]] = []
    for key in range(1, COUNT + 1):
        for event in read_history(db, key):
            if isinstance(event, ev.TimerFired):
                late = event.timestamp - event.fire_at
                assert timedelta(0) <= late <= timedelta(hours=1, seconds=1), late
                fired.append((event.timestamp, int((event.fire_at - START).total_seconds())))
    db.close()
    assert len(fired) == COUNT
    # Each step fires the timers of one hour: the hours come in order.
    assert [seconds // 3600 for _, seconds in sorted(fired)] == sorted(seconds // 3600 for _, seconds in fired)
