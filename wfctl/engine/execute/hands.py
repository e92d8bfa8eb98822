"""What the workers of a `RemoteExecutor` hold and what waits for one, as a report for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from wfctl.engine.execute.worker import PendingActivity, PendingTurn, Work, Worker
from wfctl.model.workers import ACTIVITY, WORKFLOW, Held, Queued
from wfctl.model.workers import Worker as Told

MOST_HELD = 100  # of one worker, that are told one by one


@dataclass(slots=True)
class Hands:
    """A copy of what one app's workers hold, and of what waits for one; `now` by the executor's clock."""

    now: float
    workers: list[tuple[Worker, list[Work]]] = field(default_factory=list)
    waiting: list[Work] = field(default_factory=list)


def told_workers(hands: Hands, now: datetime) -> tuple[Told, ...]:
    """Return the workers, the one that came first first."""
    found = sorted(hands.workers, key=lambda pair: pair[0].attached_at)
    return tuple(_worker(worker, work, hands.now, now) for worker, work in found)


def told_backlog(hands: Hands, now: datetime) -> list[Queued]:
    counts: dict[tuple[str, str], tuple[int, float]] = {}
    for work in hands.waiting:
        if not work.done:
            kind, name, _ = _named(work)
            count, oldest = counts.get((kind, name), (0, work.added_at))
            counts[kind, name] = count + 1, min(oldest, work.added_at)
    return [
        Queued(kind, name, count, _moment(oldest, hands.now, now)) for (kind, name), (count, oldest) in counts.items()
    ]


def _worker(worker: Worker, work: Sequence[Work], clock: float, now: datetime) -> Told:
    turns = sum(isinstance(one, PendingTurn) for one in work)
    return Told(
        worker.agent,
        worker.address,
        since=_moment(worker.attached_at, clock, now),
        workflows=turns,
        activities=len(work) - turns,
        holds=held((*_named(one), _moment(one.sent_at, clock, now)) for one in work),
    )


def held(work: Iterable[tuple[str, str, str, datetime]]) -> tuple[Held, ...]:
    """Return the oldest of kind, name, instance ID and time."""
    return tuple(sorted((Held(*one) for one in work), key=lambda one: one.since)[:MOST_HELD])


def _named(work: Work) -> tuple[str, str, str]:
    if isinstance(work, PendingActivity):
        return ACTIVITY, work.task.name, work.task.instance_id
    return WORKFLOW, work.name, work.instance_id


def _moment(then: float, clock: float, now: datetime) -> datetime:
    return now - timedelta(seconds=max(clock - then, 0.0))
