"""What one turn of workflow code hands back to the engine."""

from __future__ import annotations

from dataclasses import dataclass, field

from wfctl.model.events import Event, EventRaised, StallReason


@dataclass(frozen=True, slots=True)
class ContinueAsNew:
    """Run again under the same ID with a fresh history, from `input` and the `carried` events."""

    event_id: int
    input: str | None
    carried: tuple[EventRaised, ...] = ()


@dataclass(frozen=True, slots=True)
class Stall:
    """The code at hand cannot go on with this history; the instance waits until other code can."""

    reason: StallReason
    description: str


@dataclass(slots=True)
class TurnResult:
    """The events that a turn's actions make, in action order.

    `custom_status` replaces the stored one (None clears it, as in Dapr). `patches` are all those met so far,
    in order. At most one of `continue_as_new` and `stall` is set; a stalled turn's events are ignored.
    """

    events: list[Event] = field(default_factory=list)
    custom_status: str | None = None
    version: str | None = None
    patches: tuple[str, ...] = ()
    continue_as_new: ContinueAsNew | None = None
    stall: Stall | None = None
