"""`rerun --result`: a step that was done by hand does not run, and its result is recorded as supplied."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from harness import Cli

ORDERS = """
import os, pathlib
from datetime import timedelta
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="Order")
def order(ctx, value):
    yield ctx.call_activity(reserve, input=value)
    paid = yield ctx.call_activity(charge, input=value)
    shipped = yield ctx.call_child_workflow(ship, input=paid)
    return {"paid": paid, "shipped": shipped}

@wfr.workflow(name="Fan")
def fan(ctx, value):
    results = yield wf.when_all([ctx.call_activity(charge, input=n) for n in range(2)])
    return results

@wfr.workflow(name="Ship")
def ship(ctx, value):
    yield ctx.call_activity(note, input="ship")
    raise ValueError("no truck")

@wfr.activity(name="Reserve")
def reserve(ctx, value):
    _note("reserve")

@wfr.activity(name="ChargeCard")
def charge(ctx, value):
    _note("charge")
    raise ValueError("card declined")

@wfr.activity(name="Note")
def note(ctx, value):
    _note(value)

def _note(text):
    with open("runs", "a") as file:
        file.write(text + "\\n")
"""


@pytest.fixture
def orders(project: Path, cli: Cli) -> Path:
    (project / "app.py").write_text(ORDERS)
    (project / "wfctl.toml").write_text('target = "embedded"\napp = "app.py"\nstore = "store.db"\n')
    cli("start", "Order", "--id", "o1", "--input", "7")
    return project


def runs(folder: Path) -> list[str]:
    return (folder / "runs").read_text().split()


def events(cli: Cli, instance_id: str, kind: str) -> list[dict[str, Any]]:
    return [event for event in cli("history", instance_id, "-o", "json").json if event["type"] == kind]


def test_the_step_does_not_run_and_its_result_is_supplied(cli: Cli, orders: Path) -> None:
    assert runs(orders) == ["reserve", "charge"]
    result = cli("rerun", "o1", "--from", "ChargeCard", "--result", 'ChargeCard={"ok": true}')
    assert result.out == "o1-rerun-1\n"
    assert runs(orders) == ["reserve", "charge", "ship"]
    done = events(cli, "o1-rerun-1", "TaskCompleted")
    assert [(event["result"], event["supplied"]) for event in done] == [(None, False), ({"ok": True}, True)]
    assert "supplied: {" in cli("history", "o1-rerun-1").out
    again = cli("rerun", "o1-rerun-1", "--result", 'Ship="by hand"', "--wait")
    assert (again.status, runs(orders)) == (0, ["reserve", "charge", "ship"])
    assert cli("result", "o1-rerun-2").json == {"paid": {"ok": True}, "shipped": "by hand"}
    assert [event["supplied"] for event in events(cli, "o1-rerun-2", "ChildWorkflowInstanceCompleted")] == [True]
    assert [row["instanceID"] for row in cli("list", "--id-prefix", "o1-rerun-2", "-o", "json").json] == ["o1-rerun-2"]


def test_the_plan_says_so(cli: Cli, orders: Path) -> None:
    plan = cli("rerun", "o1", "--result", "ChargeCard=1", "--plan", "-o", "json").json
    assert [(row["name"], row["again"], row["supplied"]) for row in plan] == [
        ("Reserve", False, False),
        ("ChargeCard", False, True),
    ]
    assert "supplied" in cli("rerun", "o1", "--result", "2=1", "--plan").out


def test_what_cannot_be_supplied(cli: Cli, orders: Path) -> None:
    for options, words in (
        (["--from", "Reserve", "--result", "ChargeCard=1"], "begins again at once"),
        (["--from", "ChargeCard", "--result", "Reserve=1"], "--result can be for ChargeCard"),
        (["--result", "Nope=1"], "no step 'Nope'"),
        (["--result", "ChargeCard"], "is not STEP=JSON"),
        (["--result", "ChargeCard={"], "not valid JSON"),
    ):
        result = cli("rerun", "o1", *options)
        assert (result.status, words in result.err) == (2, True), (options, result.err)
    assert runs(orders) == ["reserve", "charge"]


def test_one_of_several_steps_of_a_name(cli: Cli, orders: Path) -> None:
    cli("start", "Fan", "--id", "f")
    (orders / "runs").write_text("")
    result = cli("rerun", "f", "--event-id", "1", "--result", "ChargeCard=1")
    assert (result.status, "--result NUMBER=JSON with one of 1, 2" in result.err) == (2, True)
    assert cli("rerun", "f", "--event-id", "1", "--result", "1=10", "--result", "2=20", "--wait").status == 0
    assert (cli("result", "f-rerun-1").json, runs(orders)) == ([10, 20], [])


def test_nobody_runs_it_later_either(cli: Cli, orders: Path) -> None:
    """The rerun is recorded where nobody drives; another process goes on with it."""
    cli("rerun", "o1", "--result", "ChargeCard=1", "--no-drive")
    assert runs(orders) == ["reserve", "charge"]
    assert cli("run").status == 0
    assert runs(orders) == ["reserve", "charge", "ship"]


def test_a_kill_in_the_first_turn_charges_no_card(cli: Cli, orders: Path) -> None:
    """The process dies after the commit that records the rerun, before its code went on."""
    killer = (
        "import os, signal, sys\n"
        "from wfctl.engine import dispatcher\n"
        "from wfctl.engine.store import history_inbox\n"
        "from wfctl.cli.main import main\n"
        "from wfctl.engine.execute.local import LocalExecutor\n"
        "LocalExecutor.run_turn = lambda *_: None\n"  # the turn's result never comes
        "LocalExecutor.run_activities = lambda self, tasks: os.kill(os.getpid(), signal.SIGKILL) if tasks else None\n"
        "from wfctl.cli.waiting import report\n"
        "import wfctl.client.embedded.workflows as w\n"
        "w.EmbeddedWorkflows.drive = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n"
        "main(sys.argv[1:])\n"
    )
    command = [sys.executable, "-c", killer, "rerun", "o1", "--result", "ChargeCard=1"]
    process = subprocess.run(command, cwd=orders, env=os.environ.copy(), capture_output=True, timeout=120)
    assert process.returncode == -signal.SIGKILL, process.stderr
    assert cli("get", "o1-rerun-1", "-o", "json").json["runtimeStatus"] == "RUNNING"
    assert cli("rerun", "o1", "--result", "ChargeCard=1").status == 4
    assert cli("run").status == 0
    assert runs(orders) == ["reserve", "charge", "ship"]
    assert json.loads(cli("get", "o1-rerun-1", "-o", "json").out)["runtimeStatus"] == "FAILED"
