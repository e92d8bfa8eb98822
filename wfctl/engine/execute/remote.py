"""The executor of workers that attach from outside: turns and activities wait here until a worker has room.

The engine's thread puts work in, and takes it out of its own hands after the commit (`released`), turns before it where
that does no harm (`hand_out_turns`); a gateway attaches workers, sends what they are given, and brings the answers
back, from any thread. Everything under one lock, held for microseconds.

What is promised: first in, first out, by kind; no more in a worker's hands than its windows allow (a worker that dies
makes only those run again); what a worker held goes to the next one when it leaves; a turn whose answer does not
come within the lease is given out again, and whichever answer comes first counts, since a turn's content is fixed.
An activity has no lease: it may run for days as long as its worker stays connected. When an answer of a worker was
lost on its way, nobody knows which one, so all that this worker has held since before is given out again.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from wfctl.engine.execute.hands import Hands
from wfctl.engine.execute.port import ActivityResult, ActivityTask, Delivery, LateTurn, Turn
from wfctl.engine.execute.worker import PendingActivity, PendingTurn, Worker
from wfctl.model.apps import DEFAULT_ID
from wfctl.model.failure import Failure
from wfctl.model.turn import TurnResult

# Seconds until an unanswered turn is given out again. A turn takes milliseconds; the JavaScript SDK 3.18 drops work
# items without a word when its queue is full, and would leave an instance hanging for ever.
TURN_LEASE = 120.0
# Seconds between the loss of an answer and the giving out again of what it may have been the answer to: other answers
# may be on their way beside it.
LOSS_GRACE = 10.0
# How often an activity is given out again because of lost answers. One whose answer is lost every time would otherwise
# run for ever.
MOST_AGAIN = 3


class Again(NamedTuple):
    """How much was given out again; `kept` are activities that have been so MOST_AGAIN times."""

    turns: int
    activities: int
    kept: int


class RemoteExecutor:
    """See the port. `on_forget` is told, on the engine's thread, which keys nothing need be kept of any more."""

    def __init__(
        self,
        deliver: Callable[[Delivery], None],
        *,
        on_forget: Callable[[int], None] = lambda key: None,
        turn_lease: float = TURN_LEASE,
        loss_grace: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        apps: Sequence[str] = (),
        own: str = DEFAULT_ID,
    ) -> None:
        """`apps`: the IDs of the apps whose workers attach, each for its own work; empty where there is one app, whose
        ID is `own`."""
        self._deliver = deliver
        self._on_forget = on_forget
        self._turn_lease = turn_lease
        self._loss_grace = LOSS_GRACE if loss_grace is None else loss_grace
        self._clock = clock
        self._lock = threading.Lock()
        self._staged: list[PendingTurn | ActivityTask | int] = []  # by the engine, not released yet; int: forget
        self._numbers = 0
        self._prefix = secrets.token_hex(6)  # tokens of another run of the server must not match
        self._turns: dict[int, PendingTurn] = {}  # by key
        self._turn_ids: dict[tuple[str | None, str], int] = {}  # by app and instance ID
        self._activities: dict[tuple[str, int], list[PendingActivity]] = {}  # by instance ID and task ID
        self._apps = tuple(apps)
        self._own = own
        # By app: what waits for the workers of one must not hold up the others.
        self._turn_queues: dict[str | None, list[tuple[int, PendingTurn]]] = {}
        self._activity_queues: dict[str | None, list[tuple[int, PendingActivity]]] = {}
        self._workers: list[Worker] = []
        self._owners: dict[int, Worker] = {}  # who ran the last turn of a key, and may have its history in a cache
        self._woken: set[Worker] = set()  # to be woken once the lock is free
        self._closed = False

    # --- the engine's side: its thread ---------------------------------------------------------------------------

    def has_app(self, app: str) -> bool:
        """What is another app's waits here for its workers."""
        return True

    def knows(self, name: str, app: str) -> bool:
        """Workers do not say what they register; whoever is connected is asked."""
        return bool(self._workers)

    def run_turn(self, turn: Turn) -> TurnResult | None:
        self._staged.append(
            PendingTurn(
                turn.key,
                turn.instance_id,
                turn.name,
                turn.new,
                turn.received(),
                self._app(turn.app_id),
                past_committed=turn.past_committed,
            )
        )
        return None

    def run_activities(self, tasks: Sequence[ActivityTask]) -> None:
        self._staged += tasks

    def forget(self, key: int) -> None:
        self._staged.append(key)

    def hand_out_turns(self) -> bool:
        """Give out turns before the commit of what they are given. Returns True if a worker has got one.

        All that a turn leads to is in its answer, which the engine takes after that commit or in the same one. After a
        rollback the turn is forgotten, and its answer is that of no turn any more. Whoever has its history reads it as
        committed, so that a turn on top of an answer waits for the commit.

        There must be no worker whose answers do not name their turns: what it makes of a result that is lost could be
        taken for its answer to the turn with the next result, by the next server too."""
        if not self.name_turns:
            return False
        forgotten = {item for item in self._staged if isinstance(item, int)}
        ahead: list[PendingTurn] = []
        left: list[PendingTurn | ActivityTask | int] = []
        for item in self._staged:
            if isinstance(item, PendingTurn) and item.past_committed and item.key not in forgotten:
                ahead.append(item)
            else:
                left.append(item)
        if not ahead:
            return False
        self._staged = left
        with self._lock:
            for turn in ahead:
                self._add_turn(turn)
            self._give_out()
            got = any(turn.worker is not None for turn in ahead)
        self._wake()
        return got

    @property
    def name_turns(self) -> bool:
        """True where the answers of all workers name their turns."""
        return all(worker.names_turns for worker in tuple(self._workers))

    def released(self) -> None:
        """Give out what the transaction, which is committed, has put in."""
        staged, self._staged = self._staged, []
        if not staged:
            return
        with self._lock:
            for item in staged:
                if isinstance(item, int):
                    self._forget(item)
                elif isinstance(item, PendingTurn):
                    self._add_turn(item)
                else:
                    self._add_activity(PendingActivity(item))
            self._give_out()
        self._wake()

    def close(self) -> None:
        with self._lock:
            self._closed = True

    # --- the gateway's side: any thread --------------------------------------------------------------------------

    @property
    def workers(self) -> int:
        return len(self._workers)

    def workers_of(self, app_id: str) -> int:
        """Return the number of workers that take this app's work."""
        with self._lock:
            return len(self._workers_for(app_id))

    def attach(self, worker: Worker) -> None:
        with self._lock:
            worker.attached_at = self._clock()
            self._workers.append(worker)
            self._give_out()
        self._wake()

    def detach(self, worker: Worker) -> None:
        """Remove a worker. What it held is given to others, before what came later."""
        with self._lock:
            if worker not in self._workers:
                return
            self._workers.remove(worker)
            for turn in tuple(worker.turns.values()):
                self._take_back(turn)
            for activity in tuple(worker.activities.values()):
                self._take_back_activity(activity)
            worker.outbox.clear()
            self._owners = {key: owner for key, owner in self._owners.items() if owner is not worker}
            self._give_out()
        self._wake()

    def drain(self) -> None:
        """Give out nothing more: the server stops."""
        with self._lock:
            for worker in self._workers:
                worker.most_turns = worker.most_activities = 0

    @property
    def turns_in_hands(self) -> int:
        with self._lock:
            return sum(len(worker.turns) for worker in self._workers)

    @property
    def held(self) -> int:
        """Turns and activities in workers' hands; near enough, without the lock."""
        held = 0
        for worker in tuple(self._workers):
            held += len(worker.turns) + len(worker.activities)
        return held

    def counts(self) -> tuple[int, int]:
        """Turns and activities that are to be done, in a worker's hands or waiting for one."""
        with self._lock:
            return len(self._turns), sum(map(len, self._activities.values()))

    def hands(self, app_id: str | None = None) -> Hands:
        """Return what the workers hold and what waits for one: of this app, or of all. Copied under the lock."""
        with self._lock:
            workers = self._workers if app_id is None else self._workers_for(app_id)
            queues = (self._turn_queues, self._activity_queues)
            return Hands(
                self._clock(),
                [(worker, [*worker.turns.values(), *worker.activities.values()]) for worker in workers],
                [
                    work
                    for by_app in queues
                    for whose, queue in by_app.items()
                    if app_id in (None, whose)
                    for _, work in queue
                ],
            )

    def complete_turn(
        self, instance_id: str, token: str, result: Callable[[], TurnResult], app_id: str | None = None
    ) -> bool:
        """Take a turn's answer; False when nobody waits for it (any more). `app_id` is that of the worker.

        An empty token is accepted (JavaScript never echoes it), an unknown one is not. `result` is called only if the
        answer is wanted.
        """
        with self._lock:
            key = self._turn_ids.get((app_id, instance_id))
            turn = None if key is None else self._turns[key]
            if turn is None or not turn.tokens or (token and token not in turn.tokens):
                return False
            if turn.worker is not None:
                turn.worker.names_turns = bool(token) and turn.worker.names_turns is not False
            self._remove_turn(turn)
            self._give_out()
        self._answer(LateTurn(turn.key, result(), turn.new))
        self._wake()
        return True

    def complete_activity(
        self, instance_id: str, task_id: int, token: str, value: str | None, failure: Failure | None
    ) -> bool:
        """Take an activity's answer; False when nobody waits for it (any more)."""
        with self._lock:
            found = self._activities.get((instance_id, task_id), ())
            activity = next((a for a in found if (a.token == token if token else a.worker is not None)), None)
            if activity is None:
                return False
            self._remove_activity(activity)
            self._give_out()
        task = activity.task
        self._answer(ActivityResult(task.key, task.task_id, task.task_execution_id, value, failure))
        self._wake()
        return True

    def expire(self) -> int:
        """Give out again the turns whose lease has run out; how many. To be called every few seconds."""
        before = self._clock() - self._turn_lease
        with self._lock:
            late = [t for worker in self._workers for t in worker.turns.values() if t.sent_at < before]
            for turn in late:
                self._take_back(turn)
            self._give_out()
        self._wake()
        return len(late)

    def answer_lost(self, worker: Worker, *, to_turn: bool) -> None:
        """Take note that an answer of this worker came in and could not be read: see `give_out_lost`."""
        with self._lock:
            (worker.lost_turns if to_turn else worker.lost_activities).append(self._clock())

    def give_out_lost(self) -> Again:
        """Give out again what may have been answered by a lost answer. To be called every few seconds."""
        before = self._clock() - self._loss_grace
        with self._lock:
            turns, activities = [], []
            for worker in self._workers:
                last = _last_loss(worker.lost_turns, before)
                turns += [t for t in worker.turns.values() if t.sent_at <= last and t not in worker.outbox]
                last = _last_loss(worker.lost_activities, before)
                activities += [a for a in worker.activities.values() if a.sent_at <= last and a not in worker.outbox]
            again = [activity for activity in activities if activity.again < MOST_AGAIN]
            for turn in turns:
                self._take_back(turn)
            for activity in again:
                self._take_back_activity(activity)
                activity.again += 1
            self._give_out()
        self._wake()
        return Again(len(turns), len(again), len(activities) - len(again))

    def _app(self, app_id: str | None) -> str | None:
        """Return whose workers are to do it; None: those of the one app. What names no app is the first one's."""
        if not self._apps:
            return None if app_id == self._own else app_id
        return app_id or self._apps[0]

    def _wake(self) -> None:
        """Wake the workers that were given something. Not under the lock: what wakes may send, and answer."""
        while self._woken:
            with self._lock:
                woken, self._woken = self._woken, set()
            for worker in woken:
                worker.wake()

    # --- under the lock ------------------------------------------------------------------------------------------

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _add_turn(self, turn: PendingTurn) -> None:
        turn.number, turn.added_at = self._number(), self._clock()
        self._turns[turn.key] = turn
        self._turn_ids[turn.app_id, turn.instance_id] = turn.key
        self._queue_turn(turn)

    def _queue_turn(self, turn: PendingTurn) -> None:
        heappush(self._turn_queues.setdefault(turn.app_id, []), (turn.number, turn))

    def _queue_activity(self, activity: PendingActivity) -> None:
        queue = self._activity_queues.setdefault(self._app(activity.task.app_id), [])
        heappush(queue, (activity.number, activity))

    def _add_activity(self, activity: PendingActivity) -> None:
        activity.number, activity.added_at = self._number(), self._clock()
        self._activities.setdefault((activity.task.instance_id, activity.task.task_id), []).append(activity)
        self._queue_activity(activity)

    def _forget(self, key: int) -> None:
        turn = self._turns.get(key)
        if turn is not None:
            self._remove_turn(turn)
        self._owners.pop(key, None)
        self._on_forget(key)

    def _take_back(self, turn: PendingTurn) -> None:
        """Take a turn from its worker, and queue it again."""
        self._out_of_hands(turn)
        self._queue_turn(turn)

    def _take_back_activity(self, activity: PendingActivity) -> None:
        assert activity.worker is not None
        del activity.worker.activities[activity.number]
        activity.worker = None
        self._queue_activity(activity)

    def _out_of_hands(self, turn: PendingTurn) -> None:
        if turn.worker is not None:
            del turn.worker.turns[turn.number]
            turn.worker = None

    def _remove_turn(self, turn: PendingTurn) -> None:
        self._out_of_hands(turn)
        turn.done = True
        del self._turns[turn.key]
        if self._turn_ids.get((turn.app_id, turn.instance_id)) == turn.key:
            del self._turn_ids[turn.app_id, turn.instance_id]

    def _remove_activity(self, activity: PendingActivity) -> None:
        if activity.worker is not None:
            del activity.worker.activities[activity.number]
            activity.worker = None
        activity.done = True
        place = (activity.task.instance_id, activity.task.task_id)
        left = [other for other in self._activities[place] if other is not activity]
        if left:
            self._activities[place] = left
        else:
            del self._activities[place]

    def _give_out(self) -> None:
        """Fill the workers' windows. The worker that ran an instance's last turn comes first, for its cache."""
        if self._closed:
            return
        for app_id, turns in self._turn_queues.items():
            if turns:
                self._give_out_turns(turns, self._workers_for(app_id))
        for app_id, activities in self._activity_queues.items():
            if activities:
                self._give_out_activities(activities, self._workers_for(app_id))

    def _workers_for(self, app_id: str | None) -> list[Worker]:
        if app_id is None:
            return self._workers
        return [worker for worker in self._workers if worker.app_id == app_id]

    def _give_out_turns(self, queue: list[tuple[int, PendingTurn]], workers: list[Worker]) -> None:
        while queue:
            turn = queue[0][1]
            if not turn.done:
                owner = self._owners.get(turn.key)
                worker = owner if owner is not None and owner.turn_room else _most_room(workers, "turn_room")
                if worker is None:
                    return
                turn.token = f"{self._prefix}-{self._number()}"
                turn.tokens.append(turn.token)
                turn.worker, turn.sent_at = worker, self._clock()
                worker.turns[turn.number] = turn
                self._owners[turn.key] = worker
                worker.outbox.append(turn)
                self._woken.add(worker)
            heappop(queue)

    def _give_out_activities(self, queue: list[tuple[int, PendingActivity]], workers: list[Worker]) -> None:
        while queue:
            activity = queue[0][1]
            if not activity.done:
                worker = _most_room(workers, "activity_room")
                if worker is None:
                    return
                activity.worker, activity.sent_at = worker, self._clock()
                worker.activities[activity.number] = activity
                worker.outbox.append(activity)
                self._woken.add(worker)
            heappop(queue)

    def _answer(self, delivery: Delivery) -> None:
        if not self._closed:
            self._deliver(delivery)


def _last_loss(losses: list[float], before: float) -> float:
    """Return the last of those up to `before`, which are dropped; minus infinity if there are none."""
    due = [time for time in losses if time <= before]
    losses[:] = [time for time in losses if time > before]
    return max(due, default=float("-inf"))


def _most_room(workers: Iterable[Worker], kind: str) -> Worker | None:
    best, most = None, 0
    for worker in workers:
        room: int = getattr(worker, kind)
        if room > most:
            best, most = worker, room
    return best
