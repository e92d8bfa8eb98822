"""An embedded app that uses `DaprClient`: the command that drives is its sidecar, for as long as it drives."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from environments import make, site_packages

from wfctl.cli.app_sidecar import LazySidecar

pytest.importorskip("dapr.clients", reason="needs the official SDK")
pytest.importorskip("uvicorn", reason="needs the extra serve")

APP = """
import json, os, urllib.request
import dapr.ext.workflow as wf
from dapr.clients import DaprClient
from dapr.conf import settings
wfr = wf.WorkflowRuntime()
AT_IMPORT = DaprClient()
assert AT_IMPORT.get_metadata().application_id == "wfctl"

@wfr.workflow
def order(ctx, value):
    yield ctx.call_activity(keep, input=value)
    found = yield ctx.call_activity(look)
    return found

@wfr.activity
def keep(ctx, value):
    with DaprClient(f"{settings.DAPR_RUNTIME_HOST}:{settings.DAPR_GRPC_PORT}") as client:
        client.save_state("statestore", "stock", json.dumps(value))

@wfr.activity
def look(ctx):
    with DaprClient() as client:
        port = os.environ["DAPR_HTTP_PORT"]
        url = f"http://127.0.0.1:{port}/v1.0/state/statestore/stock"
        token = {"dapr-api-token": os.environ["DAPR_API_TOKEN"]}
        mine = f"http://127.0.0.1:{port}/v1.0/workflows/dapr/{ctx.workflow_id}"
        mine = urllib.request.Request(mine, headers=token)
        try:
            urllib.request.urlopen(url)
            stranger = 200
        except urllib.error.HTTPError as error:
            stranger = error.code
        return {
            "stock": json.loads(client.get_state("statestore", "stock").data),
            "import": AT_IMPORT.get_state("statestore", "stock").data.decode(),
            "runtime": client.get_metadata().application_id,
            "mine": json.loads(urllib.request.urlopen(mine).read())["runtimeStatus"],
            "port": port,
            "stranger": stranger,
        }
"""


@pytest.mark.parametrize("apart", [False, True], ids=["here", "in its own environment"])
def test_state_metadata_and_workflows(shell: Any, apart: bool) -> None:
    shell.app(APP)
    words = ["start", "order", "--id", "one", "--input", '{"cars": 5}', "--wait"]
    if apart:
        make(shell.folder / ".venv")
        (site_packages(shell.folder / ".venv") / "tests.pth").write_text("\n".join(here()) + "\n")
        words += ["--python", str(shell.folder / ".venv")]
    ran = shell.run(*words)
    assert ran.status == 0, ran.err
    found = json.loads(shell.run("result", "one", "-o", "json").out)
    assert (found["stock"], found["import"]) == ({"cars": 5}, '{"cars": 5}')
    assert (found["runtime"], found["mine"]) == ("wfctl", "RUNNING")
    assert found["stranger"] == 401, "whoever has no token gets nothing"
    with socket.socket() as knocking, pytest.raises(ConnectionRefusedError):
        knocking.connect(("127.0.0.1", int(found["port"])))


def here() -> list[str]:
    return [path for path in sys.path if path.endswith("site-packages")]


def test_looking_at_the_app_waits_for_nothing(shell: Any) -> None:
    """The client that it makes at import is told that its sidecar is there."""
    shell.app(APP)
    ran = shell.run("workflows", "-o", "id")
    assert (ran.status, ran.out.split()) == (0, ["order", "keep", "look"])


def test_a_sidecar_that_the_user_has_is_left_alone() -> None:
    said: list[str] = []
    for name in ("DAPR_HTTP_PORT", "DAPR_GRPC_ENDPOINT"):
        assert LazySidecar(said.append, {name: "3600"}).environment() == {}
    assert said == []


def test_without_the_extra_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wfctl.gateway.app_sidecar", None)
    said: list[str] = []
    sidecar = LazySidecar(said.append, {})
    assert sidecar.environment() == {"DAPR_HEALTH_TIMEOUT": "1"}
    sidecar.environment()
    assert len(said) == 1
    assert "the app uses DaprClient, which finds no sidecar here: " in said[0]
    assert "[serve]" in said[0]
    sidecar.close()


def test_an_app_without_a_client_pays_nothing(shell: Any) -> None:
    source = "import sys\nimport dapr.ext.workflow as wf\nwfr = wf.WorkflowRuntime()\n@wfr.workflow\ndef w(ctx):\n"
    loaded = "[m for m in ('uvicorn', 'grpc', 'dapr.clients', 'wfctl.gateway.app_sidecar') if m in sys.modules]"
    shell.app(f"{source}    return {loaded}\n")
    ran = shell.run("start", "w", "--id", "w", "--wait")
    assert ran.status == 0, ran.err
    assert json.loads(shell.run("result", "w", "-o", "json").out) == []
    assert Path(shell.folder / "store.db").exists()
