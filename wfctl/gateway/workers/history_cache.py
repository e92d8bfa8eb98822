"""Histories as bytes on the wire, read from the store only when a turn goes out, and each event once.

A worker that keeps histories itself (Python since 1.19) is sent what it lacks: of each instance, the stream
remembers up to where it has sent. For all others the encoded past is kept here, within a limit. Both make the server's
work for a turn depend on what is new, not on how long the history is.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, cast

from wfctl.engine.execute.worker import PendingActivity, PendingTurn
from wfctl.engine.store import summaries
from wfctl.engine.store.reading import open_reader
from wfctl.model.events import Event, ExecutionCompleted, ExecutionStarted, OtherEvent, PropagatedEvents
from wfctl.wire import history_events, work_items
from wfctl.wire.protos import history_pb2
from wfctl.wire.protos import taskhub_pb2 as pb

# Encoded histories kept for workers that want the whole past at every turn.
MOST_BYTES = 64 * 1024 * 1024
# Instances whose latest events are kept until their next turn; of others they are read from the store.
MOST_TAILS = 20_000

# Of an event in the store, without a payload.
STORED_BYTES = 100

# Tags on the wire (field number, length-delimited).
_PAST_EVENT = b"\x1a"  # WorkflowRequest.past_events
_WORKFLOW_REQUEST = b"\x0a"  # WorkItem.workflow_request

# Rows of history: their numbers and their events, decoded or as the store has them.
_Rows = list[tuple[int, list[Event]]] | summaries.StoredRows

# Of one instance and one stream: the last history row that was sent, and how many events that makes.
Mark = tuple[int, int]


class _Past:
    __slots__ = ("count", "data", "seq")

    def __init__(self) -> None:
        self.seq = 0
        self.count = 0
        self.data = bytearray()


class TurnItem(NamedTuple):
    """A work item that is to be encoded. `size`: roughly how many events that takes."""

    size: int
    encode: Callable[[], tuple[bytes, Mark]]


class Histories:
    """May be used from any thread, but for one instance by one at a time."""

    def __init__(self, store: Path, most_bytes: int = MOST_BYTES, app_id: str = "wfctl") -> None:
        self._app_id = app_id
        self._db = open_reader(store)
        self._most_bytes = most_bytes
        self._pasts: OrderedDict[int, _Past] = OrderedDict()
        self._bytes = 0
        self._tails: OrderedDict[int, list[tuple[int, list[Event]]]] = OrderedDict()
        self._encoding: set[int] = set()  # keys whose past is taken out of the cache, to be put back
        self._lock = threading.Lock()
        self._reading = threading.Lock()

    def turn(self, turn: PendingTurn, mark: Mark | None, *, stateful: bool) -> TurnItem:
        """Read what the work item of a turn needs. `stateful`: the worker keeps what it was sent up to `mark`.

        `encode` of what is returned makes the item, and the mark to pass next time.
        """
        if stateful:
            since, count = mark or (0, 0)
            rows = self._after(turn.key, since)
            return TurnItem(
                _size(rows) + len(turn.new), lambda: self._item(turn, *_tail(rows, since, count, self._app_id))
            )
        past = self._take(turn.key)
        rows = self._after(turn.key, past.seq)
        return TurnItem(_size(rows) + len(turn.new), lambda: self._item(turn, *self._whole(turn.key, past, rows)))

    def _item(self, turn: PendingTurn, past: bytes, mark: Mark, cached: int) -> tuple[bytes, Mark]:
        request = pb.WorkflowRequest(
            instance_id=turn.instance_id, new_events=[_written(e, self._app_id) for e in turn.new]
        )
        if cached:
            request.cached_history.event_count = cached
        if turn.received is not None:
            request.propagated_history.MergeFrom(self._propagated(turn.received))
        body = request.SerializeToString() + past
        rest = pb.WorkItem(completion_token=turn.token).SerializeToString()
        return _WORKFLOW_REQUEST + _varint(len(body)) + body + rest, mark

    def activity(self, activity: PendingActivity, trace_parent: str | None = None) -> bytes:
        """Return the encoded work item."""
        item = work_items.activity_item(activity.task, token=activity.token)
        if trace_parent is not None:
            item.activity_request.parent_trace_context.MergeFrom(_trace_context(trace_parent))
        if activity.task.propagated is not None:
            item.activity_request.propagated_history.MergeFrom(self._propagated(activity.task.propagated))
        return item.SerializeToString()

    def _propagated(self, given: PropagatedEvents) -> history_pb2.PropagatedHistory:
        """Workers want every chunk to name its app. A completion is in no history at the time of a call."""
        return history_pb2.PropagatedHistory(
            scope=cast(history_pb2.PropagationScope, given.scope),
            chunks=[
                history_pb2.PropagatedChunk(
                    raw_events=[
                        _written(event, self._app_id).SerializeToString() for event in chunk.events if for_worker(event)
                    ],
                    app_id=chunk.app_id or self._app_id,
                    instance_id=chunk.instance_id,
                    workflow_name=chunk.workflow_name,
                )
                for chunk in given.chunks
            ],
        )

    def _take(self, key: int) -> _Past:
        """Take the encoded past of an instance out of the cache, for a longer one to be put back."""
        with self._lock:
            self._encoding.add(key)
            past = self._pasts.pop(key, None)
            if past is not None:
                self._bytes -= len(past.data)
        return past or _Past()

    def _whole(self, key: int, past: _Past, rows: _Rows) -> tuple[bytes, Mark, int]:
        """Return the whole encoded past, and put it back, unless the instance was forgotten meanwhile."""
        encoded, (past.seq, past.count), _ = _tail(rows, past.seq, past.count, self._app_id)
        past.data += encoded
        with self._lock:
            if key in self._encoding:
                self._encoding.discard(key)
                self._pasts[key] = past
                self._bytes += len(past.data)
            while self._bytes > self._most_bytes and self._pasts:
                _, oldest = self._pasts.popitem(last=False)
                self._bytes -= len(oldest.data)
        return bytes(past.data), (past.seq, past.count), 0

    def note(self, appended: Sequence[tuple[int, int, list[Event]]]) -> None:
        """Keep rows of history that were just committed, on the engine's thread.

        Kept until the next turn, which then need not read them from the store.
        """
        with self._lock:
            for key, seq, events in appended:
                known = self._tails.get(key)
                if known is not None and known[-1][0] == seq - 1:
                    known.append((seq, events))
                else:
                    self._tails[key] = [(seq, events)]
            while len(self._tails) > MOST_TAILS:
                self._tails.popitem(last=False)

    def _after(self, key: int, seq: int) -> _Rows:
        """Return the committed rows of history behind the row `seq`."""
        with self._lock:
            tail = self._tails.pop(key, ())
        rows = [row for row in tail if row[0] > seq]
        if rows and rows[0][0] == seq + 1:
            return rows
        with self._reading:
            return summaries.history_after(self._db, key, seq)

    def forget(self, key: int) -> None:
        with self._lock:
            self._tails.pop(key, None)
            self._encoding.discard(key)
            past = self._pasts.pop(key, None)
            if past is not None:
                self._bytes -= len(past.data)

    def close(self) -> None:
        self._db.close()


def _trace_context(trace_parent: str) -> history_pb2.TraceContext:
    return history_pb2.TraceContext(trace_parent=trace_parent, span_id=trace_parent.split("-")[2])


def _written(event: Event, app_id: str) -> history_pb2.HistoryEvent:
    """Write an event as a worker needs it; the first says which app the instance belongs to, by default `app_id`."""
    message = history_events.write(event)
    if isinstance(event, ExecutionStarted):
        message.router.source_app_id = event.app_id or app_id
    if isinstance(event, ExecutionStarted) and event.trace_parent is not None:
        message.execution_started.parent_trace_context.MergeFrom(_trace_context(event.trace_parent))
    return message


def for_worker(event: Event) -> bool:
    """SDKs can replay neither completions nor what only a newer runtime knows."""
    return not isinstance(event, (OtherEvent, ExecutionCompleted))


def _encode(past: list[Event], app_id: str) -> tuple[bytes, int]:
    parts: list[bytes] = []
    count = 0
    for event in past:
        if for_worker(event):
            data = _written(event, app_id).SerializeToString()
            parts += (_PAST_EVENT, _varint(len(data)), data)
            count += 1
    return b"".join(parts), count


def _size(rows: _Rows) -> int:
    """Return roughly how many events these are."""
    if isinstance(rows, summaries.StoredRows):
        return rows.characters // STORED_BYTES
    return sum(len(events) for _, events in rows)


def _tail(found: _Rows, seq: int, count: int, app_id: str) -> tuple[bytes, Mark, int]:
    """Encode what lies behind the row `seq`, up to which there are `count` events.

    Returns it, the new mark, and `count`."""
    rows = found.decode() if isinstance(found, summaries.StoredRows) else found
    parts = [_encode(events, app_id) for _, events in rows]
    mark = (rows[-1][0] if rows else seq, count + sum(number for _, number in parts))
    return b"".join(data for data, _ in parts), mark, count


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
