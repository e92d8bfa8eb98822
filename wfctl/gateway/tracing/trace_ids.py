"""Which trace an instance belongs to, and the IDs of its spans.

The IDs follow from what the store has (the caller's trace parent, execution IDs, keys), so that a span that begins
before the server is restarted and ends after it is still one span, and nothing is written for it. A root without a
caller, and each later generation of one that continues as new, begins a trace of its own, as in Dapr since 1.18; a
child is in its parent's.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from wfctl.engine.execute.port import ActivityResult, ActivityTask
from wfctl.engine.store import history_inbox, instances
from wfctl.engine.store.reading import open_reader
from wfctl.model.apps import stored
from wfctl.model.events import Event, ExecutionStarted

MOST = 20_000
_TRACE_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")

# The `traceparent` that the request at hand came with.
INCOMING: ContextVar[str | None] = ContextVar("traceparent", default=None)


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a trace: W3C's trace parent. `span` 0: there is none above."""

    trace: int
    span: int
    sampled: bool

    def text(self) -> str:
        return f"00-{self.trace:032x}-{self.span:016x}-{self.sampled:02x}"


def parse(text: str | None) -> Span | None:
    match = _TRACE_PARENT.fullmatch(text or "")
    if match is None or text is None or text.startswith("ff"):
        return None
    trace, span = int(match[1], 16), int(match[2], 16)
    return Span(trace, span, bool(int(match[3], 16) & 1)) if trace and span else None


@dataclass(frozen=True, slots=True)
class Place:
    """Of one generation of an instance: its own span, and the one above."""

    own: Span
    above: Span


class Traces:
    """`note` on the engine's thread, `of` on any."""

    def __init__(self, store: Path, sampled: Callable[[int], bool]) -> None:
        self._db = open_reader(store)
        self._sampled = sampled
        self._lock = threading.RLock()
        self._places: OrderedDict[int, Place] = OrderedDict()  # by key
        self._generations: OrderedDict[str, Span] = OrderedDict()  # by execution ID

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def note(self, key: int, seq: int, started: ExecutionStarted) -> Place:
        """Note that an instance begins: `seq` is the row of its history that says so."""
        with self._lock:
            above = self._above(started, first=seq == 1)
            own = Span(above.trace, _hash(8, above.trace, started.execution_id), above.sampled)
            place = Place(own, above)
            _keep(self._places, key, place)
            _keep(self._generations, started.execution_id, own)
            return place

    def _above(self, started: ExecutionStarted, *, first: bool) -> Span:
        given = parse(started.trace_parent) if first else None
        if given is not None:
            return given
        parent = started.parent
        if parent is not None and parent.execution_id is not None and first:
            return self._parent(parent.instance_id, parent.execution_id, stored(parent.app_id))
        trace = _hash(16, started.execution_id)
        return Span(trace, 0, self._sampled(trace))

    def _parent(self, instance_id: str, execution_id: str, app: str) -> Span:
        known = self._generations.get(execution_id)
        if known is not None:
            return known
        row = instances.find(self._db, instance_id, (app,))
        place = self.of(row.key) if row is not None and row.execution_id == execution_id else None
        if place is not None:
            return place.own
        # A generation that is gone, or a parent that is: what `note` would have made of most of these.
        trace = _hash(16, execution_id)
        return Span(trace, _hash(8, trace, execution_id), self._sampled(trace))

    def of(self, key: int) -> Place | None:
        """Return the place of an instance; None: it is gone, or has not begun."""
        with self._lock:
            known = self._places.get(key)
            if known is not None:
                return known
            for seq, event in self.history(key):
                if isinstance(event, ExecutionStarted):
                    return self.note(key, seq, event)
            return None

    def activity(self, task: ActivityTask | ActivityResult) -> tuple[Span, Span] | None:
        """Return the span of an activity, and the one above."""
        place = self.of(task.key)
        if place is None:
            return None
        own = place.own
        return Span(own.trace, _hash(8, own.trace, task.key, task.task_id, task.task_execution_id), own.sampled), own

    def history(self, key: int, before: int | None = None) -> list[tuple[int, Event]]:
        """Committed events with the number of their row."""
        with self._lock:
            rows = history_inbox.read_rows(self._db, key)
        return [(seq, event) for seq, events in rows if before is None or seq < before for event in events]


def _keep(kept: OrderedDict[int, Place] | OrderedDict[str, Span], key: object, value: object) -> None:
    kept[key] = value  # type: ignore[index, assignment]
    if len(kept) > MOST:
        kept.popitem(last=False)


def _hash(size: int, *parts: object) -> int:
    digest = blake2b("|".join(map(str, parts)).encode(), digest_size=size)
    return int.from_bytes(digest.digest(), "big") or 1
