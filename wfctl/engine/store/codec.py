"""History events as stored: one JSON array per turn, readable with any SQLite shell.

An event is `{"type": ..., "id": ..., "at": microseconds since 1970 UTC, field: value ...}` with fields that have
their default left out, and `id` left out where it is NO_ID. Payloads are JSON strings that hold the payload's own
text, so that it comes back byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import MISSING, fields
from datetime import datetime
from enum import Enum
from json.encoder import encode_basestring_ascii as quote
from typing import Any

from wfctl.engine.store.values import ODD, Unreadable, failure_of, from_micros, to_micros
from wfctl.model import events as ev
from wfctl.model.events import NO_ID, Event, Failure, Origin, Parent, StallReason
from wfctl.model.status import Status


def encode(events: Iterable[Event]) -> str:
    parts: list[str] = []
    last: datetime | None = None
    at = 0
    for event in events:
        if event.timestamp is not last:
            last = event.timestamp
            at = to_micros(last)
        hot = _HOT.get(type(event))
        parts.append(hot(event, at) if hot is not None else _general(event, at))
    return "[" + ",".join(parts) + "]"


def decode(text: str) -> list[Event]:
    """Decode events. Raises Unreadable."""
    try:
        return [_decoded(record) for record in json.loads(text)]
    except ODD as error:
        raise Unreadable("an event in it cannot be read") from error


def encode_failure(failure: Failure | None) -> str | None:
    return None if failure is None else json.dumps(_plain(failure))


# The events of an ordinary step have encoders of their own: the general one costs four times as much.


def _workflow_started(event: ev.WorkflowStarted, at: int) -> str:
    if event.version is None and not event.patches:
        return f'{{"type":"WorkflowStarted","at":{at}}}'
    return _general(event, at)


def _task_scheduled(event: ev.TaskScheduled, at: int) -> str:
    if event.max_attempts is not None or event.rerun_parent is not None or event.app_id is not None or event.scope:
        return _general(event, at)
    payload = "" if event.input is None else f',"input":{quote(event.input)}'
    return (
        f'{{"type":"TaskScheduled","id":{event.event_id},"at":{at},"name":{quote(event.name)}{payload}'
        f',"task_execution_id":{quote(event.task_execution_id)}}}'
    )


def _task_completed(event: ev.TaskCompleted, at: int) -> str:
    if event.supplied:
        return _general(event, at)
    payload = "" if event.result is None else f',"result":{quote(event.result)}'
    return (
        f'{{"type":"TaskCompleted","at":{at},"task_scheduled_id":{event.task_scheduled_id}{payload}'
        f',"task_execution_id":{quote(event.task_execution_id)}}}'
    )


def _other_event(event: ev.OtherEvent, at: int) -> str:
    """Encode an event that this wfctl does not know, which came with a bundle."""
    record: dict[str, Any] = {"type": _OTHER, "id": event.event_id, "at": at, "name": event.type}
    return json.dumps({**record, "fields": dict(event.fields)}, separators=(",", ":"))


_OTHER = "OtherEvent"
_HOT: dict[type[Event], Callable[[Any, int], str]] = {
    ev.OtherEvent: _other_event,
    ev.WorkflowStarted: _workflow_started,
    ev.TaskScheduled: _task_scheduled,
    ev.TaskCompleted: _task_completed,
}


def _general(event: Event, at: int) -> str:
    record: dict[str, Any] = {"type": type(event).__name__}
    if event.event_id != NO_ID:
        record["id"] = event.event_id
    record["at"] = at
    for name, default in _FIELDS[type(event)]:
        value = getattr(event, name)
        if value is not default and value != default:
            record[name] = _plain(value)
    return json.dumps(record, separators=(",", ":"))


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
    "status": Status,
    "origin": Origin,
    "patches": tuple,
}
_NEEDED: dict[type[Event], list[str]] = {
    kind: [name for name, default in spec if default is MISSING] for kind, spec in _FIELDS.items()
}


def _decoded(record: dict[str, Any]) -> Event:
    name = record.pop("type")
    event_id = record.pop("id", NO_ID)
    at = from_micros(record.pop("at"))
    if name == _OTHER:
        return ev.OtherEvent(event_id, at, record["name"], tuple(record["fields"].items()))
    kind = ev.TYPES[name]
    for name in record.keys() & _READ.keys():
        record[name] = _READ[name](record[name])
    if kind is ev.ExecutionStalled:
        record["reason"] = StallReason(record["reason"])
    for name in _NEEDED[kind]:
        record.setdefault(name, None)
    return kind(event_id, at, **record)
