"""History events as stored: one JSON array per turn, readable with any SQLite shell.

An event is `{"type": ..., "id": ..., "at": microseconds since 1970 UTC, field: value ...}` with fields that have
their default left out, and `id` left out where it is NO_ID. Payloads are JSON strings that hold the payload's own
text, so that it comes back byte for byte.

A row of history says nothing twice (`encode_row`). Left out is what stands elsewhere in the store:

* `at`, where it is that of the row,
* `instance_id` and `execution_id` of ExecutionStarted, and `result` of ExecutionCompleted, where they are those of the
  instance's row,
* `task_execution_id` of TaskCompleted and TaskFailed, where it is that of their TaskScheduled, in this row or in one
  before it.

`decode` puts them in again. Rows of older schemas leave out nothing of that, and are read by the same rules.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import MISSING, fields
from datetime import datetime
from enum import Enum
from json.encoder import encode_basestring_ascii as quote
from typing import Any, NamedTuple, Protocol

from wfctl.engine.store.values import ODD, Unreadable, failure_of, from_micros, to_micros
from wfctl.model import events as ev
from wfctl.model.events import NO_ID, Event, Failure, Origin, Parent, StallReason
from wfctl.model.status import Status


class Subject(Protocol):
    """What the row of an instance says of it, and its history need not say again."""

    @property
    def id(self) -> str: ...
    @property
    def execution_id(self) -> str: ...
    @property
    def output(self) -> str | None: ...


class Known(NamedTuple):
    """A `Subject`, as it is read for a history."""

    id: str
    execution_id: str
    output: str | None


Calls = dict[int, str]  # the task execution IDs of activity calls, by their event IDs


class _OfThisRow(Calls):
    """Calls, as far as they are in the same row: others may be in the rows before."""


def encode(events: Iterable[Event]) -> str:
    """Encode events with all that they say, as for the inbox."""
    return _encoded(events, None, None, None)


def encode_row(events: Iterable[Event], at: int, subject: Subject, calls: Calls | None = None) -> str:
    """Encode a row of the history of `subject`. `at` is the time of the row.

    `calls`: those of the rows before. Without them, results of calls that are not in this row are taken to have the IDs
    of their calls: the engine accepts no others.
    """
    return _encoded(events, at, subject, _OfThisRow() if calls is None else calls)


def _encoded(events: Iterable[Event], row_at: int | None, subject: Subject | None, calls: Calls | None) -> str:
    parts: list[str] = []
    last: datetime | None = None
    when = ""
    for event in events:
        if event.timestamp is not last:
            last = event.timestamp
            at = to_micros(last)
            when = "" if at == row_at else f',"at":{at}'
        kind = type(event)
        if kind is ev.TaskScheduled and calls is not None:
            calls[event.event_id] = event.task_execution_id  # type: ignore[attr-defined]
        hot = _HOT.get(kind)
        parts.append((_general if hot is None else hot)(event, when, subject, calls))
    return "[" + ",".join(parts) + "]"


def decode(text: str) -> list[Event]:
    """Decode events that say all (`encode`). Raises Unreadable."""
    return decode_row(text, None, None, {})


def decode_event(text: str) -> Event:
    """Decode the event of a row of the inbox. Raises Unreadable."""
    found = decode(text)
    if len(found) != 1:
        raise Unreadable("an event in it cannot be read")
    return found[0]


def decode_row(text: str, at: int | None, subject: Subject | None, calls: Calls) -> list[Event]:
    """Decode a row of the history of `subject`. `at` is the time of the row; `calls` are those of the rows before, and
    get those of this one. Raises Unreadable."""
    try:
        when = None if at is None else from_micros(at)
        return [_decoded(record, when, subject, calls) for record in _parsed(text)]
    except ODD as error:
        raise Unreadable("an event in it cannot be read") from error


_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]


def _parsed(text: str) -> Any:
    """Parse JSON: as wfctl writes it, without a search for spaces around it, which takes as long as an event."""
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        end = -1
    return value if end == len(text) else json.loads(text)


def encode_failure(failure: Failure | None) -> str | None:
    return None if failure is None else json.dumps(_plain(failure))


# The events of an ordinary step have encoders of their own: the general one costs four times as much. `when` is the
# field "at", or nothing.


def _workflow_started(event: ev.WorkflowStarted, when: str, subject: Subject | None, calls: Calls | None) -> str:
    if event.version is None and not event.patches:
        return f'{{"type":"WorkflowStarted"{when}}}'
    return _general(event, when, subject, calls)


def _execution_started(event: ev.ExecutionStarted, when: str, subject: Subject | None, calls: Calls | None) -> str:
    if event.parent is not None or event.scheduled_start is not None:
        return _general(event, when, subject, calls)
    payload = "" if event.input is None else f',"input":{quote(event.input)}'
    rest = "" if event.trace_parent is None else f',"trace_parent":{quote(event.trace_parent)}'
    if event.app_id is not None:
        rest += f',"app_id":{quote(event.app_id)}'
    ids = ""
    if subject is None or event.instance_id != subject.id:
        ids = f',"instance_id":{quote(event.instance_id)}'
    if subject is None or event.execution_id != subject.execution_id:
        ids += f',"execution_id":{quote(event.execution_id)}'
    return f'{{"type":"ExecutionStarted"{when},"name":{quote(event.name)}{payload}{ids}{rest}}}'


def _task_scheduled(event: ev.TaskScheduled, when: str, subject: Subject | None, calls: Calls | None) -> str:
    if event.max_attempts is not None or event.rerun_parent is not None or event.app_id is not None or event.scope:
        return _general(event, when, subject, calls)
    payload = "" if event.input is None else f',"input":{quote(event.input)}'
    return (
        f'{{"type":"TaskScheduled","id":{event.event_id}{when},"name":{quote(event.name)}{payload}'
        f',"task_execution_id":{quote(event.task_execution_id)}}}'
    )


def _task_completed(event: ev.TaskCompleted, when: str, subject: Subject | None, calls: Calls | None) -> str:
    if event.supplied:
        return _general(event, when, subject, calls)
    payload = "" if event.result is None else f',"result":{quote(event.result)}'
    call = "" if _is_of_call(event, calls) else f',"task_execution_id":{quote(event.task_execution_id)}'
    return f'{{"type":"TaskCompleted"{when},"task_scheduled_id":{event.task_scheduled_id}{payload}{call}}}'


def _is_of_call(event: ev.TaskCompleted | ev.TaskFailed, calls: Calls | None) -> bool:
    """Return True if the event has the task execution ID of its call, as far as that is known."""
    if calls is None:
        return False
    known = calls.get(event.task_scheduled_id)
    return type(calls) is _OfThisRow if known is None else known == event.task_execution_id


def _execution_completed(event: ev.ExecutionCompleted, when: str, subject: Subject | None, calls: Calls | None) -> str:
    if event.failure is not None:
        return _general(event, when, subject, calls)
    number = "" if event.event_id == NO_ID else f',"id":{event.event_id}'
    if event.result == (None if subject is None else subject.output):
        payload = ""
    else:
        payload = f',"result":{"null" if event.result is None else quote(event.result)}'
    return f'{{"type":"ExecutionCompleted"{number}{when},"status":{event.status.value}{payload}}}'


def _timer_created(event: ev.TimerCreated, when: str, subject: Subject | None, calls: Calls | None) -> str:
    if event.name is not None or event.rerun_parent is not None:
        return _general(event, when, subject, calls)
    number = "" if event.event_id == NO_ID else f',"id":{event.event_id}'
    origin = "" if event.origin is Origin.TIMER else f',"origin":{quote(event.origin.value)}'
    about = "" if event.subject is None else f',"subject":{quote(event.subject)}'
    return f'{{"type":"TimerCreated"{number}{when},"fire_at":{to_micros(event.fire_at)}{origin}{about}}}'


def _event_raised(event: ev.EventRaised, when: str, subject: Subject | None, calls: Calls | None) -> str:
    if event.event_id != NO_ID:
        return _general(event, when, subject, calls)
    payload = "" if event.input is None else f',"input":{quote(event.input)}'
    return f'{{"type":"EventRaised"{when},"name":{quote(event.name)}{payload}}}'


def _execution_suspended(event: ev.ExecutionSuspended, when: str, subject: Subject | None, calls: Calls | None) -> str:
    if event.event_id != NO_ID:
        return _general(event, when, subject, calls)
    reason = "" if event.reason is None else f',"reason":{quote(event.reason)}'
    return f'{{"type":"ExecutionSuspended"{when}{reason}}}'


def _other_event(event: ev.OtherEvent, when: str, subject: Subject | None, calls: Calls | None) -> str:
    """Encode an event that this wfctl does not know, which came with a bundle."""
    record: dict[str, Any] = {"name": event.type, "fields": dict(event.fields)}
    return f'{{"type":"{_OTHER}","id":{event.event_id}{when},{_inner(record)}}}'


_OTHER = "OtherEvent"
_HOT: dict[type[Event], Callable[[Any, str, Subject | None, Calls | None], str]] = {
    ev.OtherEvent: _other_event,
    ev.ExecutionStarted: _execution_started,
    ev.ExecutionCompleted: _execution_completed,
    ev.WorkflowStarted: _workflow_started,
    ev.TimerCreated: _timer_created,
    ev.EventRaised: _event_raised,
    ev.ExecutionSuspended: _execution_suspended,
    ev.TaskScheduled: _task_scheduled,
    ev.TaskCompleted: _task_completed,
}


def _general(event: Event, when: str, subject: Subject | None, calls: Calls | None) -> str:
    kind = type(event)
    record: dict[str, Any] = {}
    for name, default in _FIELDS[kind]:
        value = getattr(event, name)
        if value is not default and value != default:
            record[name] = _plain(value)
    if isinstance(event, (ev.TaskCompleted, ev.TaskFailed)):
        record["task_execution_id"] = event.task_execution_id
        if _is_of_call(event, calls):
            del record["task_execution_id"]
    elif subject is not None and isinstance(event, ev.ExecutionStarted):
        if event.instance_id == subject.id:
            del record["instance_id"]
        if event.execution_id == subject.execution_id:
            del record["execution_id"]
    number = "" if event.event_id == NO_ID else f',"id":{event.event_id}'
    return f'{{"type":"{kind.__name__}"{number}{when}{"," if record else ""}{_inner(record)}}}'


def _inner(record: dict[str, Any]) -> str:
    """Return the fields of a JSON object, without its braces."""
    return json.dumps(record, separators=(",", ":"))[1:-1]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return to_micros(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (Failure, Parent)):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value) if getattr(value, f.name) is not None}
    return value


_FIELDS: dict[type[Event], list[tuple[str, Any]]] = {
    kind: [(f.name, f.default) for f in fields(kind) if f.name not in ("event_id", "timestamp")]
    for kind in ev.TYPES.values()
}

_READ: dict[str, Callable[[Any], Any]] = {
    "fire_at": from_micros,
    "scheduled_start": from_micros,
    "failure": failure_of,
    "parent": lambda record: Parent(**record),
    "status": {status.value: status for status in Status}.__getitem__,  # to call the class takes five times as long
    "origin": {origin.value: origin for origin in Origin}.__getitem__,
    "patches": tuple,
}
_READERS: dict[type[Event], list[tuple[str, Callable[[Any], Any]]]] = {
    kind: [(name, _READ[name]) for name, _ in spec if name in _READ] for kind, spec in _FIELDS.items()
}
_READERS[ev.ExecutionStalled].append(("reason", StallReason))
_NEEDED: dict[type[Event], list[str]] = {
    kind: [name for name, default in spec if default is MISSING] for kind, spec in _FIELDS.items()
}
# By the name of a kind: the kind, what of its fields is not as in JSON, and the fields without a default.
_KINDS = {name: (kind, _READERS[kind], _NEEDED[kind]) for name, kind in ev.TYPES.items()}


def _decoded(record: dict[str, Any], row_at: datetime | None, subject: Subject | None, calls: Calls) -> Event:
    name = record.pop("type")
    event_id = record.pop("id", NO_ID)
    micros = record.pop("at", None)
    at = row_at if micros is None and row_at is not None else from_micros(micros)
    if name == _OTHER:
        return ev.OtherEvent(event_id, at, record["name"], tuple(record["fields"].items()))
    kind, readers, needed = _KINDS[name]
    for name, read in readers:
        if name in record:
            record[name] = read(record[name])
    if kind is ev.TaskScheduled:
        calls[event_id] = record.get("task_execution_id", "")
    elif kind is ev.TaskCompleted or kind is ev.TaskFailed:
        if "task_execution_id" not in record:
            record["task_execution_id"] = calls.get(record["task_scheduled_id"], "")
    elif subject is not None:
        if kind is ev.ExecutionStarted:
            record.setdefault("instance_id", subject.id)
            record.setdefault("execution_id", subject.execution_id)
        elif kind is ev.ExecutionCompleted and "failure" not in record:
            record.setdefault("result", subject.output)
    for name in needed:
        if name not in record:
            record[name] = None
    return kind(event_id, at, **record)
