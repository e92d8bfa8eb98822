"""External events: who waits for which, and what has arrived that nobody has read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from wfctl.model.events import Event
from wfctl.model.instance import Instance, OwnTime
from wfctl.model.status import Status
from wfctl.model.steps import Step, StepStatus, steps_of
from wfctl.model.times import later


class EventState(str, Enum):
    """How it stands with an event of an instance.

    WAITING   it is waited for, and has not arrived
    RECEIVED  it is waited for and has arrived; no worker has taken it in
    UNREAD    it has arrived, and no wait for it was open: it is kept for the code to ask for. Whether the code has
              asked since, without having to wait, no history tells; a later wait for the name tells that it has
    """

    WAITING = "waiting"
    RECEIVED = "received"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class AwaitedEvent:
    """One event of a live instance. `name` is that of the workflow.

    since       when the wait began; None for one that is UNREAD
    until       when the wait times out
    arrived_at  when the event arrived; None while it has not, and where a target does not tell
    own_time    where its tree has a clock of its own, by which these times are
    """

    id: str
    name: str | None
    status: Status
    event: str
    state: EventState
    since: datetime | None = None
    until: datetime | None = None
    arrived_at: datetime | None = None
    own_time: OwnTime | None = None

    def time(self, real: datetime) -> datetime:
        """Return what the clock of its tree says at a real time."""
        return real if self.own_time is None else later(real, self.own_time.ahead)

    @property
    def at(self) -> datetime | None:
        return self.since or self.arrived_at


@dataclass(frozen=True, slots=True)
class EventGroup:
    """How many instances of one workflow (None: of all) have an event in each state.

    `oldest` and `newest` are when the waits began; `example` is the instance that waits longest, or has it unread.
    """

    event: str
    name: str | None
    waiting: int = 0
    received: int = 0
    unread: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    example: str | None = None

    @property
    def count(self) -> int:
        return self.waiting + self.received + self.unread


def unread_steps(steps: Iterable[Step]) -> list[Step]:
    """Return the events that arrived before any wait for them, and after the last wait for their name."""
    found: list[Step] = []
    for step in steps:
        if step.kind == "event":
            if step.status is StepStatus.RECEIVED:
                found.append(step)
            else:
                found = [one for one in found if not same_event(one.name, step.name)]
    return found


def same_event(one: str | None, other: str | None) -> bool:
    """Return True if these are names of one event: case does not count, as in Dapr's SDKs."""
    return (one or "").casefold() == (other or "").casefold()


def awaited_of(instance: Instance, history: Sequence[Event], received: Iterable[str] = ()) -> Iterator[AwaitedEvent]:
    """Yield the events of a live instance. `received` are those that no worker has taken in."""
    steps = steps_of(history)
    arrived = Counter(name.casefold() for name in received)

    def made(
        event: str | None,
        state: EventState,
        since: datetime | None = None,
        until: datetime | None = None,
        arrived_at: datetime | None = None,
    ) -> AwaitedEvent:
        return AwaitedEvent(instance.id, instance.name, instance.status, event or "", state, since, until, arrived_at)

    for step in steps:
        if step.kind == "event" and step.status.open:
            key = (step.name or "").casefold()
            state = EventState.RECEIVED if arrived[key] else EventState.WAITING
            arrived[key] -= state is EventState.RECEIVED
            yield made(step.name, state, since=step.scheduled_at, until=step.until)
    for step in unread_steps(steps):
        yield made(step.name, EventState.UNREAD, arrived_at=step.completed_at)
    for name, count in arrived.items():
        for _ in range(count):
            yield made(name, EventState.UNREAD)


def grouped(events: Iterable[AwaitedEvent]) -> list[EventGroup]:
    """Return the groups by event and workflow."""
    return merged(
        EventGroup(
            one.event,
            one.name,
            **{one.state.value: 1},
            oldest=one.since,
            newest=one.since,
            example=one.id,
        )
        for one in events
    )


def merged(groups: Iterable[EventGroup], *, by_name: bool = True) -> list[EventGroup]:
    """Put groups of one event together, whatever its case; and of all workflows unless `by_name`. Largest first."""
    found: dict[tuple[str, str | None], EventGroup] = {}
    for group in groups:
        one = group if by_name else replace(group, name=None)
        key = (one.event.casefold(), one.name)
        found[key] = _joined(found[key], one) if key in found else one
    return sorted(found.values(), key=lambda one: (-one.count, one.event.casefold(), one.name or ""))


def _joined(one: EventGroup, other: EventGroup) -> EventGroup:
    first = one if other.oldest is None or (one.oldest is not None and one.oldest <= other.oldest) else other
    newest = [group.newest for group in (one, other) if group.newest is not None]
    return replace(
        one,
        waiting=one.waiting + other.waiting,
        received=one.received + other.received,
        unread=one.unread + other.unread,
        oldest=first.oldest,
        newest=max(newest, default=None),
        example=first.example or one.example,
    )


def selects(event: AwaitedEvent, wanted: str | None) -> bool:
    """Return False for a wait for another event than the one that is asked for. What is unread counts in any case."""
    return wanted is None or event.state is EventState.UNREAD or same_event(event.event, wanted)


def oldest_first(events: Iterable[AwaitedEvent]) -> list[AwaitedEvent]:
    """Return them in the order of their times; one without a time comes first."""
    return sorted(events, key=lambda one: ((one.at.timestamp() if one.at is not None else 0.0), one.id))
