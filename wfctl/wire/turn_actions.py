"""A worker's answer to a turn: its actions become the events they make.

Source of each action's effect: dapr-api 3.6 (durabletask-go backend/runtimestate/applier.go).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from wfctl.errors import Unsupported
from wfctl.model import events as ev
from wfctl.model.instance import child_instance_id
from wfctl.model.status import Status
from wfctl.model.turn import ContinueAsNew, Stall, TurnResult
from wfctl.wire import history_events
from wfctl.wire.convert import failure_in, origin_of, time_in
from wfctl.wire.protos import taskhub_pb2 as pb


def turn_result(response: pb.WorkflowResponse, now: datetime) -> TurnResult:
    """Read a turn's result. `now` becomes the timestamp of the events.

    The first completion in the list wins; what follows a continue-as-new is dropped. Raises Unsupported for the
    actions that Dapr's own engine cannot carry out either (send-event, terminate of another instance) and for
    detached workflows.
    """
    result = TurnResult(
        custom_status=response.custom_status.value if response.HasField("custom_status") else None,
        version=response.version.name if response.version.HasField("name") else None,
        patches=tuple(response.version.patches),
    )
    completed = False
    for action in response.actions:
        kind = action.WhichOneof("action")
        if kind == "version_not_available":
            result.stall = Stall(
                ev.StallReason.VERSION_NOT_AVAILABLE, f"Version not available: {result.version or ''}".rstrip(": ")
            )
            return result
        if kind == "complete":
            if completed:
                continue
            completed = True
            if int(action.complete.status) == Status.CONTINUED_AS_NEW:
                result.continue_as_new = _continued(action)
                return result
        result.events.append(_event(action, kind, response.instance_id, now))
    return result


def _event(action: pb.Action, kind: str | None, instance_id: str, now: datetime) -> ev.Event:
    head = (action.id, now)
    target = action.router.target_app_id or None if action.HasField("router") else None
    if kind == "schedule_task":
        task = action.schedule_task
        return ev.TaskScheduled(
            *head, task.name, _text(task), task.task_execution_id, app_id=target, scope=int(task.scope)
        )
    if kind == "create_child":
        child = action.create_child
        child_id = child.instance_id or child_instance_id(instance_id, action.id)
        return ev.ChildWorkflowInstanceCreated(
            *head, child_id, child.name, _text(child), app_id=target, scope=int(child.scope)
        )
    if kind == "create_timer":
        timer = action.create_timer
        field = timer.WhichOneof("origin")
        origin, subject = origin_of(field, getattr(timer, field) if field else None)
        name = timer.name if timer.HasField("name") else None
        return ev.TimerCreated(*head, time_in(timer.fire_at), name, origin, subject)
    if kind == "complete":
        done = action.complete
        failure = failure_in(done.failure) if done.HasField("failure") else None
        return ev.ExecutionCompleted(*head, Status(done.status), _text(done, "result"), failure)
    raise Unsupported(
        f"the worker of instance {instance_id} asked for {kind or 'an action that is not known'}, which cannot be done",
        instance_id=instance_id,
    )


def _continued(action: pb.Action) -> ContinueAsNew:
    carried = (history_events.read(event) for event in action.complete.carryover_events)
    return ContinueAsNew(
        action.id,
        _text(action.complete, "result"),
        tuple(event for event in carried if isinstance(event, ev.EventRaised)),
    )


def _text(message: Any, field: str = "input") -> str | None:
    return getattr(message, field).value if message.HasField(field) else None
