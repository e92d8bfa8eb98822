"""Whatever goes wrong on the way to a sidecar ends in the right error, in one line, in time."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from limits import LIMIT_SECONDS
from sidecar_fake import METADATA, MISSING, Request, free_port, http_server, instance, raw_server

from wfctl import errors
from wfctl.client.sidecar import connection
from wfctl.client.sidecar import workflows as client
from wfctl.client.sidecar.endpoint import Endpoint
from wfctl.client.sidecar.workflows import SidecarWorkflows, open_sidecar
from wfctl.install import install_command
from wfctl.model.instance import Filter, StartRequest


@contextlib.contextmanager
def sidecar(notes: list[str] | None = None, **fields: object) -> Iterator[SidecarWorkflows]:
    fields = {"request_timeout": 20.0} | fields
    opened = open_sidecar(Endpoint(**fields), note=(notes if notes is not None else []).append)  # type: ignore[arg-type]
    try:
        yield opened
    finally:
        opened.close()


def one_line(error: errors.WfctlError) -> bool:
    return "\n" not in error.message and "\n" not in (error.hint or "") and len(error.message) < 400


def test_refused() -> None:
    with sidecar(http=f"http://127.0.0.1:{free_port()}") as target, pytest.raises(errors.Unreachable) as caught:
        target.get("i1")
    assert "connection refused" in caught.value.message
    assert caught.value.exit_status == 5
    assert one_line(caught.value)


def send(data: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(data)


OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        pytest.param(send(b""), "without an answer", id="closed without an answer"),
        pytest.param(
            send(OK + b'content-length: 100\r\n\r\n{"instanceID":'), "middle of the answer", id="half an answer"
        ),
        pytest.param(send(OK + b"content-length: 5\r\n\r\nhello"), "not JSON", id="no JSON"),
        pytest.param(send(OK + b"content-length: 2\r\n\r\n[]"), "not a JSON object", id="an array"),
        pytest.param(send(OK + b"content-length: 99999\r\n\r\n" + b"[" * 99_999), "not JSON", id="deeply nested"),
        pytest.param(send(OK + b"content-length: 2\r\n\r\n{}"), "runtimeStatus", id="empty object"),
        pytest.param(send(OK + b"content-length: 0\r\n\r\n"), "it is empty", id="empty body"),
        pytest.param(
            send(OK + b'content-length: 43\r\n\r\n{"instanceID":"i","runtimeStatus":"DANCING"}'[:-1]),
            "not JSON",
            id="cut off by its length",
        ),
        pytest.param(send(b"SSH-2.0-OpenSSH_9.6\r\n"), "", id="another protocol"),
    ],
)
def test_answers_that_are_none(reply: Callable[[socket.socket], None], words: str) -> None:
    with raw_server(reply) as url, sidecar(http=url) as target, pytest.raises(errors.Unreachable) as caught:
        target.get("i1")
    assert words in caught.value.message
    assert one_line(caught.value)


def test_a_status_that_nobody_knows() -> None:
    body = b'{"instanceID":"i","runtimeStatus":"DANCING"}'
    reply = send(OK + b"content-length: %d\r\n\r\n" % len(body) + body)
    with raw_server(reply) as url, sidecar(http=url) as target, pytest.raises(errors.Unreachable, match="DANCING"):
        target.get("i1")


def test_slow_server() -> None:
    let_go = threading.Event()

    def nothing(connection: socket.socket) -> None:
        let_go.wait(LIMIT_SECONDS)

    with raw_server(nothing) as url, sidecar(http=url, request_timeout=0.5) as target:
        with pytest.raises(errors.TimedOut) as caught:
            target.get("i1")
        let_go.set()
    assert "within 0.5 s" in caught.value.message
    assert caught.value.exit_status == 124


def test_a_server_that_drips() -> None:
    """Every byte comes in time, the whole does not."""
    done = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(OK + b"content-length: 1000\r\n\r\n")
        for _ in range(1000):
            if done.wait(0.06):
                return
            connection.sendall(b" ")

    with raw_server(drip) as url, sidecar(http=url, request_timeout=0.5) as target:
        with pytest.raises(errors.TimedOut):
            target.get("i1")
        done.set()


def test_start_that_times_out_says_what_is_not_known() -> None:
    let_go = threading.Event()

    def answer(request: Request) -> tuple[int, object]:
        if request.method == "POST":
            let_go.wait(LIMIT_SECONDS)
        return (200, METADATA) if request.path == "/v1.0/metadata" else MISSING

    with http_server(answer) as server, sidecar(http=server.url, request_timeout=0.5) as target:
        with pytest.raises(errors.TimedOut) as caught:
            target.start(StartRequest("W", "i1"))
        let_go.set()
    assert "whether 'i1' was started is not known" in caught.value.message
    assert caught.value.instance_id == "i1"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, errors.NotAuthenticated),
        (403, errors.NotPermitted),
        (404, errors.Unsupported),
        (405, errors.Unsupported),
        (500, errors.WfctlError),
        (502, errors.Unreachable),
        (503, errors.Unreachable),
        (302, errors.Unsupported),
        (200, errors.Unreachable),
    ],
)
def test_a_web_server_that_is_no_sidecar(status: int, error: type[errors.WfctlError]) -> None:
    with (
        http_server(lambda request: (status, b"<html>hi</html>")) as server,
        sidecar(http=server.url) as target,
        pytest.raises(errors.WfctlError) as caught,
    ):
        target.get("i1")
    assert type(caught.value) is error
    assert one_line(caught.value)


def test_no_worker_is_said_before_the_start() -> None:
    metadata = {key: value for key, value in METADATA.items() if key != "workflows"}
    with (
        http_server(lambda request: (200, metadata) if "metadata" in request.path else MISSING) as server,
        sidecar(http=server.url) as target,
        pytest.raises(errors.Unreachable, match="no worker is connected"),
    ):
        target.start(StartRequest("W", "i1"))
    assert not [line for line in server.lines if line.startswith("POST")]


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        (lambda target: target.start(StartRequest("W", "new")), "a workflow could not start"),
        (lambda target: target.pause("i1"), "'i1' cannot be paused"),
        (lambda target: target.resume("held"), "'held' cannot be resumed"),
        (lambda target: target.raise_event("i1", "go"), "'i1' cannot take an event"),
        (lambda target: target.terminate("i1"), "'i1' cannot be terminated"),
        (lambda target: target.purge("done"), "'done' cannot be purged"),
    ],
    ids=["start", "pause", "resume", "raise-event", "terminate", "purge"],
)
def test_no_worker_is_said_in_the_words_of_the_verb(
    verb: Callable[[SidecarWorkflows], object], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "grpc_installed", lambda: False)
    metadata = {key: value for key, value in METADATA.items() if key != "workflows"}
    there = {"i1": "RUNNING", "held": "SUSPENDED", "done": "COMPLETED"}
    codes = {"raiseEvent": "RAISE_EVENT"}

    def answer(request: Request) -> tuple[int, object]:
        if "metadata" in request.path:
            return 200, metadata
        *_, name, last = request.path.split("/")
        if request.method == "GET":
            return (200, instance(last, there[last])) if last in there else MISSING
        code = codes.get(name, last.upper())
        return 500, {"errorCode": f"ERR_{code}_WORKFLOW", "message": f"did not find address for actor {name}"}

    with (
        http_server(answer) as server,
        sidecar(http=server.url) as target,
        pytest.raises(errors.Unreachable) as caught,
    ):
        verb(target)
    assert caught.value.message.startswith("no worker is connected to the sidecar of 'orders' at http://")
    assert caught.value.message.endswith(words)
    assert "start the app" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "hiccups",
    [
        [(503, b"")],
        [(500, {"errorCode": "ERR_GET_WORKFLOW", "message": "database is locked"})] * 2,
        [(200, b"not JSON"), (502, b"")],
    ],
    ids=["503", "the store", "no JSON"],
)
def test_a_look_that_fails_after_an_operation_was_accepted(hiccups: list[tuple[int, object]]) -> None:
    accepted = False
    left = list(hiccups)

    def answer(request: Request) -> tuple[int, object]:
        nonlocal accepted
        if "metadata" in request.path:
            return 200, METADATA
        if request.method == "POST":
            accepted = True
            return 202, b""
        if accepted and left:
            return left.pop(0)
        return 200, instance("i1", "TERMINATED" if accepted else "RUNNING")

    notes: list[str] = []
    with http_server(answer) as server, sidecar(notes, http=server.url, request_timeout=20.0) as target:
        target.terminate("i1")
    assert (left, notes) == ([], []), "looked until it was seen"


def test_an_operation_whose_effect_cannot_be_seen_was_accepted_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "SETTLE_SECONDS", 0.3)
    accepted: list[str] = []
    after: list[tuple[int, object]] = [(503, b""), MISSING]

    def answer(request: Request) -> tuple[int, object]:
        if request.method == "POST":
            accepted.append(request.path)
        return (202, b"") if request.method == "POST" else after[0] if accepted else (200, instance("i1"))

    with http_server(answer) as server, sidecar(http=server.url) as target:
        requested = target.pause("i1")
        assert requested is not None
        assert "has accepted it" in requested.waits_for
        assert "HTTP status 503" in requested.waits_for
        accepted.clear()
        after.pop(0)
        assert target.terminate("i1") is None, "a retention policy took it away at once"
        assert len(accepted) == 1


def test_before_1_16_a_missing_worker_is_not_told() -> None:
    metadata = {"id": "orders", "extended": {"daprRuntimeVersion": "1.15.2"}}

    def answer(request: Request) -> tuple[int, object]:
        if "metadata" in request.path:
            return 200, metadata
        return (202, {"instanceID": "i1"}) if request.method == "POST" else MISSING

    with http_server(answer) as server, sidecar(http=server.url) as target:
        assert target.start(StartRequest("W", "i1")) == "i1"


def test_without_grpc_the_rest_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "grpc_installed", lambda: False)
    with http_server(lambda request: (200, instance("i1"))) as server, sidecar(http=server.url) as target:
        assert target.get("i1").id == "i1"
        for ask in (
            lambda: list(target.list(Filter())),
            lambda: target.history("i1"),
            lambda: target.pause("i1", reason="why"),
            lambda: target.terminate("i1", output="1"),
            lambda: target.purge("i1", force=True),
        ):
            with pytest.raises(errors.Unsupported) as caught:
                ask()
            assert "needs gRPC" in caught.value.message
            assert caught.value.hint == install_command("grpc")
            assert one_line(caught.value)


def test_where_nobody_answers_grpc_http_goes_on() -> None:
    with (
        http_server(lambda request: (200, instance("i1"))) as server,
        sidecar(http=server.url, grpc=f"127.0.0.1:{free_port()}") as target,
    ):
        assert target.get("i1").id == "i1"
        with pytest.raises(errors.Unsupported, match="nothing answers at 127") as caught:
            list(target.list(Filter()))
        assert "DAPR_GRPC_PORT" in (caught.value.hint or "")


def test_where_nobody_answers_at_all_the_sidecar_is_missing() -> None:
    pytest.importorskip("grpc")
    with (
        sidecar(http=f"http://127.0.0.1:{free_port()}", grpc=f"127.0.0.1:{free_port()}") as target,
        pytest.raises(errors.Unreachable, match="no sidecar answers"),
    ):
        list(target.list(Filter()))


def test_a_kept_connection_that_the_other_side_closes() -> None:
    """A GET is sent once more, over a new connection; a POST is not, for it may have been carried out."""
    body = b'{"instanceID":"i1","runtimeStatus":"RUNNING"}'
    answer = OK + b"content-length: %d\r\n\r\n" % len(body) + body
    heads: list[bytes] = []

    def one_answer_then_close(connection: socket.socket) -> None:
        connection.sendall(answer)
        heads.append(connection.recv(4096))  # the next request, which gets no answer

    with raw_server(one_answer_then_close) as url, sidecar(http=url, request_timeout=20.0) as target:
        assert target.get("i1").id == target.get("i1").id == "i1"
        with pytest.raises(errors.Unreachable, match="without an answer"):
            target.raise_event("i1", "go")
    assert [head.split(b" ")[0] for head in heads][-1] == b"POST"
    assert heads[0].startswith(b"GET ")


def test_tls_still_works_after_a_request_without_it() -> None:
    code = (
        "import sys\nfrom wfctl.client.sidecar.endpoint import Endpoint\n"
        "from wfctl.client.sidecar.workflows import open_sidecar\n"
        "open_sidecar(Endpoint(http=sys.argv[1]), note=print).get('i1')\n"
        "import urllib.request, http.client\n"
        "print(hasattr(http.client, 'HTTPSConnection'), hasattr(urllib.request, 'HTTPSHandler'))\n"
    )
    with http_server(lambda request: (200, instance("i1", "COMPLETED"))) as server:
        found = subprocess.run([sys.executable, "-c", code, server.url], capture_output=True, text=True, check=True)
    assert found.stdout == "True True\n"


def test_unix_domain_socket(tmp_path: Path) -> None:
    if not hasattr(socket, "AF_UNIX"):
        pytest.skip("no unix domain sockets here")
    path = tmp_path / "dapr-orders-http.socket"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()
    body = b'{"instanceID":"i1","runtimeStatus":"COMPLETED"}'

    def serve() -> None:
        for _ in range(10):  # as many as the target asks
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(OK + b"content-length: %d\r\n\r\n" % len(body) + body)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with sidecar(http=f"unix://{tmp_path}") as target:  # the folder, as given to daprd
        assert target.get("i1").status.name == "COMPLETED"
    listener.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make certificates with")
    folder = tmp_path_factory.mktemp("tls")

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=folder, check=True, capture_output=True)

    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test ca",
        "-days", "2", "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign")  # fmt: skip
    run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "req.pem", "-subj", "/CN=localhost")
    (folder / "san").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\nauthorityKeyIdentifier=keyid\n")
    run("x509", "-req", "-in", "req.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "cert.pem",
        "-days", "2", "-extfile", "san")  # fmt: skip
    return folder


def test_tls_with_a_ca_of_ones_own(certificates: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")

    def wrap(listener: socket.socket) -> socket.socket:
        return context.wrap_socket(listener, server_side=True, do_handshake_on_connect=False)

    with http_server(lambda request: (200, instance("i1", "COMPLETED")), wrap) as server:
        with sidecar(http=server.url, ca_file=certificates / "ca.pem", request_timeout=5) as target:
            assert target.get("i1").id == "i1"
        with sidecar(http=server.url, request_timeout=5) as target, pytest.raises(errors.Unreachable) as caught:
            target.get("i1")
        assert "certificate" in caught.value.message.lower()
        assert one_line(caught.value)


def test_grpc_tls_with_a_ca_of_ones_own(certificates: Path) -> None:
    grpc = pytest.importorskip("grpc")
    from wfctl.wire import grpc_methods
    from wfctl.wire.protos import taskhub_pb2 as pb

    handler = grpc.unary_unary_rpc_method_handler(
        lambda request, context: pb.GetInstanceResponse(exists=False),
        request_deserializer=grpc_methods.GET.request.FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )
    from concurrent import futures

    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("TaskHubSidecarService", {"GetInstance": handler}),)
    )
    credentials = grpc.ssl_server_credentials(
        [((certificates / "key.pem").read_bytes(), (certificates / "cert.pem").read_bytes())]
    )
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    try:
        with (
            sidecar(grpc=f"127.0.0.1:{port}?tls=true", ca_file=certificates / "ca.pem", request_timeout=5) as target,
            pytest.raises(errors.NotFound),
        ):
            target.get("i1")
    finally:
        server.stop(0).wait(LIMIT_SECONDS)


def test_a_ca_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nonsense")
    with (
        sidecar(http="https://127.0.0.1:1", ca_file=tmp_path / "ca.pem") as target,
        pytest.raises(errors.InvalidInput, match="ca_file"),
    ):
        target.get("i1")
