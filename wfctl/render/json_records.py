"""Values as JSON records: the documented contract. Every record always has all of its keys.

Those of events and steps are in `history_records`, for commands that show any.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from wfctl.render.times import rfc3339

if TYPE_CHECKING:
    from wfctl.model.failure import FailedStep, Failure
    from wfctl.model.instance import Count, Instance, OwnTime, Waiting

Record = dict[str, Any]
_MILLISECOND = timedelta(milliseconds=1)


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


def failed_step_record(step: FailedStep | None) -> Record | None:
    if step is None:
        return None
    return {
        "kind": step.kind,
        "name": step.name,
        "eventID": step.event_id,
        "attempt": step.attempt,
        "maxAttempts": step.max_attempts,
        "at": time_or_none(step.at),
        "instanceID": step.instance_id,
        "appID": step.app_id,
    }


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
        "received": waiting.received,
        "appID": waiting.app_id,
    }


def skipped_time_record(own: OwnTime | None) -> Record | None:
    """The clock of a tree whose time is skipped, against the real one."""
    if own is None:
        return None
    return {"skippedMs": own.skipped // _MILLISECOND, "aheadMs": own.ahead // _MILLISECOND}


def instance_record(instance: Instance) -> Record:
    return {
        "instanceID": instance.id,
        "appID": instance.app_id,
        "workflowName": instance.name,
        "runtimeStatus": instance.status.name,
        "createdAt": time_or_none(instance.created_at),
        "lastUpdatedAt": time_or_none(instance.updated_at),
        "completedAt": time_or_none(instance.completed_at),
        "input": decoded(instance.input),
        "output": decoded(instance.output),
        "customStatus": decoded(instance.custom_status),
        "failure": failure_record(instance.failure),
        "failedStep": failed_step_record(instance.failed_step),
        "parentInstanceID": instance.parent_id,
        "waitingFor": [waiting_record(waiting) for waiting in instance.waiting_for],
        "rerunOf": instance.rerun_of,
        "rerunAs": None if instance.rerun_as is None else list(instance.rerun_as),
        "skippedTime": skipped_time_record(instance.own_time),
    }


def count_record(count: Count, by: frozenset[str]) -> Record:
    return {
        "runtimeStatus": count.status.name if "status" in by else None,
        "workflowName": count.name if "name" in by else None,
        "step": count.step if "step" in by else None,
        "error": count.error if "error" in by else None,
        "count": count.count,
    }
