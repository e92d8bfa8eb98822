"""`wfctl workers`: who drives a store and what is to be done in it, and who is attached to a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest
from harness import Cli
from limits import until

pytest.importorskip("grpc", reason="needs the extra serve")
from serve_process import Served, served, worker

from wfctl.engine.engine_thread import Engine
from wfctl.engine.execute.local import LocalExecutor
from wfctl.workflow.loading.app import load_app

APP = """
import pathlib
import time

import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()


@wfr.activity(name="Slow")
def slow(ctx, file):
    while not pathlib.Path(file).exists():
        time.sleep(0.02)


@wfr.workflow(name="Work")
def work(ctx, file):
    yield ctx.call_activity(slow, input=file)
"""


def test_a_store_that_nobody_drives(cli: Cli, app: Path) -> None:
    assert cli("workers", "-o", "json").json == [{"appID": None, "connected": 0, "workers": [], "backlog": []}]
    for name in ("Echo", "Echo", "Approval"):
        cli("start", name, "--no-drive")
    cli("start", "Later", "--start-at", "+1h", "--no-drive")
    done = cli("workers", "-o", "json")
    waiting = {(one["kind"], one["name"]): one["count"] for one in done.json[0]["backlog"]}
    assert waiting == {("workflow", "Echo"): 2, ("workflow", "Approval"): 1}, "a delayed start is not due"
    assert all(one["since"] for one in done.json[0]["backlog"])
    assert "no process is executing this store" in done.err
    shown = cli("workers", "--color", "never", tty=True).out
    assert "no worker" in shown
    assert "2 workflows Echo" in shown
    cli("pause", "--name", "Echo", "--yes")
    left = cli("workers", "-o", "json").json[0]["backlog"]
    assert [one["name"] for one in left] == ["Approval"], "what is suspended waits for no worker"


def test_a_store_with_an_owner(cli: Cli, app: Path) -> None:
    loaded = load_app("app.py", app)
    engine = Engine(app / "store.db", lambda deliver: LocalExecutor(loaded.registry, deliver), app="app.py")
    assert engine.start(None)
    try:
        until(lambda: cli("workers", "-o", "json").json[0]["workers"][0]["pid"] is not None)
        (one,) = cli("workers", "-o", "json").json[0]["workers"]
        assert one["name"] == "a wfctl command with the app app.py"
        assert (one["workflows"], one["activities"], one["holds"]) == (None, None, []), "a file does not tell"
    finally:
        engine.stop()
    assert cli("workers", "-o", "json").json[0]["connected"] == 0


def test_watching_needs_a_terminal(cli: Cli, app: Path) -> None:
    done = cli("workers", "--watch")
    assert done.status == 2
    assert "needs a terminal" in done.err


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as server:
        yield server


@pytest.mark.skipif(not any(distributions(name="dapr")), reason="needs the official SDK, of which its worker is")
def test_a_server_without_and_with_a_worker(cli: Cli, server: Served, tmp_path: Path) -> None:
    at = ("--target", server.endpoints["httpEndpoint"])
    gate = tmp_path / "gate"
    server.start("Work", "w1", json.dumps(str(gate)))

    until(lambda: cli("workers", *at, "-o", "json").json[0]["backlog"], "the server has tried to run it")
    (one,) = cli("workers", *at, "-o", "json").json
    assert (one["connected"], one["workers"]) == (0, [])
    assert [(q["kind"], q["name"], q["count"]) for q in one["backlog"]] == [("workflow", "Work", 1)]
    assert "no worker is attached: start the app" in cli("workers", *at).err

    waits = cli("get", "w1", *at)
    assert "a worker that has this workflow: none is attached (start its app; wfctl workers shows who is)" in waits.out
    assert [w["kind"] for w in cli("get", "w1", *at, "-o", "json").json["waitingFor"]] == ["worker"]
    assert "no worker" in cli("list", *at).out

    (tmp_path / "work.py").write_text(APP)
    with worker(tmp_path / "work.py", server):
        until(lambda: cli("workers", *at, "-o", "json").json[0]["workers"], "the worker is attached")
        until(lambda: cli("workers", *at, "-o", "json").json[0]["workers"][0]["holds"], "it has the activity")
        (one,) = cli("workers", *at, "-o", "json").json
        (attached,) = one["workers"]
        assert "python" in attached["name"]
        assert attached["since"] <= attached["holds"][0]["since"]
        assert [(h["kind"], h["name"], h["instanceID"]) for h in attached["holds"]] == [("activity", "Slow", "w1")]
        assert one["backlog"] == []
        assert "activity Slow of w1" in cli("workers", *at, "--color", "never", tty=True).out
        assert [w["kind"] for w in cli("get", "w1", *at, "-o", "json").json["waitingFor"]] == ["activity"]
        by_grpc = cli("workers", "--target", "grpc", "--grpc-endpoint", server.endpoints["grpcEndpoint"], "-o", "json")
        assert by_grpc.json == [{"appID": "wfctl", "connected": 1, "workers": None, "backlog": None}]
    until(lambda: cli("workers", *at, "-o", "json").json[0]["connected"] == 0, "the worker is gone")
    assert [(q["kind"], q["name"]) for q in cli("workers", *at, "-o", "json").json[0]["backlog"]] == [
        ("activity", "Slow")
    ]
    kinds = [w["kind"] for w in cli("get", "w1", *at, "-o", "json").json["waitingFor"]]
    assert kinds == ["worker", "activity"]
    gate.touch()
