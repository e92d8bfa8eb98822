"""`wfctl serve` as a process among others: its child, its ports, its signals, its workers' deaths and its own."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from limits import LIMIT_SECONDS, until

pytest.importorskip("dapr.ext.workflow", reason="needs the official SDK")
pytest.importorskip("uvicorn", reason="needs the extra serve")

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.wrappers_pb2 import StringValue
from serve_process import SDK_WORKER, Served, environ, served, worker
from sizes import size

from wfctl.gateway.grpc.routing import UNREADABLE
from wfctl.model.events import ExecutionStalled, StallReason, TaskCompleted
from wfctl.model.instance import Filter, StartRequest
from wfctl.model.status import Status
from wfctl.wire import grpc_methods
from wfctl.wire.protos import taskhub_pb2 as pb

# A chain of five activities that note each run; an event; a name that no one else has.
APP = """
import os
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="chain")
def chain(ctx, n):
    x = 0
    for _ in range(n):
        x = yield ctx.call_activity(step, input=x)
    return x

@wfr.workflow(name="approval")
def approval(ctx, _):
    decision = yield ctx.wait_for_external_event("go")
    return decision

@wfr.activity(name="step")
def step(ctx, x):
    if "RUNS" in os.environ:
        with open(os.environ["RUNS"], "a") as file:
            file.write(f"{ctx.workflow_id} {ctx.task_id}\\n")
    return x + 1
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    file = tmp_path / "sdk_app.py"
    file.write_text(APP)
    return file


def start_chains(server: Served, count: int) -> list[str]:
    return [server.start("chain", f"c{number}", "5") for number in range(count)]


def completed(server: Served) -> int:
    rows = server.workflows.count(Filter(statuses=frozenset({Status.COMPLETED})))
    return sum(row.count for row in rows)


def runs_again(runs: Path, count: int) -> int:
    lines = runs.read_text().splitlines()
    assert len(set(lines)) == count
    return len(lines) - count


def test_a_worker_killed_in_mid_run(tmp_path: Path, app: Path) -> None:
    """No more activities run twice than one worker's window holds."""
    runs = tmp_path / "runs"
    window = 20
    with served(tmp_path, "--window", str(window)) as server:
        start_chains(server, 60)
        with worker(app, server, RUNS=str(runs)) as first:
            until(lambda: runs.exists() and len(runs.read_text().splitlines()) >= 60, "some activities have run")
            first.kill()
            first.wait()
        with worker(app, server, RUNS=str(runs)):
            until(lambda: completed(server) == 60, "all have completed")
    assert runs_again(runs, 300) <= window


def test_the_server_killed_in_mid_run(tmp_path: Path, app: Path) -> None:
    """Nothing that was acknowledged is lost, and the worker comes back by itself."""
    runs = tmp_path / "runs"
    with served(tmp_path) as server:
        ports = server.endpoints["httpPort"], server.endpoints["grpcPort"]
        start_chains(server, 60)
        with worker(app, server, RUNS=str(runs)) as process:
            until(lambda: runs.exists() and len(runs.read_text().splitlines()) >= 60, "some activities have run")
            server.process.kill()
            server.process.wait()
            with served(tmp_path, ports=ports) as again:
                until(lambda: completed(again) == 60, "all have completed")
                assert process.poll() is None
    assert len(set(runs.read_text().splitlines())) == 300


def test_each_kill_of_the_server_makes_a_chain_run_one_activity_again_at_most(tmp_path: Path, app: Path) -> None:
    """A result may wait a few milliseconds for the answer of its turn, to be committed with it."""
    runs, steps, kills = tmp_path / "runs", 60, size(3, 10)

    def done() -> int:
        return len(runs.read_text().splitlines()) if runs.exists() else 0

    draw = random.Random(1)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(served(tmp_path))
        ports = server.endpoints["httpPort"], server.endpoints["grpcPort"]
        server.start("chain", "c", str(steps))
        process = stack.enter_context(worker(app, server, RUNS=str(runs)))
        for number in range(1, kills + 1):
            until(lambda least=number * steps // (kills + 1): done() >= least, "it has come so far")  # type: ignore[misc]
            threading.Event().wait(draw.random() / 100)  # any moment of a step
            server.process.kill()
            server.process.wait()
            server = stack.enter_context(served(tmp_path, ports=ports))
        assert server.ended("c").output == str(steps)
        history = server.workflows.history("c")
        assert process.poll() is None
    assert [e.task_scheduled_id for e in history if isinstance(e, TaskCompleted)] == list(range(1, steps + 1))
    assert runs_again(runs, steps) <= kills


def test_a_worker_that_is_frozen(tmp_path: Path, app: Path) -> None:
    """It is still connected, and answers no ping: within 20 s its work is given to others."""
    with served(tmp_path) as server, worker(app, server) as frozen:
        server.workers(1)
        frozen.send_signal(signal.SIGSTOP)
        server.start("chain", "c", "2")
        with worker(app, server):
            assert server.ended("c").output == "2"


def test_instances_wait_for_a_worker(tmp_path: Path, app: Path) -> None:
    with served(tmp_path) as server:
        server.start("chain", "early", "1")
        assert server.workflows.get("early").status is Status.PENDING
        with worker(app, server):
            assert server.ended("early").output == "1"
            server.workers(1)
        server.workers(0)


def test_what_a_worker_asks_for_in_the_turn_of_a_pause_runs_once(tmp_path: Path, app: Path) -> None:
    app.write_text(
        app.read_text() + "\n@wfr.workflow(name='gated')\ndef gated(ctx, _):\n"
        "    yield ctx.wait_for_external_event('go')\n"
        "    first = yield ctx.call_activity(step, input=0)\n"
        "    return (yield ctx.call_activity(step, input=first))\n"
    )
    runs = tmp_path / "runs"
    with served(tmp_path) as server:
        instance_id = server.start("gated", "g")
        with worker(app, server):
            until(lambda: server.workflows.get(instance_id).waiting_for, "it waits for the event")
        server.workers(0)
        server.workflows.raise_event(instance_id, "go", None)
        server.workflows.pause(instance_id)  # both are in the one turn that the next worker gets
        with worker(app, server, RUNS=str(runs)):
            until(runs.exists, "what the code asked for runs")
            until(lambda: server.workflows.get(instance_id).status is Status.SUSPENDED, "it is paused")
            server.workflows.raise_event(instance_id, "more", None)  # another turn while it is paused
            until(lambda: "more" in str(server.workflows.history(instance_id)), "that turn")
            server.workflows.resume(instance_id)
            assert server.ended(instance_id).output == "2"
    assert len(runs.read_text().splitlines()) == 2


def test_an_app_in_the_server_and_a_worker_share_the_store(tmp_path: Path, app: Path) -> None:
    hosted = tmp_path / "hosted.py"
    hosted.write_text(
        "import dapr.ext.workflow as wf\nwfr = wf.WorkflowRuntime()\n"
        "@wfr.workflow(name='outer')\ndef outer(ctx, _):\n"
        "    inner = yield ctx.call_child_workflow('chain', input=2)\n"
        "    mine = yield ctx.call_activity(local, input=inner)\n"
        "    theirs = yield ctx.call_activity('step', input=mine)\n    return theirs\n"
        "@wfr.activity(name='local')\ndef local(ctx, x):\n    return x * 10\n"
    )
    with served(tmp_path, app=str(hosted)) as server, worker(app, server):
        server.start("outer", "o")
        assert server.ended("o").output == "21"


def test_a_child_gets_daprs_variables_and_its_status_is_handed_on(tmp_path: Path) -> None:
    script = "import os; print(os.environ['DAPR_HTTP_PORT'], os.environ['DAPR_GRPC_PORT'], flush=True); exit(7)"
    with served(tmp_path, command=[sys.executable, "-c", script]) as server:
        assert server.process.wait(LIMIT_SECONDS) == 7
        assert server.process.stdout is not None
        said = server.process.stdout.read()
        assert said == f"app | {server.endpoints['httpPort']} {server.endpoints['grpcPort']}\n"


HOSTED = """
import json, os, sys
import dapr.ext.workflow as wf
from dapr.clients import DaprClient

NAMES = ("DAPR_RUNTIME_HOST", "DAPR_HTTP_PORT", "DAPR_GRPC_PORT", "DAPR_HTTP_ENDPOINT", "DAPR_GRPC_ENDPOINT",
         "DAPR_API_TOKEN", "APP_ID")
SEEN = {name: os.environ.get(name) for name in NAMES}
CLIENT = DaprClient()  # waits until the sidecar says that it is there

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="stock")
def stock(ctx, _):
    kept = yield ctx.call_activity(keep)
    return kept

@wfr.activity(name="keep")
def keep(ctx, _):
    CLIENT.save_state("statestore", "cars", "10")
    with DaprClient() as client:
        return [SEEN, client.get_state("statestore", "cars").text()]
"""


def test_an_app_in_the_server_finds_the_server(tmp_path: Path) -> None:
    """It talked to whoever listens on 3500 and 50001, or where the environment of the server led it."""
    hosted = tmp_path / "hosted.py"
    hosted.write_text(HOSTED)
    secret = tmp_path / "token"
    secret.write_text("s3cret\n")
    secret.chmod(0o600)
    stale = {"DAPR_GRPC_ENDPOINT": "127.0.0.1:1", "DAPR_HTTP_ENDPOINT": "http://127.0.0.1:1", "DAPR_HTTP_PORT": "1"}
    with served(tmp_path, "--token-file", str(secret), app=str(hosted), token="s3cret", env=stale) as server:
        server.start("stock", "s")
        ended = server.ended("s")
        assert ended.failure is None
        seen, kept = json.loads(ended.output or "")
        assert kept == "10"
        assert seen == {
            "DAPR_RUNTIME_HOST": "127.0.0.1",
            "DAPR_HTTP_PORT": str(server.endpoints["httpPort"]),
            "DAPR_GRPC_PORT": str(server.endpoints["grpcPort"]),
            "DAPR_HTTP_ENDPOINT": None,
            "DAPR_GRPC_ENDPOINT": None,
            "DAPR_API_TOKEN": "s3cret",
            "APP_ID": "wfctl",
        }


def test_an_app_that_runs_a_loop_of_its_own_as_it_is_imported(tmp_path: Path) -> None:
    hosted = tmp_path / "hosted.py"
    hosted.write_text(
        "import asyncio, signal\nimport dapr.ext.workflow as wf\n"
        "signal.signal(signal.SIGUSR1, signal.SIG_IGN)\n"
        "async def settings():\n    await asyncio.sleep(0)\n    return 7\n"
        "SETTINGS = asyncio.run(settings())\n"
        "wfr = wf.WorkflowRuntime()\n@wfr.workflow(name='seven')\ndef seven(ctx, _):\n    return SETTINGS\n"
    )
    with served(tmp_path, app=str(hosted)) as server:
        server.start("seven", "s")
        assert server.ended("s").output == "7"


def test_an_app_that_cannot_be_imported_ends_the_server(tmp_path: Path) -> None:
    hosted = tmp_path / "hosted.py"
    hosted.write_text("import no_such_module\n")
    sock = tmp_path / "s"
    words = ("--grpc-unix", str(sock)) if len(str(sock)) < 100 else ()
    with pytest.raises(AssertionError, match="no_such_module") as caught, served(tmp_path, *words, app=str(hosted)):
        pass
    assert "Traceback" not in str(caught.value)
    assert "never awaited" not in str(caught.value)
    assert not sock.exists()


def test_only_health_is_answered_while_the_app_is_imported(tmp_path: Path) -> None:
    hosted = tmp_path / "hosted.py"
    seen = tmp_path / "seen"
    hosted.write_text(
        "import json, os, urllib.error, urllib.request\nimport dapr.ext.workflow as wf\n"
        "def ask(path):\n"
        "    url = f\"http://127.0.0.1:{os.environ['DAPR_HTTP_PORT']}{path}\"\n"
        "    try:\n        return urllib.request.urlopen(url, timeout=120).status\n"
        "    except urllib.error.HTTPError as error:\n        return [error.code, json.load(error)['errorCode']]\n"
        "paths = ('/v1.0/healthz', '/v1.0/healthz/outbound', '/v1.0/metadata')\n"
        f"open({str(seen)!r}, 'w').write(json.dumps([ask(path) for path in paths]))\n"
        "wfr = wf.WorkflowRuntime()\n@wfr.workflow(name='one')\ndef one(ctx, _):\n    return 1\n"
    )
    with served(tmp_path, app=str(hosted)) as server:
        assert json.loads(seen.read_text()) == [204, 204, [503, "ERR_HEALTH_NOT_READY"]]
        assert server.http.get("/v1.0/metadata").status_code == 200


def no_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as trying:
            trying.bind(("::1", 0))
    except OSError:
        return True
    return False


@pytest.mark.skipif(no_ipv6(), reason="this machine has no IPv6")
def test_a_child_is_told_the_address_that_is_listened_on(tmp_path: Path) -> None:
    script = "import os; print(os.environ['DAPR_RUNTIME_HOST'], flush=True)"
    with served(tmp_path, "--listen", "::1", command=[sys.executable, "-c", script]) as server:
        assert server.process.stdout is not None
        assert server.process.stdout.readline() == "app | [::1]\n"


def wfctl(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "wfctl", *words],
        env=environ(XDG_CONFIG_HOME=str(folder), XDG_CACHE_HOME=str(folder)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_http_address_alone_is_enough_also_after_it_comes_back_elsewhere(tmp_path: Path, app: Path) -> None:
    with served(tmp_path, ports=(0, 0)) as first, worker(app, first):
        port, grpc_port = first.endpoints["httpPort"], first.endpoints["grpcPort"]
        first.start("chain", "c", "1")
        first.ended("c")
        target = ("--target", first.endpoints["httpEndpoint"])
        out, err = wfctl(tmp_path, "list", *target, "-o", "id").communicate(timeout=LIMIT_SECONDS)
        assert out == "c\n", err
        watching = wfctl(tmp_path, "list", "--watch", *target, "-o", "jsonl")
        assert watching.stdout is not None
        assert json.loads(watching.stdout.readline())["instanceID"] == "c"
    try:
        with socket.socket() as taken:  # so that it is another one
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", grpc_port))
            taken.listen()
            with served(tmp_path, ports=(port, 0)) as second:
                assert second.endpoints["grpcPort"] != grpc_port
                second.start("chain", "d")
                assert json.loads(watching.stdout.readline())["instanceID"] == "d"
    finally:
        watching.kill()
        watching.communicate()


def test_a_childs_children_end_with_the_server(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}} ')\ntime.sleep(600)\n"
    )
    with served(tmp_path, command=[sys.executable, "-c", script]) as server:
        until(lambda: pids.exists() and len(pids.read_text().split()) == 2, "both run")
        assert server.stop() == 0
        for pid in map(int, pids.read_text().split()):
            until(lambda pid=pid: not alive(pid), f"{pid} ends")  # type: ignore[misc]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has died")
def test_the_child_ends_with_a_server_that_is_killed(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = f"import os, time\nopen({str(pid)!r}, 'w').write(f'{{os.getpid()}} ')\ntime.sleep(600)\n"
    with served(tmp_path, command=[sys.executable, "-c", script]) as server:
        until(lambda: pid.exists() and pid.read_text().endswith(" "), "it runs")
        server.process.kill()
        until(lambda: not alive(int(pid.read_text())), "it ends")


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="cannot run no-such-program: No such file"):  # noqa: SIM117, PT012
        with served(tmp_path, command=["no-such-program"]) as server:  # it may be ready for a moment
            server.process.wait(LIMIT_SECONDS)
            raise AssertionError(server.log.read_text())


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def test_a_taken_port(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AssertionError, match="cannot listen for HTTP"), served(tmp_path, ports=(port, 0)):
            pass
        with pytest.raises(AssertionError, match="cannot listen for gRPC"), served(tmp_path, ports=(0, port)):
            pass


def test_a_store_has_one_server(tmp_path: Path) -> None:
    with served(tmp_path):
        other = tmp_path / "other"
        other.mkdir()
        with (
            pytest.raises(AssertionError, match="another process is executing the store"),
            served(other, "--store", str(tmp_path / "store.db")),
        ):
            pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_quietly(tmp_path: Path, app: Path, number: signal.Signals) -> None:
    """With a worker, somebody who waits, and turns under way: no traceback, and an end within seconds."""
    with served(tmp_path, command=[sys.executable, str(SDK_WORKER), str(app)]) as server:
        server.workers(1)
        server.start("approval", "a")
        start_chains(server, 10)
        server.process.send_signal(number)
        assert server.process.wait(LIMIT_SECONDS) == 0
        assert "Traceback" not in server.log.read_text()
        assert not (tmp_path / "ready.json").exists()
    with served(tmp_path, command=[sys.executable, str(SDK_WORKER), str(app)]) as server:
        server.workflows.raise_event("a", "go", '"yes"')
        assert server.ended("a").output == '"yes"'
        until(lambda: completed(server) == 11, "all have completed")


def test_the_token_keeps_workers_and_clients_out(tmp_path: Path, app: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("s3cret\n")
    secret.chmod(0o600)
    with served(tmp_path, "--token-file", str(secret), token="s3cret") as server:
        with worker(app, server, DAPR_API_TOKEN="s3cret"):
            server.start("chain", "c", "1")
            assert server.ended("c").output == "1"
        server.workers(0)
        assert server.http.get("/v1.0/metadata", headers={"dapr-api-token": "guess"}).status_code == 401
        with worker(app, server, DAPR_API_TOKEN="guess") as stranger:
            server.start("chain", "d", "1")
            until(lambda: "worker" in server.log.read_text(), "the first worker is in the log")
            assert stranger.poll() is None
            assert server.workflows.get("d").status is Status.PENDING
        assert "s3cret" not in server.log.read_text()


@pytest.mark.parametrize("token", ["s3crét", "s3cret\t1", "s3\x7fcret"])
def test_a_token_that_nobody_can_send_is_refused(tmp_path: Path, token: str) -> None:
    """The server took it, and then answered 401 to everybody."""
    words = "the API token of DAPR_API_TOKEN has characters that clients cannot send"
    with pytest.raises(AssertionError, match=words), served(tmp_path, env={"DAPR_API_TOKEN": token}):
        pass
    secret = tmp_path / "token"
    secret.write_text(f"a{token}\n")
    secret.chmod(0o600)
    words = "the API token of --token-file has characters that clients cannot send"
    with pytest.raises(AssertionError, match=words), served(tmp_path, "--token-file", str(secret)):
        pass
    assert token not in (tmp_path / "log").read_text()


def test_the_unix_socket(tmp_path: Path) -> None:
    path = Path(os.path.relpath(tmp_path / "g.sock")) if len(str(tmp_path)) > 80 else tmp_path / "g.sock"
    with served(tmp_path, "--grpc-unix", str(path.absolute())), grpc.insecure_channel(f"unix:{path}") as channel:
        hello: Any = channel.unary_unary("/TaskHubSidecarService/Hello")
        assert hello(b"", timeout=LIMIT_SECONDS) == b""


def test_only_a_socket_that_nobody_serves_is_replaced(tmp_path: Path, short: Path) -> None:
    """Whatever had the name was deleted."""
    mine, link, dead, live = (short / name for name in ("mine", "link", "dead%41 b", "live"))
    mine.write_text("years of work")
    link.symlink_to(mine)
    listening = []
    for path in (dead, live):
        listening.append(socket.socket(socket.AF_UNIX))
        listening[-1].bind(str(path))
        listening[-1].listen()
    listening[0].close()
    for path, words in (
        (mine, "is there already, and is no socket"),
        (link, "is there already, and is no socket"),
        (live, "another program listens on it"),
        (short / "no folder" / "sock", "No such file or directory"),
        (short / ("x" * 200), "too long"),
    ):
        with pytest.raises(AssertionError, match=words), served(tmp_path, "--grpc-unix", str(path)):
            pass
    assert mine.read_text() == "years of work"
    assert link.is_symlink()
    assert live.is_socket()
    with served(tmp_path, "--grpc-unix", str(dead)), grpc.insecure_channel(f"unix:{quote(str(dead))}") as channel:
        assert channel.unary_unary(grpc_methods.HELLO.path)(b"", timeout=LIMIT_SECONDS) == b""  # type: ignore[arg-type]
    assert not dead.exists()
    listening[1].close()


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name, of which no more than 107 bytes count."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def test_the_endpoints_on_stdout(tmp_path: Path) -> None:
    with served(tmp_path, "--print-endpoints", "json") as server:
        assert server.process.stdout is not None
        assert json.loads(server.process.stdout.readline()) == server.endpoints


def test_a_command_of_another_process_is_driven_by_the_server(tmp_path: Path, app: Path) -> None:
    """`wfctl start` on the store file itself, without the server's ports."""
    with served(tmp_path, command=[sys.executable, str(SDK_WORKER), str(app)]) as server:
        command = [sys.executable, "-m", "wfctl", "start", "chain", "--id", "x", "--input", "3", "--wait"]
        done = subprocess.run(
            [*command, "--target", "embedded", "--store", str(tmp_path / "store.db"), "-o", "json"],
            env=environ(XDG_CONFIG_HOME=str(tmp_path)),
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
        )
        assert done.returncode == 0, done.stderr
        assert server.ended("x").output == "3"


def test_bytes_that_are_no_message(tmp_path: Path) -> None:
    with served(tmp_path) as server, grpc.insecure_channel(server.endpoints["grpcEndpoint"]) as channel:
        for path in (grpc_methods.START.path, grpc_methods.COMPLETE_ORCHESTRATOR.path, grpc_methods.RUNTIME[0].path):
            with pytest.raises(grpc.RpcError) as caught:
                channel.unary_unary(path)(b"\x0a\x02\xff\xff", timeout=LIMIT_SECONDS)  # type: ignore[arg-type]
            assert caught.value.code() is grpc.StatusCode.INTERNAL
            assert caught.value.details() == UNREADABLE
        with pytest.raises(grpc.RpcError) as caught:
            next(channel.unary_stream(grpc_methods.WORK_ITEMS.path)(b"\xff", timeout=LIMIT_SECONDS))  # type: ignore[arg-type]
        assert caught.value.details() == UNREADABLE


def microsofts(answer: pb.WorkflowResponse, seconds: int) -> bytes:
    """The answer as Microsoft's durabletask 1.4 to 1.12 sends it: a span's ID and time in field 6."""
    span, stamp = StringValue(value="00f067aa0ba902b7"), Timestamp(seconds=seconds, nanos=1)
    context = b"\x0a" + bytes([span.ByteSize()]) + span.SerializeToString()
    context += b"\x12" + bytes([stamp.ByteSize()]) + stamp.SerializeToString()
    return answer.SerializeToString() + b"\x32" + bytes([len(context)]) + context


# The second is one whose bytes are UTF-8 by chance.
@pytest.mark.parametrize("seconds", [1_790_000_000, 0x42 | 1 << 7 | 0x43 << 14 | 2 << 21 | 6 << 28])
def test_a_worker_with_microsofts_messages_is_refused(tmp_path: Path, app: Path, seconds: int) -> None:
    """It was handed the same work again and again, and no log said why."""
    with served(tmp_path) as server:
        server.start("chain", "c", "1")
        with grpc.insecure_channel(server.endpoints["grpcEndpoint"]) as channel:
            work: Any = channel.unary_stream(grpc_methods.WORK_ITEMS.path)
            items = work(b"", timeout=LIMIT_SECONDS)
            item = pb.WorkItem.FromString(next(items))
            answer = pb.WorkflowResponse(instance_id="c", completion_token=item.completion_token)
            answer.actions.add(id=1).schedule_task.name = "step"
            complete: Any = channel.unary_unary(grpc_methods.COMPLETE_ORCHESTRATOR.path)
            for call in (
                lambda: complete(microsofts(answer, seconds), timeout=LIMIT_SECONDS),
                lambda: next(items),
                lambda: next(work(b"", timeout=LIMIT_SECONDS)),  # it tries again
            ):
                with pytest.raises(grpc.RpcError) as caught:
                    call()
                assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION, caught.value
                assert "durabletask 1.3" in (caught.value.details() or "")
            server.workers(0)
            with worker(app, server):
                assert server.ended("c").output == "1"
        assert server.log.read_text().count("a worker is refused") == 1


def versioned(version: str) -> str:
    return (
        "import dapr.ext.workflow as wf\nwfr = wf.WorkflowRuntime()\n"
        f"@wfr.versioned_workflow(name='order', version_name='{version}', is_latest=True)\n"
        "def order(ctx, _):\n"
        "    got = yield ctx.wait_for_external_event('go')\n"
        f"    return [got, '{version}']\n"
    )


def test_an_instance_stalls_on_other_code_and_goes_on_with_its_own(tmp_path: Path) -> None:
    old, new = tmp_path / "old.py", tmp_path / "new.py"
    old.write_text(versioned("v1"))
    new.write_text(versioned("v2"))
    with served(tmp_path) as server:
        with worker(old, server):
            server.start("order", "o")
            until(lambda: server.workflows.get("o").status is Status.RUNNING, "it waits")
        server.workers(0)
        with worker(new, server):
            server.workflows.raise_event("o", "go", '"x"')
            until(lambda: server.workflows.get("o").status is Status.STALLED, "it stalls")
        server.workers(0)
        with worker(old, server):
            assert json.loads(server.ended("o").output or "") == ["x", "v1"]


def test_daprs_own_client_saves_state(tmp_path: Path) -> None:
    """What Dapr's order-processing sample does with its inventory."""
    script = (
        "from dapr.clients import DaprClient\n"
        "from dapr.clients.grpc._state import StateOptions, Concurrency\n"
        "import grpc\n"
        "with DaprClient() as client:\n"
        "    client.save_state('statestore', 'cars', '{\"quantity\": 10}')\n"
        "    item = client.get_state('statestore', 'cars')\n"
        "    client.save_state('statestore', 'cars', '{\"quantity\": 9}', etag=item.etag)\n"
        "    try:\n"
        "        client.save_state('statestore', 'cars', '{\"quantity\": 8}', etag=item.etag)\n"
        "    except grpc.RpcError as error:\n"
        "        print(error.code().name)\n"
        "    print(client.get_state('statestore', 'cars').json(), flush=True)\n"
    )
    with served(tmp_path, command=[sys.executable, "-c", script]) as server:
        assert server.process.stdout is not None
        lines = server.process.stdout.read().splitlines()
        assert server.process.wait(LIMIT_SECONDS) == 0, server.log.read_text()
        assert lines == ["app | ABORTED", "app | {'quantity': 9}"]


def test_a_history_that_is_too_large_stalls_until_the_limit_is_raised(tmp_path: Path) -> None:
    """A worker that keeps histories is sent what it lacks, a new one all of it."""
    app = tmp_path / "large.py"
    app.write_text(
        "import dapr.ext.workflow as wf\nwfr = wf.WorkflowRuntime()\n"
        "@wfr.workflow(name='large')\ndef large(ctx, _):\n"
        "    total = 0\n"
        "    for number in range(6):\n"
        "        total += len((yield ctx.call_activity('blob')))\n"
        "    yield ctx.wait_for_external_event('go')\n    return total\n"
        "@wfr.activity(name='blob')\ndef blob(ctx, _):\n    return 'x' * 50_000\n"
    )
    with served(tmp_path, "--max-body-size", "256Ki") as server:
        with worker(app, server):
            server.start("large", "l")
            until(lambda: len(server.workflows.history("l")) >= 20, "it has its results")
        server.workers(0)
        with worker(app, server):
            server.workflows.raise_event("l", "go")
            until(lambda: server.workflows.get("l").status is Status.STALLED, "it stalls")
        stalls = [event for event in server.workflows.history("l") if isinstance(event, ExecutionStalled)]
        assert stalls[-1].reason is StallReason.PAYLOAD_SIZE_EXCEEDED
        assert "--max-body-size" in stalls[-1].description
    with served(tmp_path, "--max-body-size", "1Mi") as server, worker(app, server):
        assert server.ended("l").output == "300000"


def test_a_start_needs_no_worker(tmp_path: Path, app: Path) -> None:
    """Not by wfctl's own client either, which asks a daprd for one first."""
    with served(tmp_path) as server:
        assert server.workflows.start(StartRequest("chain", "early", "1")) == "early"
        with worker(app, server):
            assert server.ended("early").output == "1"
