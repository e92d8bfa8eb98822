"""All that can be asked of an instance, on a real sidecar: over HTTP (and gRPC for the rest), and over gRPC alone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
from live_dapr import Daprd, until

from wfctl import errors
from wfctl.client.sidecar.workflows import SidecarWorkflows
from wfctl.model import events as ev
from wfctl.model.instance import Filter, IfExists, Instance, RerunRequest, Sort, StartRequest
from wfctl.model.status import Status

VERSIONS = ["v1.0", "v1.0-beta1", "v1.0-alpha1"]


@pytest.fixture(params=["http", "grpc"])
def target(request: pytest.FixtureRequest, orders: Daprd) -> Iterator[SidecarWorkflows]:
    opened = orders.open(by=request.param)
    yield opened
    opened.close()


@pytest.fixture
def name() -> str:
    return f"t{uuid.uuid4().hex[:12]}"


def reached(target: SidecarWorkflows, instance_id: str, *statuses: Status) -> Instance:
    def look() -> Instance | None:
        found = target.get(instance_id)
        return found if found.status in statuses else None

    return until(look)


def waiting(target: SidecarWorkflows, instance_id: str, kind: str = "event") -> Instance:
    def look() -> Instance | None:
        found = target.get(instance_id)
        return found if any(each.kind == kind for each in found.waiting_for) else None

    return until(look)


def test_start_to_end(target: SidecarWorkflows, name: str) -> None:
    assert target.start(StartRequest("chain", name, '"x"')) == name
    found = reached(target, name, Status.COMPLETED)
    assert (found.name, found.input, found.output) == ("chain", '"x"', '["hi x0", "hi x1", "hi x2"]')
    assert found.created_at is not None
    assert found.completed_at is not None
    assert found.created_at <= found.completed_at
    assert (found.failure, found.waiting_for) == (None, ())


def test_an_id_is_made_where_none_is_given(target: SidecarWorkflows) -> None:
    instance_id = target.start(StartRequest("quick", input="1"))
    assert uuid.UUID(instance_id)
    assert reached(target, instance_id, Status.COMPLETED).output == '{"got": 1}'


@pytest.mark.parametrize("version", VERSIONS)
def test_the_three_http_versions(orders: Daprd, name: str, version: str) -> None:
    target = orders.open(api_version=version, grpc="127.0.0.1:1")
    try:
        target.start(StartRequest("wait_go", name, '"x"'))
        target.pause(name)
        assert target.get(name, payloads=False).status is Status.SUSPENDED
        target.resume(name)
        target.raise_event(name, "go", '{"ok": true}')
        assert until(lambda: target.get(name, payloads=False).status.terminal)
        assert target.get(name).output == '["hi x", {"ok": true}]'
        assert target.purge(name) == 1
    finally:
        target.close()


def test_event_with_falsy_data_arrives(target: SidecarWorkflows, name: str) -> None:
    target.start(StartRequest("wait_go", name, '"x"'))
    waiting(target, name)
    target.raise_event(name, "GO", "0")
    assert reached(target, name, Status.COMPLETED).output == '["hi x", 0]'


def test_what_a_live_one_waits_for(target: SidecarWorkflows, name: str) -> None:
    target.start(StartRequest("wait_go", name, '"x"'))
    found = waiting(target, name)
    assert [(each.kind, each.name) for each in found.waiting_for] == [("event", "go")]
    assert found.custom_status == "waiting"
    target.pause(name, reason="lunch")
    found = reached(target, name, Status.SUSPENDED)
    assert [each.kind for each in found.waiting_for] == ["resume", "event"]
    target.resume(name, reason="back")
    reasons = [event.reason for event in target.history(name) if isinstance(event, ev.ExecutionSuspended)]
    assert reasons == ["lunch"]
    target.terminate(name)


def test_pausing_twice_is_no_error_and_harms_nobody(target: SidecarWorkflows, name: str) -> None:
    target.start(StartRequest("wait_go", name, '"x"'))
    waiting(target, name)
    for _ in range(3):
        target.pause(name)
    assert len([event for event in target.history(name) if isinstance(event, ev.ExecutionSuspended)]) == 1
    target.resume(name)
    assert target.get(name).status is Status.RUNNING
    with pytest.raises(errors.WrongState, match="not SUSPENDED"):
        target.resume(name)
    target.raise_event(name, "go")
    assert reached(target, name, Status.COMPLETED, Status.FAILED).status is Status.COMPLETED


def test_a_failure(target: SidecarWorkflows, name: str) -> None:
    target.start(StartRequest("failing", name, '"luck"'))
    found = reached(target, name, Status.FAILED)
    assert found.failure is not None
    assert "bad luck" in found.failure.message
    assert found.output is None


def test_an_unknown_workflow_fails(target: SidecarWorkflows, name: str) -> None:
    target.start(StartRequest("nobody_knows", name))
    assert reached(target, name, Status.FAILED).failure is not None


def test_terminate_with_output(target: SidecarWorkflows, name: str) -> None:
    target.start(StartRequest("sleeper", name))
    waiting(target, name, "timer")
    target.terminate(name, output='{"why": "lunch"}')
    found = target.get(name)
    assert (found.status, found.output) == (Status.TERMINATED, '{"why": "lunch"}')


def test_children(target: SidecarWorkflows, name: str) -> None:
    target.start(StartRequest("parent", name, '"x"'))
    found = waiting(target, name, "child")
    child = found.waiting_for[0].instance_id
    assert child == f"{name}:0001"
    waiting(target, child)
    assert [row.id for row in target.list(Filter(parent_id=name))] == [child]
    assert target.get(child).parent_id == name
    with pytest.raises(errors.WrongState):
        target.purge(name)
    target.terminate(name)
    reached(target, child, Status.TERMINATED)
    with pytest.raises(errors.WrongState, match="child workflow"):
        target.rerun(RerunRequest(child, 1))
    assert target.purge(name) == 2
    for instance_id in (name, child):
        with pytest.raises(errors.NotFound):
            target.get(instance_id)


def test_one_alone(target: SidecarWorkflows, name: str) -> None:
    target.start(StartRequest("parent", name, '"x"'))
    child = waiting(target, name, "child").waiting_for[0].instance_id
    assert child is not None
    waiting(target, child)
    target.terminate(name, recursive=False)
    assert target.get(child).status is Status.RUNNING
    with pytest.raises(errors.WrongState, match="descendant"):
        target.purge(name)
    assert target.purge(name, recursive=False) == 1
    assert target.purge(child, force=True) == 1


def test_missing(target: SidecarWorkflows) -> None:
    for ask in (
        lambda: target.get("nope"),
        lambda: target.history("nope"),
        lambda: target.pause("nope"),
        lambda: target.resume("nope"),
        lambda: target.raise_event("nope", "go"),
        lambda: target.terminate("nope"),
        lambda: target.purge("nope"),
        lambda: target.purge("nope", force=True, recursive=False),  # asked of a sidecar, this ends it
        lambda: target.rerun(RerunRequest("nope", 1)),
        lambda: list(target.list(Filter(after="nope"))),
    ):
        with pytest.raises(errors.NotFound) as caught:
            ask()
        assert caught.value.instance_id == "nope"


def test_finished(target: SidecarWorkflows, name: str) -> None:
    target.start(StartRequest("quick", name, "1"))
    reached(target, name, Status.COMPLETED)
    for ask in (
        lambda: target.pause(name),
        lambda: target.resume(name),
        lambda: target.raise_event(name, "go"),
        lambda: target.terminate(name),
    ):
        with pytest.raises(errors.WrongState, match="finished"):
            ask()


def test_ids_that_are_taken(target: SidecarWorkflows, name: str) -> None:
    target.start(StartRequest("wait_go", name, '"x"'))
    for policy in (IfExists.FAIL, IfExists.REPLACE):
        with pytest.raises(errors.Conflict, match="active workflow"):
            target.start(StartRequest("wait_go", name, if_exists=policy))
    assert target.start(StartRequest("wait_go", name, if_exists=IfExists.USE)) == name
    target.terminate(name)
    with pytest.raises(errors.Conflict, match="finished workflow"):
        target.start(StartRequest("quick", name))
    assert target.start(StartRequest("quick", name, "2", if_exists=IfExists.REPLACE)) == name
    assert reached(target, name, Status.COMPLETED).output == '{"got": 2}'


def test_an_id_that_is_taken_at_the_last_moment(orders: Daprd, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sidecar itself finds the duplicate, and says 500."""
    target = orders.open()
    try:
        target.start(StartRequest("wait_go", name, '"x"'))
        monkeypatch.setattr(target, "_taken", lambda *_: False)
        with pytest.raises(errors.Conflict, match="already exists"):
            target.start(StartRequest("wait_go", name, '"x"'))
        target.terminate(name)
    finally:
        target.close()


@pytest.mark.parametrize("bad", ["a b", "a.b", "x" * 65, "a||b", "a/b"])
def test_ids_that_are_none(target: SidecarWorkflows, bad: str) -> None:
    with pytest.raises(errors.InvalidInput):
        target.start(StartRequest("quick", bad))


def test_unicode_ids(target: SidecarWorkflows, name: str) -> None:
    instance_id = f"é中-{name}"
    assert target.start(StartRequest("quick", instance_id, "1")) == instance_id
    reached(target, instance_id, Status.COMPLETED)


def test_a_delayed_start(target: SidecarWorkflows, name: str) -> None:
    target.start(StartRequest("quick", name, "1", datetime.now(timezone.utc) + timedelta(hours=1)))
    found = target.get(name)
    assert (found.status, found.name, found.created_at) == (Status.PENDING, None, None)
    assert name in [row.id for row in target.list(Filter(statuses=frozenset({Status.PENDING})))]
    with pytest.raises(errors.WrongState):
        target.purge(name)
    assert target.purge(name, force=True) == 1
    with pytest.raises(errors.NotFound):
        target.get(name)


def test_a_start_in_a_moment(target: SidecarWorkflows, name: str) -> None:
    at = datetime.now(timezone.utc) + timedelta(seconds=1)
    target.start(StartRequest("quick", name, "1", at))
    reached(target, name, Status.COMPLETED)
    started = [event for event in target.history(name) if isinstance(event, ev.WorkflowStarted)]
    assert started[0].timestamp >= at - timedelta(milliseconds=50)


def test_history(target: SidecarWorkflows, name: str) -> None:
    target.start(StartRequest("wait_go", name, '"x"'))
    waiting(target, name)
    target.raise_event(name, "go", "1")
    reached(target, name, Status.COMPLETED)
    events = target.history(name)
    assert [type(event).__name__ for event in events if not isinstance(event, ev.WorkflowStarted)] == [
        "ExecutionStarted",
        "TaskScheduled",
        "TaskCompleted",
        "TimerCreated",
        "EventRaised",
        "ExecutionCompleted",
    ]
    timer = next(event for event in events if isinstance(event, ev.TimerCreated))
    assert (timer.fire_at, timer.origin, timer.subject) == (ev.NEVER, ev.Origin.EXTERNAL_EVENT, "go")


def test_rerun(target: SidecarWorkflows, name: str) -> None:
    target.start(StartRequest("chain", name, '"x"'))
    with pytest.raises(errors.InvalidInput):
        target.rerun(RerunRequest(name, 1, name))
    reached(target, name, Status.COMPLETED)
    new_id = target.rerun(RerunRequest(name, 2, None, '"other"', True))
    found = reached(target, new_id, Status.COMPLETED)
    assert found.output == '["hi x0", "hi other", "hi x2"]'
    with pytest.raises(errors.Conflict) as caught:
        target.rerun(RerunRequest(name, 2, new_id))
    assert new_id in caught.value.message
    for event in (0, 99):
        with pytest.raises(errors.NotFound):
            target.rerun(RerunRequest(name, event))


def test_rerun_of_a_live_one(target: SidecarWorkflows, name: str) -> None:
    target.start(StartRequest("wait_go", name, '"x"'))
    with pytest.raises(errors.WrongState, match="terminal"):
        target.rerun(RerunRequest(name, 1))
    target.terminate(name)


def test_list(target: SidecarWorkflows, name: str) -> None:
    started = [target.start(StartRequest("quick", f"{name}-{number}", str(number))) for number in range(5)]
    target.start(StartRequest("wait_go", f"{name}-live", '"x"'))
    for instance_id in started:
        reached(target, instance_id, Status.COMPLETED)
    waiting(target, f"{name}-live")  # before its first turn Dapr does not know when it was created
    mine = Filter(id_prefix=f"{name}-")
    assert [row.id for row in target.list(mine)] == [f"{name}-live", *reversed(started)]
    assert [row.id for row in target.list(Filter(id_prefix=f"{name}-", sort=Sort.ID, limit=2))] == started[:2]
    page = Filter(id_prefix=f"{name}-", sort=Sort.ID, limit=2, after=started[1])
    assert [row.id for row in target.list(page)] == started[2:4]
    assert [row.id for row in target.list(Filter(id_prefix=name, waiting_event="go"))] == [f"{name}-live"]
    counts = {(each.status, each.name): each.count for each in target.count(mine)}
    assert counts == {(Status.COMPLETED, "quick"): 5, (Status.RUNNING, "wait_go"): 1}
    full = next(iter(target.list(Filter(id_prefix=started[3]), payloads=True)))
    assert (full.input, full.output) == ("3", '{"got": 3}')
    target.terminate(f"{name}-live")
