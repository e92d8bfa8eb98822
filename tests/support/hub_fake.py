"""A task hub that answers from a dictionary, over real gRPC."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from typing import Any

import grpc

from wfctl.model import events as ev
from wfctl.model.instance import Instance
from wfctl.model.status import Status
from wfctl.wire import history_events, instance_state
from wfctl.wire.protos import runtime_pb2 as rt
from wfctl.wire.protos import taskhub_pb2 as pb

NOW = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)


class Hub:
    """A task hub with instances in a dictionary, in pages of `page`."""

    def __init__(self, *instances: Instance, page: int = 1000) -> None:
        self.instances = {each.id: each for each in instances}
        self.histories: dict[str, list[ev.Event]] = {}
        self.page = page
        self.gets: list[str] = []
        self.seen: list[Any] = []
        self.workers = 1
        self.listed: list[str] | None = None
        self.at_once = self.most_at_once = 0
        self.delay = 0.0
        self.vanishing: set[str] = set()  # these are gone once they have been asked for
        self._lock = threading.Lock()

    def handlers(self) -> dict[str, Any]:
        return {
            "Hello": lambda request, context: type(request)(),
            "GetInstance": self.get,
            "ListInstanceIDs": self.ids,
            "GetInstanceHistory": self.history,
            "GetMetadata": self.metadata,
            **{
                name: self.record(answer)
                for name, answer in {
                    "StartInstance": pb.CreateInstanceResponse,
                    "RaiseEvent": pb.RaiseEventResponse,
                    "SuspendInstance": pb.SuspendResponse,
                    "ResumeInstance": pb.ResumeResponse,
                    "TerminateInstance": pb.TerminateResponse,
                    "PurgeInstances": lambda: pb.PurgeResponse(deleted_instance_count=3),
                    "RerunWorkflowFromEvent": pb.RerunResponse,
                }.items()
            },
        }

    def record(self, answer: Any) -> Any:
        def handle(request: Any, context: Any) -> Any:
            self.seen.append(request)
            made = answer()
            for field in ("instance_id", "new_instance_id"):
                if field in made.DESCRIPTOR.fields_by_name:
                    setattr(made, field, getattr(request, field))
            return made

        return handle

    def get(self, request: Any, context: Any) -> Any:
        with self._lock:
            self.gets.append(request.instance_id)
            self.at_once += 1
            self.most_at_once = max(self.at_once, self.most_at_once)
        if self.delay:
            threading.Event().wait(self.delay)
        with self._lock:
            self.at_once -= 1
        found = self.instances.get(request.instance_id)
        if request.instance_id in self.vanishing:
            self.instances.pop(request.instance_id, None)
        if found is None:
            return pb.GetInstanceResponse(exists=False)
        return pb.GetInstanceResponse(
            exists=True, state=instance_state.write(found, payloads=request.get_inputs_and_outputs)
        )

    def ids(self, request: Any, context: Any) -> Any:
        names = self.listed if self.listed is not None else list(self.instances)
        start = int(request.continuation_token or 0)
        size = min(self.page, request.page_size)
        answer = pb.ListInstanceIDsResponse(instance_ids=names[start : start + size])
        if start + size < len(names):
            answer.continuation_token = str(start + size)
        return answer

    def history(self, request: Any, context: Any) -> Any:
        found = self.histories.get(request.instance_id)
        if found is None:
            context.abort(grpc.StatusCode.NOT_FOUND, f"workflow instance '{request.instance_id}' not found")
        return pb.GetHistoryResponse(events=[history_events.write(event) for event in found or []])

    def metadata(self, request: Any, context: Any) -> Any:
        return rt.GetMetadataResponse(
            id="orders", runtime_version="1.18.3", workflows=rt.WorkflowsInfo(connected_workers=self.workers)
        )


def some(count: int, status: Status = Status.COMPLETED, prefix: str = "i") -> list[Instance]:
    return [
        Instance(
            f"{prefix}{number:04}", "W", status, NOW + timedelta(seconds=number), NOW + timedelta(seconds=number + 1),
            NOW, input="1",
        )
        for number in range(count)
    ]  # fmt: skip
