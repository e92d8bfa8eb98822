"""The task hub's management calls, without sockets: what they do, and how they refuse."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from limits import LIMIT_SECONDS

pytest.importorskip("uvicorn", reason="needs the extra serve")
from gateway_room import Room, play

from wfctl.engine.execute.worker import PendingTurn
from wfctl.engine.retention import Retention, expired
from wfctl.engine.store import database
from wfctl.gateway.api_error import Trouble
from wfctl.gateway.grpc.runtime import Runtime
from wfctl.gateway.grpc.task_hub import Hub
from wfctl.model import events as ev
from wfctl.model.turn import TurnResult
from wfctl.wire.convert import time_out, wrap
from wfctl.wire.protos import runtime_pb2 as rt
from wfctl.wire.protos import taskhub_pb2 as pb
from wfctl.workflow.loading.app import load_app


async def refused(call: Any) -> tuple[str, str]:
    with pytest.raises(Trouble) as caught:
        await call
    return caught.value.hub()


async def start(hub: Hub, name: str, instance_id: str, **more: Any) -> None:
    request = pb.CreateInstanceRequest(instance_id=instance_id, name=name, input=wrap("1"), **more)
    await asyncio.wrap_future(hub.start(request))


async def ended(hub: Hub, instance_id: str) -> pb.GetInstanceResponse:
    request = pb.GetInstanceRequest(instance_id=instance_id, get_inputs_and_outputs=True)
    return await asyncio.wait_for(asyncio.wrap_future(hub.wait_completion(request)), LIMIT_SECONDS)


def test_start_wait_and_get(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        hub = Hub(room.gateway.service)
        odd = "nexus||Nexus|6671cfbe@device"  # the task hub takes any ID
        await start(hub, "Quick", odd)
        got = await hub.get(pb.GetInstanceRequest(instance_id=odd))
        assert (got.exists, got.state.status, got.state.name) == (True, pb.InstanceState(status=6).status, "")  # type: ignore[arg-type]
        waiting = asyncio.ensure_future(ended(hub, odd))
        await asyncio.sleep(0)
        room.worker()
        state = (await waiting).state
        assert (state.name, state.input.value, state.output.value) == ("Quick", "1", '"done"')
        assert not (await hub.get(pb.GetInstanceRequest(instance_id="nobody"))).exists

    play(tmp_path, scenario)


def test_a_wait_for_what_does_not_exist_yet(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        room.worker()
        hub = Hub(room.gateway.service)
        waiting = asyncio.ensure_future(ended(hub, "later"))
        await asyncio.sleep(0)
        await start(hub, "Quick", "later")
        assert (await waiting).state.output.value == '"done"'

    play(tmp_path, scenario)


def test_suspend_resume_and_terminate_wait_for_their_effect(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        room.worker()
        hub = Hub(room.gateway.service)
        await start(hub, "Wait", "w")

        async def status() -> str:
            found = room.gateway.service.get("w")
            assert found is not None
            return found.status.name

        await hub.suspend(pb.SuspendRequest(instance_id="w", reason=wrap("holiday")))
        assert await status() == "SUSPENDED"
        await hub.resume(pb.ResumeRequest(instance_id="w"))
        assert await status() == "RUNNING"
        await hub.resume(pb.ResumeRequest(instance_id="w"))
        await hub.terminate(pb.TerminateRequest(instance_id="w", output=wrap('"why"'), recursive=True))
        assert await status() == "TERMINATED"
        await hub.terminate(pb.TerminateRequest(instance_id="w"))
        history = pb.GetHistoryResponse.FromString(await hub.history(pb.GetHistoryRequest(instance_id="w"))).events
        assert [event.WhichOneof("event") for event in history if event.HasField("execution_suspended")]
        assert (await ended(hub, "w")).state.output.value == '"why"'

    play(tmp_path, scenario)


def test_nothing_hangs_for_want_of_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wfctl.gateway.service.UNATTENDED_SECONDS", 0.05)

    async def scenario(room: Room) -> None:
        hub = Hub(room.gateway.service)
        await start(hub, "Wait", "w")
        await asyncio.wait_for(hub.terminate(pb.TerminateRequest(instance_id="w")), LIMIT_SECONDS)
        room.worker()
        assert (await ended(hub, "w")).state.status == pb.InstanceState(status=5).status  # type: ignore[arg-type]

    play(tmp_path, scenario)


def test_nothing_hangs_for_want_of_a_workflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The app in the server runs some workflows, and nobody runs this one."""
    monkeypatch.setattr("wfctl.gateway.service.UNATTENDED_SECONDS", 0.05)
    (tmp_path / "unregistered.py").write_text(
        "import dapr.ext.workflow as wf\nwfr = wf.WorkflowRuntime()\n@wfr.workflow\n"
        "def mine(ctx, _):\n    yield ctx.wait_for_external_event('go')\n"
    )

    async def scenario(room: Room) -> None:
        hub = Hub(room.gateway.service)
        await start(hub, "Nobodys", "n")
        await start(hub, "mine", "m")
        for instance_id in ("n", "m"):
            await asyncio.wait_for(hub.suspend(pb.SuspendRequest(instance_id=instance_id)), LIMIT_SECONDS)
            await asyncio.wait_for(hub.resume(pb.ResumeRequest(instance_id=instance_id)), LIMIT_SECONDS)
            await asyncio.wait_for(hub.terminate(pb.TerminateRequest(instance_id=instance_id)), LIMIT_SECONDS)

    play(tmp_path, scenario, app=load_app(str(tmp_path / "unregistered.py")))


def test_nothing_waits_for_a_delayed_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wfctl.gateway.service.UNATTENDED_SECONDS", 0.05)

    async def scenario(room: Room) -> None:
        room.worker()
        hub = Hub(room.gateway.service)
        late = datetime.now(timezone.utc) + timedelta(hours=1)
        await start(hub, "Wait", "d", scheduled_start=time_out(late))
        await asyncio.wait_for(hub.suspend(pb.SuspendRequest(instance_id="d")), LIMIT_SECONDS)
        await asyncio.wait_for(hub.resume(pb.ResumeRequest(instance_id="d")), LIMIT_SECONDS)

    play(tmp_path, scenario)


def test_two_actions_with_one_id_fail_the_instance_and_none_runs(tmp_path: Path) -> None:
    """Both ran, and whichever answer came first was the answer to both."""

    def twice(turn: PendingTurn) -> TurnResult:
        now = turn.new[0].timestamp
        return TurnResult([ev.TaskScheduled(3, now, name, None, f"x:{name}") for name in ("Pay", "Ship")])

    async def scenario(room: Room) -> None:
        room.worker(twice)
        hub = Hub(room.gateway.service)
        await start(hub, "Twice", "t")
        state = (await ended(hub, "t")).state
        assert state.status == pb.InstanceState(status=3).status  # type: ignore[arg-type]
        assert "two actions with the ID 3" in state.failure.error_message
        assert room.gateway.remote.counts() == (0, 0)
        history = pb.GetHistoryResponse.FromString(await hub.history(pb.GetHistoryRequest(instance_id="t"))).events
        assert not [event for event in history if event.HasField("task_scheduled")]

    play(tmp_path, scenario)


def test_refusals(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        room.worker()
        hub = Hub(room.gateway.service)
        gone = "no such instance exists"
        assert await refused(hub.suspend(pb.SuspendRequest(instance_id="x"))) == ("UNKNOWN", gone)
        assert await refused(hub.resume(pb.ResumeRequest(instance_id="x"))) == ("UNKNOWN", gone)
        assert await refused(hub.raise_event(pb.RaiseEventRequest(instance_id="x", name="e"))) == ("UNKNOWN", gone)
        code, text = await refused(hub.terminate(pb.TerminateRequest(instance_id="x")))
        assert (code, text) == ("UNKNOWN", f"failed to submit termination request: {gone}")
        code, text = await refused(hub.purge(pb.PurgeRequest(instance_id="x")))
        assert (code, text.endswith(gone)) == ("UNKNOWN", True)
        assert await refused(hub.history(pb.GetHistoryRequest(instance_id="x"))) == (
            "NOT_FOUND",
            "workflow instance 'x' not found",
        )
        await start(hub, "Wait", "w")
        code, text = await refused(start(hub, "Wait", "w"))
        assert (code, text) == (
            "ALREADY_EXISTS",
            "failed to create workflow instance: rpc error: code = AlreadyExists desc = "
            "an active workflow with ID 'w' already exists",
        )
        code, text = await refused(hub.purge(pb.PurgeRequest(instance_id="w")))
        assert (code, text.endswith("orchestration has not yet completed")) == ("UNKNOWN", True)
        forced = await hub.purge(pb.PurgeRequest(instance_id="w", force=True))
        assert (forced.deleted_instance_count, forced.is_complete.value) == (1, True)
        assert "multi-instance purge" in (await refused(hub.purge(pb.PurgeRequest(filter=pb.PurgeFilter()))))[1]
        await start(hub, "Quick", "q")
        await ended(hub, "q")
        await start(hub, "Quick", "q")  # a finished ID may be used again
        await ended(hub, "q")
        assert (await refused(start(hub, "Quick", "q", enforce_unique_instance_id=True)))[0] == "ALREADY_EXISTS"

    play(tmp_path, scenario)


def test_rerun_refusals(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        room.worker()
        hub = Hub(room.gateway.service)

        async def rerun(source: str, event: int = 1, **more: Any) -> tuple[str, str]:
            return await refused(hub.rerun(pb.RerunRequest(source_instance_id=source, event_id=event, **more)))

        assert (await rerun("x"))[0] == "NOT_FOUND"
        await start(hub, "Wait", "w")
        assert await rerun("w") == ("INVALID_ARGUMENT", "'w' is not in a terminal state")
        await start(hub, "Quick", "q")
        await ended(hub, "q")
        assert await rerun("q", 5) == ("NOT_FOUND", "'q' does not have history event with ID '5'")
        code, text = await rerun("q", 1)
        assert (code, "is not an event that can be rerun" in text) == ("NOT_FOUND", True)
        assert (await rerun("q", new_instance_id="q"))[0] == "INVALID_ARGUMENT"
        assert await rerun("q", new_instance_id="w") == ("ALREADY_EXISTS", "workflow 'w' has already been created")

    play(tmp_path, scenario)


BAD_IDS = ["a\nb", "a\tb", " a", "a ", "\x1b[31mred", "a\u2028b"]


def test_ids_that_are_not_one_plain_line(tmp_path: Path) -> None:
    """Dapr's task hub takes them; their lines would name other instances."""

    async def scenario(room: Room) -> None:
        hub = Hub(room.gateway.service)
        room.worker()
        await start(hub, "Quick", "q")
        await ended(hub, "q")
        for bad in BAD_IDS:
            shown = f"the instance ID {bad!r} "
            code, text = await refused(start(hub, "Quick", bad))
            assert (code, text.startswith(shown)) == ("INVALID_ARGUMENT", True), text
            for names in ({"new_instance_id": bad}, {"new_child_instance_id": bad}):
                request = pb.RerunRequest(source_instance_id="q", event_id=1, **names)  # type: ignore[arg-type]
                code, text = await refused(hub.rerun(request))
                assert (code, text.startswith(shown)) == ("INVALID_ARGUMENT", True), text
        assert list((await hub.list_ids(pb.ListInstanceIDsRequest())).instance_ids) == ["q"]

    play(tmp_path, scenario)


def test_the_general_api_refuses_ids_in_daprs_words(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        runtime = Runtime(room.gateway.service, room.gateway.about, lambda: None)
        for bad in [*BAD_IDS, "a;b"]:
            with pytest.raises(Trouble) as caught:
                await runtime.start(rt.StartWorkflowRequest(workflow_name="Quick", instance_id=bad))
            words = f"workflow instance ID '{bad}' is invalid: only alphanumeric and underscore characters are allowed"
            assert caught.value.runtime() == ("INVALID_ARGUMENT", words)
            answer = await room.http.post("/v1.0/workflows/dapr/Quick/start", params={"instanceID": bad})
            assert (answer.status_code, answer.json()) == (
                400,
                {"errorCode": "ERR_INSTANCE_ID_INVALID", "message": words},
            )

    play(tmp_path, scenario)


def test_pages_of_ids(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        hub = Hub(room.gateway.service)
        for number in range(5):
            await start(hub, "Quick", f"i{number}")
        found: list[str] = []
        token: str | None = None
        sizes = []
        while True:
            page = await hub.list_ids(pb.ListInstanceIDsRequest(page_size=2, continuation_token=token))
            found += page.instance_ids
            sizes.append(len(page.instance_ids))
            if not page.HasField("continuation_token"):
                break
            token = page.continuation_token
        assert found == [f"i{number}" for number in range(5)]
        assert sizes == [2, 2, 1]
        whole = await hub.list_ids(pb.ListInstanceIDsRequest())
        assert (len(whole.instance_ids), whole.HasField("continuation_token")) == (5, False)
        assert not (await hub.list_ids(pb.ListInstanceIDsRequest(continuation_token="junk"))).instance_ids
        assert len((await hub.list_ids(pb.ListInstanceIDsRequest(page_size=0))).instance_ids) == 5

    play(tmp_path, scenario)


def test_a_delayed_start(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        room.worker()
        hub = Hub(room.gateway.service)
        soon = datetime.now(timezone.utc) + timedelta(milliseconds=300)
        await start(hub, "Quick", "d", scheduled_start=time_out(soon))
        await ended(hub, "d")
        assert datetime.now(timezone.utc) >= soon

    play(tmp_path, scenario)


def test_the_general_service(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        room.worker()
        runtime = Runtime(room.gateway.service, room.gateway.about, lambda: None)

        async def no(call: Any) -> str:
            with pytest.raises(Trouble) as caught:
                await call
            return caught.value.runtime()[0]

        made = await runtime.start(rt.StartWorkflowRequest(workflow_name="Wait", instance_id="w", input=b"1"))
        assert made.instance_id == "w"
        assert await no(runtime.start(rt.StartWorkflowRequest(instance_id="w"))) == "INVALID_ARGUMENT"
        assert (
            await no(runtime.start(rt.StartWorkflowRequest(workflow_name="W", instance_id="a.b"))) == "INVALID_ARGUMENT"
        )
        late = rt.StartWorkflowRequest(workflow_name="W", options={"dapr.workflow.start_time": "soon"})
        assert await no(runtime.start(late)) == "INTERNAL"
        for bad in (b'"caf\xe9"', b"\xff"):  # no text: not taken with signs in the place of what is wrong
            assert await no(runtime.start(rt.StartWorkflowRequest(workflow_name="W", input=bad))) == "INVALID_ARGUMENT"
            event = rt.RaiseEventWorkflowRequest(instance_id="w", event_name="go", event_data=bad)
            assert await no(runtime.raise_event(event)) == "INVALID_ARGUMENT"
        assert await no(runtime.get(rt.GetWorkflowRequest())) == "INVALID_ARGUMENT"
        nobody = await runtime.get(rt.GetWorkflowRequest(instance_id="nobody"))
        assert nobody == rt.GetWorkflowResponse(instance_id="nobody")
        await runtime.raise_event(rt.RaiseEventWorkflowRequest(instance_id="w", event_name="go", event_data=b"7"))
        await room.status("w", "COMPLETED")
        got = await runtime.get(rt.GetWorkflowRequest(instance_id="w"))
        assert (got.runtime_status, got.properties["dapr.workflow.output"]) == ("COMPLETED", "7")
        assert await no(runtime.pause(rt.PauseWorkflowRequest(instance_id="nobody"))) == "INTERNAL"
        assert await no(runtime.purge(rt.PurgeWorkflowRequest(instance_id="nobody"))) == "NOT_FOUND"
        await runtime.purge(rt.PurgeWorkflowRequest(instance_id="w"))
        about = await runtime.get_metadata(rt.GetMetadataRequest())
        assert (about.id, about.workflows.connected_workers) == ("wfctl", 1)

    play(tmp_path, scenario)


def test_retention(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        room.worker()
        hub = Hub(room.gateway.service)
        for name, instance_id in (("Quick", "q"), ("Fail", "f"), ("Wait", "w")):
            await start(hub, name, instance_id)
        for instance_id in ("q", "f"):
            await ended(hub, instance_id)
        db = database.open_store(tmp_path / "store.db")
        now = datetime.now(timezone.utc)

        def gone(retention: Retention, later: timedelta) -> int:
            return len(expired(db, retention, now + later))

        day = timedelta(days=1)
        assert gone(Retention(), 1000 * day) == 0
        assert gone(Retention(completed=day), day / 2) == 0
        assert gone(Retention(completed=day), 2 * day) == 1
        assert gone(Retention(completed=10 * day, any=day), 2 * day) == 1
        assert gone(Retention(any=day), 2 * day) == 2
        assert Retention(completed=day, any=2 * day).shortest == day
        db.close()

    play(tmp_path, scenario)
