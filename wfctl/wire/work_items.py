"""The work item of an activity: what a worker is asked to run."""

from __future__ import annotations

from wfctl.engine.execute.port import ActivityTask
from wfctl.wire.convert import wrap
from wfctl.wire.protos import history_pb2
from wfctl.wire.protos import taskhub_pb2 as pb


def activity_item(task: ActivityTask, *, token: str = "", execution_id: str | None = None) -> pb.WorkItem:
    request = pb.ActivityRequest(
        name=task.name,
        input=wrap(task.input),
        instance=history_pb2.InstanceRef(instance_id=task.instance_id, execution_id=wrap(execution_id)),
        task_id=task.task_id,
        task_execution_id=task.task_execution_id,
    )
    return pb.WorkItem(activity_request=request, completion_token=token)
