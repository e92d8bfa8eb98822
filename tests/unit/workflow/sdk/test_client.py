"""The client against a backend that writes down what it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import wfctl.workflow as wf
from wfctl.errors import NotFound, TimedOut, Unreachable
from wfctl.model.events import Event, Failure, TaskFailed, TaskScheduled, TimerFired, WorkflowStarted
from wfctl.model.instance import Instance, RerunRequest, StartRequest
from wfctl.model.status import Status
from wfctl.workflow.client_backend import bind_backend
from wfctl.workflow.sdk.aio import DaprWorkflowClient as AsyncClient
from wfctl.workflow.sdk.workflow_state import OrchestrationFailedError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=1)))
PAUSED = Instance("i1", "w", Status.SUSPENDED, NOW, NOW, input="0", output="", custom_status="busy")
BROKEN = Instance("i2", "w", Status.FAILED, NOW, NOW, failure=Failure("E", "bad", "at line 1"))


class Notes:
    def __init__(self) -> None:
        self.asked: list[Any] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *args: self.asked.append((name, *args))

    def of_app(self, app_id: str) -> Notes:
        self.asked.append(app_id)
        return self

    def start(self, request: StartRequest) -> str:
        self.asked.append(request)
        return request.id or ""

    def rerun(self, request: RerunRequest) -> str:
        self.asked.append(request)
        return "new"

    def get(self, instance_id: str) -> Instance:
        for instance in (PAUSED, BROKEN):
            if instance.id == instance_id:
                return instance
        raise NotFound("no such instance")

    def wait(self, instance_id: str, until: Callable[[Instance], bool], timeout: float | None) -> Instance:
        instance = self.get(instance_id)
        if not until(instance):
            assert timeout is not None
            raise TimedOut("still SUSPENDED")
        return instance

    def list_ids(self, limit: int | None, after: str | None) -> tuple[list[str], str | None]:
        return (["a", "b"], "b") if after is None else (["c"], None)

    def history(self, instance_id: str) -> list[Event]:
        return [
            WorkflowStarted(-1, NOW),
            TaskScheduled(1, NOW, "a"),
            TaskFailed(-1, NOW, 1, Failure("E", "bad")),
            TimerFired(-1, NOW, 2, NOW),
        ]


@pytest.fixture
def notes() -> Iterator[Notes]:
    notes = Notes()
    before = bind_backend(notes)
    yield notes
    bind_backend(before)


@pytest.fixture
def client() -> wf.DaprWorkflowClient:
    return wf.DaprWorkflowClient("host", "50001")


def test_without_an_engine(client: wf.DaprWorkflowClient) -> None:
    with pytest.raises(Unreachable, match="no workflow engine"):
        client.schedule_new_workflow("w")


def test_start(notes: Notes, client: wf.DaprWorkflowClient) -> None:
    def order(ctx): ...

    wf.WorkflowRuntime().register_workflow(order, name="other")
    assert client.schedule_new_workflow(order, input=[], instance_id="i1", start_at=NOW) == "i1"
    assert notes.asked == [StartRequest("other", "i1", "[]", NOW.astimezone(timezone.utc))]
    assert len(client.schedule_new_workflow("w", start_at=datetime(2026, 1, 1))) == 32
    assert notes.asked[1].start_at == datetime(2026, 1, 1, tzinfo=timezone.utc)
    with pytest.warns(DeprecationWarning, match="no effect"):
        client.schedule_new_workflow("w", reuse_id_policy=object())
    client.schedule_new_workflow("w", instance_id="i2", app_id="other")
    assert notes.asked[-2:] == ["other", StartRequest("w", "i2")]


def test_requests(notes: Notes, client: wf.DaprWorkflowClient) -> None:
    client.raise_workflow_event("i1", "e", data=0)
    client.raise_workflow_event("i1", "e")
    client.terminate_workflow("i1", output=False, recursive=False)
    client.pause_workflow("i1")
    client.resume_workflow("i1")
    client.purge_workflow("i1", False)
    client.close()
    assert notes.asked == [
        ("raise_event", "i1", "e", "0"),
        ("raise_event", "i1", "e", None),
        ("terminate", "i1", "false", False),
        ("pause", "i1"),
        ("resume", "i1"),
        ("purge", "i1", False),
    ]


def test_state(notes: Notes, client: wf.DaprWorkflowClient) -> None:
    assert client.get_workflow_state("missing") is None
    state = client.get_workflow_state("i1")
    assert state is not None
    assert state.runtime_status is wf.WorkflowStatus.SUSPENDED
    assert (state.serialized_input, state.serialized_output, state.serialized_custom_status) == ("0", None, "busy")
    assert state.created_at == datetime(2026, 1, 2, 2, 4, 5)
    state.raise_if_failed()
    bare = client.get_workflow_state("i1", fetch_payloads=False)
    assert bare is not None
    assert bare.serialized_input is None
    broken = client.wait_for_workflow_completion("i2")
    assert broken is not None
    assert broken.to_json()["failure_details"] == {"message": "bad", "error_type": "E", "stack_trace": "at line 1"}
    assert '"runtime_status": "FAILED"' in str(broken)
    with pytest.raises(OrchestrationFailedError, match="'i2' failed: bad"):
        broken.raise_if_failed()


def test_waits(notes: Notes, client: wf.DaprWorkflowClient) -> None:
    assert client.wait_for_workflow_start("i1") is not None
    with pytest.raises(TimeoutError, match="still SUSPENDED"):
        client.wait_for_workflow_completion("i1", timeout_in_seconds=1)
    with pytest.raises(NotFound):
        client.wait_for_workflow_completion("missing")


def test_lists(notes: Notes, client: wf.DaprWorkflowClient) -> None:
    assert list(client.iter_workflow_instance_ids(page_size=2)) == ["a", "b", "c"]
    assert client.list_workflow_instance_ids().continuation_token == "b"
    with pytest.raises(ValueError, match="page_size"):
        client.list_workflow_instance_ids(page_size=0)


def test_history(notes: Notes, client: wf.DaprWorkflowClient) -> None:
    events = client.get_workflow_history("i1")
    assert [event.event_type.name for event in events] == [
        "WORKFLOW_STARTED",
        "TASK_SCHEDULED",
        "TASK_FAILED",
        "TIMER_FIRED",
    ]
    assert [event.is_rerunnable for event in events] == [False, True, False, False]
    assert (events[1].event_id, events[1].name) == (1, "a")
    assert events[2].task_scheduled_id == 1
    assert events[2].failure_details is not None
    assert wf.WorkflowHistoryEventType("new") is wf.WorkflowHistoryEventType.UNKNOWN


def test_rerun(notes: Notes, client: wf.DaprWorkflowClient) -> None:
    assert client.rerun_workflow_from_event("i1", 1) == "new"
    client.rerun_workflow_from_event("i1", 1, input=None, new_instance_id="i9", new_child_workflow_instance_id="c")
    assert notes.asked == [RerunRequest("i1", 1), RerunRequest("i1", 1, "i9", None, True, "c")]
    assert repr(wf.UNSET) == "<unset>"
    for wrong in ({"event_id": -1}, {"event_id": 1, "new_instance_id": ""}):
        with pytest.raises(ValueError, match=r"event_id must|must not be empty"):
            client.rerun_workflow_from_event("i1", **wrong)


def test_the_async_client(notes: Notes) -> None:
    async def use() -> list[Any]:
        async with AsyncClient() as client:
            await client.schedule_new_workflow("w", input=1, instance_id="i1")
            await client.raise_workflow_event("i1", "e", data=2)
            await client.terminate_workflow("i1")
            await client.pause_workflow("i1")
            await client.resume_workflow("i1")
            await client.purge_workflow("i1")
            await client.rerun_workflow_from_event("i1", 1)
            return [
                await client.get_workflow_state("missing"),
                (await client.wait_for_workflow_start("i1")) is not None,
                (await client.wait_for_workflow_completion("i2")) is not None,
                [id async for id in client.iter_workflow_instance_ids()],
                len(await client.get_workflow_history("i1")),
            ]

    assert asyncio.run(use()) == [None, True, True, ["a", "b", "c"], 4]
    assert len(notes.asked) == 7
