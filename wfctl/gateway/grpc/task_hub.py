"""The task hub's management methods: what SDK clients call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from typing import Any

from google.protobuf.empty_pb2 import Empty
from google.protobuf.wrappers_pb2 import BoolValue, StringValue

from wfctl.gateway.api_error import Trouble
from wfctl.gateway.promises import then
from wfctl.gateway.service import Service
from wfctl.gateway.tracing.trace_ids import INCOMING
from wfctl.model.apps import DEFAULT_ID
from wfctl.model.events import Event
from wfctl.model.instance import Instance, RerunRequest
from wfctl.model.status import Status
from wfctl.wire import grpc_methods, history_events, instance_state, supplied_results
from wfctl.wire.convert import time_in
from wfctl.wire.error_codes import Problem
from wfctl.wire.grpc_methods import Method
from wfctl.wire.http_routes import Operation
from wfctl.wire.protos import taskhub_pb2 as pb


class Hub:
    def __init__(self, service: Service, app_id: str = DEFAULT_ID) -> None:
        """`app_id` is what clients are told of the app."""
        self._service = service
        self._app_id = app_id

    def methods(self) -> dict[Method, Callable[[Any], Awaitable[Any]]]:
        return {
            grpc_methods.HELLO: self.hello,
            grpc_methods.GET: self.get,
            grpc_methods.RAISE: self.raise_event,
            grpc_methods.TERMINATE: self.terminate,
            grpc_methods.SUSPEND: self.suspend,
            grpc_methods.RESUME: self.resume,
            grpc_methods.PURGE: self.purge,
            grpc_methods.RERUN: self.rerun,
            grpc_methods.RERUN_WITH_RESULTS: self.rerun_with_results,
            grpc_methods.LIST_IDS: self.list_ids,
            grpc_methods.HISTORY: self.history,
        }

    def promises(self) -> dict[Method, Callable[[Any], Future[Any]]]:
        """What may be called on any thread: the calls that every workflow takes."""
        return {
            grpc_methods.START: self.start,
            grpc_methods.WAIT_START: self.wait_start,
            grpc_methods.WAIT_COMPLETION: self.wait_completion,
        }

    async def hello(self, _: Empty) -> Empty:
        return Empty()

    def start(self, request: pb.CreateInstanceRequest) -> Future[pb.CreateInstanceResponse]:
        """Answered when the request is durable; Dapr waits for the first turn, and hangs without a worker."""
        if request.HasField("parent_trace_context"):
            INCOMING.set(request.parent_trace_context.trace_parent)
        start_at = time_in(request.scheduled_start) if request.HasField("scheduled_start") else None
        starting = self._service.start(
            request.name,
            request.instance_id or None,
            _text(request, "input"),
            start_at,
            checked=False,
            unique=request.enforce_unique_instance_id,
        )
        return then(starting, lambda done: pb.CreateInstanceResponse(instance_id=done.result()))

    async def get(self, request: pb.GetInstanceRequest) -> pb.GetInstanceResponse:
        payloads = request.get_inputs_and_outputs
        found = self._service.get(request.instance_id, payloads=payloads)
        if found is None:
            return pb.GetInstanceResponse(exists=False)
        return _state(found, payloads, parent=False)

    def wait_start(self, request: pb.GetInstanceRequest) -> Future[pb.GetInstanceResponse]:
        return self._wait(request, lambda status: status is not Status.PENDING)

    def wait_completion(self, request: pb.GetInstanceRequest) -> Future[pb.GetInstanceResponse]:
        return self._wait(request, lambda status: status.terminal)

    def _wait(self, request: pb.GetInstanceRequest, until: Callable[[Status], bool]) -> Future[pb.GetInstanceResponse]:
        payloads = request.get_inputs_and_outputs
        waiting = self._service.wait(request.instance_id, until, payloads=payloads)
        return then(waiting, lambda done: _state(done.result(), payloads, parent=True))

    async def raise_event(self, request: pb.RaiseEventRequest) -> pb.RaiseEventResponse:
        await self._service.raise_event(request.instance_id, request.name, _text(request, "input"))
        return pb.RaiseEventResponse()

    async def terminate(self, request: pb.TerminateRequest) -> pb.TerminateResponse:
        output = _text(request, "output")
        await self._service.terminate(request.instance_id, output, recursive=request.recursive, wait=True)
        return pb.TerminateResponse()

    async def suspend(self, request: pb.SuspendRequest) -> pb.SuspendResponse:
        await self._service.pause(request.instance_id, _text(request, "reason"), wait=True)
        return pb.SuspendResponse()

    async def resume(self, request: pb.ResumeRequest) -> pb.ResumeResponse:
        await self._service.resume(request.instance_id, _text(request, "reason"), wait=True)
        return pb.ResumeResponse()

    async def purge(self, request: pb.PurgeRequest) -> pb.PurgeResponse:
        if request.HasField("filter"):
            text = "multi-instance purge is not unimplemented"  # as Dapr says it
            raise Trouble(Problem.OTHER, Operation.PURGE, reason=text, id="")
        count = await self._service.purge(request.instance_id, force=request.force, recursive=request.recursive)
        return pb.PurgeResponse(deleted_instance_count=count, is_complete=BoolValue(value=True))

    async def rerun(self, request: pb.RerunRequest) -> pb.RerunResponse:
        made = RerunRequest(
            source=request.source_instance_id,
            event_id=request.event_id,
            new_id=request.new_instance_id or None,
            input=_text(request, "input"),
            overwrite_input=request.overwrite_input,
            new_child_id=request.new_child_instance_id or None,
        )
        return pb.RerunResponse(new_instance_id=await self._service.rerun(made))

    async def rerun_with_results(self, request: StringValue) -> StringValue:
        try:
            asked = supplied_results.read(request.value)
        except ValueError as error:
            raise Trouble(Problem.MALFORMED, Operation.RERUN, reason=str(error)) from error
        return StringValue(value=await self._service.rerun(asked))

    async def list_ids(self, request: pb.ListInstanceIDsRequest) -> pb.ListInstanceIDsResponse:
        token = request.continuation_token if request.HasField("continuation_token") else None
        size = request.page_size if request.HasField("page_size") else None
        found, following = self._service.list_ids(token, size)
        return pb.ListInstanceIDsResponse(instance_ids=found, continuation_token=following)

    async def history(self, request: pb.GetHistoryRequest) -> bytes:
        """Return the encoded GetHistoryResponse."""
        return await self._service.history(request.instance_id, lambda events: _encode_history(events, self._app_id))


def _text(message: Any, field: str) -> str | None:
    return getattr(message, field).value if message.HasField(field) else None


def _encode_history(events: Sequence[Event], app_id: str) -> bytes:
    response = pb.GetHistoryResponse(events=history_events.write_history(events, app_id))
    return response.SerializeToString()


def _state(instance: Instance, payloads: bool, *, parent: bool) -> pb.GetInstanceResponse:
    return pb.GetInstanceResponse(exists=True, state=instance_state.write(instance, payloads=payloads, parent=parent))
