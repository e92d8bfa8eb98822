"""Several apps in one project: `[apps.ID]` in a project's file, `--app-id`, and what is shown of apps."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Cli

from wfctl.cli.watching.change_feed import Kind, ListChanges
from wfctl.client.connect import Embedded
from wfctl.client.port import Host
from wfctl.model.instance import Filter
from wfctl.model.status import Status

ORDERS = """
import dapr.ext.workflow as wf
wfr = wf.WorkflowRuntime()
@wfr.workflow(name="order")
def order(ctx, n):
    paid = yield ctx.call_activity("charge", input=n, app_id="payments")
    box = yield ctx.call_child_workflow("ship", input=n, app_id="shipping")
    return [paid, box]
"""
PAYMENTS = """
import dapr.ext.workflow as wf
wfr = wf.WorkflowRuntime()
@wfr.activity(name="charge")
def charge(ctx, n):
    return f"charged {n}"
"""
SHIPPING = """
import dapr.ext.workflow as wf
wfr = wf.WorkflowRuntime()
@wfr.workflow(name="ship")
def ship(ctx, n):
    yield ctx.wait_for_external_event("go")
    return ctx.app_id
"""
FILE = 'store = "store.db"\napp = "{0}_orders.py"\n'
APPS = '[apps.payments]\napp = "{0}_payments.py"\n[apps.shipping]\napp = "{0}_shipping.py"\n'


@pytest.fixture
def name(project: Path, request: pytest.FixtureRequest) -> str:
    """The beginning of the names of this test's modules: a process imports each once."""
    name = request.node.name
    for app, code in {"orders": ORDERS, "payments": PAYMENTS, "shipping": SHIPPING}.items():
        (project / f"{name}_{app}.py").write_text(code)
    (project / "wfctl.toml").write_text((FILE + APPS).format(name))
    return str(name)


@pytest.mark.usefixtures("name")
def test_an_order_across_three_apps(cli: Cli) -> None:
    assert cli("start", "order", "--id", "o1", "--input", "3").status == 0
    table = cli("list").out
    assert [line.split()[:4] for line in table.splitlines()[1:]] == [
        ["o1:0002", "ship", "shipping", "RUNNING"],
        ["o1", "order", "RUNNING", "0s"],
    ]
    assert "App          shipping" in cli("get", "o1:0002").out
    assert "child o1:0002 in the app shipping (RUNNING)" in cli("get", "o1").out
    steps = cli("steps", "o1", "-o", "json").json
    assert [(step["name"], step["appID"]) for step in steps] == [("charge", "payments"), ("ship", "shipping")]
    assert "APP" in cli("steps", "o1").out
    nested = cli("tree", "o1", "-o", "json").json
    assert [(child["instanceID"], child["appID"]) for child in nested["children"]] == [("o1:0002", "shipping")]
    assert cli("tree", "o1", "--app-id", "wfctl", "-o", "id").out.split() == ["o1", "o1:0002"]
    routers = {event["type"]: event["router"] for event in cli("history", "o1", "-o", "json").json}
    assert routers["TaskScheduled"] == {"sourceAppID": "wfctl", "targetAppID": "payments"}
    assert cli("raise-event", "o1:0002", "go").status == 0
    assert cli("get", "o1", "-o", "json").json["output"] == ["charged 3", "shipping"]


@pytest.mark.usefixtures("name")
def test_app_id_chooses(cli: Cli) -> None:
    for words in ((), ("--app-id", "shipping")):
        workflow = "ship" if words else "order"
        assert cli("start", workflow, "--id", "o1", "--input", "3", *words).status == 0
    both = cli("get", "o1")
    assert both.status == 2
    assert "there is an instance 'o1' in each of 2 apps: shipping, wfctl" in both.err
    assert "--app-id shipping" in both.err
    for app_id, workflow in (("shipping", "ship"), ("wfctl", "order")):
        assert cli("get", "o1", "--app-id", app_id, "-o", "json").json["workflowName"] == workflow
    assert cli("list", "--app-id", "wfctl", "-o", "id").out.split() == ["o1"]
    assert cli("count", "--app-id", "shipping", "-o", "json").json == [
        {"runtimeStatus": "RUNNING", "workflowName": None, "step": None, "error": None, "count": 2}
    ]
    assert cli("terminate", "o1", "--app-id", "shipping").status == 0
    assert cli("purge", "o1", "--app-id", "shipping").status == 0
    assert cli("get", "o1", "-o", "json").json["appID"] is None
    wrong = cli("start", "ship", "--app-id", "shiping")
    assert (wrong.status, "there is no app 'shiping' here" in wrong.err) == (2, True)
    assert "payments, shipping" in wrong.err
    unknown = cli("start", "order", "--app-id", "shipping")
    assert (unknown.status, "no workflow 'order' is registered" in unknown.err) == (2, True)


def test_what_waits_for_an_app_that_is_not_here(cli: Cli, project: Path, name: str) -> None:
    (project / "wfctl.toml").write_text(FILE.format(name))
    started = cli("start", "order", "--id", "o1", "--input", "3")
    assert started.status == 0
    assert "activity charge in the app payments" in cli("get", "o1").out
    assert cli("run").status == 0
    (project / "wfctl.toml").write_text((FILE + APPS).format(name))
    assert cli("run").status == 0
    assert "child o1:0002 in the app shipping" in cli("get", "o1").out


def test_nothing_is_said_of_apps_where_there_is_one(cli: Cli, project: Path, name: str) -> None:
    (project / "wfctl.toml").write_text(f'store = "store.db"\napp = "{name}_shipping.py"\n')
    assert cli("start", "ship", "--id", "s1").status == 0
    for words in (("list",), ("get", "s1"), ("tree", "s1"), ("steps", "s1"), ("history", "s1")):
        assert "app" not in cli(*words).out.casefold()
    assert all("router" not in event for event in cli("history", "s1", "-o", "json").json)


def test_settings_and_doctor_name_them(cli: Cli, project: Path, name: str) -> None:
    rows = {row["name"]: row["value"] for row in cli("config", "show", "-o", "json").json}
    assert rows["apps.payments.app"] == str(project / f"{name}_payments.py")
    assert cli("config", "set", "apps.billing.app", f"{name}_payments.py", "--project").status == 0
    checks = {row["check"]: row["detail"] for row in cli("doctor", "-o", "json").json}
    assert checks["app billing"] == f"{project / name}_payments.py: 0 workflows, 1 activity"
    listed = [(row["kind"], row["name"], row["appID"]) for row in cli("workflows", "-o", "json").json]
    assert listed[:2] == [("workflow", "order", None), ("activity", "charge", "payments")]
    assert "APP" in cli("workflows").out
    assert "of the app paymnts" in cli("list", "--app-id", "paymnts").err
    assert cli("config", "unset", "apps.billing", "--project").status == 0
    assert "billing" not in (project / "wfctl.toml").read_text()
    assert cli("config", "set", "apps.billing.store", "x.db", "--project").status == 2


def test_an_app_out_of_the_folder_needs_trust(cli: Cli, project: Path, name: str) -> None:
    (project / "wfctl.toml").write_text(FILE.format(name) + '[apps.payments]\napp = "../payments.py"\n')
    refused = cli("start", "order")
    assert (refused.status, "sets apps.payments.app" in refused.err) == (6, True)
    assert cli("config", "trust").status == 0
    assert cli("list").status == 0


@pytest.mark.usefixtures("name")
def test_a_file_means_the_app_of_a_sidecar(cli: Cli, project: Path) -> None:
    """Its app_id does not hide what a store has."""
    assert cli("start", "ship", "--app-id", "shipping", "--id", "s1").status == 0
    with (project / "wfctl.toml").open("a") as file:
        file.write("")
    (project / "wfctl.toml").write_text('app_id = "other"\n' + (project / "wfctl.toml").read_text())
    assert cli("config", "trust").status == 0
    assert cli("list", "-o", "id").out.split() == ["s1"]
    assert cli("list", "-o", "id", "--app-id", "other").out.split() == []


@pytest.mark.usefixtures("name")
def test_a_watch_tells_instances_of_one_id_apart(cli: Cli, project: Path) -> None:
    for words in ((), ("--app-id", "shipping")):
        assert cli("start", "ship" if words else "order", "--id", "o1", "--input", "3", *words).status == 0
    workflows = Embedded(project / "store.db").open(Host(note=lambda line: None))
    try:
        watched = ListChanges(workflows, Filter(id_prefix="o1", statuses=frozenset({Status.RUNNING})))
        begun = {(change.instance.app_id, change.instance.id) for change in watched.begin()}
        assert begun == {(None, "o1"), ("shipping", "o1"), ("shipping", "o1:0002")}
        assert cli("purge", "o1", "--app-id", "shipping", "--force").status == 0
        watched._swept = 0.0
        (left,) = list(watched._sweep())
        assert (left.kind, left.instance.app_id, left.instance.id) == (Kind.PURGED, "shipping", "o1")
    finally:
        workflows.close()
