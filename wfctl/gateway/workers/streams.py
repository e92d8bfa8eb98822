"""The worker's side of the task hub: the stream of work items, and the answers to them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

from google.protobuf.message import DecodeError

from wfctl.engine.execute.remote import RemoteExecutor
from wfctl.engine.execute.worker import PendingTurn, Work, Worker
from wfctl.errors import Unsupported
from wfctl.gateway.api_error import Trouble
from wfctl.gateway.grpc.serving import Refused, Stream
from wfctl.gateway.log import Log
from wfctl.gateway.tracing.spans import Tracing
from wfctl.gateway.workers.history_cache import Histories, Mark, TurnItem
from wfctl.model.events import NO_ID, ExecutionCompleted, Failure, StallReason
from wfctl.model.status import Status
from wfctl.model.turn import Stall, TurnResult
from wfctl.wire import grpc_methods, turn_actions
from wfctl.wire.convert import failure_in
from wfctl.wire.error_codes import Problem
from wfctl.wire.foreign import WHY, foreign_instance, is_foreign
from wfctl.wire.grpc_methods import Method
from wfctl.wire.http_routes import Operation
from wfctl.wire.protos import taskhub_pb2 as pb

# The JavaScript SDK 3.18 queues 100 items in all and drops the rest without a word.
NODE_TURNS = NODE_ACTIVITIES = 50
# Events that are encoded by whoever hands out the turn, some microseconds each: the engine's thread, or that of the
# calls. Longer histories would keep all workers waiting.
LONG_HISTORY = 200
# A worker that takes no item for this long is taken for dead, as in Dapr.
SEND_SECONDS = 10.0
# Of --max-body-size: workers take no more than about that in one message, before the Python SDK 1.19 at least.
STALL_PERCENT = 95
# A refused worker that tries again within so many seconds is known by its connection.
REFUSED_SECONDS = 600.0


class ForeignWorker(Trouble):
    """The worker speaks other messages than Dapr's."""

    def __init__(self) -> None:
        super().__init__(Problem.OTHER, Operation.GET, reason=WHY)

    def hub(self) -> tuple[str, str]:
        return "FAILED_PRECONDITION", WHY


class WorkStream:
    """One open GetWorkItems call."""

    def __init__(self, worker: Worker, stateful: bool, out: Stream) -> None:
        self.worker = worker
        self.out = out
        self.refused = False
        self.stateful = stateful
        self.marks: dict[int, Mark] = {}
        self.writing_since: float | None = None
        self._over = False
        self._sending = False  # somebody sends, and will look for more
        self._lock = threading.Lock()

    def begin(self) -> Work | None:
        """Return the first item to be sent; None if there is none, or somebody sends already."""
        with self._lock:
            if self._sending:
                return None
            self._sending = True
        return self.following()

    def following(self) -> Work | None:
        """Return the next item to be sent, for who has sent the one before; None if there is none."""
        with self._lock:
            if self.worker.outbox and not self._over:
                return self.worker.outbox.popleft()
            self._sending = False
            return None

    def end(self, code: str, text: str) -> None:
        """Send nothing more, and end the call."""
        with self._lock:
            self._over = True
        self.out.end(code, text)


class WorkStreams:
    """Hands out work, takes in answers; from any thread. `connected` is called when a worker has come, `left` when one
    has gone, both on the server's loop."""

    def __init__(
        self,
        executor: RemoteExecutor,
        past: Histories,
        connected: Callable[[], None],
        left: Callable[[], None],
        log: Log,
        *,
        most_turns: int,
        most_activities: int,
        most_bytes: int,
        tracing: Tracing | None = None,
    ) -> None:
        self._executor = executor
        self._past = past
        self._connected = connected
        self._left = left
        self._tracing = tracing
        self._log = log
        self._most_turns = most_turns
        self._most_activities = most_activities
        self._most_bytes = most_bytes
        self._streams: frozenset[WorkStream] = frozenset()
        self._refused: dict[str, float] = {}  # connections of refused workers, and when each last tried
        self._encoder = ThreadPoolExecutor(1, "wfctl-encoder")  # its thread begins with the first long history

    def forget(self, key: int) -> None:
        """Begin the next turn of this instance with its whole history. On the engine's thread."""
        self._past.forget(key)
        for stream in self._streams:
            stream.marks.pop(key, None)

    def for_app(self, app_id: str | None) -> Callable[[pb.GetWorkItemsRequest, Stream], Callable[[], None]]:
        """Return the handler of GetWorkItems for the workers of one app; None: there is only one."""
        return lambda request, out: self._get_work_items(app_id, request, out)

    def _get_work_items(self, app_id: str | None, request: pb.GetWorkItemsRequest, out: Stream) -> Callable[[], None]:
        """Attach a worker. Returns what is to be called when it has gone. Raises Refused."""
        agent = out.metadata("user-agent") or ""
        if self._still_refused(out.peer):
            raise Refused("FAILED_PRECONDITION", WHY)
        node = "grpc-node" in agent
        worker = Worker(
            lambda: self._send_on(stream, stream.begin()),
            most_turns=NODE_TURNS if node else self._most_turns,
            most_activities=NODE_ACTIVITIES if node else self._most_activities,
            app_id=app_id,
            agent=agent,
            address=out.peer,
        )
        stream = WorkStream(worker, pb.WORKER_CAPABILITY_STATEFUL_HISTORY in request.capabilities, out)
        self._streams |= {stream}
        app = {} if app_id is None else {"app": app_id}
        self._log.info("worker connected", **app, peer=out.peer, agent=agent, workers=len(self._streams))
        self._executor.attach(worker)
        self._connected()

        def gone() -> None:
            self._streams -= {stream}
            held = len(worker.turns), len(worker.activities)
            self._executor.detach(worker)
            self._left()
            self._log.info(
                "worker disconnected", **app, peer=out.peer, turns_again=held[0], activities_again=held[1],
                workers=len(self._streams),
            )  # fmt: skip

        return gone

    def _send_on(self, stream: WorkStream, work: Work | None) -> None:
        """Send this item, and what lies behind it."""
        while work is not None:
            try:
                if self._begin_to_send(stream, work):
                    return
            except Exception as error:
                self._pass_over(stream, work, error)
            work = stream.following()

    def _pass_over(self, stream: WorkStream, work: Work, error: Exception) -> None:
        """Let an item that cannot be made hold up neither those behind it nor, with them, the engine whose thread this
        may be. A turn is tried again when its lease has run out."""
        instance_id = work.instance_id if isinstance(work, PendingTurn) else work.task.instance_id
        self._log.error(
            "work cannot be sent to a worker",
            instance=instance_id, peer=stream.out.peer, error=f"{type(error).__name__}: {error}",
        )  # fmt: skip

    def _begin_to_send(self, stream: WorkStream, work: Work) -> bool:
        """Return False if there is nothing to be sent. What has a long history is encoded on a thread of its own."""
        if work.done or work.worker is not stream.worker:
            return False
        if not isinstance(work, PendingTurn):
            parent = None if self._tracing is None else self._tracing.activity_parent(work.task)
            self._send(stream, self._past.activity(work, parent))
            return True
        item = self._past.turn(work, stream.marks.get(work.key), stateful=stream.stateful)
        if item.size > LONG_HISTORY:
            self._encoder.submit(self._send_long_turn, stream, work, item)
            return True
        return self._send_turn(stream, work, item)

    def _send_long_turn(self, stream: WorkStream, work: PendingTurn, item: TurnItem) -> None:
        try:
            if self._send_turn(stream, work, item):
                return
        except Exception as error:
            self._pass_over(stream, work, error)
        self._send_on(stream, stream.following())

    def _send_turn(self, stream: WorkStream, work: PendingTurn, item: TurnItem) -> bool:
        data, mark = item.encode()
        if work.done or work.worker is not stream.worker:
            return False
        if len(data) > self._most_bytes * STALL_PERCENT // 100:
            self._too_large(work, len(data))
            return False
        if stream.stateful:
            stream.marks[work.key] = mark  # of what is sent, or the worker is taken to know what it never got
        self._send(stream, data)
        return True

    def _send(self, stream: WorkStream, data: bytes) -> None:
        stream.writing_since = time.monotonic()
        stream.out.send(data, lambda taken: self._sent(stream, taken))

    def _sent(self, stream: WorkStream, taken: bool) -> None:
        stream.writing_since = None
        if taken:  # else the stream is over, and what its worker holds is taken back
            self._send_on(stream, stream.following())

    def _too_large(self, work: PendingTurn, size: int) -> None:
        """Stall the instance, as in Dapr since 1.17.7, until the server is started with a larger limit."""
        self._log.warning("a turn is too large for a worker", instance=work.instance_id, size=size)
        stalled = self._stalled(f"Workflow payload size {size} bytes exceeds {STALL_PERCENT}% of max gRPC body size")
        self._executor.complete_turn(work.instance_id, work.token, lambda: stalled, work.app_id)

    def _stalled(self, words: str) -> TurnResult:
        """Return a stall. `words` end where the limit is to be named."""
        more = "bytes; increase wfctl serve --max-body-size and restart to resume"
        return TurnResult(stall=Stall(StallReason.PAYLOAD_SIZE_EXCEEDED, f"{words} {self._most_bytes} {more}"))

    def drop_stuck(self) -> None:
        """End the streams of workers that have taken no item for SEND_SECONDS."""
        before = time.monotonic() - SEND_SECONDS
        for stream in self._streams:
            since = stream.writing_since
            if since is not None and since < before:
                self._log.warning("a worker takes no work: its stream is ended")
                stream.out.cut()

    def end_streams(self) -> None:
        """Tell every worker that the server goes away, before the server does."""
        for stream in self._streams:
            stream.end("CANCELLED", "shutting down")

    def read(self, data: bytes) -> pb.WorkflowResponse:
        """Decode the answer to a turn. Raises DecodeError, and ForeignWorker: its sender gets no more work."""
        try:
            response = pb.WorkflowResponse.FromString(data)
        except DecodeError:
            foreign = foreign_instance(data)
            if foreign is None:
                raise
        else:
            if not is_foreign(response):
                return response
            foreign = response.instance_id
        self._refuse(foreign)
        raise ForeignWorker

    def _refuse(self, instance_id: str) -> None:
        """End the stream of the worker that has the turn of this instance; what it holds goes to others."""
        for stream in self._streams:
            if not stream.refused and any(t.instance_id == instance_id for t in tuple(stream.worker.turns.values())):
                peer = stream.out.peer
                self._log.error("a worker is refused", peer=peer, reason=WHY)
                stream.refused = True
                if not peer.startswith("unix"):  # the same for everybody
                    self._refused[peer] = time.monotonic()
                stream.end("FAILED_PRECONDITION", WHY)

    def _still_refused(self, peer: str) -> bool:
        """Tell whether this connection is that of a refused worker, which tries again and again."""
        now = time.monotonic()
        self._refused = {known: at for known, at in tuple(self._refused.items()) if at > now - REFUSED_SECONDS}
        if peer not in self._refused:
            return False
        self._refused[peer] = now
        return True

    def answer_lost(self, method: Method, peer: str, reason: str) -> None:
        """Give out again, in a while, what a worker holds whose answer came in and could not be read."""
        self._log.warning("an answer of a worker is lost", method=method.name, peer=peer, reason=reason)
        known = [stream for stream in self._streams if stream.out.peer == peer]
        # A worker may send its answers over another connection than the one of its stream.
        for stream in known or self._streams:
            self._executor.answer_lost(stream.worker, to_turn=method is not grpc_methods.COMPLETE_ACTIVITY)

    def complete_turn(self, app_id: str | None, request: pb.WorkflowResponse) -> pb.CompleteTaskResponse:
        """Take in what a worker of this app (None: the only one) made of a turn."""
        if not self._executor.complete_turn(
            request.instance_id, request.completion_token, lambda: self._turn_result(request), app_id
        ):
            self._log.debug("an answer to a turn that nobody waits for", instance=request.instance_id)
        return pb.CompleteTaskResponse()

    def _turn_result(self, response: pb.WorkflowResponse) -> TurnResult:
        """Read the result.

        An action that no engine can carry out fails the instance; Dapr's would try the turn again for ever.

        An answer above the size limit stalls it.
        """
        if response.ByteSize() > self._most_bytes:
            self._log.warning("a turn's answer is too large", instance=response.instance_id, size=response.ByteSize())
            return self._stalled(f"The worker's answer of {response.ByteSize()} bytes exceeds the limit of")
        now = datetime.now(timezone.utc)
        try:
            return turn_actions.turn_result(response, now)
        except (Unsupported, ValueError) as error:
            self._log.warning(
                "a worker's answer cannot be carried out", instance=response.instance_id, error=str(error)
            )
            failure = Failure("UnsupportedAction", str(error))
            return TurnResult([ExecutionCompleted(NO_ID, now, Status.FAILED, None, failure)])

    def complete_activity(self, request: pb.ActivityResponse) -> pb.CompleteTaskResponse:
        failure = failure_in(request.failure) if request.HasField("failure") else None
        value = request.result.value if request.HasField("result") else None
        if request.ByteSize() > self._most_bytes:
            value, failure = None, self._result_too_large(request)
        if not self._executor.complete_activity(
            request.instance_id, request.task_id, request.completion_token, value, failure
        ):
            self._log.debug(
                "an answer to an activity that nobody waits for", instance=request.instance_id, task=request.task_id
            )
        return pb.CompleteTaskResponse()

    def _result_too_large(self, response: pb.ActivityResponse) -> Failure:
        """Fail an activity that would have the same result if it ran again; its workflow may act on that."""
        size = response.ByteSize()
        self._log.warning(
            "an activity's result is too large", instance=response.instance_id, task=response.task_id, size=size
        )
        words = (
            f"the activity ran, but its answer of {size} bytes exceeds the server's limit of {self._most_bytes}: "
            "return less (a reference to the data, say), or start wfctl serve with a larger --max-body-size"
        )
        return Failure("PayloadTooLarge", words, non_retriable=True)
