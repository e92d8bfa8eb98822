"""The result of one turn of workflow code."""

from __future__ import annotations

from dataclasses import dataclass, field

from wfctl.model.events import Event, EventRaised, StallReason


@dataclass(frozen=True, slots=True)
class ContinueAsNew:
    """The request to run again under the same ID, with an empty history, `input` and the `carried` events."""

    event_id: int
    input: str | None
    carried: tuple[EventRaised, ...] = ()


@dataclass(frozen=True, slots=True)
class Stall:
    """The code does not fit this history: the instance stalls until it runs with code that does."""

    reason: StallReason
    description: str


@dataclass(slots=True)
class TurnResult:
    """The events of a turn's actions in action order, and what else the turn changes.

    `custom_status` replaces the stored one (None clears it, as in Dapr). `patches` are all that the code has applied so
    far, in order. At most one of `continue_as_new` and `stall` is set; the events of a stalled turn are ignored.
    """

    events: list[Event] = field(default_factory=list)
    custom_status: str | None = None
    version: str | None = None
    patches: tuple[str, ...] = ()
    continue_as_new: ContinueAsNew | None = None
    stall: Stall | None = None
