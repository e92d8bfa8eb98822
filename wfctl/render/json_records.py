"""Values as JSON records: the documented contract. Every record always has all of its keys."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from enum import Enum
from typing import Any

from wfctl.model.events import Event, Failure, OtherEvent, Parent
from wfctl.model.instance import Count, Instance, Waiting
from wfctl.model.status import Status
from wfctl.model.steps import Step
from wfctl.render.times import rfc3339

Record = dict[str, Any]

# Fields of events whose text is a serialised payload. A reason or a name is text and stays so.
_PAYLOADS = frozenset({"input", "result"})


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(text)
    return number


def decoded(payload: str | None) -> Any:
    """A payload as the JSON value that it is, else the text itself. NaN and Infinity are not JSON."""
    if payload is None:
        return None
    try:
        return json.loads(payload, parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        return payload


def time_or_none(when: datetime | None) -> str | None:
    return None if when is None else rfc3339(when)


def failure_record(failure: Failure | None) -> Record | None:
    if failure is None:
        return None
    record: Record = {
        "errorType": failure.error_type,
        "errorMessage": failure.message,
        "stackTrace": failure.stack_trace,
    }
    if failure.inner is not None:
        record["innerFailure"] = failure_record(failure.inner)
    return record


def waiting_record(waiting: Waiting) -> Record:
    return {
        "kind": waiting.kind,
        "name": waiting.name,
        "since": time_or_none(waiting.since),
        "until": time_or_none(waiting.until),
        "instanceID": waiting.instance_id,
        "runtimeStatus": None if waiting.status is None else waiting.status.name,
        "attempt": waiting.attempt,
        "maxAttempts": waiting.max_attempts,
        "lastError": waiting.last_error,
        "eventID": waiting.event_id,
    }


def instance_record(instance: Instance) -> Record:
    return {
        "instanceID": instance.id,
        "workflowName": instance.name,
        "runtimeStatus": instance.status.name,
        "createdAt": time_or_none(instance.created_at),
        "lastUpdatedAt": time_or_none(instance.updated_at),
        "completedAt": time_or_none(instance.completed_at),
        "input": decoded(instance.input),
        "output": decoded(instance.output),
        "customStatus": decoded(instance.custom_status),
        "failure": failure_record(instance.failure),
        "parentInstanceID": instance.parent_id,
        "waitingFor": [waiting_record(waiting) for waiting in instance.waiting_for],
    }


def count_record(count: Count, by: frozenset[str]) -> Record:
    return {
        "runtimeStatus": count.status.name if "status" in by else None,
        "workflowName": count.name if "name" in by else None,
        "count": count.count,
    }


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


def camel(name: str) -> str:
    """`task_execution_id` to `taskExecutionID`: an ID is written as in `instanceID` everywhere."""
    head, *tail = name.split("_")
    return head + "".join("ID" if part == "id" else part.capitalize() for part in tail)


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
