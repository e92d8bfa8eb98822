"""Whether workflow code still fits a history: what is checked, and the first thing that differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from wfctl.model.events import Event, ExecutionStarted, Parent
from wfctl.model.status import Status


class Misfit(str, Enum):
    """What differs.

    STEP          the code asks for another step than the history has, for one more, or for one less
    END           the history has an end, and the code another one or none; or the other way round
    PATCHES       the code applies other patches than the history has
    VERSION       the version that the instance began with is not registered
    UNREGISTERED  the workflow is not registered
    HANGS         the code does not come back within the time limit, or asks for steps without end
    UNREADABLE    the history could not be read
    """

    STEP = "step"
    END = "end"
    PATCHES = "patches"
    VERSION = "version"
    UNREGISTERED = "unregistered"
    HANGS = "hangs"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the user's code."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Action:
    """What a history has, or what code asks for.

    `kind` is `activity`, `child`, `timer`, `event` (a wait), `retry` (the timer of one), `completed`, `failed`,
    `terminated`, `continued` or `nothing`; `name` is that of the activity, child workflow or event, or the type of
    the error.
    """

    kind: str
    name: str | None = None

    @property
    def short(self) -> str:
        """Return the name alone where it says enough."""
        if self.kind == "event":
            return f"wait for {self.name}"
        return self.name if self.name and self.kind != "failed" else _SHORT.get(self.kind, self.kind)


_SHORT = {
    "timer": "a timer",
    "retry": "the timer of a retry",
    "completed": "completes",
    "failed": "fails",
    "terminated": "terminated",
    "continued": "continues as new",
    "nothing": "nothing",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing that differs between a history and what the code asks for.

    `text` says it in a sentence. `step` is the number of the action in the history, or the one that the code gives it.
    `place` is the line of the user's code that asks for it, or where the code stands instead.
    """

    kind: Misfit
    text: str
    step: int | None = None
    recorded: Action | None = None
    asked: Action | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A stored history, as it is checked. `app_id` is the app that it belongs to, where that is told."""

    id: str
    name: str | None
    events: Sequence[Event]
    status: Status | None = None
    app_id: str | None = None

    @property
    def begun(self) -> ExecutionStarted | None:
        return next((event for event in self.events if type(event) is ExecutionStarted), None)

    @property
    def workflow(self) -> str | None:
        """Return the name of the workflow: that in the history before the one that a target told."""
        begun = self.begun
        return self.name if begun is None else begun.name

    @property
    def parent(self) -> Parent | None:
        begun = self.begun
        return None if begun is None else begun.parent


@dataclass(frozen=True, slots=True)
class Fit:
    """The outcome of one check; the code fits where `difference` is None."""

    id: str
    name: str | None
    status: Status | None
    difference: Difference | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What happens in a replay that a person follows: code asks for a step (`place`), or is given something (`came`).

    number  of the action
    action  what the code asks for; for an event that came, that event
    came    `completed`, `failed`, `fired`, `raised`, `suspended`, `resumed` or `terminated`
    text    the payload that came, or the error
    """

    number: int | None
    action: Action | None
    came: str | None
    text: str | None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Retraced:
    """The end of such a replay: how the code differs, and the names of the steps that it asked for.

    `reached` is False where the step that was wished for did not come; `left`: the user left the debugger.
    """

    difference: Difference | None
    asked: tuple[str, ...] = ()
    reached: bool = True
    left: bool = False
