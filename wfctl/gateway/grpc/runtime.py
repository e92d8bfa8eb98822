"""The workflow methods of Dapr's general gRPC service, and what clients ask of a sidecar besides."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf.empty_pb2 import Empty

from wfctl.gateway.api_error import Trouble
from wfctl.gateway.metadata import About
from wfctl.gateway.service import Service
from wfctl.model.instance import Instance
from wfctl.wire import http_bodies, times
from wfctl.wire.convert import time_out
from wfctl.wire.error_codes import Problem
from wfctl.wire.grpc_methods import RUNTIME, START_TIME_OPTION, Method
from wfctl.wire.http_routes import Operation
from wfctl.wire.protos import runtime_pb2 as pb

Handler = Callable[[Any], Awaitable[Any]]


class Runtime:
    """`shutdown` stops the server."""

    def __init__(self, service: Service, about: About, shutdown: Callable[[], None]) -> None:
        self._service = service
        self._about = about
        self._shutdown = shutdown

    def methods(self, more: dict[str, Handler]) -> dict[Method, Handler]:
        """`more`: handlers of other parts of the service, by method name."""
        named: dict[str, Handler] = {
            "GetMetadata": self.get_metadata,
            "SetMetadata": self.set_metadata,
            "Shutdown": self.shutdown,
            **more,
        }
        for stage in ("Alpha1", "Beta1"):
            for name, handler in (
                ("Start", self.start),
                ("Get", self.get),
                ("Purge", self.purge),
                ("Terminate", self.terminate),
                ("Pause", self.pause),
                ("Resume", self.resume),
                ("RaiseEvent", self.raise_event),
            ):
                named[f"{name}Workflow{stage}"] = handler
        return {method: named[method.name] for method in RUNTIME if method.name in named}

    async def start(self, request: pb.StartWorkflowRequest) -> pb.StartWorkflowResponse:
        if not request.workflow_name:
            raise Trouble(Problem.NAME_MISSING, Operation.START)
        start_at = None
        text = request.options.get(START_TIME_OPTION)
        if text is not None:
            try:
                start_at = times.from_text(text)
            except ValueError as error:
                raise Trouble(
                    Problem.START_TIME, Operation.START, name=request.workflow_name, id=request.instance_id
                ) from error
        payload = _text(request.input, Operation.START)
        started = self._service.start(request.workflow_name, request.instance_id or None, payload, start_at)
        instance_id: str = await asyncio.wrap_future(started)
        return pb.StartWorkflowResponse(instance_id=instance_id)

    async def get(self, request: pb.GetWorkflowRequest) -> pb.GetWorkflowResponse:
        """Answer for one instance.

        A missing one is no error here, but an answer with nothing in it (Dapr since 1.16).
        """
        instance_id = _given(request, Operation.GET)
        found = self._service.get(instance_id)
        return pb.GetWorkflowResponse(instance_id=instance_id) if found is None else _state(found)

    async def pause(self, request: pb.PauseWorkflowRequest) -> Empty:
        await self._service.pause(_given(request, Operation.PAUSE))
        return Empty()

    async def resume(self, request: pb.ResumeWorkflowRequest) -> Empty:
        await self._service.resume(_given(request, Operation.RESUME))
        return Empty()

    async def terminate(self, request: pb.TerminateWorkflowRequest) -> Empty:
        await self._service.terminate(_given(request, Operation.TERMINATE))
        return Empty()

    async def purge(self, request: pb.PurgeWorkflowRequest) -> Empty:
        await self._service.purge(_given(request, Operation.PURGE))
        return Empty()

    async def raise_event(self, request: pb.RaiseEventWorkflowRequest) -> Empty:
        instance_id = _given(request, Operation.RAISE)
        if not request.event_name:
            raise Trouble(Problem.EVENT_NAME_MISSING, Operation.RAISE)
        data = _text(request.event_data, Operation.RAISE) if request.event_data else None
        await self._service.raise_event(instance_id, request.event_name, data)
        return Empty()

    async def get_metadata(self, _: pb.GetMetadataRequest) -> pb.GetMetadataResponse:
        said: pb.GetMetadataResponse = self._about.as_proto()
        return said

    async def set_metadata(self, request: pb.SetMetadataRequest) -> Empty:
        self._about.extended[request.key] = request.value
        return Empty()

    async def shutdown(self, _: pb.ShutdownRequest) -> Empty:
        self._shutdown()
        return Empty()


def _given(request: Any, operation: Operation) -> str:
    if not request.instance_id:
        raise Trouble(Problem.ID_MISSING, operation)
    instance_id: str = request.instance_id
    return instance_id


def _text(payload: bytes, operation: Operation) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        reason = f"the payload is not valid UTF-8 (byte {error.start})"
        raise Trouble(Problem.MALFORMED, operation, reason=reason) from error


def _state(instance: Instance) -> pb.GetWorkflowResponse:
    body = http_bodies.write_instance(instance)
    return pb.GetWorkflowResponse(
        instance_id=instance.id,
        workflow_name=instance.name or "",
        created_at=time_out(instance.created_at or times.YEAR_ONE),
        last_updated_at=time_out(instance.updated_at or times.YEAR_ONE),
        runtime_status=body["runtimeStatus"],
        properties=body.get("properties", {}),
    )
