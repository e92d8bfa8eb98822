"""`wfctl serve` under more calls than it can take at once: none may be refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="needs wfctl[serve]")
import grpc
from limits import until
from serve_process import Served, served
from sizes import size

from wfctl.model.status import Status
from wfctl.wire import grpc_methods
from wfctl.wire.convert import wrap
from wfctl.wire.grpc_methods import Method
from wfctl.wire.protos import taskhub_pb2 as pb

# grpc's own limit, from which on it cancels at random, is 1,000 waiting calls. These are sent faster than served.
ANSWERS = 10_000
INSTANCES = size(1_500, 5_000)
LIMIT_SECONDS = 300


class Hub:
    """One channel for all, as a client and worker in one process has it."""

    def __init__(self, server: Served) -> None:
        self.channel = grpc.insecure_channel(server.endpoints["grpcEndpoint"])

    def send(self, method: Method, request: Any) -> Any:
        call = self.channel.unary_unary(method.path, method.request.SerializeToString, method.response.FromString)
        return call.future(request, timeout=LIMIT_SECONDS)

    def items(self) -> Any:
        method = grpc_methods.WORK_ITEMS
        stream = self.channel.unary_stream(method.path, method.request.SerializeToString, method.response.FromString)
        return stream(pb.GetWorkItemsRequest(), timeout=LIMIT_SECONDS)


def outcomes(calls: list[Any]) -> Counter[str]:
    return Counter("OK" if call.exception() is None else str(call.exception().code()) for call in calls)


def test_no_answer_is_refused_for_load(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        hub = Hub(server)
        answer = pb.ActivityResponse(instance_id="nobody", task_id=1, completion_token="none")
        calls = [hub.send(grpc_methods.COMPLETE_ACTIVITY, answer) for _ in range(ANSWERS)]
        assert outcomes(calls) == {"OK": ANSWERS}
        hub.channel.close()


def test_thousands_in_flight_complete_while_one_process_starts_and_runs_them(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        hub = Hub(server)
        items = hub.items()
        server.workers(1)
        ids = [f"i{number}" for number in range(INSTANCES)]
        starts = [hub.send(grpc_methods.START, pb.CreateInstanceRequest(instance_id=i, name="one")) for i in ids]
        done = pb.Action(id=1, complete=pb.Complete(status=Status.COMPLETED.value, result=wrap("1")))  # type: ignore[arg-type]
        answers: list[Any] = []
        for item in items:
            turn = item.workflow_request.instance_id
            answer = pb.WorkflowResponse(instance_id=turn, completion_token=item.completion_token, actions=[done])
            answers.append(hub.send(grpc_methods.COMPLETE_WORKFLOW, answer))
            if len(answers) == INSTANCES:
                break
        assert outcomes(starts) == {"OK": INSTANCES}
        assert outcomes(answers) == {"OK": INSTANCES}
        until(lambda: server.workflows.get(ids[-1]).status is Status.COMPLETED, "the last one ends")
        ended = [server.workflows.get(i).status for i in ids]
        assert Counter(ended) == {Status.COMPLETED: INSTANCES}
        hub.channel.close()
