"""Why the owner runs no turn of an instance now, or holds its activities back. Most instances have no entry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum

from wfctl.model.events import Event


class Blocked(Enum):
    """Why no turn is run."""

    IN_FLIGHT = "a worker has the instance's turn"
    STALLED = "the workflow's code must change first"
    NO_WORKER = "nobody here registers the workflow"


class _Entry:
    __slots__ = ("reason", "turn", "withheld", "workflow")

    def __init__(self) -> None:
        self.reason: Blocked | None = None
        self.turn: list[Event] = []  # IN_FLIGHT: what the turn was given
        self.workflow = ""  # NO_WORKER: its name
        self.withheld = False


class Readiness:
    """The instances, by key, that cannot take a turn: `key in readiness`. An entry outlives the instance's stay in
    memory, and, where nobody registers the workflow, a rollback too."""

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}

    def __contains__(self, key: object) -> bool:
        entry = self._entries.get(key)  # type: ignore[call-overload]
        return entry is not None and entry.reason is not None

    # --- turns --------------------------------------------------------------------------------------------------

    def begin_turn(self, key: int, turn: list[Event]) -> None:
        """Take note that the result of this turn comes later."""
        entry = self._entry(key)
        entry.reason, entry.turn = Blocked.IN_FLIGHT, turn

    def end_turn(self, key: int, new: Sequence[Event]) -> list[Event] | None:
        """Return the events of the turn in flight, which is over. None if the one that was given `new` is not."""
        if not self.in_flight(key) or self._entries[key].turn is not new:
            return None
        turn = self._entries[key].turn
        self._unblock(key)
        return turn

    def in_flight(self, key: int) -> bool:
        return self._reason(key) is Blocked.IN_FLIGHT

    def turns_in_flight(self) -> Iterator[int]:
        return (key for key, entry in self._entries.items() if entry.reason is Blocked.IN_FLIGHT)

    # --- other code is needed -----------------------------------------------------------------------------------

    def stall(self, key: int) -> None:
        self._entry(key).reason = Blocked.STALLED

    def leave_alone(self, key: int, workflow: str) -> None:
        """Leave an instance to an app that registers its workflow. A turn in flight goes on."""
        entry = self._entry(key)
        entry.workflow = workflow
        if entry.reason is not Blocked.IN_FLIGHT:
            entry.reason = Blocked.NO_WORKER

    def waits_for_code(self, key: int) -> bool:
        return self._reason(key) in (Blocked.STALLED, Blocked.NO_WORKER)

    def is_left_alone(self, key: int) -> bool:
        return self._reason(key) is Blocked.NO_WORKER

    def left_alone(self) -> dict[int, str]:
        """Return the workflow's name by the key of the instance."""
        return {key: entry.workflow for key, entry in self._entries.items() if entry.reason is Blocked.NO_WORKER}

    def all_that_wait_for_code(self) -> Sequence[int]:
        return sorted(key for key in self._entries if self.waits_for_code(key))

    def try_again(self, key: int) -> None:
        """Other code may have come, or an event that needs none."""
        if self.waits_for_code(key):
            self._unblock(key)

    # --- activities ---------------------------------------------------------------------------------------------

    def withhold(self, key: int) -> None:
        """Nobody here can be given the activities of this instance."""
        self._entry(key).withheld = True

    def release_withheld(self) -> Sequence[int]:
        """Return the keys whose activities were held back, and are not any more."""
        keys = sorted(key for key, entry in self._entries.items() if entry.withheld)
        for key in keys:
            self._entries[key].withheld = False
            if self._entries[key].reason is None:
                del self._entries[key]
        return keys

    # --- instances that go --------------------------------------------------------------------------------------

    def drop(self, keys: Iterable[int]) -> None:
        for key in keys:
            self._entries.pop(key, None)

    def roll_back(self) -> None:
        """Forget turns in flight, and stalls, which may not have been committed."""
        for key in tuple(self._entries):
            if self._entries[key].reason is not Blocked.NO_WORKER:
                self._unblock(key)

    def _entry(self, key: int) -> _Entry:
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry()
        return entry

    def _reason(self, key: int) -> Blocked | None:
        entry = self._entries.get(key)
        return None if entry is None else entry.reason

    def _unblock(self, key: int) -> None:
        entry = self._entries[key]
        entry.reason, entry.turn = None, []
        if not entry.withheld:
            del self._entries[key]
