"""The task hub over real gRPC: lists, what only gRPC can do, and what goes wrong there."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hub_fake import NOW, Hub, some
from limits import LIMIT_SECONDS

pytest.importorskip("grpc", reason="needs the extra grpc")

import grpc
from sidecar_fake import METADATA, Request, grpc_server, http_server, instance

from wfctl import errors
from wfctl.client.sidecar import connection, endpoint, workflows
from wfctl.client.sidecar.endpoint import Endpoint
from wfctl.client.sidecar.workflows import SidecarWorkflows, open_sidecar
from wfctl.model import events as ev
from wfctl.model.instance import Filter, Instance, RerunRequest, Sort, StartRequest
from wfctl.model.status import Status
from wfctl.wire.protos import runtime_pb2 as rt

SUPPORT = Path(__file__).parents[3] / "support"


@pytest.fixture(autouse=True)
def no_effects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing happens to the instances of a fake hub: an operation need not wait for its effect."""
    monkeypatch.setattr(workflows, "SETTLE_SECONDS", 0.1)


@contextlib.contextmanager
def sidecar(address: str, notes: list[str] | None = None, **fields: Any) -> Iterator[SidecarWorkflows]:
    fields = {"request_timeout": 5.0} | fields
    opened = open_sidecar(Endpoint(grpc=address, **fields), note=(notes if notes is not None else []).append)
    try:
        yield opened
    finally:
        opened.close()


def ids(rows: Iterator[Instance]) -> list[str]:
    return [row.id for row in rows]


def test_list_asks_page_by_page_and_many_at_once() -> None:
    hub = Hub(*some(300), page=70)
    hub.delay = 0.02
    with grpc_server(hub.handlers()) as address, sidecar(address) as target:
        rows = ids(target.list(Filter()))
    assert rows == [f"i{number:04}" for number in reversed(range(300))]
    assert len(hub.gets) == 300 + 300, "once to see all, once for the payloads"
    assert 8 < hub.most_at_once <= 32


def test_rows_come_before_the_last_is_there() -> None:
    hub = Hub(*some(100))
    with grpc_server(hub.handlers()) as address, sidecar(address) as target:
        rows = target.list(Filter(), payloads=False, waiting=False, in_order=False)
        first = next(rows)
        assert first.id.startswith("i")
        assert len(hub.gets) < 100
        rows.close()  # type: ignore[attr-defined]


def test_the_rows_within_the_limit_are_complete() -> None:
    failure = ev.Failure("ValueError", "no")
    hub = Hub(
        *some(40),
        Instance("bad", "W", Status.FAILED, NOW + timedelta(days=1), NOW, input="7", failure=failure),
        Instance("live", "W", Status.RUNNING, NOW + timedelta(days=2), NOW, custom_status="busy"),
    )
    hub.histories["live"] = [
        ev.ExecutionStarted(-1, NOW, "W", None, "live", "e", ev.Parent(1, "mother")),
        ev.TimerCreated(1, NOW, ev.NEVER, None, ev.Origin.EXTERNAL_EVENT, "go"),
    ]
    with grpc_server(hub.handlers()) as address, sidecar(address) as target:
        live, bad, last = target.list(Filter(limit=3))
        assert (live.custom_status, live.parent_id, live.waiting_for[0].name) == ("busy", "mother", "go")
        assert (bad.failure, bad.input, last.input) == (failure, "7", "1")
        hub.gets.clear()
        live, bad, last = target.list(Filter(limit=3), payloads=False)
        assert sorted(hub.gets) == sorted([*hub.instances, "bad"]), "each once, and this one for why it failed"
        assert (live.waiting_for[0].name, bad.failure, last.input) == ("go", failure, None)
        hub.vanishing.add("bad")
        assert ids(target.list(Filter(limit=3))) == ["live", "i0039"], "it vanished meanwhile"


def test_what_vanishes_meanwhile_is_left_out() -> None:
    hub = Hub(*some(5))
    hub.listed = [*hub.instances, "gone1", "gone2"]
    with grpc_server(hub.handlers()) as address, sidecar(address) as target:
        assert len(ids(target.list(Filter()))) == 5


def test_filters_are_applied_here() -> None:
    hub = Hub(*some(6), *some(4, Status.RUNNING, "live-"), Instance("other", "X", Status.FAILED, NOW, NOW))
    with grpc_server(hub.handlers()) as address, sidecar(address) as target:
        assert len(ids(target.list(Filter(statuses=frozenset({Status.RUNNING}))))) == 4
        assert ids(target.list(Filter(name="X"))) == ["other"]
        hub.gets.clear()
        assert ids(target.list(Filter(id_prefix="live-", sort=Sort.ID))) == [f"live-{n:04}" for n in range(4)]
        assert all(name.startswith("live-") for name in hub.gets), "the others are not even asked for"
        assert ids(target.list(Filter(created_after=NOW + timedelta(seconds=4), id_prefix="i"))) == ["i0005", "i0004"]
        assert ids(target.list(Filter(finished_before=NOW + timedelta(seconds=2), id_prefix="i"))) == ["i0000"]
        assert ids(target.list(Filter(id_prefix="i", limit=2))) == ["i0005", "i0004"]
        assert ids(target.list(Filter(id_prefix="i", limit=2, after="i0004"))) == ["i0003", "i0002"]
        with pytest.raises(errors.NotFound):
            ids(target.list(Filter(after="nope")))
        counts = {(count.status.name, count.name): count.count for count in target.count(Filter())}
    assert counts == {("COMPLETED", "W"): 6, ("RUNNING", "W"): 4, ("FAILED", "X"): 1}


def test_children_are_found_in_their_parents_history() -> None:
    hub = Hub(*some(3), Instance("p", "P", Status.RUNNING), Instance("p:0001", "C", Status.RUNNING))
    hub.histories["p"] = [
        ev.ChildWorkflowInstanceCreated(1, NOW, "p:0001", "C"),
        ev.ChildWorkflowInstanceCreated(2, NOW, "p:0002", "C"),
    ]
    with grpc_server(hub.handlers()) as address, sidecar(address) as target:
        (child,) = target.list(Filter(parent_id="p"))
        assert (child.id, child.parent_id) == ("p:0001", "p")
        assert ids(target.list(Filter(parent_id="nope"))) == []


def test_who_waits_for_an_event_is_read_from_histories() -> None:
    hub = Hub(*some(3), Instance("a", "W", Status.RUNNING), Instance("b", "W", Status.RUNNING))
    for name, event in (("a", "go"), ("b", "stop")):
        hub.histories[name] = [
            ev.WorkflowStarted(-1, NOW),
            ev.ExecutionStarted(-1, NOW, "W", None, name, "e"),
            ev.TimerCreated(1, NOW, ev.NEVER, None, ev.Origin.EXTERNAL_EVENT, event),
        ]
    with grpc_server(hub.handlers()) as address, sidecar(address) as target:
        (row,) = target.list(Filter(waiting_event="GO"))
    assert row.id == "a"
    assert row.waiting_for[0].name == "go"


def test_every_list_asks_again() -> None:
    """A finished instance may have been started again under its ID, by anybody."""
    hub = Hub(*some(3))
    finished, running = frozenset({Status.COMPLETED}), frozenset({Status.RUNNING})
    with grpc_server(hub.handlers()) as address:
        with sidecar(address) as target:
            assert len(list(target.list(Filter(statuses=finished)))) == 3
        hub.instances["i0001"] = Instance("i0001", "W", Status.RUNNING, NOW, NOW)
        with sidecar(address) as target:
            assert ids(target.list(Filter(statuses=finished), payloads=False)) == ["i0002", "i0000"]
            assert ids(target.list(Filter(statuses=running), payloads=False)) == ["i0001"]
            assert {one.status: one.count for one in target.count(Filter())} == {Status.COMPLETED: 2, Status.RUNNING: 1}


def test_parents_are_read_from_histories_many_at_a_time() -> None:
    hub = Hub(*some(90))
    for number in range(90):
        parent = ev.Parent(1, f"p{number}") if number % 3 else None
        name = f"i{number:04}"
        hub.histories[name] = [ev.WorkflowStarted(-1, NOW), ev.ExecutionStarted(-1, NOW, "W", None, name, "e", parent)]
    with grpc_server(hub.handlers()) as address, sidecar(address) as target:
        found = target.parents([*hub.instances, "gone", "gone:0001"])
    assert found == {f"i{number:04}": f"p{number}" for number in range(90) if number % 3}


def test_parents_where_histories_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the IDs that Dapr makes tell as much as they can; what else goes wrong is no answer."""
    names = ["a", "a:0001", "own"]
    hub = Hub()
    unproxied = hub.handlers() | {"GetInstanceHistory": failing(CODE.UNKNOWN, UNPROXIED)}
    broken = hub.handlers() | {"GetInstanceHistory": failing(CODE.UNKNOWN, "cannot unmarshal the history")}
    for handlers in (unproxied, broken):
        with grpc_server(handlers) as address, sidecar(address) as target:
            assert target.parents(names) == {"a:0001": "a"}
    away = hub.handlers() | {"GetInstanceHistory": failing(CODE.UNAVAILABLE, "gone")}
    with grpc_server(away) as address, sidecar(address) as target, pytest.raises(errors.Unreachable):
        target.parents(names)


def test_what_only_grpc_can_say_goes_over_grpc() -> None:
    hub = Hub(Instance("i1", "W", Status.RUNNING), Instance("i2", "W", Status.SUSPENDED), *some(1))
    notes: list[str] = []

    def answer(request: Request) -> tuple[int, Any]:
        if request.path.endswith("/metadata"):
            return 200, METADATA
        name = request.path.split("/")[-1]
        if request.method != "GET" or name not in hub.instances:
            return 404, {"errorCode": "ERR_INSTANCE_ID_NOT_FOUND", "message": ""}
        return 200, instance(name, hub.instances[name].status.name)

    with (
        http_server(answer) as server,
        grpc_server(hub.handlers()) as address,
        sidecar(address, notes, http=server.url) as target,
    ):
        later = NOW + timedelta(days=300)
        assert target.start(StartRequest("W", "i9", '"x"', later)) == "i9"
        target.pause("i1", reason="lunch")
        target.resume("i2", reason="back")
        target.terminate("i1", output='"done"')
        target.terminate("i1", recursive=False, reason="because")
        assert target.purge("i1", force=True) == 3
        assert target.purge("i0000", recursive=False) == 3
        assert target.rerun(RerunRequest("i0000", 2, "new", '"y"', True, "kid")) == "new"
        assert target.rerun(RerunRequest("i0000", 2, "new2", '"ignored"')) == "new2"
    start, pause, resume, terminate, alone, force, purge, rerun, plain = hub.seen
    assert (start.name, start.input.value, start.enforce_unique_instance_id) == ("W", '"x"', True)
    assert start.scheduled_start.seconds == int(later.timestamp())
    assert (pause.reason.value, resume.reason.value) == ("lunch", "back")
    assert (terminate.output.value, terminate.recursive, alone.recursive) == ('"done"', True, False)
    assert any("no place for the reason" in note for note in notes)
    assert (force.force, force.recursive, purge.recursive, purge.HasField("force")) == (True, True, False, False)
    assert (rerun.input.value, rerun.overwrite_input, rerun.new_child_instance_id) == ('"y"', True, "kid")
    assert (plain.HasField("input"), plain.overwrite_input) == (False, False)


def test_no_http_at_all() -> None:
    hub = Hub(Instance("i1", "W", Status.RUNNING, NOW, NOW, input="1"))
    with grpc_server(hub.handlers()) as address, sidecar(address) as target:
        assert target.get("i1").input == "1"
        assert target.get("i1", payloads=False).input is None
        target.pause("i1")
        target.raise_event("i1", "go", "0")
        target.terminate("i1")
        target.start(StartRequest("W"))
        with pytest.raises(errors.NotFound):
            target.get("nope")
        with pytest.raises(errors.WrongState):
            target.resume("i1")
        hub.workers = 0
        with pytest.raises(errors.Unreachable, match="no worker"):
            target.start(StartRequest("W"))
    assert [type(request).__name__ for request in hub.seen] == [
        "SuspendRequest",
        "RaiseEventRequest",
        "TerminateRequest",
        "CreateInstanceRequest",
    ]


def failing(code: Any, text: str) -> Any:
    def handle(request: Any, context: Any) -> Any:
        context.abort(code, text)

    return handle


CODE = grpc.StatusCode
FAILURES = [
    ("history", CODE.NOT_FOUND, "workflow instance 'i1' not found", errors.NotFound),
    ("history", CODE.UNAUTHENTICATED, "missing api token in request metadata", errors.NotAuthenticated),
    ("history", CODE.PERMISSION_DENIED, "access denied by workflow access policy", errors.NotPermitted),
    ("history", CODE.UNAVAILABLE, "going away", errors.Unreachable),
    ("history", CODE.RESOURCE_EXHAUSTED, "trying to send message larger than max", errors.InvalidInput),
    (
        "history",
        CODE.INTERNAL,
        "the state store is not configured to use the actor runtime. Have you",
        errors.Unsupported,
    ),
    ("history", CODE.INTERNAL, "signature verification failed", errors.WfctlError),
    ("list", CODE.UNKNOWN, "state store *x.Store does not support listing keys", errors.Unsupported),
    ("rerun", CODE.NOT_FOUND, "workflow instance does not exist with ID 'i1'", errors.NotFound),
    ("rerun", CODE.NOT_FOUND, "does not have history event with ID '5'", errors.NotFound),
    ("rerun", CODE.INVALID_ARGUMENT, "'i1' is not in a terminal state", errors.WrongState),
    ("rerun", CODE.INVALID_ARGUMENT, "'i1': cannot rerun from child-workflows", errors.WrongState),
    ("rerun", CODE.INVALID_ARGUMENT, "cannot write input to timer event '0'", errors.InvalidInput),
    ("rerun", CODE.ALREADY_EXISTS, "workflow 'new' has already been created", errors.Conflict),
    ("pause", CODE.UNKNOWN, "no such instance exists", errors.NotFound),
    ("pause", CODE.UNKNOWN, "workflow is stalled", errors.WrongState),
    ("pause", CODE.FAILED_PRECONDITION, "did not find address for actor 'x'", errors.Unreachable),
    ("purge", CODE.UNKNOWN, "failed to purge workflow state: orchestration has not yet completed", errors.WrongState),
    ("start", CODE.ALREADY_EXISTS, "an active workflow with ID 'i9' already exists", errors.Conflict),
    ("start", CODE.UNKNOWN, "an active workflow with ID 'i9' already exists", errors.Conflict),
    (
        "start",
        CODE.ALREADY_EXISTS,
        "cannot recreate workflow with ID 'i9': child workflow 'c': orchestration has not yet completed",
        errors.Conflict,
    ),
]
METHODS = {
    "history": "GetInstanceHistory",
    "list": "ListInstanceIDs",
    "rerun": "RerunWorkflowFromEvent",
    "pause": "SuspendInstance",
    "purge": "PurgeInstances",
    "start": "StartInstance",
}


def ask(target: SidecarWorkflows, operation: str) -> Any:
    if operation == "list":
        return list(target.list(Filter()))
    if operation == "rerun":
        return target.rerun(RerunRequest("i1", 1, "new"))
    if operation == "start":
        return target.start(StartRequest("W", "i9"))
    return getattr(target, operation)("done" if operation == "purge" else "i1")


@pytest.mark.parametrize(("operation", "code", "text", "error"), FAILURES, ids=lambda value: str(value)[:40])
def test_what_the_task_hub_says_no_with(operation: str, code: Any, text: str, error: type[errors.WfctlError]) -> None:
    hub = Hub(Instance("i1", "W", Status.RUNNING), Instance("done", "W", Status.COMPLETED))
    handlers = hub.handlers() | {METHODS[operation]: failing(code, text)}
    with grpc_server(handlers) as address, sidecar(address) as target, pytest.raises(errors.WfctlError) as caught:
        ask(target, operation)
    assert type(caught.value) is error, caught.value
    assert "\n" not in caught.value.message


UNPROXIED = "failed to proxy request: required metadata dapr-callee-app-id or dapr-app-id not found"


@pytest.mark.parametrize(
    ("operation", "version"), [("history", "1.17"), ("list", "1.17"), ("rerun", "1.16")], ids=lambda value: value
)
@pytest.mark.parametrize("proxies", [False, True], ids=["unimplemented", "proxies"])
def test_a_runtime_that_lacks_a_call(operation: str, version: str, proxies: bool) -> None:
    """A real one takes what it does not know for a call to another app, and misses the name of that app."""
    hub = Hub(Instance("i1", "W", Status.RUNNING))
    handlers = hub.handlers()
    del handlers[METHODS[operation]]
    if proxies:
        handlers[METHODS[operation]] = failing(CODE.UNKNOWN, UNPROXIED)
    with grpc_server(handlers) as address, sidecar(address) as target, pytest.raises(errors.Unsupported) as caught:
        ask(target, operation)
    assert f"{operation} needs Dapr {version}" in caught.value.message
    assert "is 1.18.3" in caught.value.message, "what it is, it says itself"


def test_a_purge_that_is_not_forced_although_asked_for() -> None:
    """Before 1.17 the runtime does not know the field, and refuses as ever."""
    hub = Hub(Instance("i1", "W", Status.RUNNING))
    no = failing(CODE.UNKNOWN, "failed to purge workflow state: orchestration has not yet completed")
    with (
        grpc_server(hub.handlers() | {"PurgeInstances": no}) as address,
        sidecar(address) as target,
        pytest.raises(errors.Unsupported, match=r"needs Dapr 1\.17"),
    ):
        target.purge("i1", force=True)


def test_a_call_without_an_answer_ends() -> None:
    let_go = threading.Event()
    hub = Hub()
    handlers = hub.handlers() | {"GetInstanceHistory": lambda request, context: let_go.wait(LIMIT_SECONDS)}
    with grpc_server(handlers) as address, sidecar(address, request_timeout=0.3) as target:
        with pytest.raises(errors.TimedOut):
            target.history("i1")
        let_go.set()


@pytest.mark.parametrize("when", ["in one call", "in the middle of a list"])
def test_a_reset_connection(when: str) -> None:
    """A server that dies with calls in flight: its process is killed, so that the connection is reset."""
    code = (
        "import sys, os, signal, threading; sys.path[:0] = sys.argv[1:]\n"
        "from sidecar_fake import grpc_server\n"
        "from hub_fake import Hub, some\n"
        "hub = Hub(*some(400)); hub.delay = 0.005\n"
        "def history(request, context):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "def get(request, context, n=[0]):\n"
        "    n[0] += 1\n"
        "    if n[0] > 50: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return Hub.get(hub, request, context)\n"
        "with grpc_server(hub.handlers() | {'GetInstanceHistory': history, 'GetInstance': get}) as address:\n"
        "    print(address, flush=True); threading.Event().wait(60)\n"
    )
    server = subprocess.Popen([sys.executable, "-c", code, str(SUPPORT)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        assert address
        with sidecar(address) as target, pytest.raises(errors.Unreachable) as caught:
            target.history("i1") if when == "in one call" else list(target.list(Filter()))
        assert "\n" not in caught.value.message
    finally:
        server.kill()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()


def test_the_token_goes_along_and_is_never_shown() -> None:
    seen: list[Any] = []

    def metadata(request: Any, context: Any) -> Any:
        seen.append(dict(context.invocation_metadata()).get("dapr-api-token"))
        return rt.GetMetadataResponse(id="orders", runtime_version="1.18.3")

    with grpc_server({"GetMetadata": metadata, "Hello": lambda r, c: r}) as address:
        endpoint = Endpoint(grpc=address, token="s3cret")
        assert "s3cret" not in repr(endpoint)
        with sidecar(address, token="s3cret") as target:
            assert target._sidecar.metadata().app_id == "orders"
    assert seen == ["s3cret"]


def test_another_apps_instances() -> None:
    hub = Hub(Instance("i1", "W", Status.RUNNING))
    routed: list[str] = []

    def get(request: Any, context: Any) -> Any:
        routed.append(request.router.target_app_id)
        return hub.get(request, context)

    def metadata(version: str) -> Any:
        return lambda request, context: rt.GetMetadataResponse(id="orders", runtime_version=version)

    for version in ("1.18.3", "1.19.0"):
        handlers = hub.handlers() | {"GetInstance": get, "GetMetadata": metadata(version)}
        with grpc_server(handlers) as address:
            with sidecar(address, app_id="orders") as target:
                target.get("i1", payloads=False)
            assert routed.pop() == "", "its own app needs no name"
            with sidecar(address, app_id="billing") as target:
                if version == "1.18.3":
                    with pytest.raises(errors.Unsupported, match="cannot reach 'billing'"):
                        target.get("i1")
                    continue
                assert target.get("i1").id == "i1"
                assert routed.pop() == "billing"
                with pytest.raises(errors.InvalidInput, match="own app only"):
                    target.history("i1")


def test_a_guessed_port_that_is_another_sidecars(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two sidecars on one machine: the default port belongs to one of them."""
    from wfctl.client.sidecar import endpoint

    for app_id in ("billing", "orders"):
        with (
            http_server(lambda request: (200, METADATA | {"id": app_id})) as server,  # noqa: B023
            grpc_server(Hub(*some(2)).handlers()) as address,
        ):
            monkeypatch.setattr(endpoint, "GRPC_PORT", int(address.rpartition(":")[2]))
            opened = open_sidecar(Endpoint(http=server.url), note=print)
            try:
                if app_id == "orders":
                    assert len(ids(opened.list(Filter()))) == 2
                else:
                    with pytest.raises(errors.Unsupported, match="there is that of 'orders'"):
                        ids(opened.list(Filter()))
            finally:
                opened.close()


class Moving:
    """A `wfctl serve` as the client sees it: its metadata say where its gRPC is, over HTTP and over gRPC."""

    def __init__(self) -> None:
        self.hub = Hub(*some(2))
        self.extended: dict[str, str] = {"wfctlVersion": "1"}

    def at(self, address: str, name: str) -> None:
        self.extended = {"wfctlVersion": "1", "wfctlGrpcPort": address.rpartition(":")[2], "wfctlServer": name}

    def answer(self, request: Request) -> tuple[int, Any]:
        if request.path.endswith("/metadata"):
            return 200, METADATA | {"extended": self.extended}
        found = self.hub.instances.get(request.path.split("/")[-1])
        return (404, {}) if found is None else (200, instance(found.id, found.status.name))

    def handlers(self) -> dict[str, Any]:
        return self.hub.handlers() | {
            "GetMetadata": lambda request, context: rt.GetMetadataResponse(
                id="orders", runtime_version="1.18.3", extended=self.extended
            )
        }


@contextlib.contextmanager
def by_http_alone(url: str) -> Iterator[SidecarWorkflows]:
    opened = open_sidecar(Endpoint(http=url, request_timeout=5.0), note=print)
    try:
        yield opened
    finally:
        opened.close()


def test_a_server_that_says_where_its_grpc_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wfctl.client.sidecar.http_api.METADATA_AGE", 600.0)
    serve = Moving()
    with http_server(serve.answer) as server, by_http_alone(server.url) as target:
        with grpc_server(serve.handlers()) as address:
            serve.at(address, "first")
            assert len(ids(target.list(Filter()))) == 2
            assert target.get("i0000").id == "i0000"
            assert len(ids(target.list(Filter()))) == 2
            assert [line for line in server.lines if "metadata" in line] == ["GET /v1.0/metadata"]
        with pytest.raises(errors.Unreachable):
            ids(target.list(Filter()))
        with grpc_server(serve.handlers()) as address:  # it comes back, on another port
            serve.at(address, "second")
            assert len(ids(target.list(Filter()))) == 2


def test_a_server_that_moved_within_the_age_of_its_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    """The metadata were asked for before, for something that needs no gRPC."""
    monkeypatch.setattr("wfctl.client.sidecar.http_api.METADATA_AGE", 600.0)
    serve = Moving()
    with http_server(serve.answer) as server, by_http_alone(server.url) as target:
        with grpc_server(serve.handlers()) as address:
            serve.at(address, "first")
            assert target._sidecar.metadata().app_id == "orders"
        with grpc_server(serve.handlers()) as address:
            serve.at(address, "second")
            assert len(ids(target.list(Filter()))) == 2


def test_a_named_grpc_port_is_not_asked_for() -> None:
    serve = Moving()
    with http_server(serve.answer) as server, grpc_server(serve.handlers()) as address:
        serve.extended["wfctlGrpcPort"] = "1"
        with sidecar(address, http=server.url) as target:
            assert len(ids(target.list(Filter()))) == 2
        assert not server.lines


def test_the_port_that_is_told_may_be_another_servers_from_here() -> None:
    """A forwarded port: over there it is its own, here that of another server with the same app ID."""
    here, there = Moving(), Moving()
    with http_server(there.answer) as server, grpc_server(here.handlers()) as address:
        here.at(address, "here")
        there.at(address, "there")
        with by_http_alone(server.url) as target, pytest.raises(errors.Unsupported, match="there is another"):
            ids(target.list(Filter()))


@pytest.mark.parametrize("port", ["", "x", "0", "65536", "-1", "²"])
def test_a_port_that_is_none_counts_as_not_told(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from wfctl.client.sidecar import endpoint

    serve = Moving()
    serve.extended["wfctlGrpcPort"] = port
    with http_server(serve.answer) as server, grpc_server(serve.handlers()) as address:
        monkeypatch.setattr(endpoint, "GRPC_PORT", int(address.rpartition(":")[2]))
        with by_http_alone(server.url) as target:
            assert len(ids(target.list(Filter()))) == 2


@pytest.mark.parametrize("told", [True, False], ids=["told", "guessed"])
def test_a_get_of_a_live_instance_makes_no_needless_round_trip(told: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The port is tried once, and each call is made once."""
    connected: list[Any] = []
    real = socket.create_connection
    monkeypatch.setattr(
        connection.socket,  # type: ignore[attr-defined]
        "create_connection",
        lambda at, *rest, **more: (connected.append(at), real(at, *rest, **more))[1],  # type: ignore[func-returns-value]
    )
    hub = Hub()
    hub.histories["i1"] = [ev.ExecutionStarted(-1, NOW, "W", None, "i1", "e1")]
    calls: list[str] = []

    def counted(name: str, handle: Any) -> Any:
        return lambda request, context: (calls.append(name), handle(request, context))[1]  # type: ignore[func-returns-value]

    handlers = {name: counted(name, handle) for name, handle in hub.handlers().items()}

    def answer(request: Request) -> tuple[int, Any]:
        return (200, METADATA) if "metadata" in request.path else (200, instance("i1"))

    with grpc_server(handlers) as address, http_server(answer) as server:
        port = int(address.rpartition(":")[2])
        monkeypatch.setattr(endpoint, "GRPC_PORT", port)
        with contextlib.closing(
            open_sidecar(Endpoint(http=server.url, grpc=address if told else None), note=print)
        ) as target:
            assert target.get("i1").id == "i1"
    assert [at[1] for at in connected].count(port) == 1
    assert calls == ["Hello" if told else "GetMetadata", "GetInstanceHistory"]
    assert len(server.lines) == (1 if told else 2)


def test_get_over_http_alone_loads_no_grpc() -> None:
    """Neither for a finished instance, nor for a live one where no gRPC port answers."""
    code = (
        "import sys\nbefore = set(sys.modules)\n"  # what measures coverage has an SQLite file of its own
        "from wfctl.client.sidecar.endpoint import Endpoint\n"
        "from wfctl.client.sidecar.workflows import open_sidecar\n"
        "target = open_sidecar(Endpoint(http=sys.argv[1], grpc=sys.argv[2]), note=print)\n"
        "print(target.get('i1').status.name, target.get('i2').status.name)\n"
        "print([name for name in ('grpc', 'google.protobuf', 'sqlite3') if name in sys.modules.keys() - before])\n"
    )

    def answer(request: Request) -> tuple[int, Any]:
        return 200, instance("i1", "COMPLETED" if request.path.endswith("i1") else "RUNNING")

    with http_server(answer) as server:
        done = subprocess.run(
            [sys.executable, "-c", code, server.url, "127.0.0.1:1"], capture_output=True, text=True, check=True
        )
    assert done.stdout.splitlines() == ["COMPLETED RUNNING", "[]"]
