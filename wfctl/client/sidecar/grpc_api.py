"""Call the task hub service over gRPC: all operations, many of which HTTP lacks (list, history, rerun, ...).

Every call has a deadline, and every response at most `MOST_BYTES`. Importing this module imports grpc.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue

from wfctl.client.sidecar.endpoint import MOST_BYTES, Endpoint, GrpcAddress
from wfctl.client.sidecar.errors import (
    answer_error,
    needs_version,
    no_answer_to,
    no_supplied_results,
    too_long,
    unreachable,
)
from wfctl.client.sidecar.grpc_channel import open_channel
from wfctl.errors import NotAuthenticated, NotFound, TimedOut, Unreachable, Unsupported, WfctlError
from wfctl.model.events import Event
from wfctl.model.instance import Instance, RerunRequest, StartRequest
from wfctl.wire import grpc_methods, history_events, http_bodies, instance_state, supplied_results
from wfctl.wire.convert import time_out, wrap
from wfctl.wire.error_codes import Problem
from wfctl.wire.error_mapping import read_hub, read_scheduler
from wfctl.wire.grpc_methods import Method
from wfctl.wire.http_bodies import Metadata
from wfctl.wire.http_routes import NO_JOB, TOKEN_HEADER, Operation
from wfctl.wire.protos import runtime_pb2 as rt
from wfctl.wire.protos import taskhub_pb2 as pb

T = TypeVar("T")

PAGE_SIZE = 1024  # Dapr's own default
CLOSE = 0.1  # seconds
_METADATA = next(method for method in grpc_methods.RUNTIME if method.name == "GetMetadata")


class HubApi:
    """Call one task hub.

    Every method raises Unreachable, Unsupported, TimedOut and NotAuthenticated, besides the errors that it names.
    """

    def __init__(self, endpoint: Endpoint, address: GrpcAddress, lost: Callable[[], None] = lambda: None) -> None:
        """`lost` is called, from any thread, when the server no longer answers."""
        self._lost = lost
        self.where = address.shown
        self._endpoint = endpoint
        self._headers = ((TOKEN_HEADER, endpoint.token),) if endpoint.token else ()
        self._channel = open_channel(endpoint, address)
        self._calls: dict[str, Any] = {}

    def start(self, request: StartRequest, instance_id: str, *, unique: bool, app_id: str | None = None) -> str:
        """Start an instance. Returns its ID once it has begun to run, or at once if it has a start time.

        Raises InvalidInput and Conflict.
        """
        message = pb.CreateInstanceRequest(
            instance_id=instance_id,
            name=request.name,
            input=wrap(request.input),
            scheduled_start=time_out(request.start_at),
            enforce_unique_instance_id=unique,
        )
        answer = self._call(grpc_methods.START, Operation.START, message, instance_id, app_id)
        return str(answer.instance_id)

    def get(self, instance_id: str, *, payloads: bool = True, app_id: str | None = None) -> Instance:
        """Return one instance. Raises NotFound."""
        message = pb.GetInstanceRequest(instance_id=instance_id, get_inputs_and_outputs=payloads)
        return self._state(self._call(grpc_methods.GET, Operation.GET, message, instance_id, app_id), instance_id)

    def _state(self, answer: Any, instance_id: str) -> Instance:
        if not answer.exists:
            raise answer_error(Problem.NOT_FOUND, Operation.GET, where=self.where, instance_id=instance_id)
        try:
            return instance_state.read(answer.state)
        except ValueError as error:
            raise Unsupported(f"this wfctl does not know the status of '{instance_id}': {error}") from error

    def later(self, instance_id: str, *, payloads: bool) -> Later[Instance]:
        """Begin a get. Its result is None if the instance is gone."""
        message = pb.GetInstanceRequest(instance_id=instance_id, get_inputs_and_outputs=payloads)
        return Later(self, grpc_methods.GET, message, lambda answer: self._state(answer, instance_id))

    def history_later(self, instance_id: str) -> Later[list[Event]]:
        """Begin to read a history. Its result is None if the instance is gone."""
        message = pb.GetHistoryRequest(instance_id=instance_id)
        return Later(self, grpc_methods.HISTORY, message, _events)

    def parent_later(self, instance_id: str) -> Later[str | None]:
        """Begin to read the parent's ID from the history. The result is None if there is no parent or no instance."""
        message = pb.GetHistoryRequest(instance_id=instance_id)
        return Later(self, grpc_methods.HISTORY, message, _parent)

    def history(self, instance_id: str, *, seconds: float | None = None) -> list[Event]:
        """Return the committed events. Raises NotFound."""
        message = pb.GetHistoryRequest(instance_id=instance_id)
        answer = self._call(grpc_methods.HISTORY, Operation.HISTORY, message, instance_id, seconds=seconds)
        return _events(answer)

    def ids(self, page_size: int = PAGE_SIZE) -> Iterator[list[str]]:
        """Yield all IDs, page by page, in the store's order."""
        token: str | None = None
        while True:
            message = pb.ListInstanceIDsRequest(continuation_token=token, page_size=page_size)
            answer = self._call(grpc_methods.LIST_IDS, Operation.LIST, message)
            yield list(answer.instance_ids)
            following = answer.continuation_token if answer.HasField("continuation_token") else None
            if not following or following == token:
                return
            token = following

    def raise_event(self, instance_id: str, name: str, data: str | None, app_id: str | None = None) -> None:
        """Raise an event. Raises NotFound, WrongState."""
        message = pb.RaiseEventRequest(instance_id=instance_id, name=name, input=wrap(data))
        self._call(grpc_methods.RAISE, Operation.RAISE, message, instance_id, app_id)

    def suspend(self, instance_id: str, reason: str | None, app_id: str | None = None) -> None:
        """Suspend an instance. Returns once it is suspended or finished. Raises NotFound, WrongState."""
        message = pb.SuspendRequest(instance_id=instance_id, reason=wrap(reason))
        self._call(grpc_methods.SUSPEND, Operation.PAUSE, message, instance_id, app_id)

    def resume(self, instance_id: str, reason: str | None, app_id: str | None = None) -> None:
        """Resume an instance. Returns once it runs or is finished. Raises NotFound, WrongState."""
        message = pb.ResumeRequest(instance_id=instance_id, reason=wrap(reason))
        self._call(grpc_methods.RESUME, Operation.RESUME, message, instance_id, app_id)

    def terminate(self, instance_id: str, output: str | None, recursive: bool, app_id: str | None = None) -> None:
        """Terminate an instance. Returns once it is finished. Raises NotFound, WrongState."""
        message = pb.TerminateRequest(instance_id=instance_id, output=wrap(output), recursive=recursive)
        self._call(grpc_methods.TERMINATE, Operation.TERMINATE, message, instance_id, app_id)

    def purge(self, instance_id: str, *, force: bool, recursive: bool, app_id: str | None = None) -> int:
        """Delete an instance. Returns the number deleted. Raises NotFound, WrongState."""
        message = pb.PurgeRequest(instance_id=instance_id, recursive=recursive)
        if force:
            message.force = True
        answer = self._call(grpc_methods.PURGE, Operation.PURGE, message, instance_id, app_id)
        return int(answer.deleted_instance_count)

    def rerun(self, request: RerunRequest, new_id: str, app_id: str | None = None) -> str:
        """Start a new instance from a step. Returns its ID. Raises NotFound, WrongState, Conflict, InvalidInput."""
        if request.results:
            text = StringValue(value=supplied_results.write(request, new_id))
            made = self._call(grpc_methods.RERUN_WITH_RESULTS, Operation.RERUN, text, request.source)
            return str(made.value)
        message = pb.RerunRequest(
            source_instance_id=request.source,
            event_id=request.event_id,
            new_instance_id=new_id,
            input=wrap(request.input) if request.overwrite_input else None,
            overwrite_input=request.overwrite_input,
            new_child_instance_id=request.new_child_id,
        )
        answer = self._call(grpc_methods.RERUN, Operation.RERUN, message, request.source, app_id)
        return str(answer.new_instance_id)

    def hello(self) -> None:
        """Test for the task hub service. Raises Unsupported if there is none."""
        self._call(grpc_methods.HELLO, Operation.LIST, Empty())

    def scheduler_answers(self) -> bool | None:
        """Return None if the sidecar does not tell. Raises TimedOut if it waits for a scheduler that is gone."""
        try:
            self._call(grpc_methods.GET_JOB, Operation.GET, StringValue(value=NO_JOB))
        except (TimedOut, Unreachable, NotAuthenticated):
            raise
        except WfctlError as error:
            return read_scheduler(error.message)
        return True

    def metadata(self, *, seconds: float | None = None) -> Metadata:
        answer = self._call(_METADATA, Operation.GET, rt.GetMetadataRequest(), seconds=seconds)
        version = http_bodies.version_of(answer.runtime_version)
        untold = version is not None and version < (1, 16)
        actors = answer.actor_runtime
        return Metadata(
            app_id=answer.id,
            runtime=answer.runtime_version,
            version=version,
            workers=None if untold and not answer.HasField("workflows") else answer.workflows.connected_workers,
            actors=rt.ActorRuntime.Status.Name(actors.runtime_status),
            placement=actors.placement,
            schedulers=tuple(answer.scheduler.connected_addresses),
            actor_store=any("ACTOR" in part.capabilities for part in answer.components),
            wfctl=answer.extended.get(http_bodies.WFCTL_VERSION),
            server=answer.extended.get(http_bodies.SERVER),
        )

    def close(self) -> None:
        self._channel.close()

    def answers(self, seconds: float) -> bool:
        """Return True if a gRPC server answers there, with whatever status.

        This makes a call, because gRPC's own connectivity watch makes closing the channel take 0.2 s.
        """
        seconds = min(seconds, self._endpoint.seconds())
        try:
            self._stub(grpc_methods.HELLO)(Empty(), timeout=seconds, metadata=self._headers)
        except grpc.RpcError as error:
            return error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
        return True

    def _stub(self, method: Method) -> Any:
        if method.path not in self._calls:
            self._calls[method.path] = self._channel.unary_unary(
                method.path, request_serializer=_serialize, response_deserializer=method.response.FromString
            )
        return self._calls[method.path]

    def _call(
        self,
        method: Method,
        operation: Operation,
        message: Any,
        instance_id: str | None = None,
        app_id: str | None = None,
        seconds: float | None = None,
    ) -> Any:
        if app_id is not None:
            message.router.target_app_id = app_id
        left = self._endpoint.seconds()
        seconds = left if seconds is None else min(seconds, left)
        until = time.monotonic() + seconds - CLOSE
        try:
            return self._stub(method)(message, timeout=seconds, metadata=self._headers)
        except grpc.RpcError as error:
            raise self._error(method, operation, error, instance_id, until) from error

    def _error(
        self, method: Method, operation: Operation, error: grpc.RpcError, instance_id: str | None, until: float
    ) -> WfctlError:
        code, text = error.code().name, error.details() or ""
        problem = read_hub(operation, code, text)
        if code == "CANCELLED" and time.monotonic() >= until:
            problem = Problem.TIMEOUT  # the server's end of our deadline may come first, and has this name
        if problem is Problem.UNIMPLEMENTED and method is grpc_methods.RERUN_WITH_RESULTS:
            return no_supplied_results(self.where)
        if problem is Problem.UNIMPLEMENTED:
            runtime = ""
            with contextlib.suppress(WfctlError):
                runtime = self.metadata().runtime if method is not _METADATA else ""
            return needs_version(operation.value, method.since, runtime, self.where)
        if problem is Problem.TIMEOUT:
            return no_answer_to(operation, self.where, instance_id)
        if problem is Problem.UNAVAILABLE:
            self._lost()
            return unreachable(self.where, text)
        if problem is Problem.TOO_LARGE and str(MOST_BYTES) in text:
            return too_long(self.where)
        return answer_error(problem, operation, where=self.where, text=text, instance_id=instance_id)


class Later(Generic[T]):
    """Hold a call in flight."""

    def __init__(self, hub: HubApi, method: Method, message: Any, read: Callable[[Any], T]) -> None:
        self._hub, self._method, self._read = hub, method, read
        self._id = message.instance_id
        self._future = hub._stub(method).future(message, timeout=hub._endpoint.seconds(), metadata=hub._headers)

    def result(self) -> T | None:
        """Return the response; None if the instance is gone. Raises as the call itself would."""
        try:
            return self._read(self._future.result())
        except NotFound:
            return None
        except grpc.RpcError as error:
            failed = self._hub._error(self._method, Operation.LIST, error, self._id, float("inf"))
            if isinstance(failed, NotFound):
                return None
            raise failed from error

    def then(self, call: Callable[[], None]) -> None:
        """Run `call` in another thread when the response is there."""
        self._future.add_done_callback(lambda _: call())

    def cancel(self) -> None:
        self._future.cancel()


def _parent(answer: Any) -> str | None:
    started = next((event.execution_started for event in answer.events if event.HasField("execution_started")), None)
    if started is None or not started.HasField("parent"):
        return None
    return started.parent.instance.instance_id or None


def _events(answer: Any) -> list[Event]:
    return [history_events.read(event) for event in answer.events]


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()
