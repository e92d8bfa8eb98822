"""History events: protobuf to model and back.

Lossless for all that the model has and the wire has a place for; `reason` of a termination and `max_attempts` are
wfctl's own and stay behind. An event that the model does not interpret becomes `OtherEvent` with its fields, one that
this wfctl has never heard of an `OtherEvent` named after its number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, cast

from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from wfctl.model import events as ev
from wfctl.model.apps import stored, told
from wfctl.model.routing import routers
from wfctl.model.status import Status
from wfctl.wire.convert import (
    STALL_REASONS,
    failure_in,
    failure_out,
    origin_of,
    parent_in,
    parent_out,
    set_origin,
    stall_reason_in,
    time_in,
    time_out,
    wrap,
)
from wfctl.wire.protos import history_pb2 as pb

Head = tuple[int, datetime]  # event ID and timestamp

# Field of HistoryEvent for what the model does not interpret, and Dapr's name of it.
OTHERS = {
    "workflow_completed": "WorkflowCompleted",
    "event_sent": "EventSent",
    "continued_as_new": "ContinueAsNew",
    "detached_created": "DetachedWorkflowInstanceCreated",
}


# Dapr has no field for a result that a rerun supplied. Workers find the activity by the number of its action.
SUPPLIED = "supplied:"


def _text(message: Any, field: str = "input") -> str | None:
    return getattr(message, field).value if message.HasField(field) else None


def _target(event: pb.HistoryEvent) -> str | None:
    return event.router.target_app_id or None if event.HasField("router") else None


def _app(event: pb.HistoryEvent) -> str | None:
    """Return the app of an instance: its first event is for it, or from it."""
    return _target(event) or told(stored(event.router.source_app_id or None))


def _rerun(message: Any) -> str | None:
    return message.rerun_parent.instance_id if message.HasField("rerun_parent") else None


def read(event: pb.HistoryEvent) -> ev.Event:
    field = event.WhichOneof("event")
    head = (event.event_id, time_in(event.timestamp))
    if field is None:
        return _unknown(event, head)
    reader = _READ.get(field)
    message = getattr(event, field)
    if reader is None:
        return ev.OtherEvent(*head, type=OTHERS[field], fields=_fields(message))
    return reader(event, message, head)


def read_raw(data: bytes) -> ev.Event:
    """Read a serialized event. Raises DecodeError."""
    return read(pb.HistoryEvent.FromString(data))


def _unknown(event: pb.HistoryEvent, head: Head) -> ev.Event:
    unknown: Any = UnknownFieldSet(event)
    numbers = sorted(field.field_number for field in unknown)
    name = "Unknown" if not numbers else f"Unknown({', '.join(map(str, numbers))})"
    return ev.OtherEvent(*head, type=name)


def _fields(message: Message) -> tuple[tuple[str, Any], ...]:
    """Set fields by name; wrapped texts unwrapped."""
    return tuple((field.name, getattr(value, "value", value)) for field, value in message.ListFields())


def _started(event: pb.HistoryEvent, m: pb.ExecutionStarted, head: Head) -> ev.Event:
    return ev.ExecutionStarted(
        *head,
        name=m.name,
        input=_text(m),
        instance_id=m.instance.instance_id,
        execution_id=m.instance.execution_id.value,
        parent=parent_in(m.parent) if m.HasField("parent") else None,
        scheduled_start=time_in(m.scheduled_start) if m.HasField("scheduled_start") else None,
        app_id=_app(event),
    )


def _completed(_: pb.HistoryEvent, m: pb.ExecutionCompleted, head: Head) -> ev.Event:
    failure = failure_in(m.failure) if m.HasField("failure") else None
    return ev.ExecutionCompleted(*head, status=Status(m.status), result=_text(m, "result"), failure=failure)


def _task_scheduled(event: pb.HistoryEvent, m: pb.TaskScheduled, head: Head) -> ev.Event:
    return ev.TaskScheduled(
        *head,
        name=m.name,
        input=_text(m),
        task_execution_id=m.task_execution_id,
        rerun_parent=_rerun(m),
        app_id=_target(event),
        scope=m.scope,
    )


def _child_created(event: pb.HistoryEvent, m: pb.ChildCreated, head: Head) -> ev.Event:
    return ev.ChildWorkflowInstanceCreated(
        *head,
        instance_id=m.instance_id,
        name=m.name,
        input=_text(m),
        rerun_parent=_rerun(m),
        app_id=_target(event),
        scope=m.scope,
    )


def _timer_created(_: pb.HistoryEvent, m: pb.TimerCreated, head: Head) -> ev.Event:
    field = m.WhichOneof("origin")
    origin, subject = origin_of(field, getattr(m, field) if field else None)
    name = m.name if m.HasField("name") else None
    return ev.TimerCreated(
        *head, fire_at=time_in(m.fire_at), name=name, origin=origin, subject=subject, rerun_parent=_rerun(m)
    )


def _workflow_started(_: pb.HistoryEvent, m: pb.WorkflowStarted, head: Head) -> ev.Event:
    version = m.version.name if m.version.HasField("name") else None
    return ev.WorkflowStarted(*head, version=version, patches=tuple(m.version.patches))


def _task_completed(_: pb.HistoryEvent, m: pb.TaskCompleted, head: Head) -> ev.Event:
    supplied = m.task_execution_id.startswith(SUPPLIED)
    return ev.TaskCompleted(
        *head, m.task_scheduled_id, _text(m, "result"), m.task_execution_id.removeprefix(SUPPLIED), supplied
    )


def _task_failed(_: pb.HistoryEvent, m: pb.TaskFailed, head: Head) -> ev.Event:
    return ev.TaskFailed(*head, m.task_scheduled_id, failure_in(m.failure), m.task_execution_id)


def _child_failed(_: pb.HistoryEvent, m: pb.ChildFailed, head: Head) -> ev.Event:
    failure = failure_in(m.failure) if m.HasField("failure") else None
    return ev.ChildWorkflowInstanceFailed(*head, m.task_scheduled_id, failure)


_READ: dict[str, Callable[[pb.HistoryEvent, Any, Head], ev.Event]] = {
    "execution_started": _started,
    "execution_completed": _completed,
    "execution_terminated": lambda _, m, head: ev.ExecutionTerminated(*head, input=_text(m), recurse=m.recurse),
    "task_scheduled": _task_scheduled,
    "task_completed": _task_completed,
    "task_failed": _task_failed,
    "child_created": _child_created,
    "child_completed": lambda _, m, head: ev.ChildWorkflowInstanceCompleted(
        *head, m.task_scheduled_id, _text(m, "result")
    ),
    "child_failed": _child_failed,
    "timer_created": _timer_created,
    "timer_fired": lambda _, m, head: ev.TimerFired(*head, m.timer_id, time_in(m.fire_at)),
    "workflow_started": _workflow_started,
    "event_raised": lambda _, m, head: ev.EventRaised(*head, m.name, _text(m)),
    "execution_suspended": lambda _, m, head: ev.ExecutionSuspended(*head, reason=_text(m)),
    "execution_resumed": lambda _, m, head: ev.ExecutionResumed(*head, reason=_text(m)),
    "execution_stalled": lambda _, m, head: ev.ExecutionStalled(*head, stall_reason_in(m.reason), m.description),
}


def write(event: ev.Event) -> pb.HistoryEvent:
    """Write an event. Raises ValueError for one that only a newer runtime knows."""
    message = pb.HistoryEvent(event_id=event.event_id, timestamp=time_out(event.timestamp))
    if isinstance(event, ev.OtherEvent):
        _write_other(event, message)
    else:
        _WRITE[type(event)](event, message)
    return message


def write_history(events: Sequence[ev.Event], own: str) -> list[pb.HistoryEvent]:
    """Write a whole history with the routers that Dapr's has. `own` is the ID of the store's own app.

    Raises ValueError as `write` does.
    """
    written = []
    for event, router in zip(events, routers(events, own), strict=True):
        message = write(event)
        if router is not None:
            message.router.source_app_id = router.source
            if router.target is not None:
                message.router.target_app_id = router.target
        if isinstance(event, ev.ExecutionStarted) and event.parent is not None:
            message.execution_started.parent.app_id = event.parent.app_id or own
        written.append(message)
    return written


def _write_other(event: ev.OtherEvent, message: pb.HistoryEvent) -> None:
    field = next((field for field, name in OTHERS.items() if name == event.type), None)
    if field is None:
        raise ValueError(f"event {event.type} cannot be written")
    part = getattr(message, field)
    part.SetInParent()
    for name, value in event.fields:
        if name == "input":
            part.input.value = value
        else:
            setattr(part, name, value)


def _out_started(e: ev.ExecutionStarted, m: pb.HistoryEvent) -> None:
    m.execution_started.MergeFrom(
        pb.ExecutionStarted(
            name=e.name,
            input=wrap(e.input),
            instance=pb.InstanceRef(instance_id=e.instance_id, execution_id=wrap(e.execution_id)),
            parent=parent_out(e.parent),
            scheduled_start=time_out(e.scheduled_start),
        )
    )


def _out_task_scheduled(e: ev.TaskScheduled, m: pb.HistoryEvent) -> None:
    m.task_scheduled.MergeFrom(
        pb.TaskScheduled(name=e.name, input=wrap(e.input), task_execution_id=e.task_execution_id, **_common(e))
    )
    _route(m, e.app_id)


def _out_child_created(e: ev.ChildWorkflowInstanceCreated, m: pb.HistoryEvent) -> None:
    m.child_created.MergeFrom(
        pb.ChildCreated(instance_id=e.instance_id, name=e.name, input=wrap(e.input), **_common(e))
    )
    _route(m, e.app_id)


def _common(e: ev.TaskScheduled | ev.ChildWorkflowInstanceCreated) -> dict[str, Any]:
    fields: dict[str, Any] = {"scope": cast(pb.PropagationScope, e.scope)} if e.scope else {}
    if e.rerun_parent is not None:
        fields["rerun_parent"] = pb.RerunParentRef(instance_id=e.rerun_parent)
    return fields


def _route(m: pb.HistoryEvent, app_id: str | None) -> None:
    if app_id is not None:
        m.router.target_app_id = app_id


def _out_timer_created(e: ev.TimerCreated, m: pb.HistoryEvent) -> None:
    timer = pb.TimerCreated(fire_at=time_out(e.fire_at), name=e.name)
    set_origin(timer, e.origin, e.subject)
    if e.rerun_parent is not None:
        timer.rerun_parent.instance_id = e.rerun_parent
    m.timer_created.MergeFrom(timer)


def _out_workflow_started(e: ev.WorkflowStarted, m: pb.HistoryEvent) -> None:
    m.workflow_started.SetInParent()
    if e.version is not None or e.patches:
        m.workflow_started.version.MergeFrom(pb.Version(name=e.version, patches=e.patches))


def _put(field: str, build: Callable[[Any], Message]) -> Callable[[Any, pb.HistoryEvent], None]:
    def put(event: Any, message: pb.HistoryEvent) -> None:
        part = getattr(message, field)
        part.SetInParent()
        part.MergeFrom(build(event))

    return put


_WRITE: dict[type[ev.Event], Callable[[Any, pb.HistoryEvent], None]] = {
    ev.ExecutionStarted: _out_started,
    ev.ExecutionCompleted: _put(
        "execution_completed",
        lambda e: pb.ExecutionCompleted(status=int(e.status), result=wrap(e.result), failure=failure_out(e.failure)),  # type: ignore[arg-type]
    ),
    ev.ExecutionTerminated: _put(
        "execution_terminated", lambda e: pb.ExecutionTerminated(input=wrap(e.input), recurse=e.recurse)
    ),
    ev.TaskScheduled: _out_task_scheduled,
    ev.TaskCompleted: _put(
        "task_completed",
        lambda e: pb.TaskCompleted(
            task_scheduled_id=e.task_scheduled_id,
            result=wrap(e.result),
            task_execution_id=(SUPPLIED if e.supplied else "") + e.task_execution_id,
        ),
    ),
    ev.TaskFailed: _put(
        "task_failed",
        lambda e: pb.TaskFailed(
            task_scheduled_id=e.task_scheduled_id,
            failure=failure_out(e.failure),
            task_execution_id=e.task_execution_id,
        ),
    ),
    ev.ChildWorkflowInstanceCreated: _out_child_created,
    ev.ChildWorkflowInstanceCompleted: _put(
        "child_completed",
        lambda e: pb.ChildCompleted(task_scheduled_id=e.task_scheduled_id, result=wrap(e.result)),
    ),
    ev.ChildWorkflowInstanceFailed: _put(
        "child_failed",
        lambda e: pb.ChildFailed(task_scheduled_id=e.task_scheduled_id, failure=failure_out(e.failure)),
    ),
    ev.TimerCreated: _out_timer_created,
    ev.TimerFired: _put("timer_fired", lambda e: pb.TimerFired(timer_id=e.timer_id, fire_at=time_out(e.fire_at))),
    ev.WorkflowStarted: _out_workflow_started,
    ev.EventRaised: _put("event_raised", lambda e: pb.EventRaised(name=e.name, input=wrap(e.input))),
    ev.ExecutionSuspended: _put("execution_suspended", lambda e: pb.ExecutionSuspended(input=wrap(e.reason))),
    ev.ExecutionResumed: _put("execution_resumed", lambda e: pb.ExecutionResumed(input=wrap(e.reason))),
    ev.ExecutionStalled: _put(
        "execution_stalled",
        lambda e: pb.ExecutionStalled(reason=STALL_REASONS[e.reason], description=e.description),
    ),
}
