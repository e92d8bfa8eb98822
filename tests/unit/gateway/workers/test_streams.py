"""Workers' answers over a real gRPC connection: those that never arrive whole, and those that are too large."""

from __future__ import annotations

import asyncio
import contextlib
import io
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from limits import LIMIT_SECONDS

pytest.importorskip("uvicorn", reason="needs wfctl[serve]")
import grpc
import grpc.aio

from wfctl.engine import owned_store
from wfctl.engine.execute import remote
from wfctl.gateway.assembly import Gateway
from wfctl.gateway.grpc.aio_server import AioServer
from wfctl.gateway.grpc.core_server import CoreServer
from wfctl.gateway.listening import listeners
from wfctl.gateway.listening.listeners import bind, serve_grpc
from wfctl.gateway.listening.security import TokenCheck
from wfctl.gateway.log import Log
from wfctl.gateway.unserved import RUNTIME_SERVICE
from wfctl.gateway.workers import streams
from wfctl.wire import grpc_methods, history_events
from wfctl.wire.convert import wrap
from wfctl.wire.grpc_methods import Method
from wfctl.wire.protos import taskhub_pb2 as pb

MAX_BODY = 100_000


class Peer:
    """A client and worker on one channel, which answers nothing by itself."""

    def __init__(self, channel: Any, gateway: Gateway, log: io.StringIO) -> None:
        self.channel = channel
        self.gateway = gateway
        self.log = log
        self.attach()

    def attach(self, asking: pb.GetWorkItemsRequest | None = None) -> None:
        self.items = self._stream(grpc_methods.WORK_ITEMS)(asking or pb.GetWorkItemsRequest())

    def _stream(self, method: Method) -> Any:
        return self.channel.unary_stream(method.path, method.request.SerializeToString, method.response.FromString)

    async def call(self, method: Method, request: Any) -> Any:
        call = self.channel.unary_unary(method.path, method.request.SerializeToString, method.response.FromString)
        return await call(request, timeout=LIMIT_SECONDS)

    async def start(self, name: str) -> None:
        await self.call(grpc_methods.START, pb.CreateInstanceRequest(instance_id=name, name=name))

    async def item(self) -> pb.WorkItem:
        return await asyncio.wait_for(self.items.read(), LIMIT_SECONDS)

    async def begin_activity(self, instance_id: str) -> pb.WorkItem:
        """Start an instance and answer its first turn with an activity; the activity's work item."""
        await self.start(instance_id)
        turn = await self.item()
        action = pb.Action(id=1, schedule_task=pb.ScheduleTask(name="step"))
        await self.call(grpc_methods.COMPLETE_WORKFLOW, answer(turn, action))
        return await self.item()

    async def lose(self, method: Method) -> None:
        """Begin to send an answer, and cancel before it is sent."""
        call = self.channel.stream_unary(method.path, method.request.SerializeToString, method.response.FromString)()
        await call.wait_for_connection()
        call.cancel()
        await self.until(lambda: "an answer of a worker is lost" in self.log.getvalue())

    async def until(self, holds: Any) -> None:
        deadline = asyncio.get_running_loop().time() + LIMIT_SECONDS
        while not holds():
            assert asyncio.get_running_loop().time() < deadline, self.log.getvalue()
            await asyncio.sleep(0.005)

    async def repeated(self) -> pb.WorkItem:
        """The next item; the server looks for what is to be given out again as often as it can."""
        reading = asyncio.ensure_future(self.item())
        while not reading.done():
            self.gateway.check()
            await asyncio.wait({reading}, timeout=0.01)
        return reading.result()

    async def ended(self, instance_id: str) -> pb.InstanceState:
        found = await self.call(
            grpc_methods.WAIT_COMPLETION, pb.GetInstanceRequest(instance_id=instance_id, get_inputs_and_outputs=True)
        )
        return found.state


def answer(turn: pb.WorkItem, *actions: pb.Action) -> pb.WorkflowResponse:
    return pb.WorkflowResponse(
        instance_id=turn.workflow_request.instance_id, completion_token=turn.completion_token, actions=actions
    )


def completed(output: str) -> pb.Action:
    action = pb.Complete(status=1, result=wrap(output))  # type: ignore[arg-type]
    return pb.Action(id=2, complete=action)


def result(activity: pb.WorkItem, value: str) -> pb.ActivityResponse:
    request = activity.activity_request
    return pb.ActivityResponse(
        instance_id=request.instance.instance_id,
        task_id=request.task_id,
        completion_token=activity.completion_token,
        result=wrap(value),
    )


@contextlib.asynccontextmanager
async def peer(folder: Path) -> AsyncIterator[Peer]:
    text = io.StringIO()
    log = Log(text)
    async with contextlib.AsyncExitStack() as stack:
        gateway = Gateway(stack, folder / "s.db", log, most_turns=10, most_activities=10, max_body=MAX_BODY)
        bound = await bind(
            stack, listen="127.0.0.1", http_port=0, grpc_port=0, max_body=MAX_BODY, note=lambda line: None
        )
        await serve_grpc(
            stack,
            bound.grpc,
            gateway,
            log,
            token=TokenCheck(None),
            shutdown=lambda: None,
            max_body=MAX_BODY,
            unix=None,
        )
        stack.callback(gateway.work.end_streams)
        stack.callback(gateway.waiters.close)
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{bound.grpc_port}"))
        yield Peer(channel, gateway, text)


@pytest.fixture(autouse=True, params=[CoreServer, AioServer])
def _server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both servers do the same; which one it is depends on the installed grpcio."""
    monkeypatch.setattr(listeners, "grpc_server", lambda options, note: request.param(options))


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "LOSS_GRACE", 0.0, raising=False)


def test_an_activity_whose_answer_is_lost_is_given_out_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with peer(tmp_path) as worker:
            first = await worker.begin_activity("i")
            await worker.lose(grpc_methods.COMPLETE_ACTIVITY)
            again = await worker.repeated()
            assert again.activity_request == first.activity_request
            await worker.call(grpc_methods.COMPLETE_ACTIVITY, result(first, "1"))
            turn = await worker.item()
            await worker.call(grpc_methods.COMPLETE_WORKFLOW, answer(turn, completed("2")))
            assert (await worker.ended("i")).output.value == "2"
            assert '"activities": 1' in worker.log.getvalue()

    asyncio.run(scenario())


def test_a_turn_whose_answer_is_lost_is_given_out_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with peer(tmp_path) as worker:
            await worker.start("i")
            first = await worker.item()
            await worker.lose(grpc_methods.COMPLETE_WORKFLOW)
            again = await worker.repeated()
            assert again.workflow_request.instance_id == first.workflow_request.instance_id
            await worker.call(grpc_methods.COMPLETE_WORKFLOW, answer(again, completed("3")))
            assert (await worker.ended("i")).output.value == "3"

    asyncio.run(scenario())


def test_an_answer_that_is_no_message_is_refused_logged_and_asked_for_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with peer(tmp_path) as worker:
            first = await worker.begin_activity("i")
            call = worker.channel.unary_unary(grpc_methods.COMPLETE_ACTIVITY.path)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(b"\xff\xff\xff", timeout=LIMIT_SECONDS)
            assert caught.value.code() is grpc.StatusCode.INTERNAL
            assert (await worker.repeated()).activity_request == first.activity_request

    asyncio.run(scenario())


def test_an_activity_whose_result_is_too_large_fails_with_a_word(tmp_path: Path) -> None:
    """Refused, it would be in its worker's hands for ever."""

    async def scenario() -> None:
        async with peer(tmp_path) as worker:
            activity = await worker.begin_activity("i")
            await worker.call(grpc_methods.COMPLETE_ACTIVITY, result(activity, '"' + "x" * MAX_BODY + '"'))
            events = (await worker.item()).workflow_request.new_events
            failure = next(event.task_failed.failure for event in events if event.HasField("task_failed"))
            assert failure.error_type == "PayloadTooLarge"
            assert "--max-body-size" in failure.error_message
            assert "too large" in worker.log.getvalue()

    asyncio.run(scenario())


def test_a_turn_whose_answer_is_too_large_stalls(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with peer(tmp_path) as worker:
            await worker.start("i")
            turn = await worker.item()
            await worker.call(grpc_methods.COMPLETE_WORKFLOW, answer(turn, completed('"' + "x" * MAX_BODY + '"')))
            found = worker.gateway.service.get("i")
            assert found is not None
            await worker.until(lambda: worker.gateway.service.get("i").status.name == "STALLED")  # type: ignore[union-attr]
            history = await worker.gateway.service.history("i", list)
            assert "--max-body-size" in getattr(history[-1], "description", "")

    asyncio.run(scenario())


def test_what_a_client_no_longer_waits_for_is_waited_for_by_nobody(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with peer(tmp_path) as worker:
            method = grpc_methods.WAIT_COMPLETION
            wait = worker.channel.unary_unary(method.path, method.request.SerializeToString)
            call = wait(pb.GetInstanceRequest(instance_id="i"))
            await worker.until(lambda: "i" in worker.gateway.waiters)
            call.cancel()
            await worker.until(lambda: "i" not in worker.gateway.waiters)

    asyncio.run(scenario())


def test_what_is_not_served_says_so(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with peer(tmp_path) as worker:
            for path, words in (("/Nobody/Knows", "Method not found!"), (f"{RUNTIME_SERVICE}PublishEvent", "pub/sub")):
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await worker.channel.unary_unary(path)(b"", timeout=LIMIT_SECONDS)
                assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
                assert words in (caught.value.details() or "")

    asyncio.run(scenario())


def test_a_worker_that_goes_leaves_its_work_to_others(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with peer(tmp_path) as worker:
            await worker.start("i")
            first = await worker.item()
            worker.items.cancel()
            await worker.until(lambda: "worker disconnected" in worker.log.getvalue())
            worker.attach()
            again = await worker.item()
            assert again.workflow_request == first.workflow_request
            await worker.call(grpc_methods.COMPLETE_WORKFLOW, answer(again, completed("1")))
            assert (await worker.ended("i")).output.value == "1"

    asyncio.run(scenario())


def test_a_request_that_is_too_large_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with peer(tmp_path) as worker:
            big = pb.CreateInstanceRequest(instance_id="i", name="i", input=wrap("x" * MAX_BODY))
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await worker.call(grpc_methods.START, big)
            assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert worker.gateway.service.get("i") is None

    asyncio.run(scenario())


def test_a_long_history_is_encoded_while_the_server_answers_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another thread: both for a worker, and for whoever asks for it."""
    encoders: set[int] = set()
    real = history_events.write

    def write(event: Any) -> Any:
        encoders.add(threading.get_ident())
        return real(event)

    monkeypatch.setattr(history_events, "write", write)
    monkeypatch.setattr(streams, "LONG_HISTORY", 1)

    async def scenario() -> None:
        async with peer(tmp_path) as worker:
            await worker.begin_activity("i")
            found = await worker.call(grpc_methods.HISTORY, pb.GetHistoryRequest(instance_id="i"))
            assert [event.WhichOneof("event") for event in found.events][-1] == "task_scheduled"
            assert encoders
            assert threading.get_ident() not in encoders

    asyncio.run(scenario())


@pytest.mark.parametrize("long_history", [0, streams.LONG_HISTORY])
def test_a_turn_that_cannot_be_made_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long_history: int
) -> None:
    """Neither its worker's other work, nor the engine, on whose thread it may be made."""
    real = history_events.write

    def write(event: Any) -> Any:
        if getattr(event, "instance_id", None) == "bad":
            raise ValueError("this cannot be written")
        return real(event)

    monkeypatch.setattr(history_events, "write", write)
    monkeypatch.setattr(streams, "LONG_HISTORY", long_history)

    async def scenario() -> None:
        async with peer(tmp_path) as worker:
            await worker.start("bad")
            await worker.until(lambda: "this cannot be written" in worker.log.getvalue())
            await worker.start("good")
            turn = await worker.item()
            assert turn.workflow_request.instance_id == "good"
            await worker.call(grpc_methods.COMPLETE_WORKFLOW, answer(turn, completed("1")))
            assert (await worker.ended("good")).output.value == "1"
            assert worker.gateway.check() is None

    asyncio.run(scenario())


def test_what_was_not_sent_is_not_taken_for_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that keeps histories is told from where on to go on: of an instance that was purged while its turn was
    encoded, it knows nothing."""
    real, writing, go_on = history_events.write, threading.Event(), threading.Event()

    def write(event: Any) -> Any:
        if getattr(event, "instance_id", None) == "i":
            writing.set()
            assert go_on.wait(LIMIT_SECONDS)
        return real(event)

    monkeypatch.setattr(history_events, "write", write)
    monkeypatch.setattr(streams, "LONG_HISTORY", 0)

    async def scenario() -> None:
        async with peer(tmp_path) as worker:
            await worker.until(lambda: "worker connected" in worker.log.getvalue())
            worker.items.cancel()
            capable = pb.GetWorkItemsRequest(capabilities=[pb.WORKER_CAPABILITY_STATEFUL_HISTORY])
            await worker.until(lambda: "worker disconnected" in worker.log.getvalue())
            worker.attach(capable)
            await worker.start("i")
            await worker.until(writing.is_set)
            try:
                await worker.gateway.service.purge("i", force=True)
            finally:
                go_on.set()
            await worker.start("j")
            assert (await worker.item()).workflow_request.instance_id == "j"
            (stream,) = worker.gateway.work._streams
            assert len(stream.marks) == 1

    asyncio.run(scenario())


def test_the_engine_goes_on_where_the_last_answer_came(tmp_path: Path) -> None:
    """So a lone workflow changes no thread. Where workers have more in hand, answers can be committed together."""
    engines: list[bool] = []

    async def scenario() -> None:
        async with peer(tmp_path) as worker:
            changed = worker.gateway.waiters.changed

            def noted(rows: Any) -> None:
                engines.append(threading.current_thread().name == "wfctl-engine")
                changed(rows)

            worker.gateway.waiters.changed = noted  # type: ignore[method-assign]
            number = 0
            # Now and then the engine's own thread is at work: it looks what other processes have written.
            while engines.count(False) < 5:
                assert number < 1000, "it never goes on there"
                number += 1
                await worker.start(f"a{number}")
                await worker.call(grpc_methods.COMPLETE_WORKFLOW, answer(await worker.item(), completed("1")))
                assert (await worker.ended(f"a{number}")).output.value == "1"
            for number in range(6):
                await worker.start(f"b{number}")
            turns = [await worker.item() for _ in range(6)]
            engines.clear()
            for turn in turns[:5]:
                await worker.call(grpc_methods.COMPLETE_WORKFLOW, answer(turn, completed("2")))
                assert (await worker.ended(turn.workflow_request.instance_id)).output.value == "2"
            assert all(engines)
            assert engines

    asyncio.run(scenario())


def test_a_result_waits_for_the_answer_of_its_turn_where_answers_name_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that brought the result cannot wait for it: it brings the answer too."""
    monkeypatch.setattr(owned_store, "ANSWER_SECONDS", LIMIT_SECONDS)
    commits = 0

    async def scenario() -> None:
        async with peer(tmp_path) as worker:
            activity = await worker.begin_activity("i")
            committed = worker.gateway.remote.released

            def noted() -> None:
                nonlocal commits
                commits += 1
                committed()

            monkeypatch.setattr(worker.gateway.remote, "released", noted)
            await worker.call(grpc_methods.COMPLETE_ACTIVITY, result(activity, "1"))
            await worker.call(grpc_methods.COMPLETE_WORKFLOW, answer(await worker.item(), completed("2")))
            assert (await worker.ended("i")).output.value == "2"
            assert commits == 1

    asyncio.run(scenario())
