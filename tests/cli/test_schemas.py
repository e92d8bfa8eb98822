"""The JSON contract: every command's real output, held against the schemas in docs/schemas."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import Cli
from limits import LIMIT_SECONDS, until

from wfctl.cli.command_table import COMMANDS

jsonschema = pytest.importorskip("jsonschema")
referencing = pytest.importorskip("referencing")

FOLDER = Path(__file__).parents[2] / "docs" / "schemas"
SCHEMAS: dict[str, Any] = {file.name: json.loads(file.read_text()) for file in sorted(FOLDER.glob("*.json"))}
REGISTRY = referencing.Registry().with_resources(
    [(name, referencing.Resource.from_contents(schema)) for name, schema in SCHEMAS.items()]
)

# Each command with JSON: its arguments, its schema, and whether it gives a list.
MANY, ONE = True, False
CASES: list[tuple[list[str], str, bool]] = [
    (["init", "sample"], "file.json", MANY),
    (["start", "Echo", "--input", '{"deep": [1, null]}'], "instance.json", ONE),
    (["start", "Broken", "--wait"], "instance.json", ONE),
    (["start", "Echo", "--each", "each.jsonl"], "outcome.json", MANY),
    (["get", "approval"], "instance.json", ONE),
    (["get", "broken"], "instance.json", ONE),
    (["list"], "instance.json", MANY),
    (["ls", "--status", "STALLED"], "instance.json", MANY),
    (["wait", "echo"], "instance.json", ONE),
    (["wait", "echo", "broken", "--for", "terminal"], "instance.json", MANY),
    (["count"], "count.json", MANY),
    (["count", "--by", "status,name"], "count.json", MANY),
    (["count", "--by", "step,error"], "count.json", MANY),
    (["failures"], "failures.json", MANY),
    (["workers"], "workers.json", MANY),
    (["waiting"], "awaited.json", MANY),
    (["waiting", "--by", "event"], "event_group.json", MANY),
    (["steps", "broken"], "step.json", MANY),
    (["steps", "approval"], "step.json", MANY),
    (["steps", "parent"], "step.json", MANY),
    (["steps", "later"], "step.json", MANY),
    (["steps", "parent", "--timeline", "--children"], "timeline.json", ONE),
    (["tree", "parent"], "tree.json", ONE),
    (["history", "broken"], "event.json", MANY),
    (["history", "approval"], "event.json", MANY),
    (["logs", "talker"], "log.json", MANY),
    (["check", "--name", "*"], "fit.json", MANY),
    (["replay", "broken"], "fit.json", ONE),
    (["export", "--to", "all.jsonl"], "export.json", ONE),
    (["check", "--app", "careless.py"], "code_warning.json", MANY),
    (["diff", "echo", "broken"], "diff.json", ONE),
    (["import", "bundle.jsonl", "--prefix", "desk-"], "import.json", ONE),
    (["pause", "approval", "nosuch"], "outcome.json", MANY),
    (["suspend", "approval", "--dry-run"], "outcome.json", MANY),
    (["resume", "paused"], "outcome.json", MANY),
    (["terminate", "approval"], "outcome.json", MANY),
    (["terminate", "--status", "running", "--yes"], "outcome.json", MANY),
    (["purge", "echo"], "outcome.json", MANY),
    (["raise-event", "approval", "approval"], "instance.json", ONE),
    (["raise-event", "approval", "paused", "approval"], "outcome.json", MANY),
    (["rerun", "broken", "--from-failed"], "instance.json", ONE),
    (["rerun", "broken", "echo"], "outcome.json", MANY),
    (["rerun", "broken", "--from-failed", "--plan"], "plan.json", MANY),
    (["run"], "run.json", ONE),
    (["workflows"], "registered.json", MANY),
    (["doctor"], "check.json", MANY),
    (["backup", "copy.db"], "backup.json", ONE),
    (["restore", "older.db", "--yes"], "backup.json", ONE),
    (["config", "show"], "setting.json", MANY),
    (["config", "set", "color", "never"], "setting_change.json", ONE),
    (["config", "unset", "store", "--project"], "setting_change.json", ONE),
    (["config", "use", "embedded"], "setting_change.json", ONE),
    (["config", "path"], "file.json", ONE),
    (["completion", "install", "--shell", "fish"], "completion.json", MANY),
    (["version"], "version.json", ONE),
]
TALKER = """
import logging

import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()


@wfr.workflow(name="Talker")
def talker(ctx, _):
    logging.getLogger("talker").warning("hello")
    yield ctx.wait_for_external_event("stop")
"""
# result prints the instance's own output, help and completion show text; serve and watch have tests of their own below.
WITHOUT = {"result", "help", "serve", "ui", "watch"}


@pytest.fixture
def instances(cli: Cli, app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("Echo", "Broken", "Approval", "Parent", "Later"):
        cli("start", name, "--id", name.lower(), "--input", '"x"')
    (app / "talk.py").write_text(TALKER)
    (app / "careless.py").write_text(TALKER.replace("    logging", "    open('x')\n    logging"))
    cli("start", "Talker", "--id", "talker", "--app", "talk.py")
    cli("start", "Approval", "--id", "paused")
    cli("pause", "paused", "--reason", "lunch")
    cli("backup", "older.db")
    cli("export", "echo", "--to", "bundle.jsonl")
    return app


def check(record: Any, name: str) -> None:
    schema = SCHEMAS[name]
    validator = jsonschema.Draft202012Validator(schema, registry=REGISTRY)
    errors = [f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(record)]
    assert errors == [], name
    if name not in ("event.json", "error.json"):
        assert set(record) <= set(schema["properties"]), f"{name} does not say all fields"
        assert set(schema["required"]) <= set(record)


def test_the_schemas_are_schemas() -> None:
    for name, schema in SCHEMAS.items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["$id"] == name
        assert schema["description"]


def test_every_command_is_here() -> None:
    assert {argv[0] for argv, _, _ in CASES} | WITHOUT == set(COMMANDS)
    used = {name for _, name, _ in CASES} | {
        "failure.json",
        "failed_step.json",
        "waiting.json",
        "node.json",
        "change.json",
    }
    assert used | {"error.json", "endpoints.json", "bundle.json"} == set(SCHEMAS)


@pytest.mark.parametrize(("argv", "schema", "many"), CASES, ids=[" ".join(case[0]) for case in CASES])
def test_output(cli: Cli, instances: Path, argv: list[str], schema: str, many: bool) -> None:
    (instances / "each.jsonl").write_text('{"id": "one", "input": 1}\n{"id": "two"}\n')
    result = cli(*argv, "-o", "json")
    document = result.json
    assert isinstance(document, list) is many, result
    for record in document if many else [document]:
        check(record, schema)
    if argv[:2] != ["ls", "--status"]:
        assert document


def test_lines_are_the_same_records(cli: Cli, instances: Path) -> None:
    """-o jsonl has one object a line; only tree differs, which is flat there."""
    for argv, schema in ((["list"], "instance.json"), (["tree", "parent"], "node.json"), (["count"], "count.json")):
        lines = cli(*argv, "-o", "jsonl").out.splitlines()
        assert lines
        for line in lines:
            check(json.loads(line), schema)


@pytest.mark.parametrize(
    "argv",
    [
        ["get", "nosuch"],
        ["start", "Ecko"],
        ["start", "Echo", "--input", "{"],
        ["purge", "approval"],
        ["list", "--nope"],
    ],
)
def test_errors(cli: Cli, instances: Path, argv: list[str]) -> None:
    result = cli(*argv, "-o", "json")
    check(json.loads(result.err.strip().splitlines()[-1]), "error.json")


# The fields that an event has besides eventID, type and timestamp.
EVENT_FIELDS = {
    "ExecutionStarted": {
        "name", "input", "instanceID", "executionID", "parent", "scheduledStart", "traceParent", "appID"
    },
    "WorkflowStarted": {"version", "patches"},
    "TaskScheduled": {"name", "input", "taskExecutionID", "maxAttempts", "rerunParent", "appID", "scope"},
    "TaskCompleted": {"taskScheduledID", "result", "taskExecutionID", "supplied"},
    "TaskFailed": {"taskScheduledID", "failure", "taskExecutionID"},
    "TimerCreated": {"fireAt", "name", "origin", "subject", "rerunParent"},
    "EventRaised": {"name", "input"},
    "ChildWorkflowInstanceCreated": {
        "instanceID", "name", "input", "maxAttempts", "rerunParent", "appID", "scope"
    },
    "ChildWorkflowInstanceCompleted": {"taskScheduledID", "result", "supplied"},
    "ExecutionSuspended": {"reason"},
    "ExecutionResumed": {"reason"},
    "ExecutionTerminated": {"input", "recurse", "reason"},
    "ExecutionCompleted": {"status", "result", "failure"},
}  # fmt: skip


def test_the_fields_of_events(cli: Cli, instances: Path) -> None:
    [child] = cli("list", "--parent", "parent", "-o", "id").out.split()
    cli("raise-event", child, "approval")
    cli("resume", "paused")
    cli("terminate", "paused")
    seen = {}
    for name in ("echo", "broken", "approval", "parent", "later", "paused", child):
        for record in cli("history", name, "-o", "json").json:
            fields = set(record) - {"eventID", "type", "timestamp"}
            assert fields == EVENT_FIELDS[record["type"]], record["type"]
            seen[record["type"]] = fields
    assert set(seen) == set(EVENT_FIELDS)


# --- processes ------------------------------------------------------------------------------------------------------


def lines_of(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline() for _ in range(count)]


@pytest.fixture
def started() -> Iterator[Any]:
    processes: list[subprocess.Popen[str]] = []

    def start(*argv: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "wfctl", *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.terminate()
        process.communicate(timeout=LIMIT_SECONDS)


def test_changes_that_watch_tells(cli: Cli, instances: Path, started: Any) -> None:
    process = started("watch", "approval", "-o", "jsonl")
    [first] = lines_of(process, 1)
    check(json.loads(first), "change.json")
    cli("terminate", "approval")
    [last] = lines_of(process, 1)
    check(json.loads(last), "change.json")


def test_endpoints_that_serve_tells(app: Path, tmp_path: Path, started: Any) -> None:
    pytest.importorskip("uvicorn")
    ready = tmp_path / "ready.json"
    process = started(
        "serve", "--http-port", "0", "--grpc-port", "0", "--print-endpoints", "json", "--ready-file", str(ready)
    )
    [said] = lines_of(process, 1)
    check(json.loads(said), "endpoints.json")
    until(ready.exists, "the server is ready")
    check(json.loads(ready.read_text()), "endpoints.json")
