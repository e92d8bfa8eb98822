"""Instances and events to JSON values and back, without loss.

The names are those of `wfctl get -o json` and `wfctl history -o json`. The one difference: payloads are strings that
hold the payload's own text, so that it comes back byte for byte. Fields of events that have their default are left out.
Whoever reads trusts nothing: what has another type than it must have is `Malformed`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Any, TypeVar

from wfctl.bundle.exported import Exported, Header
from wfctl.model import events as ev
from wfctl.model.events import NO_ID, Event, Origin, OtherEvent, Parent, StallReason
from wfctl.model.failure import FailedStep, Failure
from wfctl.model.instance import Instance, OwnTime
from wfctl.model.json_names import camel
from wfctl.model.logs import LogLine
from wfctl.model.status import Status
from wfctl.model.times import parse_rfc3339

Json = dict[str, Any]
T = TypeVar("T")
E = TypeVar("E", bound=Enum)

DEEPEST_FAILURE = 200
_MILLISECOND = timedelta(milliseconds=1)


class Malformed(ValueError):
    """A value is not what it must be. The message says which, without the line."""


# --- writing ---------------------------------------------------------------------------------------------------------


def time_out(when: datetime | None) -> str | None:
    if when is None:
        return None
    text = when.isoformat(timespec="microseconds")
    return text[:-6] + "Z" if text.endswith("+00:00") else time_out(when.astimezone(timezone.utc))


def header_out(header: Header) -> Json:
    return {
        "bundle": header.version,
        "writtenBy": header.written_by,
        "writtenAt": time_out(header.written_at),
        "target": header.target,
        "lacks": list(header.lacks),
        "redacted": list(header.redacted),
    }


def exported_out(one: Exported) -> Json:
    instance = one.instance
    own = instance.own_time
    return {
        "instanceID": instance.id,
        "appID": one.app_id,
        "workflowName": instance.name,
        "runtimeStatus": instance.status.name,
        "createdAt": time_out(instance.created_at),
        "lastUpdatedAt": time_out(instance.updated_at),
        "startedAt": time_out(instance.started_at),
        "completedAt": time_out(instance.completed_at),
        "input": instance.input,
        "output": instance.output,
        "customStatus": instance.custom_status,
        "failure": _failure_out(instance.failure),
        "failedStep": _step_out(instance.failed_step),
        "parentInstanceID": instance.parent_id,
        "version": instance.version,
        "stall": instance.stall,
        "rerunOf": instance.rerun_of,
        "rerunAs": None if instance.rerun_as is None else list(instance.rerun_as),
        **({} if own is None else {"skippedTime": _own_time_out(own)}),
        "history": [event_out(event) for event in one.history],
        "inbox": None if one.inbox is None else [event_out(event) for event in one.inbox],
        "logs": None if one.logs is None else [_log_out(line) for line in one.logs],
    }


def _own_time_out(own: OwnTime) -> Json:
    # Upwards, so that time does not go back where it is imported.
    return {"aheadMs": -(-own.ahead // _MILLISECOND), "skippedMs": own.skipped // _MILLISECOND}


def event_out(event: Event) -> Json:
    kind = type(event)
    record: Json = {"type": kind.__name__, "timestamp": time_out(event.timestamp)}
    if event.event_id != NO_ID:
        record["eventID"] = event.event_id
    if isinstance(event, OtherEvent):
        record["type"] = event.type
        record["fields"] = {name: _json_value(value) for name, value in event.fields}
        return record
    for attribute, name, default in _WRITTEN[kind]:
        value = getattr(event, attribute)
        if value is not default and value != default:
            write = _WRITE.get(type(value))
            record[name] = value if write is None else write(value)
    return record


def _json_value(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def _failure_out(failure: Failure | None) -> Json | None:
    if failure is None:
        return None
    record: Json = {
        "errorType": failure.error_type,
        "errorMessage": failure.message,
        "stackTrace": failure.stack_trace,
    }
    if failure.non_retriable:
        record["isNonRetriable"] = True
    if failure.inner is not None:
        record["innerFailure"] = _failure_out(failure.inner)
    return record


def _step_out(step: FailedStep | None) -> Json | None:
    if step is None:
        return None
    return {camel(f.name): _plain(getattr(step, f.name)) for f in fields(step)}


def _parent_out(parent: Parent) -> Json:
    return {camel(f.name): value for f in fields(parent) if (value := getattr(parent, f.name)) is not None}


def _log_out(line: LogLine) -> Json:
    return {
        "at": time_out(line.at),
        "level": line.level,
        "step": line.step,
        "eventID": line.event_id,
        "logger": line.logger,
        "message": line.message,
    }


def _plain(value: Any) -> Any:
    write = _WRITE.get(type(value))
    return value if write is None else write(value)


_WRITE: dict[type, Callable[[Any], Any]] = {
    datetime: time_out,
    Failure: _failure_out,
    Parent: _parent_out,
    Status: lambda status: status.name,
    Origin: lambda origin: origin.value,
    StallReason: lambda reason: reason.value,
    tuple: list,
}

# --- reading ---------------------------------------------------------------------------------------------------------


def header_in(record: Json) -> Header:
    return Header(
        written_by=_get(record, "writtenBy", _text),
        written_at=_get(record, "writtenAt", _time),
        target=_get(record, "target", _text),
        lacks=_get(record, "lacks", _texts),
        redacted=_get(record, "redacted", _texts),
        version=_get(record, "bundle", _number),
    )


def _maybe_absent(record: Json, name: str, read: Callable[[Any], T]) -> T | None:
    """Read a value that bundles have only where there is something to say."""
    return _maybe(record, name, read) if name in record else None


def _own_time(value: Any) -> OwnTime:
    if not isinstance(value, dict):
        raise Malformed("it must be an object")
    try:
        return OwnTime(_get(value, "aheadMs", _number) * _MILLISECOND, _get(value, "skippedMs", _number) * _MILLISECOND)
    except OverflowError:
        raise Malformed("it is beyond the calendar") from None


def exported_in(record: Json, line: int = 0) -> Exported:
    get, maybe = _get, _maybe
    return Exported(
        instance=Instance(
            id=get(record, "instanceID", _text),
            name=maybe(record, "workflowName", _text),
            status=get(record, "runtimeStatus", _status),
            created_at=maybe(record, "createdAt", _time),
            updated_at=maybe(record, "lastUpdatedAt", _time),
            started_at=maybe(record, "startedAt", _time),
            completed_at=maybe(record, "completedAt", _time),
            input=maybe(record, "input", _text),
            output=maybe(record, "output", _text),
            custom_status=maybe(record, "customStatus", _text),
            failure=maybe(record, "failure", _failure),
            failed_step=maybe(record, "failedStep", _step),
            parent_id=maybe(record, "parentInstanceID", _text),
            version=maybe(record, "version", _text),
            stall=maybe(record, "stall", _text),
            rerun_of=maybe(record, "rerunOf", _text),
            rerun_as=maybe(record, "rerunAs", _texts),
            app_id=maybe(record, "appID", _text),
            own_time=_maybe_absent(record, "skippedTime", _own_time),
        ),
        history=get(record, "history", _events),
        inbox=maybe(record, "inbox", _events),
        logs=maybe(record, "logs", _logs),
        line=line,
    )


def event_in(record: Any) -> Event:
    if type(record) is not dict:
        raise Malformed("an event is not an object")
    name = record.get("type")
    kind = ev.TYPES.get(name) if type(name) is str else None
    event_id = _maybe(record, "eventID", _number)
    event_id = NO_ID if event_id is None else event_id
    at = _get(record, "timestamp", _time)
    if kind is None:
        return _other_event(event_id, at, record)
    values: Json = {}
    for attribute, key, read, needed, given in _READ[kind]:
        value = record.get(key)
        if value is not None:
            try:
                values[attribute] = read(value)
            except Malformed as error:
                raise Malformed(f"{name}: {key}: {error}") from None
        elif needed:
            raise Malformed(f"{name}: {key} is missing")
        elif given:
            values[attribute] = None
    return kind(event_id, at, **values)


def _other_event(event_id: int, at: datetime, record: Json) -> OtherEvent:
    """Return an event of a type that this wfctl does not know, with whatever it has."""
    found = record.get("fields")
    if type(found) is not dict:
        found = {name: value for name, value in record.items() if name not in ("type", "timestamp", "eventID")}
    return OtherEvent(event_id, at, _get(record, "type", _text), tuple(found.items()))


def _get(record: Json, name: str, read: Callable[[Any], T]) -> T:
    try:
        return read(record[name])
    except KeyError:
        raise Malformed(f"{name} is missing") from None
    except Malformed as error:
        raise Malformed(f"{name}: {error}") from None


def _maybe(record: Json, name: str, read: Callable[[Any], T]) -> T | None:
    return None if record.get(name) is None else _get(record, name, read)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise Malformed("not a string")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Malformed("not valid Unicode, with lone surrogates") from None
    return value


def _number(value: Any) -> int:
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise Malformed("not a whole number")
    return value


def _truth(value: Any) -> bool:
    if type(value) is not bool:
        raise Malformed("not true or false")
    return value


def _time(value: Any) -> datetime:
    try:
        if type(value) is str and len(value) == 27 and value[26] == "Z":  # as it is written here, and read fast
            return datetime.fromisoformat(value[:26] + "+00:00")
        return parse_rfc3339(value)
    except (TypeError, ValueError):
        raise Malformed("not a time as 2026-01-31T12:00:00.000000Z") from None


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(_text, _list(value)))


def _events(value: Any) -> tuple[Event, ...]:
    return tuple(map(event_in, _list(value)))


def _list(value: Any) -> Sequence[Any]:
    if type(value) is not list:
        raise Malformed("not a list")
    return value


def _object(value: Any) -> Json:
    if type(value) is not dict:
        raise Malformed("not an object")
    return value


def _word(kind: type[E]) -> Callable[[Any], E]:
    def read(value: Any) -> E:
        try:
            return kind(value)
        except ValueError:
            raise Malformed(f"none of {', '.join(str(one.value) for one in kind)}") from None

    return read


def _status(value: Any) -> Status:
    try:
        return Status[_text(value)]
    except KeyError:
        raise Malformed("not a status") from None


def _failure(value: Any) -> Failure:
    levels: list[Json] = []
    while value is not None:
        levels.append(_object(value))
        if len(levels) > DEEPEST_FAILURE:
            raise Malformed(f"more than {DEEPEST_FAILURE} failures in one another")
        value = value.get("innerFailure")
    failure: Failure | None = None
    for record in reversed(levels):
        failure = Failure(
            error_type=_get(record, "errorType", _text),
            message=_get(record, "errorMessage", _text),
            stack_trace=_maybe(record, "stackTrace", _text),
            non_retriable=_maybe(record, "isNonRetriable", _truth) or False,
            inner=failure,
        )
    assert failure is not None
    return failure


def _step(value: Any) -> FailedStep:
    record = _object(value)
    return FailedStep(
        kind=_get(record, "kind", _text),
        name=_maybe(record, "name", _text),
        event_id=_get(record, "eventID", _number),
        attempt=_maybe(record, "attempt", _number),
        max_attempts=_maybe(record, "maxAttempts", _number),
        at=_maybe(record, "at", _time),
        instance_id=_maybe(record, "instanceID", _text),
        app_id=_maybe(record, "appID", _text),
    )


def _parent(value: Any) -> Parent:
    record = _object(value)
    return Parent(
        task_scheduled_id=_get(record, "taskScheduledID", _number),
        instance_id=_get(record, "instanceID", _text),
        name=_maybe(record, "name", _text),
        execution_id=_maybe(record, "executionID", _text),
        app_id=_maybe(record, "appID", _text),
    )


def _logs(value: Any) -> tuple[LogLine, ...]:
    return tuple(map(_log, _list(value)))


def _log(value: Any) -> LogLine:
    record = _object(value)
    return LogLine(
        at=_get(record, "at", _time),
        level=_get(record, "level", _number),
        step=_maybe(record, "step", _text),
        event_id=_maybe(record, "eventID", _number),
        logger=_get(record, "logger", _text),
        message=_get(record, "message", _text),
    )


# --- the fields of events --------------------------------------------------------------------------------------------

# By the annotation of a field, which is a text.
_BY_TYPE: dict[str, Callable[[Any], Any]] = {
    "str": _text,
    "int": _number,
    "bool": _truth,
    "datetime": _time,
    "Failure": _failure,
    "Parent": _parent,
    "Origin": _word(Origin),
    "StallReason": _word(StallReason),
    "Status": _status,
    "tuple[str, ...]": _texts,
}


def _fields(kind: type[Event]) -> list[tuple[str, str, Any, str]]:
    """Attribute, name in JSON, default (None where there is none) and annotation of each field."""
    return [
        (f.name, camel(f.name), f.default, str(f.type)) for f in fields(kind) if f.name not in ("event_id", "timestamp")
    ]


def _reads(kind: type[Event]) -> list[tuple[str, str, Callable[[Any], Any], bool, bool]]:
    """Attribute, name in JSON, what reads it, whether it must have a value, and whether it must be given at all."""
    return [
        (
            attribute,
            name,
            _BY_TYPE[annotation.removesuffix(" | None")],
            default is MISSING and not annotation.endswith(" | None"),
            default is MISSING,
        )
        for attribute, name, default, annotation in _fields(kind)
    ]


_WRITTEN: dict[type[Event], list[tuple[str, str, Any]]] = {
    kind: [(attribute, name, None if default is MISSING else default) for attribute, name, default, _ in _fields(kind)]
    for kind in ev.TYPES.values()
}
_READ = {kind: _reads(kind) for kind in ev.TYPES.values()}
