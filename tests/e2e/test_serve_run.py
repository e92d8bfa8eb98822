"""`wfctl serve -f`: several apps, one engine; each with ports, work and lines of its own, and calls between them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from limits import LIMIT_SECONDS, until
from serve_process import Served, environ, served

pytest.importorskip("uvicorn", reason="needs the extra serve")
pytest.importorskip("grpc", reason="needs the extra serve")

PING = """
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        told = [os.environ["APP_ID"], self.command, self.path, body.decode(), self.headers["dapr-caller-app-id"],
                self.headers["x-more"], self.headers["dapr-api-token"]]
        self.send_response(418 if "teapot" in self.path else 200)
        self.send_header("content-type", "text/plain")
        self.send_header("x-back", "yes")
        self.end_headers()
        self.wfile.write("|".join(map(str, told)).encode())
    do_GET = do_POST = do_PUT = do_DELETE = answer
    def log_message(self, *args): pass
server = HTTPServer(("127.0.0.1", int(os.environ["APP_PORT"])), Handler)
print("listening in", os.path.basename(os.getcwd()), os.environ["DAPR_HTTP_PORT"], os.environ.get("SHARED"))
server.serve_forever()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "order").mkdir()
    (tmp_path / "ship").mkdir()
    return tmp_path


def template(folder: Path, *apps: dict[str, Any], **common: Any) -> Path:
    """A template; JSON is YAML."""
    named = [{"appDirPath": app["appID"], "command": [sys.executable, "app.py"], **app} for app in apps]
    file = folder / "dapr.yaml"
    file.write_text(json.dumps({"version": 1, "common": common, "apps": named}))
    return file


def free_ports(count: int) -> list[int]:
    import socket

    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in taken]


@contextlib.contextmanager
def run(folder: Path, *words: str, **options: Any) -> Iterator[tuple[Served, dict[str, httpx.Client]]]:
    with served(folder, "-f", str(folder), *words, **options) as server:
        token = options.get("token")
        headers = {"dapr-api-token": token} if token else {}
        with contextlib.ExitStack() as stack:
            yield (
                server,
                {
                    app["appID"]: stack.enter_context(
                        httpx.Client(base_url=app["httpEndpoint"], timeout=LIMIT_SECONDS, headers=headers)
                    )
                    for app in server.endpoints["apps"]
                },
            )


def test_calls_between_the_apps(folder: Path) -> None:
    first, second = free_ports(2)
    for name in ("order", "ship"):
        (folder / name / "app.py").write_text(PING)
    template(
        folder,
        {"appID": "order", "appPort": first, "env": {"SHARED": "own"}},
        {"appID": "ship", "appPort": second, "env": {"APP_API_TOKEN": "app-secret"}},
        env={"SHARED": "all"},
    )
    with run(folder, token="s3cret", env={"DAPR_API_TOKEN": "s3cret"}) as (server, apps):
        answer = apps["order"].post(
            "/v1.0/invoke/ship/method/a//b%20c/?q=%2F&q=2", content=b"body", headers={"x-more": "m"}
        )
        assert answer.status_code == 200
        assert answer.text == "ship|POST|/a/b%20c/?q=%2F&q=2|body|order|m|app-secret"
        assert (answer.headers["x-back"], answer.headers["content-type"]) == ("yes", "text/plain")
        teapot = apps["ship"].put("/teapot", headers={"dapr-app-id": "order"})
        assert (teapot.status_code, teapot.text) == (418, "order|PUT|/teapot||ship|None|None")
        assert apps["ship"].get("/v1.0/metadata", headers={"dapr-app-id": "order"}).json()["id"] == "ship"
        gone = apps["ship"].get("/v1.0/invoke/nobody/method/x")
        assert (gone.status_code, gone.json()["errorCode"]) == (500, "ERR_DIRECT_INVOKE")
        assert "there are order, ship" in gone.json()["message"]
        assert apps["ship"].get("/v1.0/invoke/order/x").status_code == 400
        stranger = httpx.get(f"{apps['ship'].base_url}/v1.0/invoke/order/method/x", timeout=LIMIT_SECONDS)
        assert stranger.status_code == 401
        refused = apps["order"].post("/v1.0/publish/ps/topic", content=b"{}")
        assert (refused.status_code, refused.json()["errorCode"]) == (501, "ERR_NOT_SUPPORTED")
        assert "Dapr itself" in refused.json()["message"]
        assert server.stop() == 0
        out = server.process.stdout.read() if server.process.stdout else ""
    lines = sorted(out.splitlines())
    assert re.fullmatch(r"order \| listening in order \d+ own", lines[0])
    assert re.fullmatch(r"ship  \| listening in ship \d+ all", lines[1])


def test_an_app_that_does_not_listen(folder: Path) -> None:
    (port,) = free_ports(1)
    template(folder, {"appID": "order"}, {"appID": "ship", "appPort": port}, env={})
    for name in ("order", "ship"):
        (folder / name / "app.py").write_text("import time\nprint('up')\ntime.sleep(600)\n")
    with run(folder) as (_, apps):
        answer = apps["order"].get("/v1.0/invoke/ship/method/x")
        assert (answer.status_code, answer.json()["errorCode"]) == (500, "ERR_DIRECT_INVOKE")
        assert "does not listen on its appPort" in answer.json()["message"]
        assert "names no appPort" in apps["ship"].get("/v1.0/invoke/order/method/x").json()["message"]


def test_state_is_an_apps_own(folder: Path) -> None:
    for name in ("order", "ship"):
        (folder / name / "app.py").write_text("import time\ntime.sleep(600)\n")
    template(folder, {"appID": "order"}, {"appID": "ship"})
    with run(folder) as (_, apps):
        assert apps["order"].post("/v1.0/state/st", json=[{"key": "k", "value": 1}]).status_code == 204
        assert apps["order"].get("/v1.0/state/st/k").json() == 1
        assert apps["ship"].get("/v1.0/state/st/k").status_code == 204
        assert {name: app.get("/v1.0/metadata").json()["id"] for name, app in apps.items()} == {
            "order": "order",
            "ship": "ship",
        }


def test_an_app_that_dies_ends_the_run_with_its_status(folder: Path) -> None:
    pids = [folder / "order" / "pid", folder / "ship" / "pid"]
    stay = "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)\n"
    die = "import os, sys\nopen('pid', 'w').write(str(os.getpid()))\nsys.stdin.read()\nsys.exit(7)\n"
    (folder / "order" / "app.py").write_text(stay)
    (folder / "ship" / "app.py").write_text(die)
    template(folder, {"appID": "order"}, {"appID": "ship"})
    done = serve(folder)
    assert done.returncode == 7, done.stderr
    assert '"app": "ship", "status": 7' in done.stderr
    for file in pids:
        if file.exists():  # the other one may have been ended before it came to it
            gone(int(file.read_text()))


def test_an_app_is_started_again_if_that_is_asked_for(folder: Path) -> None:
    once = "import os, sys\nif not os.path.exists('seen'):\n    open('seen', 'w')\n    sys.exit(3)\n"
    (folder / "order" / "app.py").write_text(once + "open('again', 'w')\nimport time\ntime.sleep(600)\n")
    template(folder, {"appID": "order"})
    with run(folder, "--restart") as (server, _):
        until((folder / "order" / "again").exists, "the app runs again")
        assert "is started again" in server.log.read_text()
        assert server.stop() == 0


def test_ctrl_c_ends_all(folder: Path) -> None:
    for name in ("order", "ship"):
        (folder / name / "app.py").write_text(
            "import os, time\nopen('part', 'w').write(str(os.getpid()))\nos.rename('part', 'pid')\ntime.sleep(600)\n"
        )
    template(folder, {"appID": "order"}, {"appID": "ship"})
    with run(folder) as (server, _):
        files = [folder / name / "pid" for name in ("order", "ship")]
        until(lambda: all(file.exists() for file in files), "both apps run")
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(LIMIT_SECONDS) == 0
    for file in files:
        gone(int(file.read_text()))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--app", "x.py"], "--app and -f exclude each other"),
        (["--http-port", "3500"], "--http-port and -f exclude each other"),
        (["--", "python", "app.py"], "-- CMD and -f exclude each other"),
    ],
)
def test_what_does_not_go_together(folder: Path, words: list[str], told: str) -> None:
    template(folder, {"appID": "order"})
    done = serve(folder, *words)
    assert (done.returncode, told in done.stderr) == (2, True), done.stderr


def test_a_program_that_there_is_not(folder: Path) -> None:
    template(folder, {"appID": "order", "command": ["no-such-program-at-all"]})
    done = serve(folder)
    assert done.returncode == 2
    assert "cannot run no-such-program-at-all" in done.stderr


def test_workflows_of_each_app_run_on_its_own_workers(folder: Path) -> None:
    """Both register the same names, and their instances have the same ID. A call may name the other app, and work waits
    for an app that is not up. The ports of an app show its own instances, the store those of all."""
    pytest.importorskip("dapr.ext.workflow", reason="needs the official SDK")
    (folder / "order" / "app.py").write_text(WORKER)
    (folder / "ship" / "app.py").write_text(WORKER)
    template(folder, {"appID": "order"}, {"appID": "ship"}, {"appID": "late", "appDirPath": "order", "command": None})
    with run(folder) as (server, apps):
        for app in apps.values():
            assert app.post(f"{ROUTES}/flow/start?instanceID=one", content=b"1").status_code == 202
        for name, other in (("order", "ship"), ("ship", "order")):
            assert output(apps[name], "one") == [f"{name}", f"{other}", f"{other}:{other}"]
            assert output(apps[other], "one:0003") == f"{other}:{other}"
        assert apps["late"].get(f"{ROUTES}/one").json()["runtimeStatus"] == "PENDING"
        embedded = server.endpoints["store"]
        rows = json.loads(wfctl(folder, "list", "--store", embedded, "-o", "json"))
        assert sorted((row["appID"], row["instanceID"]) for row in rows) == sorted(
            [*((name, "one") for name in apps), ("ship", "one:0003"), ("order", "one:0003")]
        )
        assert "in each of 3 apps: late, order, ship" in wfctl(folder, "get", "one", "--store", embedded, status=2)
        waits = json.loads(wfctl(folder, "get", "one", "--store", embedded, "--app-id", "late", "-o", "json"))
        assert [(wait["kind"], wait["appID"]) for wait in waits["waitingFor"]] == [("app", "late")]
        assert apps["ship"].post(f"{ROUTES}/one/purge").status_code == 202
        assert apps["ship"].get(f"{ROUTES}/one").status_code == 404
        assert apps["order"].get(f"{ROUTES}/one:0003").status_code == 404, "purged with its parent, across apps"
        assert apps["ship"].get(f"{ROUTES}/one:0003").status_code == 200
        assert apps["order"].get(f"{ROUTES}/one").json()["runtimeStatus"] == "COMPLETED"
        with subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=folder / "order",
            env=environ(APP_ID="late", DAPR_GRPC_PORT=str(server.endpoints["apps"][2]["grpcPort"])),
            stdin=subprocess.DEVNULL,
        ) as worker:
            try:
                assert output(apps["late"], "one")[0] == "late"
            finally:
                worker.kill()


ROUTES = "/v1.0/workflows/dapr"


def output(app: httpx.Client, instance_id: str) -> Any:
    """Wait for the end of an instance at its app's ports. Returns its output."""
    ended: list[dict[str, Any]] = []

    def look() -> bool:
        found = app.get(f"{ROUTES}/{instance_id}").json()
        if found.get("runtimeStatus") in ("COMPLETED", "FAILED"):
            ended.append(found)
        return bool(ended)

    until(look, f"the end of {instance_id}")
    assert ended[0]["runtimeStatus"] == "COMPLETED", ended
    return json.loads(ended[0]["properties"]["dapr.workflow.output"])


def wfctl(folder: Path, *words: str, status: int = 0) -> str:
    done = ended(folder, *words)
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


WORKER = """
import os, threading
import dapr.ext.workflow as wf
me = os.environ["APP_ID"]
other = {"order": "ship", "ship": "order", "late": "ship"}[me]
runtime = wf.WorkflowRuntime()
@runtime.workflow(name="flow")
def flow(ctx, value):
    mine = yield ctx.call_activity("who")
    theirs = yield ctx.call_activity("who", app_id=other)
    child = yield ctx.call_child_workflow("below", app_id=other)
    return [mine, theirs, child]
@runtime.workflow(name="below")
def below(ctx, value):
    found = yield ctx.call_activity("who")
    return me + ":" + found
@runtime.activity(name="who")
def who(ctx):
    return me
runtime.start()
threading.Event().wait()
"""


def serve(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return ended(folder, "serve", "--store", str(folder / "store.db"), "-f", str(folder), *words)


def ended(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run wfctl to its end."""
    return subprocess.run(
        [sys.executable, "-m", "wfctl", *words],
        cwd=folder,
        env=environ(XDG_CONFIG_HOME=str(folder / "config")),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )


def gone(pid: int) -> None:
    def look() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False

    until(look, f"process {pid} has ended")
