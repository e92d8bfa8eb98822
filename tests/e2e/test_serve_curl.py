"""The commands of Dapr's page on managing workflows over HTTP, by curl itself, under each version of the API."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from limits import LIMIT_SECONDS, until

pytest.importorskip("uvicorn", reason="needs the extra serve")

from serve_process import Served, served

from wfctl.model.status import Status

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")

# The names are those of the page.
APP = """
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="OrderProcessingWorkflow")
def order(ctx, order):
    ctx.set_custom_status("waits")
    paid = yield ctx.wait_for_external_event("ManagerApproval")
    return [order, paid]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("curl")
    (folder / "orders.py").write_text(APP)
    with served(folder, app=str(folder / "orders.py")) as server:
        yield server


def curl(server: Served, *words: str) -> tuple[int, str]:
    """Status and body. The words are the page's, but for the port."""
    here = [word.replace("http://localhost:3500", server.endpoints["httpEndpoint"]) for word in words]
    done = subprocess.run(
        ["curl", "--silent", "--max-time", "30", "--noproxy", "*", "--write-out", "\n%{http_code}", *here],
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=True,
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


@pytest.mark.parametrize("version", ["v1.0", "v1.0-beta1", "v1.0-alpha1"])
@pytest.mark.parametrize("component", ["dapr", "anything"])
def test_the_page_from_start_to_purge(server: Served, version: str, component: str) -> None:
    identity = f"{version.replace('.', '')}-{component}"
    base = f"http://localhost:3500/{version}/workflows/{component}"

    # Start, with the body as curl sends it with -d: its content type is not looked at.
    order = {"Name": "Paperclips", "Quantity": "1", "TotalCost": "9.95"}
    url = f"{base}/OrderProcessingWorkflow/start?instanceID={identity}"
    status, body = curl(server, "-X", "POST", url, "-d", json.dumps(order))
    assert (status, json.loads(body)) == (202, {"instanceID": identity})
    until(lambda: server.workflows.get(identity).status is Status.RUNNING, "it runs")

    # Pause and resume.
    assert curl(server, "-X", "POST", f"{base}/{identity}/pause", "-d", "") == (202, "{}")
    until(lambda: server.workflows.get(identity).status is Status.SUSPENDED, "it is suspended")
    assert curl(server, "-X", "POST", f"{base}/{identity}/resume", "-d", "") == (202, "{}")
    until(lambda: server.workflows.get(identity).status is Status.RUNNING, "it goes on")

    # A purge must wait for its end; an event of another name ends nothing.
    status, body = curl(server, "-X", "POST", f"{base}/{identity}/purge", "-d", "")
    assert (status, json.loads(body)["errorCode"]) == (500, "ERR_PURGE_WORKFLOW")
    assert curl(server, "-X", "POST", f"{base}/{identity}/raiseEvent/Other", "-d", '"x"') == (202, "{}")

    # Get.
    status, body = curl(server, "-X", "GET", f"{base}/{identity}")
    told = json.loads(body)
    assert status == 200
    assert (told["instanceID"], told["workflowName"]) == (identity, "OrderProcessingWorkflow")
    assert told["runtimeStatus"] == "RUNNING"
    assert json.loads(told["properties"]["dapr.workflow.input"]) == order

    # Raise an event.
    status, body = curl(server, "-X", "POST", f"{base}/{identity}/raiseEvent/ManagerApproval", "-d", '{"ok": true}')
    assert (status, body) == (202, "{}")
    assert json.loads(server.ended(identity).output or "") == [order, {"ok": True}]

    # Purge what is finished, and look for it.
    assert curl(server, "-X", "POST", f"{base}/{identity}/purge", "-d", "") == (202, "{}")
    status, body = curl(server, "-X", "GET", f"{base}/{identity}")
    assert (status, json.loads(body)["errorCode"]) == (404, "ERR_INSTANCE_ID_NOT_FOUND")


@pytest.mark.parametrize("version", ["v1.0", "v1.0-beta1", "v1.0-alpha1"])
def test_the_page_on_terminate(server: Served, version: str) -> None:
    base = f"http://localhost:3500/{version}/workflows/dapr"
    status, body = curl(server, "-X", "POST", f"{base}/OrderProcessingWorkflow/start")
    assert status == 202
    identity = json.loads(body)["instanceID"]
    assert curl(server, "-X", "POST", f"{base}/{identity}/terminate", "-d", "") == (202, "{}")
    assert server.ended(identity).status is Status.TERMINATED
    status, body = curl(server, "-X", "POST", f"{base}/nobody/terminate", "-d", "")
    assert (status, json.loads(body)["errorCode"]) == (404, "ERR_INSTANCE_ID_NOT_FOUND")
