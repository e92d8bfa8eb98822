"""Work items: what a worker is asked to do, and the result of an activity."""

from __future__ import annotations

from collections.abc import Sequence

from wfctl.engine.execute.port import ActivityResult, ActivityTask, Turn
from wfctl.model.events import Event, ExecutionCompleted, OtherEvent
from wfctl.wire import history_events
from wfctl.wire.convert import failure_in, wrap
from wfctl.wire.protos import history_pb2
from wfctl.wire.protos import taskhub_pb2 as pb


def turn_item(turn: Turn, *, token: str = "", cached: int = 0) -> pb.WorkItem:
    """One turn. `cached` past events are known to the stream already and are left out; `new` is always complete."""
    past = turn.past()
    request = pb.WorkflowRequest(
        instance_id=turn.instance_id,
        past_events=_events(past[cached:]),
        new_events=_events(turn.new),
    )
    if cached:
        request.cached_history.event_count = cached
    return pb.WorkItem(workflow_request=request, completion_token=token)


def _events(sequence: Sequence[Event]) -> list[history_pb2.HistoryEvent]:
    """Without the events that a worker cannot replay: SDKs know neither those we do not interpret nor completions."""
    return [
        history_events.write(event) for event in sequence if not isinstance(event, (OtherEvent, ExecutionCompleted))
    ]


def activity_item(task: ActivityTask, *, token: str = "", execution_id: str | None = None) -> pb.WorkItem:
    request = pb.ActivityRequest(
        name=task.name,
        input=wrap(task.input),
        instance=history_pb2.InstanceRef(instance_id=task.instance_id, execution_id=wrap(execution_id)),
        task_id=task.task_id,
        task_execution_id=task.task_execution_id,
    )
    return pb.WorkItem(activity_request=request, completion_token=token)


def activity_result(response: pb.ActivityResponse, key: int, task_execution_id: str) -> ActivityResult:
    """A response with neither result nor failure is a completion with null."""
    return ActivityResult(
        key=key,
        task_id=response.task_id,
        task_execution_id=task_execution_id,
        result=response.result.value if response.HasField("result") else None,
        failure=failure_in(response.failure) if response.HasField("failure") else None,
    )
