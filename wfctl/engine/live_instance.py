"""An instance in the owner's memory: its row, its folded state, and what is to be written at the next commit."""

from __future__ import annotations

from datetime import datetime

from wfctl.engine.core.folded_state import State
from wfctl.engine.store.clocks import TreeClock
from wfctl.engine.store.instances import Row
from wfctl.model.events import Event
from wfctl.model.failure import Cause


class LiveInstance:
    """`mailbox` holds the events that no turn has consumed, with their seq in the inbox once they are committed."""

    __slots__ = (
        "appended",
        "arrived",
        "cause",
        "changed",
        "clock",
        "dirty",
        "early",
        "mailbox",
        "new",
        "posted_timers",
        "queued",
        "row",
        "seq",
        "state",
        "taken",
        "timers_changed",
        "waits",
        "wipe",
    )

    def __init__(self, row: Row, state: State, seq: int, *, new: bool) -> None:
        self.row = row
        self.state = state
        self.seq = seq  # of the last committed row of history
        self.new = new  # the row is not in the store yet
        self.mailbox: list[tuple[int | None, Event]] = []
        self.taken: list[int] = []  # seqs of inbox rows consumed since the last commit
        self.appended: list[Event] = []  # history since the last commit
        self.wipe = False  # the committed history is void
        self.changed = False  # the row differs from the store's
        self.timers_changed = False
        self.waits = False  # the store has events that it waits for, or that came early
        # Those that came early, as the store has them: the lists of the state, and how long they were. None: not known.
        self.early: dict[str, tuple[list[tuple[str, datetime]], int]] | None = {} if new else None
        self.dirty = False  # it is in the list of what to write
        self.queued = False  # it is in the list of what to run
        self.cause: Cause | None = None  # why it failed, until that is in the store
        self.arrived = 0  # how many of the mailbox's events the latest turn was given
        self.posted_timers: set[int] = set()  # TimerFired events in the mailbox
        self.clock: TreeClock | None = None  # of its tree, where that does not go by the real time

    def time(self, real: datetime) -> datetime:
        """Return what the clock of its tree says at a real time."""
        return real if self.clock is None else self.clock.time(real)

    @property
    def idle(self) -> bool:
        """True if nothing is lost when it is dropped from memory and read back later."""
        if self.dirty or self.queued:
            return False
        return not self.mailbox or all(seq is not None for seq, _ in self.mailbox)
