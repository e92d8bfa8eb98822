"""`wfctl serve` on a disk that fills up, a real one in memory: it waits for room, says so, and loses nothing."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("dapr.ext.workflow", reason="needs the official SDK")
pytest.importorskip("uvicorn", reason="needs wfctl[serve]")
import grpc
from limits import LIMIT_SECONDS, until
from serve_process import Served, environ, served, worker

from wfctl.errors import DiskFull
from wfctl.model.instance import StartRequest
from wfctl.wire import grpc_methods
from wfctl.wire.protos import taskhub_pb2 as pb

CHAINS = 20
APP = """
import os, time
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="chain")
def chain(ctx, n):
    total = 0
    for _ in range(n):
        total += len((yield ctx.call_activity(step)))
    return total

@wfr.activity(name="step")
def step(ctx, _):
    with open(os.environ["RUNS"], "a") as file:
        file.write(ctx.workflow_id + "\\n")
    while not os.path.exists(os.environ["GO"]):
        time.sleep(0.01)
    return "x" * 5000
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small one. Mounting needs the superuser's rights, on Linux."""
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    if sys.platform != "linux" or mount is None or unmount is None:
        pytest.skip("cannot make a small disk here: needs Linux's mount")
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run([mount, "-t", "tmpfs", "-o", "size=8m", "wfctl", folder], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"cannot make a small disk here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run([unmount, "-l", folder], check=True)


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (65536, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        (disk / "more").write_bytes(b"x")
    return filler


class Scene:
    """Chains whose activities run, and return when they are let go; the disk is full."""

    def __init__(self, folder: Path, disk: Path) -> None:
        self.folder = folder
        self.store = str(disk / "store.db")
        self.runs, self.go = folder / "runs", folder / "go"
        self.app = folder / "app.py"
        self.app.write_text(APP)
        self.env = {"RUNS": str(self.runs), "GO": str(self.go)}

    def serve(self, **options: Any) -> contextlib.AbstractContextManager[Served]:
        return served(self.folder, "--store", self.store, **options)

    def begin(self, server: Served, disk: Path) -> Path:
        for number in range(CHAINS):
            server.start("chain", f"c{number}", "3")
        until(lambda: all(self.running(server, f"c{number}") for number in range(CHAINS)), "all run")
        until(self.runs.exists, "an activity runs")
        filler = fill(disk)
        self.go.touch()
        until(lambda: server.http.get("/v1.0/healthz").status_code == 500, "the health says so")
        return filler

    def running(self, server: Served, instance_id: str) -> bool:
        status: str = server.http.get(f"/v1.0/workflows/dapr/{instance_id}").json()["runtimeStatus"]
        return status == "RUNNING"

    def complete(self, server: Served) -> None:
        for number in range(CHAINS):
            assert server.ended(f"c{number}").output == "15000"


def logged(server: Served, words: str) -> int:
    return sum(words in json.loads(line)["msg"] for line in server.log.read_text().splitlines())


def test_it_waits_for_room_and_refuses_what_it_cannot_record(tmp_path: Path, disk: Path) -> None:
    scene = Scene(tmp_path, disk)
    with scene.serve() as server, worker(scene.app, server, **scene.env):
        filler = scene.begin(server, disk)
        for path, code in (("", "ERR_HEALTH_NOT_READY"), ("/outbound", "ERR_OUTBOUND_HEALTH_NOT_READY")):
            answer = server.http.get("/v1.0/healthz" + path).json()
            assert answer["errorCode"] == code
            assert "is full" in answer["message"]
        late = server.http.post("/v1.0/workflows/dapr/chain/start?instanceID=late", content="1")
        assert (late.status_code, late.json()["errorCode"]) == (503, "ERR_STORE_FULL")
        assert "nothing of this request was recorded" in late.json()["message"]
        state = server.http.post("/v1.0/state/statestore", content=json.dumps([{"key": "k", "value": 1}]))
        assert (state.status_code, state.json()["errorCode"]) == (503, "ERR_STORE_FULL")
        with grpc.insecure_channel(server.endpoints["grpcEndpoint"]) as channel:
            start: Any = channel.unary_unary(grpc_methods.START.path, grpc_methods.START.request.SerializeToString)
            with pytest.raises(grpc.RpcError) as caught:
                start(pb.CreateInstanceRequest(instance_id="late", name="chain"), timeout=LIMIT_SECONDS)
            assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        with pytest.raises(DiskFull, match="is full: nothing of this start was recorded"):
            server.workflows.start(StartRequest("chain", "late", "1"))
        assert server.http.get("/v1.0/workflows/dapr/late").status_code == 404
        assert server.http.get("/v1.0/workflows/dapr/c0").json()["runtimeStatus"] == "RUNNING"
        assert server.http.get("/metrics").status_code == 200
        assert logged(server, "is full") == 1
        filler.unlink()
        scene.complete(server)
        until(lambda: server.http.get("/v1.0/healthz").status_code == 204, "the health says that it is over")
        server.start("chain", "late", "1")
        assert server.ended("late").output == "5000"
        assert (logged(server, "is full"), logged(server, "there is room on the disk again")) == (1, 1)


def test_a_server_that_is_killed_on_a_full_disk_has_lost_nothing(tmp_path: Path, disk: Path) -> None:
    scene = Scene(tmp_path, disk)
    with scene.serve() as server, worker(scene.app, server, **scene.env):
        filler = scene.begin(server, disk)
        server.process.kill()
        server.process.wait()
        filler.unlink()
    with scene.serve() as server, worker(scene.app, server, **scene.env):
        scene.complete(server)


def test_the_command_says_what_is_the_matter(tmp_path: Path, disk: Path) -> None:
    scene = Scene(tmp_path, disk)
    with scene.serve() as server, worker(scene.app, server, **scene.env):
        filler = scene.begin(server, disk)
        done = subprocess.run(
            [sys.executable, "-m", "wfctl", "start", "chain", "--target", server.endpoints["httpEndpoint"]],
            env=environ(XDG_CONFIG_HOME=str(tmp_path / "config")),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
        )
        assert done.returncode == 5, done
        assert "is full: nothing of this start was recorded" in done.stderr
        assert "Traceback" not in done.stderr
        filler.unlink()
        scene.complete(server)
