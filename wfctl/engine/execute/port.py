"""The port `Executor`: whatever executes turns and activities.

Two implementations: `local` (the app imported into this process) and `remote` (workers attached through the gateway).
The engine thread alone calls these methods; results of activities, and of turns that are answered later, come back
through the `deliver` function that the engine hands to the executor, from any thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from wfctl.errors import WfctlError
from wfctl.model.events import Event, Failure, PropagatedEvents
from wfctl.model.logs import LogLine
from wfctl.model.records import record
from wfctl.model.turn import TurnResult


def _nothing() -> PropagatedEvents | None:
    return None


@record(frozen=True, slots=True)
class Turn:
    """One pass of workflow code over `new` events.

    `past` reads the committed history that precedes `new`; an executor that keeps the code alive between turns
    calls it only when it has to replay. `new` begins with WorkflowStarted. `key` names the instance for as long as
    it exists (an ID can be reused, a key never is). `received` reads the history that the parent has propagated, on
    the engine's thread. `app_id` names the app that is to run it, where several share an engine. `past_committed`: all
    that precedes `new` is committed when the turn is given.
    """

    key: int
    instance_id: str
    name: str
    past: Callable[[], Sequence[Event]]
    new: Sequence[Event]
    received: Callable[[], PropagatedEvents | None] = _nothing
    app_id: str | None = None
    past_committed: bool = False


@record(frozen=True, slots=True)
class ActivityTask:
    key: int
    instance_id: str
    task_id: int
    name: str
    input: str | None
    task_execution_id: str
    propagated: PropagatedEvents | None = None
    app_id: str | None = None


@record(frozen=True, slots=True)
class ActivityResult:
    """Exactly one of a result (None is a result too) and a failure."""

    key: int
    task_id: int
    task_execution_id: str
    result: str | None = None
    failure: Failure | None = None


@record(frozen=True, slots=True)
class LateTurn:
    """A turn's result that `run_turn` did not return at once; None: it was given up and must be run again.

    `new` is the very list that the turn was given: the result of one that was rolled back is not that of the next one.
    """

    key: int
    result: TurnResult | None
    new: Sequence[Event]


@record(frozen=True, slots=True)
class ExecutorFailed:
    """The executor can run nothing any more: the engine stops with this error."""

    error: WfctlError


@record(frozen=True, slots=True)
class Logged:
    """A line that the app's code logged in a step of an instance. `shown`: the app has written it to its output too."""

    key: int
    instance_id: str
    line: LogLine
    shown: bool = False


Delivery = ActivityResult | LateTurn | ExecutorFailed | Logged


class Executor(Protocol):
    def has_app(self, app: str) -> bool:
        """Return True if this app (as stored) is run here, or its work is kept for it. If not, its work waits."""
        ...

    def knows(self, name: str, app: str) -> bool:
        """Return True if this workflow of this app (as stored) can be run here.

        One that cannot is left alone, never failed. False for a workflow of an app that is not here.
        """
        ...

    def run_turn(self, turn: Turn) -> TurnResult | None:
        """Return the result, or None when it will be delivered later. Never raises for what user code does."""
        ...

    def run_activities(self, tasks: Sequence[ActivityTask]) -> None:
        """Start these; each answers by one ActivityResult. Called only after the commit that scheduled them."""
        ...

    def forget(self, key: int) -> None:
        """Drop what is kept alive for this instance: it finished, was evicted, or its last turn was rolled back."""
        ...

    def close(self) -> None:
        """Stop; results that come later are dropped."""
        ...
