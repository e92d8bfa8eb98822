"""The small parts that events, actions and states share: wrapped texts, times, failures, parents."""

from __future__ import annotations

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.wrappers_pb2 import StringValue

from wfctl.model.apps import stored, told
from wfctl.model.events import Failure, Origin, Parent, StallReason
from wfctl.wire import times
from wfctl.wire.protos import history_pb2 as pb

# wfctl knows a reason that the wire does not: its nearest relative there is a patch mismatch.
STALL_REASONS = {
    StallReason.PATCH_MISMATCH: pb.STALL_REASON_PATCH_MISMATCH,
    StallReason.NON_DETERMINISTIC: pb.STALL_REASON_PATCH_MISMATCH,
    StallReason.VERSION_NOT_AVAILABLE: pb.STALL_REASON_VERSION_NOT_AVAILABLE,
    StallReason.PAYLOAD_SIZE_EXCEEDED: pb.STALL_REASON_PAYLOAD_SIZE_EXCEEDED,
}
_REASONS: dict[int, StallReason] = {
    pb.STALL_REASON_VERSION_NOT_AVAILABLE: StallReason.VERSION_NOT_AVAILABLE,
    pb.STALL_REASON_PAYLOAD_SIZE_EXCEEDED: StallReason.PAYLOAD_SIZE_EXCEEDED,
}
# The two messages that hold a timer's origin have the same field names; a timer without one is a plain timer.
_ORIGINS = {
    "external_event": (Origin.EXTERNAL_EVENT, "name"),
    "activity_retry": (Origin.ACTIVITY_RETRY, "task_execution_id"),
    "child_retry": (Origin.CHILD_RETRY, "instance_id"),
}


def wrap(text: str | None) -> StringValue | None:
    return None if text is None else StringValue(value=text)


def time_out(time: datetime | None) -> Timestamp | None:
    if time is None:
        return None
    seconds, nanos = times.to_seconds(time)
    return Timestamp(seconds=seconds, nanos=nanos)


def time_in(stamp: Timestamp) -> datetime:
    return times.from_seconds(stamp.seconds, stamp.nanos)


def failure_out(failure: Failure | None) -> pb.FailureDetails | None:
    if failure is None:
        return None
    return pb.FailureDetails(
        error_type=failure.error_type,
        error_message=failure.message,
        stack_trace=wrap(failure.stack_trace),
        inner_failure=failure_out(failure.inner),
        is_non_retriable=failure.non_retriable,
    )


def failure_in(details: pb.FailureDetails) -> Failure:
    return Failure(
        error_type=details.error_type,
        message=details.error_message,
        stack_trace=details.stack_trace.value if details.HasField("stack_trace") else None,
        non_retriable=details.is_non_retriable,
        inner=failure_in(details.inner_failure) if details.HasField("inner_failure") else None,
    )


def parent_out(parent: Parent | None) -> pb.ParentRef | None:
    if parent is None:
        return None
    return pb.ParentRef(
        task_scheduled_id=parent.task_scheduled_id,
        name=wrap(parent.name),
        instance=pb.InstanceRef(instance_id=parent.instance_id, execution_id=wrap(parent.execution_id)),
        app_id=parent.app_id,
    )


def parent_in(parent: pb.ParentRef) -> Parent:
    instance = parent.instance
    return Parent(
        task_scheduled_id=parent.task_scheduled_id,
        instance_id=instance.instance_id,
        name=parent.name.value if parent.HasField("name") else None,
        execution_id=instance.execution_id.value if instance.HasField("execution_id") else None,
        app_id=told(stored(parent.app_id or None)),
    )


def stall_reason_in(reason: int) -> StallReason:
    return _REASONS.get(reason, StallReason.PATCH_MISMATCH)


def set_origin(message: pb.TimerCreated, origin: Origin, subject: str | None) -> None:
    if origin is Origin.TIMER:
        message.timer.SetInParent()
        return
    field, inner = next((field, inner) for field, (known, inner) in _ORIGINS.items() if known is origin)
    part = getattr(message, field)
    part.SetInParent()
    setattr(part, inner, subject or "")


def origin_of(field: str | None, part: object) -> tuple[Origin, str | None]:
    """Return the origin by the name of the field that is set in the `origin` group (None: none is) and its message."""
    if field is None or field not in _ORIGINS:
        return Origin.TIMER, None
    origin, inner = _ORIGINS[field]
    return origin, getattr(part, inner) or None
