"""What a worker is sent of a history: all of it, or what it lacks; from memory, or from the store."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

pytest.importorskip("google.protobuf", reason="needs the extra grpc")

from wfctl.engine.execute.worker import PendingTurn
from wfctl.engine.store import database
from wfctl.engine.store.codec import encode
from wfctl.engine.store.history_inbox import append_history, wipe_history
from wfctl.gateway.workers.history_cache import Histories
from wfctl.model.events import NO_ID, Event, TaskCompleted, TaskScheduled, WorkflowStarted
from wfctl.wire.protos import taskhub_pb2 as pb

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
KEY = 7


class Story:
    """A history that grows by one turn at a time; `told`: whether the commits are told to the histories as well."""

    def __init__(self, folder: Path, told: bool, most_bytes: int = 1 << 20) -> None:
        self._db = database.open_store(folder / "store.db")
        self.histories = Histories(folder / "store.db", most_bytes)
        self._told = told
        self._seq = 0

    def commit(self) -> None:
        self._seq += 1
        at = START + timedelta(seconds=self._seq)
        events: list[Event] = [WorkflowStarted(NO_ID, at), TaskScheduled(self._seq, at, "A", "1", f"x{self._seq}")]
        append_history(self._db, [(KEY, self._seq, 0, encode(events))])
        if self._told:
            self.histories.note([(KEY, self._seq, events)])

    def send(self, mark: tuple[int, int] | None, stateful: bool) -> tuple[pb.WorkflowRequest, tuple[int, int]]:
        turn = PendingTurn(KEY, "i", "W", [WorkflowStarted(NO_ID, START), TaskCompleted(NO_ID, START, 1, '"r"', "x1")])
        turn.token = "t"
        data, mark = self.histories.turn(turn, mark, stateful=stateful).encode()
        item = pb.WorkItem.FromString(data)
        assert item.completion_token == "t"
        assert [e.WhichOneof("event") for e in item.workflow_request.new_events] == [
            "workflow_started",
            "task_completed",
        ]
        return item.workflow_request, mark

    def close(self) -> None:
        self.histories.close()
        self._db.close()


def ids(request: pb.WorkflowRequest) -> list[int]:
    return [event.event_id for event in request.past_events if event.HasField("task_scheduled")]


@pytest.mark.parametrize("told", [True, False], ids=["told", "read"])
def test_a_worker_that_keeps_histories_is_sent_what_it_lacks(tmp_path: Path, told: bool) -> None:
    story = Story(tmp_path, told)
    request, mark = story.send(None, True)
    assert (ids(request), request.HasField("cached_history")) == ([], False)
    story.commit()
    request, mark = story.send(mark, True)
    assert (ids(request), request.HasField("cached_history")) == ([1], False)
    for number in (2, 3):
        story.commit()
        request, mark = story.send(mark, True)
        assert (ids(request), request.cached_history.event_count) == ([number], 2 * (number - 1))
    # Given out again: it has all of it.
    request, mark = story.send(mark, True)
    assert (ids(request), request.cached_history.event_count) == ([], 6)
    # Another worker has nothing.
    request, _ = story.send(None, True)
    assert (ids(request), request.HasField("cached_history")) == ([1, 2, 3], False)
    story.close()


@pytest.mark.parametrize("told", [True, False], ids=["told", "read"])
@pytest.mark.parametrize("most_bytes", [1 << 20, 1], ids=["kept", "too large to keep"])
def test_other_workers_are_sent_all_of_it(tmp_path: Path, told: bool, most_bytes: int) -> None:
    story = Story(tmp_path, told, most_bytes)
    for number in range(1, 5):
        story.commit()
        request, _ = story.send(None, False)
        assert ids(request) == list(range(1, number + 1))
        assert not request.HasField("cached_history")
    story.histories.forget(KEY)
    request, _ = story.send(None, False)
    assert ids(request) == [1, 2, 3, 4]
    story.close()


def test_what_was_told_only_in_part_is_read(tmp_path: Path) -> None:
    story = Story(tmp_path, False)
    story.commit()
    story._told = True
    story.commit()
    request, _ = story.send(None, True)
    assert ids(request) == [1, 2]
    story.close()


def test_what_is_forgotten_while_it_is_encoded_is_not_kept(tmp_path: Path) -> None:
    """The instance continues as new just then: its new history has nothing of the old one."""
    story = Story(tmp_path, False)
    story.commit()
    turn = PendingTurn(KEY, "i", "W", [WorkflowStarted(NO_ID, START)])
    item = story.histories.turn(turn, None, stateful=False)
    story.histories.forget(KEY)
    item.encode()
    wipe_history(story._db, [KEY])
    story.commit()
    request, _ = story.send(None, False)
    assert ids(request) == [2]
    story.close()


def test_the_size_tells_a_long_history_from_a_short_one(tmp_path: Path) -> None:
    story = Story(tmp_path, False)
    at = START + timedelta(seconds=1)
    events: list[Event] = [TaskScheduled(number, at, "A", "1", f"x{number}") for number in range(1000)]
    append_history(story._db, [(KEY, 1, 0, encode(events))])
    turn = PendingTurn(KEY, "i", "W", [WorkflowStarted(NO_ID, START)])
    for stateful in (True, False):
        item = story.histories.turn(turn, None, stateful=stateful)
        assert 500 < item.size < 2000
        assert len(pb.WorkItem.FromString(item.encode()[0]).workflow_request.past_events) == 1000
        story.histories.forget(KEY)
    assert story.histories.turn(turn, (1, 1000), stateful=True).size == 1
    story.close()
