"""Events and steps as JSON records."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from enum import Enum
from typing import Any

from wfctl.model.events import Event, OtherEvent, Parent
from wfctl.model.failure import Failure
from wfctl.model.json_names import camel as camel
from wfctl.model.routing import Router
from wfctl.model.status import Status
from wfctl.model.steps import Step
from wfctl.render.json_records import Record, decoded, failure_record, time_or_none
from wfctl.render.times import rfc3339

# Fields of events whose text is a serialised payload. A reason or a name is text and stays so.
_PAYLOADS = frozenset({"input", "result"})


def event_record(event: Event) -> Record:
    """An event as committed: Dapr's type name, then the event's own fields, payloads whole."""
    kind = event.type if isinstance(event, OtherEvent) else type(event).__name__
    record: Record = {"eventID": event.event_id, "type": kind, "timestamp": rfc3339(event.timestamp)}
    if isinstance(event, OtherEvent):
        record.update(event.fields)
        return record
    for field in dataclasses.fields(event):
        if field.name not in ("event_id", "timestamp"):
            value = getattr(event, field.name)
            record[camel(field.name)] = decoded(value) if field.name in _PAYLOADS else _plain(value)
    return record


def routed_record(event: Event, router: Router | None) -> Record:
    """An event of a history that names apps: which it is from and for, besides."""
    told = None if router is None else {"sourceAppID": router.source, "targetAppID": router.target}
    return {**event_record(event), "router": told}


def step_record(step: Step) -> Record:
    return {
        "eventID": step.event_id,
        "kind": step.kind,
        "name": step.name,
        "status": step.status.value,
        "scheduledAt": rfc3339(step.scheduled_at),
        "completedAt": time_or_none(step.completed_at),
        "durationMs": _millis(step.scheduled_at, step.completed_at),
        "until": time_or_none(step.until),
        "childInstanceID": step.child_id,
        "appID": step.app_id,
        "maxAttempts": step.max_attempts,
        "attempts": [
            {
                "eventID": attempt.event_id,
                "scheduledAt": rfc3339(attempt.scheduled_at),
                "completedAt": time_or_none(attempt.completed_at),
                "durationMs": _millis(attempt.scheduled_at, attempt.completed_at),
                "failure": failure_record(attempt.failure),
            }
            for attempt in step.attempts
        ],
        "input": decoded(step.input),
        "result": decoded(step.result),
        "failure": failure_record(step.failure),
    }


def _millis(start: datetime, end: datetime | None) -> float | None:
    return None if end is None else round((end - start).total_seconds() * 1000, 3)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, Status):
        return value.name
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Failure):
        return failure_record(value)
    if isinstance(value, Parent):
        return {camel(field.name): getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
