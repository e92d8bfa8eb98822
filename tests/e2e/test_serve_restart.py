"""Commands that wait, while the server that they wait at is killed and comes back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="needs the extra serve")

from limits import LIMIT_SECONDS, until
from serve_process import environ, served

APP = """
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="approval")
def approval(ctx, _):
    decision = yield ctx.wait_for_external_event("go")
    return decision
"""


@pytest.mark.parametrize("grpc", [False, True], ids=["http", "grpc"])
def test_start_and_wait_outlive_the_server(tmp_path: Path, grpc: bool) -> None:
    (tmp_path / "app.py").write_text(APP)
    with served(tmp_path, app="app.py") as server:
        ends = server.endpoints
        target = ["-t", "grpc", "--grpc-endpoint", ends["grpcEndpoint"]] if grpc else ["-t", ends["httpEndpoint"]]
        notes = tmp_path / "notes"
        with notes.open("w") as err:
            started = subprocess.Popen(
                [sys.executable, "-m", "wfctl", "start", "approval", "--id", "o1", "--wait", *target],
                env=environ(XDG_CONFIG_HOME=str(tmp_path / "config")),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=err,
                text=True,
            )
        try:
            assert started.stdout is not None
            assert started.stdout.readline() == "o1\n"
            server.process.kill()
            server.process.wait()
            until(lambda: "trying again" in notes.read_text(), "it notices that the server is gone")
            with served(tmp_path, app="app.py", ports=(ends["httpPort"], ends["grpcPort"])) as again:
                again.workflows.raise_event("o1", "go", "1")
                assert started.wait(LIMIT_SECONDS) == 0, notes.read_text()
        finally:
            started.kill()
            started.wait()
            if started.stdout is not None:
                started.stdout.close()
    assert notes.read_text().count("trying again") == 1
    assert "o1 COMPLETED" in notes.read_text()
