"""Work for attached workers: order, windows, redelivery, and which answers count."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from wfctl.engine.execute.hands import told_backlog, told_workers
from wfctl.engine.execute.port import ActivityResult, ActivityTask, Delivery, LateTurn, Turn
from wfctl.engine.execute.remote import LOSS_GRACE, MOST_AGAIN, RemoteExecutor
from wfctl.engine.execute.worker import PendingActivity, PendingTurn, Work, Worker
from wfctl.model.events import NO_ID, WorkflowStarted
from wfctl.model.turn import TurnResult

NEW = [WorkflowStarted(NO_ID, datetime(2026, 1, 1, tzinfo=timezone.utc))]


class Room:
    """An executor, a clock that stands still, and what it delivered."""

    def __init__(self, *apps: str) -> None:
        self.delivered: list[Delivery] = []
        self.forgotten: list[int] = []
        self.time = 0.0
        self.executor = RemoteExecutor(
            self.delivered.append, on_forget=self.forgotten.append, turn_lease=60, clock=lambda: self.time, apps=apps
        )

    def worker(self, turns: int = 10, activities: int = 10, app_id: str | None = None) -> Worker:
        worker = Worker(lambda: None, most_turns=turns, most_activities=activities, app_id=app_id)
        self.executor.attach(worker)
        return worker

    def worker_that_names_turns(self) -> Worker:
        worker = self.worker()
        self.turn(99)
        assert self.answer(worker.outbox.popleft())
        self.delivered.clear()
        return worker

    def turn(self, *keys: int) -> None:
        for key in keys:
            self.executor.run_turn(Turn(key, f"i{key}", "W", list, NEW))
        self.executor.released()

    def activities(self, *task_ids: int, key: int = 1) -> None:
        self.executor.run_activities([ActivityTask(key, f"i{key}", t, "A", None, f"x{t}") for t in task_ids])
        self.executor.released()

    def answer(self, turn: Work, token: str | None = None) -> bool:
        assert isinstance(turn, PendingTurn)
        return self.executor.complete_turn(turn.instance_id, turn.token if token is None else token, TurnResult)

    def finish(self, activity: Work, token: str | None = None) -> bool:
        assert isinstance(activity, PendingActivity)
        task = activity.task
        return self.executor.complete_activity(
            task.instance_id, task.task_id, activity.token if token is None else token, "1", None
        )


def keys(worker: Worker) -> list[int]:
    return [work.key for work in worker.outbox if isinstance(work, PendingTurn)]


def tasks(worker: Worker) -> list[int]:
    return [work.task.task_id for work in worker.outbox if isinstance(work, PendingActivity)]


def test_nothing_is_given_out_before_the_commit() -> None:
    room = Room()
    worker = room.worker()
    room.executor.run_turn(Turn(1, "i1", "W", list, NEW))
    room.executor.run_activities([ActivityTask(1, "i1", 1, "A", None, "x")])
    assert not worker.outbox
    room.executor.released()
    assert len(worker.outbox) == 2


def test_turns_on_a_committed_past_are_given_out_before_the_commit() -> None:
    room = Room()
    worker = room.worker_that_names_turns()
    room.executor.run_turn(Turn(1, "i1", "W", list, NEW))
    room.executor.run_turn(Turn(2, "i2", "W", list, NEW, past_committed=True))
    room.executor.run_activities([ActivityTask(3, "i3", 1, "A", None, "x")])
    assert room.executor.hand_out_turns()
    assert keys(worker) == [2]
    assert not room.executor.hand_out_turns()
    room.executor.released()
    assert keys(worker) == [2, 1]
    assert tasks(worker) == [1]


def test_a_turn_that_was_given_out_before_the_commit_is_taken_back_after_a_rollback() -> None:
    room = Room()
    worker = room.worker_that_names_turns()
    room.executor.run_turn(Turn(1, "i1", "W", list, NEW, past_committed=True))
    assert room.executor.hand_out_turns()
    before = worker.outbox[0]
    room.executor.forget(1)
    room.executor.run_turn(Turn(1, "i1", "W", list, NEW, past_committed=True))
    assert not room.executor.hand_out_turns(), "the one before is to be taken back first"
    room.executor.released()
    assert before.done
    assert not room.answer(before)
    assert len(worker.turns) == 1
    assert room.answer(worker.outbox[1])


def test_a_worker_whose_answers_do_not_name_their_turns_gets_them_after_the_commit() -> None:
    """What it makes of a result that is lost could be taken for its answer to the turn with the next one."""
    room = Room()
    worker = room.worker_that_names_turns()
    for token in ("", None):  # once is enough
        room.turn(1)
        assert room.answer(worker.outbox.popleft(), token)
        room.executor.run_turn(Turn(2, "i2", "W", list, NEW, past_committed=True))
        assert not room.executor.hand_out_turns()
        room.executor.released()
        assert room.answer(worker.outbox.popleft(), token)


def test_without_a_worker_no_answer_is_to_be_expected() -> None:
    room = Room()
    room.executor.run_turn(Turn(1, "i1", "W", list, NEW, past_committed=True))
    assert not room.executor.hand_out_turns()
    assert keys(room.worker()) == [1]


def test_a_turn_of_a_transaction_that_was_rolled_back_is_never_given_out() -> None:
    room = Room()
    worker = room.worker()
    room.executor.run_turn(Turn(1, "i1", "W", list, NEW))
    room.executor.forget(1)
    room.executor.released()
    assert not worker.outbox
    assert room.executor.counts() == (0, 0)
    assert room.forgotten == [1]


def test_each_apps_work_is_for_its_own_workers() -> None:
    """What waits for one app holds up no other; what names none is the first one's; a lost worker's goes to its own."""
    room = Room("shop", "pay")
    for key, app_id in ((1, "gone"), (2, "pay"), (3, "shop"), (4, None)):
        room.executor.run_turn(Turn(key, f"i{key}", "W", list, NEW, app_id=app_id))
        room.executor.run_activities([ActivityTask(key, f"i{key}", key, "A", None, "x", app_id=app_id)])
    room.executor.released()
    shop, pay = room.worker(app_id="shop"), room.worker(app_id="pay")
    assert (keys(shop), tasks(shop)) == ([3, 4], [3, 4])
    assert (keys(pay), tasks(pay)) == ([2], [2])
    room.executor.detach(pay)
    assert keys(shop) == [3, 4]
    again = room.worker(app_id="pay")
    assert (keys(again), tasks(again)) == ([2], [2])
    assert room.executor.counts() == (4, 4)
    assert keys(room.worker(app_id="gone")) == [1]


def test_work_waits_for_a_worker_and_keeps_its_order() -> None:
    room = Room()
    assert not room.executor.knows("W", "")
    room.turn(3, 1, 2)
    room.activities(5, 4)
    worker = room.worker()
    assert room.executor.knows("W", "")
    assert keys(worker) == [3, 1, 2]
    assert tasks(worker) == [5, 4]


def test_windows_are_separate_and_refilled_by_answers() -> None:
    room = Room()
    worker = room.worker(turns=2, activities=1)
    room.turn(1, 2, 3)
    room.activities(1, 2)
    assert keys(worker) == [1, 2]
    assert tasks(worker) == [1]
    first = worker.outbox[0]
    assert room.answer(first)
    assert keys(worker) == [1, 2, 3]
    assert room.finish(next(work for work in worker.outbox if isinstance(work, PendingActivity)))
    assert tasks(worker) == [1, 2]
    assert room.delivered == [LateTurn(1, TurnResult(), NEW), ActivityResult(1, 1, "x1", "1", None)]


def test_what_a_worker_held_goes_to_others_first() -> None:
    room = Room()
    gone = room.worker()
    room.turn(1, 2)
    room.activities(1)
    room.executor.detach(gone)
    room.turn(3)
    other = room.worker()
    assert keys(other) == [1, 2, 3]
    assert tasks(other) == [1]
    assert not gone.outbox


def test_an_instance_comes_back_to_the_worker_that_ran_it_last() -> None:
    room = Room()
    first, second = room.worker(), room.worker(turns=20)
    room.turn(1)
    owner = second if second.outbox else first
    work = owner.outbox.popleft()
    room.answer(work)
    room.turn(7, 1)
    assert 1 in keys(owner)


def test_an_answer_with_a_token_nobody_gave_out_is_dropped_and_an_empty_one_counts() -> None:
    room = Room()
    worker = room.worker()
    room.turn(1)
    work = worker.outbox[0]
    assert not room.answer(work, "of another run")
    assert room.answer(work, "")
    assert not room.answer(work, "")
    assert len(room.delivered) == 1


def test_no_answer_counts_before_the_turn_was_given_out() -> None:
    room = Room()
    room.turn(1)
    assert not room.executor.complete_turn("i1", "", TurnResult)


def test_a_turn_without_an_answer_is_given_out_again_and_the_first_answer_counts() -> None:
    room = Room()
    worker = room.worker()
    room.turn(1)
    work = worker.outbox.popleft()
    assert isinstance(work, PendingTurn)
    first = work.token
    room.time = 59
    assert room.executor.expire() == 0
    room.time = 61
    assert room.executor.expire() == 1
    again = worker.outbox.popleft()
    assert again is work
    assert work.token != first
    assert room.answer(work, first)
    assert not room.answer(work, work.token)


def test_activities_have_no_lease() -> None:
    room = Room()
    worker = room.worker()
    room.activities(1)
    room.time = 1e9
    assert room.executor.expire() == 0
    assert len(worker.activities) == 1


def test_what_a_lost_answer_may_have_answered_is_given_out_again() -> None:
    """Which activity it was, nobody knows; a turn it was not, nor what was given out since, nor what another holds."""
    room = Room()
    worker, other = room.worker(), room.worker()
    room.activities(1, 2)
    room.turn(7)
    worker.outbox.clear()
    other.outbox.clear()
    held, lost_at = len(worker.activities), 100.0
    assert held == 1
    room.time = lost_at
    room.executor.answer_lost(worker, to_turn=False)
    room.time = lost_at + 1
    room.activities(3, key=2)
    room.time = lost_at + LOSS_GRACE - 0.1
    assert room.executor.give_out_lost() == (0, 0, 0), "other answers may be on their way"
    room.time = lost_at + LOSS_GRACE
    assert room.executor.give_out_lost() == (0, held, 0)
    assert room.executor.give_out_lost() == (0, 0, 0)


def test_the_first_answer_counts_when_an_activity_was_given_out_again() -> None:
    room = Room()
    worker = room.worker()
    room.activities(1)
    work = worker.outbox.popleft()
    room.executor.answer_lost(worker, to_turn=False)
    room.time = LOSS_GRACE
    room.executor.give_out_lost()
    assert worker.outbox.popleft() is work
    assert room.finish(work)
    assert not room.finish(work)
    assert room.executor.counts() == (0, 0)


def test_an_activity_whose_answers_are_always_lost_does_not_run_for_ever() -> None:
    room = Room()
    worker = room.worker()
    room.activities(1)
    for _ in range(MOST_AGAIN):
        worker.outbox.clear()
        room.executor.answer_lost(worker, to_turn=False)
        room.time += LOSS_GRACE
        assert room.executor.give_out_lost() == (0, 1, 0)
    worker.outbox.clear()
    room.executor.answer_lost(worker, to_turn=False)
    room.time += LOSS_GRACE
    assert room.executor.give_out_lost() == (0, 0, 1)
    assert not worker.outbox


def test_a_turn_is_given_out_again_however_often_its_answer_is_lost() -> None:
    room = Room()
    worker = room.worker()
    room.turn(1)
    for _ in range(MOST_AGAIN + 2):
        worker.outbox.clear()
        room.executor.answer_lost(worker, to_turn=True)
        room.time += LOSS_GRACE
        assert room.executor.give_out_lost() == (1, 0, 0)


def test_what_has_not_been_sent_yet_is_not_sent_twice() -> None:
    room = Room()
    worker = room.worker()
    room.activities(1)
    room.turn(1)
    room.executor.answer_lost(worker, to_turn=False)
    room.executor.answer_lost(worker, to_turn=True)
    room.time = LOSS_GRACE
    assert room.executor.give_out_lost() == (0, 0, 0)
    assert len(worker.outbox) == 2


def test_an_activity_of_an_earlier_generation_is_told_by_its_token() -> None:
    room = Room()
    worker = room.worker()
    for execution in ("old", "new"):
        room.executor.run_activities([ActivityTask(1, "i1", 1, "A", None, execution)])
    room.executor.released()
    new = worker.outbox[1]
    assert room.finish(new)
    assert room.delivered == [ActivityResult(1, 1, "new", "1", None)]
    assert room.executor.counts() == (0, 1)


def test_a_result_that_outlives_the_connection_counts() -> None:
    """The worker was cut off; its activity waits to be given out again, when the result comes over a new connection."""
    room = Room()
    worker = room.worker()
    room.activities(1)
    work = worker.outbox[0]
    room.executor.detach(worker)
    assert room.finish(work)
    other = room.worker()
    assert not other.outbox


def test_a_draining_executor_gives_out_nothing() -> None:
    room = Room()
    worker = room.worker()
    room.turn(1)
    room.executor.drain()
    room.turn(2)
    assert keys(worker) == [1]
    assert room.executor.turns_in_hands == 1


def test_nothing_is_delivered_after_close() -> None:
    room = Room()
    worker = room.worker()
    room.turn(1)
    room.executor.close()
    room.answer(worker.outbox[0])
    assert not room.delivered


def test_the_report_says_who_holds_what_since_when_and_what_waits() -> None:
    room = Room()
    first = room.worker(turns=1, activities=1)
    room.turn(1)
    room.time = 10.0
    room.worker(turns=0, activities=1)
    room.activities(1, 2, 3, 4)
    room.turn(2)
    room.time = 15.0
    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    hands = room.executor.hands()
    one, two = told_workers(hands, now)
    assert [(held.kind, held.name, held.instance_id, (now - held.since).seconds) for held in one.holds] == [
        ("workflow", "W", "i1", 15),
        ("activity", "A", "i1", 5),
    ]
    assert (one.workflows, one.activities, two.workflows, two.activities) == (1, 1, 0, 1)
    assert (one.since, two.since) == (now - timedelta(seconds=15), now - timedelta(seconds=5))
    waiting = {(queued.kind, queued.name): queued.count for queued in told_backlog(hands, now)}
    assert waiting == {("workflow", "W"): 1, ("activity", "A"): 2}
    assert {queued.since for queued in told_backlog(hands, now)} == {now - timedelta(seconds=5)}
    room.executor.detach(first)
    hands = room.executor.hands()
    assert len(hands.workers) == 1
    assert {q.kind: q.count for q in told_backlog(hands, now)} == {"workflow": 2, "activity": 3}


def test_the_report_of_one_app_has_nothing_of_another() -> None:
    room = Room("a", "b")
    room.worker(app_id="a")
    room.worker(app_id="b", turns=0)
    room.turn(1)
    room.executor.run_turn(Turn(2, "i2", "W", list, NEW, app_id="b"))
    room.executor.released()
    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    of_a, of_b = room.executor.hands("a"), room.executor.hands("b")
    assert ([w.workflows for w in told_workers(of_a, now)], told_backlog(of_a, now)) == ([1], [])
    assert [w.workflows for w in told_workers(of_b, now)] == [0]
    assert [queued.count for queued in told_backlog(of_b, now)] == [1]
