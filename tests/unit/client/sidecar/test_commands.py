"""What goes wrong with a sidecar, as a user of the commands sees it: one line, the right exit status, no traceback."""

from __future__ import annotations

import io
import json
import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sidecar_fake import METADATA, MISSING, Request, free_port, grpc_server, http_server, instance, raw_server

from wfctl.cli.main import main

Run = Callable[..., tuple[int, str, str]]
HELD = 60.0  # seconds after which a request that is held is answered after all
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    for name in list(os.environ):
        if name.startswith(("WFCTL_", "DAPR_")):
            monkeypatch.delenv(name)
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.chdir(tmp_path)

    def call(*argv: str, request_timeout: str = "60s") -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.StringIO())
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            status = main([*argv, "--request-timeout", request_timeout])
        return status, out.getvalue(), err.getvalue()

    return call


def assert_said(found: tuple[int, str, str], status: int, words: str) -> None:
    """One line, and at most one more on what to try."""
    assert found[:2] == (status, ""), found
    first, *rest = found[2].splitlines()
    assert first.startswith("wfctl: ")
    assert words in first
    assert len(rest) <= 1
    assert all(line.startswith("  try: ") for line in rest)
    assert "Traceback" not in found[2]


def send(data: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(data)


def test_refused(run: Run) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    for argv in (["get", "i1"], ["start", "W"], ["list"], ["history", "i1"], ["purge", "i1"], ["wait", "i1"]):
        assert_said(run(*argv, "-t", url, "--grpc-endpoint", str(free_port())), 5, "no sidecar answers at")


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (send(b""), "without an answer"),
        (send(OK + b'content-length: 100\r\n\r\n{"instanceID":'), "middle of the answer"),
        (send(OK + b"content-length: 5\r\n\r\nhello"), "not JSON"),
        (send(b"SSH-2.0-OpenSSH_9.6\r\n"), "is not a sidecar's"),
        (send(OK + b'transfer-encoding: chunked\r\n\r\nff\r\n{"inst'), "is not a sidecar's"),
    ],
    ids=["nothing", "half", "no JSON", "another protocol", "half a chunk"],
)
def test_answers_that_are_none(run: Run, reply: Callable[[socket.socket], None], words: str) -> None:
    with raw_server(reply) as url:
        assert_said(run("get", "i1", "-t", url), 5, words)


@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "until the end"])
def test_an_answer_without_end_is_not_taken_in(run: Run, chunked: bool) -> None:
    sent = 0

    def endless(connection: socket.socket) -> None:
        nonlocal sent
        connection.settimeout(60)
        connection.sendall(OK + (b"transfer-encoding: chunked\r\n\r\n" if chunked else b"connection: close\r\n\r\n"))
        data = bytes(1 << 20)
        chunk = b"%x\r\n%s\r\n" % (len(data), data) if chunked else data
        for _ in range(400):
            connection.sendall(chunk)
            sent += 1

    with raw_server(endless) as url:
        assert_said(run("get", "i1", "-t", url, request_timeout="10m"), 5, "is longer than 256 MiB")
    assert 250 <= sent < 400


def test_a_message_without_end_is_not_taken_in(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("grpc")
    from wfctl.client.sidecar import errors, grpc_api, grpc_channel
    from wfctl.wire.protos import taskhub_pb2 as pb

    def large(request: Any, context: Any) -> Any:
        state = pb.InstanceState(instance_id="i1", name="W", status=1, input={"value": "x" * (3 << 20)})  # type: ignore[arg-type]
        return pb.GetInstanceResponse(exists=True, state=state)

    for module in (grpc_channel, errors, grpc_api):
        monkeypatch.setattr(module, "MOST_BYTES", 2 << 20)
    with grpc_server({"Hello": lambda request, context: request, "GetInstance": large}) as address:
        found = run("get", "i1", "-t", "grpc", "--grpc-endpoint", address, request_timeout="10m")
    assert_said(found, 5, "is longer than 2 MiB")


@pytest.mark.parametrize(
    ("location", "tried"),
    [
        ("https://elsewhere.example:8443/v1.0?x=1", "--target https://elsewhere.example:8443"),
        ("/login", "check the address"),
        ("", "check the address"),
        ("http://[", "check the address"),
        ("http://a\x1b[31mb/", "check the address"),
    ],
)
@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect_is_not_followed(run: Run, status: int, location: str, tried: str) -> None:
    head = b"HTTP/1.1 %d Elsewhere\r\ncontent-length: 0\r\n" % status
    reply = head + (b"location: %s\r\n" % location.encode() if location else b"") + b"\r\n"
    with raw_server(send(reply)) as url:
        for command in (["get", "i1"], ["start", "W", "--id", "i1"], ["wait", "i1"]):
            found = run(*command, "-t", url, "--grpc-endpoint", str(free_port()), request_timeout="60s")
            assert_said(found, 5, "")
            assert tried in found[2]
            assert "\x1b" not in found[2]
            # httpx itself refuses an address that is none.
            assert f"(HTTP status {status}), as no sidecar does" in found[2] or "Invalid URL in location" in found[2]
        code, out, _ = run("doctor", "-t", url, "-o", "json")
    assert code == 5
    assert "location" in (detail := json.loads(out)[0]["detail"]) or "redirects" in detail


def test_slow(run: Run) -> None:
    let_go = threading.Event()
    with raw_server(lambda connection: let_go.wait(HELD) and None) as url:  # type: ignore[arg-type]
        assert_said(run("get", "i1", "-t", url, request_timeout="0.5s"), 124, "within 0.5 s")
        let_go.set()


@pytest.mark.parametrize(
    "command", [["start", "W", "--id", "i1", "--wait"], ["wait", "i1"], ["result", "i1", "--wait"]]
)
def test_the_time_out_holds_for_a_request_too(run: Run, command: list[str]) -> None:
    """Whatever the request itself may take: here ten minutes."""
    over = threading.Event()

    def held(request: Request) -> tuple[int, Any]:
        if request.path == "/v1.0/metadata":
            return 200, METADATA
        if command[0] == "start" and request.method == "GET":
            return MISSING
        over.wait(HELD)
        return 500, b"held for so long"

    with http_server(held) as server:
        url = ("-t", server.url, "--grpc-endpoint", str(free_port()))
        status, _, err = run(*command, "--timeout", "50ms", *url, request_timeout="10m")
        over.set()
    assert (status, "no answer from" in err) == (124, True), err
    if command[0] == "start":
        assert "whether 'i1' was started is not known" in err


def test_the_time_out_holds_for_a_request_over_grpc_too(run: Run) -> None:
    pytest.importorskip("grpc")
    from wfctl.wire.protos import runtime_pb2 as rt
    from wfctl.wire.protos import taskhub_pb2 as pb

    over = threading.Event()

    def held(request: Any, context: Any) -> Any:
        over.wait(HELD)
        return pb.CreateInstanceResponse(instance_id="i1")

    handlers = {
        "Hello": lambda request, context: request,
        "GetMetadata": lambda request, context: rt.GetMetadataResponse(id="orders", workflows={"connected_workers": 1}),
        "GetInstance": lambda request, context: pb.GetInstanceResponse(exists=False),
        "StartInstance": held,
    }
    with grpc_server(handlers) as address:
        words = ("start", "W", "--id", "i1", "--wait", "--timeout", "50ms", "-t", "grpc", "--grpc-endpoint", address)
        status, _, err = run(*words, request_timeout="10m")
        over.set()
    assert (status, "whether 'i1' was started is not known" in err) == (124, True), err


@pytest.mark.parametrize(
    "command", [["wait", "i1"], ["result", "i1", "--wait"], ["start", "W", "--id", "i1", "--wait"]]
)
def test_a_wait_goes_on_when_the_sidecar_comes_back(run: Run, command: list[str]) -> None:
    """What is seen while one restarts: no service, a connection that breaks, a runtime that is not there yet."""
    running, done = (200, instance("i1")), (200, instance("i1", "COMPLETED", output="42"))
    looks = [running, (503, b""), (200, b'{"instanceID":'), (404, b"404 page not found"), running, (500, b"oh"), done]
    if command[0] == "start":
        looks = [MISSING, *looks[1:]]

    def answer(request: Request) -> tuple[int, Any]:
        if request.path == "/v1.0/metadata":
            return 200, METADATA
        if request.method == "POST":
            return 202, {"instanceID": "i1"}
        return looks.pop(0) if len(looks) > 1 else looks[0]

    with http_server(answer) as server:
        status, _, err = run(*command, "--timeout", "120s", "-t", server.url, "--grpc-endpoint", str(free_port()))
    assert status == 0, err
    assert err.count("trying again") == 2, err
    assert "HTTP status 503; trying again" in err


def test_a_wait_ends_with_its_time_when_the_sidecar_stays_away(run: Run) -> None:
    looks = [(200, instance("i1"))]
    with http_server(lambda request: looks.pop() if looks else (503, b"")) as server:
        url = ("-t", server.url, "--grpc-endpoint", str(free_port()))
        status, out, err = run("wait", "i1", "--timeout", "1s", *url)
    assert (status, out) == (124, "")
    assert "wfctl: timed out: the sidecar at" in err
    assert "try: wfctl wait i1" in err


@pytest.mark.parametrize(
    ("answer", "status"), [(MISSING, 3), ((401, b"invalid api token"), 6)], ids=["purged", "another token"]
)
def test_a_wait_ends_with_what_no_restart_mends(run: Run, answer: tuple[int, Any], status: int) -> None:
    looks = [(200, instance("i1"))]
    with http_server(lambda request: looks.pop() if looks else answer) as server:
        found = run("wait", "i1", "--timeout", "120s", "-t", server.url, "--grpc-endpoint", str(free_port()))
    assert found[0] == status, found


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        ((401, b"invalid api token\n"), 6, "wants an API token"),
        ((403, {"errorCode": "ERR_PERMISSION_DENIED", "message": "no"}), 6, "does not permit get"),
        (MISSING, 3, "there is no instance 'i1'"),
        ((404, b"404 page not found"), 5, "does not serve Dapr's workflow API"),
        ((500, {"errorCode": "ERR_GET_WORKFLOW", "message": "the store is away"}), 1, "the store is away"),
        ((500, b"<html>oh</html>"), 1, "refused get: <html>oh</html>"),
        ((503, b""), 5, "HTTP status 503"),
    ],
    ids=["401", "403", "404", "404 of others", "500", "500 of others", "503"],
)
def test_statuses(run: Run, answer: tuple[int, Any], status: int, words: str) -> None:
    def reply(request: Request) -> tuple[int, Any]:
        return (200, METADATA) if request.path == "/v1.0/metadata" else answer

    with http_server(reply) as server:
        assert_said(run("get", "i1", "-t", server.url), status, words)
        code, out, err = run("get", "i1", "-t", server.url, "-o", "json")
    assert (code, out) == (status, "")
    assert words in json.loads(err)["error"]["message"]


def test_a_token_is_sent_and_never_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with http_server(lambda request: (401, b"invalid api token")) as server:
        monkeypatch.setenv("DAPR_API_TOKEN", "s3cret")
        _, _, err = run("get", "i1", "-t", server.url, "--debug")
        assert server.seen[0].headers["dapr-api-token"] == "s3cret"
        assert "s3cret" not in err
        for token in ("s3cret\nx: y", "s3cret\u4e2d"):
            monkeypatch.setenv("DAPR_API_TOKEN", token)
            code, _, err = run("get", "i1", "-t", server.url, "--debug")
            assert (code, "characters that cannot be sent" in err) == (2, True)
            assert "s3cret" not in err


def test_doctor_says_it_by_its_status(run: Run) -> None:
    def answer(request: Request) -> tuple[int, Any]:
        return (204, b"") if "healthz" in request.path else (401, b"invalid api token")

    with http_server(answer) as server:
        code, out, _ = run("doctor", "-t", server.url, "-o", "json")
    assert code == 6
    assert [check["level"] for check in json.loads(out)] == ["ok", "failure"]
    code, out, _ = run("doctor", "-t", f"http://127.0.0.1:{free_port()}", "-o", "json")
    assert code == 5


def test_a_broken_grpc_connection(run: Run) -> None:
    pytest.importorskip("grpc")

    def broken(connection: socket.socket) -> None:
        connection.sendall(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")  # a SETTINGS frame, then the end

    def answer(request: Request) -> tuple[int, Any]:
        return (200, METADATA) if "metadata" in request.path else (200, instance("i1"))

    with http_server(answer) as server, raw_server(broken) as url:
        port = url.rpartition(":")[2]
        code, out, err = run("history", "i1", "-t", server.url, "--grpc-endpoint", port)
        assert (code, out) in ((5, ""), (124, ""))
        assert "Traceback" not in err
        # What HTTP alone can do goes on without it.
        code, out, _ = run("get", "i1", "-t", server.url, "--grpc-endpoint", port, "-o", "json")
    assert code == 0
    assert json.loads(out)["runtimeStatus"] == "RUNNING"


def test_a_hiccup_after_an_accepted_operation_ends_no_batch(run: Run) -> None:
    ended: set[str] = set()
    hiccups = {"i1", "i2"}

    def answer(request: Request) -> tuple[int, Any]:
        if "metadata" in request.path:
            return 200, METADATA
        *_, name, last = request.path.split("/")
        if request.method == "POST":
            ended.add(name)
            return 202, b""
        if last in ended & hiccups:
            hiccups.remove(last)
            return 503, b""
        return 200, instance(last, "TERMINATED" if last in ended else "RUNNING")

    with http_server(answer) as server:
        code, out, err = run("terminate", "i1", "i2", "i3", "i4", "--concurrency", "1", "-t", server.url, "-o", "json")
    assert code == 0, err
    assert [done["outcome"] for done in json.loads(out)] == ["done"] * 4
    assert hiccups == set()


def test_logs_are_elsewhere(run: Run) -> None:
    def answer(request: Request) -> tuple[int, Any]:
        return (200, METADATA) if "metadata" in request.path else (200, instance("i1", "COMPLETED"))

    with http_server(answer) as server:
        found = run("logs", "i1", "-t", server.url)
    assert_said(found, 5, "keeps no logs: an app beside Dapr writes them to its own output")
    assert "kubectl logs" in found[2]


def test_a_dapr_1_16(run: Run) -> None:
    """It takes a call that it does not know for one to another app. What it knows works without the others."""
    grpc = pytest.importorskip("grpc")
    from wfctl.wire.protos import taskhub_pb2 as pb

    def unknown(request: Any, context: Any) -> Any:
        text = "failed to proxy request: required metadata dapr-callee-app-id or dapr-app-id not found"
        context.abort(grpc.StatusCode.UNKNOWN, text)

    def rerun(request: Any, context: Any) -> Any:
        if request.event_id != 3:
            missing = f"'i1' does not have history event with ID '{request.event_id}'"
            context.abort(grpc.StatusCode.NOT_FOUND, missing)
        return pb.RerunResponse(new_instance_id=request.new_instance_id)

    def answer(request: Request) -> tuple[int, Any]:
        old = METADATA | {"runtimeVersion": "1.16.19"}
        return (200, old) if "metadata" in request.path else (200, instance("i1", "COMPLETED"))

    handlers = {
        "Hello": lambda request, context: request,
        "GetInstance": lambda request, context: pb.GetInstanceResponse(exists=False),
        "ListInstanceIDs": unknown,
        "GetInstanceHistory": unknown,
        "RerunWorkflowFromEvent": rerun,
    }
    with http_server(answer) as server, grpc_server(handlers) as address:
        at = ("-t", server.url, "--grpc-endpoint", address)
        for argv in (["list"], ["count"], ["purge", "--status", "COMPLETED", "--yes"]):
            assert_said(run(*argv, *at), 5, "list needs Dapr 1.17")
        for argv in (["history", "i1"], ["steps", "i1"], ["rerun", "i1"], ["rerun", "i1", "--from-failed"]):
            assert_said(run(*argv, *at), 5, "history needs Dapr 1.17")
        assert run("rerun", "i1", "--event-id", "3", "--new-id", "i2", *at, "-o", "id")[:2] == (0, "i2\n")
        assert_said(run("rerun", "i1", "--event-id", "9", *at), 3, "'i1' has no event with that number")
        assert_said(run("rerun", "i1", "--event-id", "three", *at), 2, "is no event number")
        _, out, _ = run("doctor", *at, "-o", "json")
    checks = {check["check"]: check for check in json.loads(out)}
    assert "list needs Dapr 1.17" in checks["list"]["detail"]


def test_reset_in_the_middle_of_a_list(run: Run) -> None:
    """The first page came, then the sidecar went: half a list is none."""
    grpc = pytest.importorskip("grpc")
    from wfctl.wire.protos import taskhub_pb2 as pb

    def page(request: Any, context: Any) -> Any:
        if not request.HasField("continuation_token"):
            return pb.ListInstanceIDsResponse(instance_ids=["a", "b"], continuation_token="2")
        context.abort(grpc.StatusCode.UNAVAILABLE, "Stream removed (Socket closed)")
        return None

    def get(request: Any, context: Any) -> Any:
        state = pb.InstanceState(instance_id=request.instance_id, name="W", status=1)  # type: ignore[arg-type]
        return pb.GetInstanceResponse(exists=True, state=state)

    handlers = {"ListInstanceIDs": page, "GetInstance": get, "Hello": lambda request, context: request}
    with http_server(lambda request: (200, METADATA)) as server, grpc_server(handlers) as address:
        code, out, err = run("list", "-t", server.url, "--grpc-endpoint", address, "-o", "id")
    assert (code, out) == (5, "")
    assert err.startswith("wfctl: no sidecar answers at")
    assert "Traceback" not in err
