"""The JSON bodies of the HTTP API: instances, starts, errors, metadata. No protobuf here: HTTP alone needs none.

Source: dapr-api 1.4 (get), 1.5 (errors), 1.6 (metadata); dapr/dapr pkg/api/universal/workflow.go,
pkg/api/http/metadata.go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wfctl.model.failure import Failure
from wfctl.model.instance import Instance
from wfctl.model.logs import LogLine
from wfctl.model.status import Status
from wfctl.wire import times

INPUT = "dapr.workflow.input"
OUTPUT = "dapr.workflow.output"
CUSTOM_STATUS = "dapr.workflow.custom_status"
ERROR_TYPE = "dapr.workflow.failure.error_type"
ERROR_MESSAGE = "dapr.workflow.failure.error_message"
# Not Dapr's: the names of the events that have arrived and that no worker has taken in, as a JSON array.
RECEIVED = "wfctl.workflow.received"
# Nor is this: "true" where there is something to do, and nobody attached can do it.
UNATTENDED = "wfctl.workflow.unattended"
STACK_TRACE = "dapr.workflow.failure.stack_trace"

# The status map of the runtime's API ends before STALLED, which therefore reads as UNKNOWN: the only one that does.
UNKNOWN = "UNKNOWN"


# What Python raises on the way from a JSON object that no server of workflows writes to what it should say.
ODD = (ValueError, TypeError, KeyError, AttributeError, OverflowError)


class BadBody(ValueError):
    """The body is not what the API answers; the text says what is wrong with it."""


def read_json(body: bytes) -> dict[str, Any]:
    """Read a JSON object. Raises BadBody for what is none."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadBody(f"not JSON: {_start(body)}") from error
    if not isinstance(data, dict):
        raise BadBody(f"not a JSON object: {_start(body)}")
    return data


def maybe_word(value: object) -> str | None:
    """Return the text of a value of a JSON document; None for null."""
    return None if value is None else str(value)


def _start(body: bytes) -> str:
    text = " ".join(body[:80].decode("utf-8", "replace").split())
    return repr(text) if text else "it is empty"


def read_instance(body: bytes) -> Instance:
    """Read the answer to a get. Raises BadBody.

    Empty payloads are none: a start without a body leaves an empty string as input. Times of an instance that has
    had no turn are year 1: not known. Of a finished instance the last update is the completion.
    """
    data = read_json(body)
    try:
        properties = _texts(data.get("properties") or {})
        plain = _texts({key: value for key, value in data.items() if key in _INSTANCE_TEXTS})
        text = plain.get("runtimeStatus") or ""
        if not text:
            raise KeyError("runtimeStatus")
        status = Status.STALLED if text == UNKNOWN else Status[text]
        updated = _time(plain.get("lastUpdatedAt"))
        return Instance(
            id=plain["instanceID"],
            name=plain.get("workflowName") or None,
            status=status,
            created_at=_time(plain.get("createdAt")),
            updated_at=updated,
            completed_at=updated if status.terminal else None,
            input=properties.get(INPUT) or None,
            output=_output(properties),
            custom_status=properties.get(CUSTOM_STATUS) or None,
            failure=_failure(properties),
            received=tuple(map(str, json.loads(properties.get(RECEIVED) or "[]"))),
            unattended=properties.get(UNATTENDED) == "true",
        )
    except KeyError as error:
        raise BadBody(f"without a usable {error.args[0][:40]}: {_start(body)}") from error
    except ODD as error:
        raise BadBody(f"{str(error)[:80]}: {_start(body)}") from error


_INSTANCE_TEXTS = ("instanceID", "workflowName", "createdAt", "lastUpdatedAt", "runtimeStatus")


def _texts(values: dict[str, Any]) -> dict[str, str]:
    """Leave out what is null. Raises ValueError for what is no text."""
    for name, value in values.items():
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{name} is not text")
    return {name: value for name, value in values.items() if value is not None}


def _time(text: str | None) -> datetime | None:
    return None if not text else times.known(times.from_text(text))


def _failure(properties: dict[str, str]) -> Failure | None:
    if ERROR_TYPE not in properties and ERROR_MESSAGE not in properties:
        return None
    return Failure(
        error_type=properties.get(ERROR_TYPE, ""),
        message=properties.get(ERROR_MESSAGE, ""),
        stack_trace=properties.get(STACK_TRACE) or None,
    )


def _output(properties: dict[str, str]) -> str | None:
    """None beside a failure: up to 1.18 it may hold the error's text once more (depends on the SDK)."""
    if ERROR_TYPE in properties or ERROR_MESSAGE in properties:
        return None
    return properties.get(OUTPUT) or None


def write_instance(instance: Instance) -> dict[str, Any]:
    """Write the answer to a get, absent values left out; an instance without a turn has year 1 for its times."""
    properties = {
        INPUT: instance.input,
        CUSTOM_STATUS: instance.custom_status,
        OUTPUT: instance.output,
    }
    failure = instance.failure
    if failure is not None:
        properties |= {
            ERROR_TYPE: failure.error_type,
            ERROR_MESSAGE: failure.message,
            STACK_TRACE: failure.stack_trace or None,
        }
    if instance.received:
        properties[RECEIVED] = json.dumps(instance.received)
    if instance.unattended:
        properties[UNATTENDED] = "true"
    present = {key: value for key, value in properties.items() if value is not None}
    body: dict[str, Any] = {"instanceID": instance.id}
    if instance.name:
        body["workflowName"] = instance.name
    body["createdAt"] = times.to_text(instance.created_at or times.YEAR_ONE)
    body["lastUpdatedAt"] = times.to_text(instance.updated_at or times.YEAR_ONE)
    body["runtimeStatus"] = UNKNOWN if instance.status is Status.STALLED else instance.status.name
    if present:
        body["properties"] = present
    return body


def read_started(body: bytes) -> str:
    """Read the ID in the answer to a start. Raises BadBody."""
    instance_id = read_json(body).get("instanceID")
    if not isinstance(instance_id, str) or not instance_id:
        raise BadBody(f"without an instanceID: {_start(body)}")
    return instance_id


def write_started(instance_id: str) -> dict[str, Any]:
    return {"instanceID": instance_id}


def read_error(body: bytes) -> tuple[str | None, str]:
    """errorCode (None: the body holds none) and message; never raises."""
    try:
        data = read_json(body)
    except BadBody:
        return None, " ".join(body[:200].decode("utf-8", "replace").split())
    code, message = data.get("errorCode"), data.get("message")
    return (code if isinstance(code, str) else None), (message if isinstance(message, str) else "")


def write_error(code: str, message: str) -> dict[str, Any]:
    return {"errorCode": code, "message": message}


# Keys of the extended metadata of `wfctl serve`.
WFCTL_VERSION = "wfctlVersion"
GRPC_PORT = "wfctlGrpcPort"
SERVER = "wfctlServer"


@dataclass(frozen=True, slots=True)
class Metadata:
    """The metadata of a sidecar.

    version            (major, minor); None for a runtime built without one ("edge")
    workers            connected workflow workers; None before 1.16, which does not say
    actors             `RUNNING`, `INITIALIZING`, `DISABLED`, or empty before 1.14
    actor_store        whether a component can keep actors; None where the components do not say
    wfctl              the version of `wfctl serve`, where it is that which answers
    grpc_port          where that serves gRPC; Dapr does not say
    server             what tells one run of it from all others
    """

    app_id: str
    runtime: str
    version: tuple[int, int] | None
    workers: int | None
    actors: str = ""
    placement: str = ""
    schedulers: tuple[str, ...] = ()
    actor_store: bool | None = None
    wfctl: str | None = None
    grpc_port: int | None = None
    server: str | None = None


_VERSION = re.compile(r"v?(\d+)\.(\d+)")


def version_of(text: str) -> tuple[int, int] | None:
    match = _VERSION.match(text)
    return None if match is None else (int(match[1]), int(match[2]))


def _port(text: str | None) -> int | None:
    """Anybody may set metadata: what is no port is none."""
    if not text or not (text.isascii() and text.isdecimal()):
        return None
    return int(text) if len(text) <= 5 and 0 < int(text) < 65536 else None


def read_metadata(body: bytes) -> Metadata:
    """Read the metadata.

    Raises BadBody. The `workflows` key is absent both before 1.16 and where no worker is connected.
    """
    data = read_json(body)
    try:
        extended = data.get("extended") or {}
        runtime = data.get("runtimeVersion") or extended.get("daprRuntimeVersion") or ""
        version = version_of(runtime)
        workflows = data.get("workflows")
        workers = int((workflows or {}).get("connectedWorkers", 0))
        actors = data.get("actorRuntime") or {}
        capable = [part.get("capabilities") for part in data.get("components") or []]
        return Metadata(
            app_id=str(data.get("id", "")),
            runtime=runtime,
            version=version,
            workers=None if workflows is None and version is not None and version < (1, 16) else workers,
            actors=str(actors.get("runtimeStatus", "")),
            placement=str(actors.get("placement", "")),
            schedulers=tuple(map(str, (data.get("scheduler") or {}).get("connected_addresses") or ())),
            actor_store=None if version is None else any("ACTOR" in (caps or ()) for caps in capable),
            wfctl=_text(extended.get(WFCTL_VERSION)),
            grpc_port=_port(_text(extended.get(GRPC_PORT))),
            server=_text(extended.get(SERVER)),
        )
    except ODD as error:
        raise BadBody(f"{str(error)[:80]}: {_start(body)}") from error


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def write_logs(lines: Sequence[LogLine]) -> dict[str, Any]:
    """Write what wfctl serve answers to `wfctl logs`; not Dapr's."""
    return {
        "logs": [
            {
                "row": line.row,
                "at": times.to_text(line.at),
                "level": line.level,
                "step": line.step,
                "eventID": line.event_id,
                "logger": line.logger,
                "message": line.message,
            }
            for line in lines
        ]
    }


def read_logs(body: bytes) -> list[LogLine]:
    """Read what `write_logs` writes. Raises BadBody."""
    try:
        return [
            LogLine(
                times.from_text(str(one["at"])),
                int(one["level"]),
                _text(one.get("step")),
                None if one.get("eventID") is None else int(one["eventID"]),
                str(one["logger"]),
                str(one["message"]),
                int(one["row"]),
            )
            for one in read_json(body)["logs"]
        ]
    except ODD as error:
        raise BadBody(f"not the lines of a log: {_start(body)}") from error
