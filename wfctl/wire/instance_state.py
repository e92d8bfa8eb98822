"""The state of an instance in the task hub's answers: protobuf to `Instance` and back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from wfctl.model.instance import Instance
from wfctl.model.status import Status
from wfctl.wire import times
from wfctl.wire.convert import failure_in, failure_out, time_in, time_out, wrap
from wfctl.wire.protos import taskhub_pb2 as pb

if TYPE_CHECKING:
    from google.protobuf.wrappers_pb2 import StringValue


def read(state: pb.InstanceState) -> Instance:
    """Times that the runtime does not know (year 1: an instance that has had no turn) and empty texts become None.

    Dapr fills neither `completed` nor, but for waits, the parent (dapr-api 3.1); of a finished instance the last
    update is the completion.
    """
    status = Status(state.status)
    updated = _time(state, "last_updated")
    return Instance(
        id=state.instance_id,
        name=state.name or None,
        status=status,
        created_at=_time(state, "created"),
        updated_at=updated,
        started_at=_time(state, "started"),
        completed_at=_time(state, "completed") or (updated if status.terminal else None),
        input=_text(state, "input"),
        # Up to 1.18 a failed instance's output may hold the error's text once more.
        output=None if state.HasField("failure") else _text(state, "output"),
        custom_status=_text(state, "custom_status"),
        failure=failure_in(state.failure) if state.HasField("failure") else None,
        parent_id=_text(state, "parent_instance_id"),
        version=_text(state, "version"),
    )


def write(instance: Instance, *, payloads: bool, parent: bool = False) -> pb.InstanceState:
    """Write an instance as Dapr answers.

    Payloads, custom status and failure only on request, the parent only in waits.
    """
    state = pb.InstanceState(
        instance_id=instance.id,
        name=instance.name or "",
        version=wrap(instance.version),
        status=int(instance.status),  # type: ignore[arg-type]
        created=time_out(instance.created_at or times.YEAR_ONE),
        last_updated=time_out(instance.updated_at or times.YEAR_ONE),
        started=time_out(instance.started_at),
    )
    if payloads:
        rest = pb.InstanceState(
            input=wrap(instance.input),
            output=wrap(instance.output),
            custom_status=wrap(instance.custom_status),
            failure=failure_out(instance.failure),
        )
        state.MergeFrom(rest)
    if parent and instance.parent_id is not None:
        state.parent_instance_id.value = instance.parent_id
    return state


def _time(state: pb.InstanceState, field: str) -> datetime | None:
    return times.known(time_in(getattr(state, field))) if state.HasField(field) else None


def _text(state: pb.InstanceState, field: str) -> str | None:
    if not state.HasField(field):
        return None
    value: StringValue = getattr(state, field)
    return value.value or None
