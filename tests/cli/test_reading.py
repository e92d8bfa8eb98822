import json
from pathlib import Path

import pytest
from harness import RECORD_KEYS, Cli


@pytest.fixture(autouse=True)
def instances(cli: Cli, app: Path) -> None:
    cli("start", "Echo", "--id", "done", "--input", '{"n": [1, 2.5, "é"]}')
    cli("start", "Broken", "--id", "failed", "--input", '"luck"')
    cli("start", "Approval", "--id", "open")


def test_record(cli: Cli) -> None:
    record = cli("get", "done", "-o", "json").json
    assert list(record) == RECORD_KEYS
    assert record["input"] == record["output"] == {"n": [1, 2.5, "é"]}
    assert record["createdAt"].endswith("Z")
    assert record["failure"] is None
    assert record["waitingFor"] == []
    failed = cli("get", "failed", "-o", "json").json
    assert list(failed["failure"]) == ["errorType", "errorMessage", "stackTrace", "innerFailure"]
    assert failed["failure"]["innerFailure"]["errorMessage"] == "no luck"
    assert (failed["failedStep"]["name"], failed["failedStep"]["eventID"]) == ("Fail", 2)
    assert list(cli("get", "open", "-o", "json").json["waitingFor"][0]) == [
        "kind",
        "name",
        "since",
        "until",
        "instanceID",
        "runtimeStatus",
        "attempt",
        "maxAttempts",
        "lastError",
        "eventID",
        "received",
        "appID",
    ]


def test_get_block(cli: Cli) -> None:
    assert 'Waiting for    event "approval"' in cli("get", "open").out
    page = cli("get", "failed").out
    assert (
        page.index("Failed at    Fail (activity), ")
        < page.index("Error        ValueError: no luck")
        < page.index("Created")
    )
    assert "In workflow" in page
    assert "broken: yield ctx.call_activity(fail, input=value)" in page


def test_formats_of_list(cli: Cli) -> None:
    rows = cli("list", "-o", "json").json
    assert [row["instanceID"] for row in rows] == ["open", "failed", "done"]
    assert [json.loads(line) for line in cli("list", "-o", "jsonl").out.splitlines()] == rows
    assert cli("ls", "-o", "id").out.split() == ["open", "failed", "done"]
    assert cli("list", "-o", "yaml").out.count("- instanceID:") == 3
    table = cli("list").out.splitlines()
    assert table[0].split()[:3] == ["ID", "WORKFLOW", "STATUS"]
    assert len(table) == 4
    assert "CREATED AT" in cli("list", "-o", "wide").out


def test_yaml_of_one_word_has_no_end_mark(cli: Cli) -> None:
    cli("start", "Echo", "--id", "word", "--input", "3")
    assert cli("result", "word", "-o", "yaml").out == "3\n"


def test_what_is_too_deep_for_yaml(cli: Cli) -> None:
    deep = "[" * 900 + "]" * 900
    assert cli("start", "Later", "--id", "deep", "--input", deep).status == 0
    result = cli("get", "deep", "-o", "yaml")
    assert (result.status, result.out) == (2, "")
    assert "nested too deeply for YAML" in result.err
    assert cli("get", "deep", "-o", "json").status == 0


def test_empty_lists(cli: Cli) -> None:
    assert cli("list", "--name", "Nope", "-o", "json").out == "[]\n"
    assert cli("list", "--name", "Nope", "-o", "jsonl").out == ""
    assert cli("list", "--name", "Nope", "-o", "yaml").out == "[]\n"
    assert cli("list", "--name", "Nope", "-o", "id").out == ""
    assert cli("list", "--name", "Nope", tty=True).err.startswith("no workflow is named Nope (3 in ")


@pytest.mark.parametrize(
    ("argv", "ids"),
    [
        (["--status", "failed"], ["failed"]),
        (["--status", "Failed", "--status", "completed"], ["failed", "done"]),
        (["--status", "failed,completed"], ["failed", "done"]),
        (["--name", "Echo"], ["done"]),
        (["--id-prefix", "o"], ["open"]),
        (["--created-after", "1h"], ["open", "failed", "done"]),
        (["--created-before", "1h"], []),
        (["--finished-after", "2020-01-01T00:00:00Z"], ["failed", "done"]),
        (["--finished-before", "1d"], []),
        (["--waiting-event", "Approval"], ["open"]),
        (["--parent", "done"], []),
        (["--sort", "id"], ["done", "failed", "open"]),
        (["--sort", "id", "--reverse"], ["open", "failed", "done"]),
        (["--limit", "1"], ["open"]),
        (["--limit", "1", "--after", "open"], ["failed"]),
        (["--limit", "0"], ["open", "failed", "done"]),
    ],
)
def test_filters(cli: Cli, argv: list[str], ids: list[str]) -> None:
    assert cli("list", "-o", "id", *argv).out.split() == ids


@pytest.mark.parametrize(
    "argv",
    [
        ["--status", "foo"],
        ["--created-after", "someday"],
        ["--created-after", "2026-02-31"],
        ["--sort", "size"],
        ["--limit", "many"],
        ["--limit", "-1"],
    ],
)
def test_bad_filters(cli: Cli, argv: list[str]) -> None:
    result = cli("list", *argv)
    assert result.status == 2
    assert "try:" in result.err


def test_screen_of_list(cli: Cli) -> None:
    result = cli("list", "--limit", "2", tty=True)
    assert "\x1b[36mRUNNING\x1b[0m" in result.out
    assert "2 instances" in result.err
    assert "--after failed" in result.err


def test_count(cli: Cli) -> None:
    found = [(row["runtimeStatus"], row["workflowName"], row["count"]) for row in cli("count", "-o", "json").json]
    assert found == [("RUNNING", None, 1), ("COMPLETED", None, 1), ("FAILED", None, 1)]
    assert [row["workflowName"] for row in cli("count", "--by", "name", "-o", "json").json] == [
        "Approval",
        "Broken",
        "Echo",
    ]
    assert cli("count", "--by", "name,status", "--status", "failed").out.split() == [
        "STATUS",
        "WORKFLOW",
        "COUNT",
        "FAILED",
        "Broken",
        "1",
    ]
    assert cli("count", "--by", "size").status == 2
    assert cli("count", "-o", "id").status == 2


def test_history(cli: Cli) -> None:
    events = cli("history", "done", "-o", "json").json
    assert [event["type"] for event in events] == [
        "WorkflowStarted",
        "ExecutionStarted",
        "TaskScheduled",
        "WorkflowStarted",
        "TaskCompleted",
        "ExecutionCompleted",
    ]
    assert list(events[2])[:4] == ["eventID", "type", "timestamp", "name"]
    assert events[2]["input"] == {"n": [1, 2.5, "é"]}
    assert events[4]["taskScheduledID"] == events[2]["eventID"]
    assert "TaskScheduled" in cli("history", "done").out
    assert cli("history", "done", "-o", "id").status == 2


def test_steps(cli: Cli) -> None:
    steps = cli("steps", "failed", "-o", "json").json
    assert [(step["name"], step["status"]) for step in steps] == [("Back", "COMPLETED"), ("Fail", "FAILED")]
    assert steps[1]["attempts"][0]["failure"]["errorMessage"] == "no luck"
    assert steps[0]["durationMs"] is not None
    assert "no luck" in cli("steps", "failed").out


def test_workflows(cli: Cli) -> None:
    assert cli("workflows", "-o", "id").out.split()[:2] == ["Approval", "Broken"]
    assert cli("workflows", "-o", "json").json[0] == {
        "kind": "workflow",
        "name": "Approval",
        "versions": [],
        "latestVersion": None,
        "appID": None,
    }


def test_escapes_never_reach_the_terminal(cli: Cli) -> None:
    evil = json.dumps("\x1b]0;owned\x07\x9b31m\u202eabc")
    cli("start", "Echo", "--id", "evil", "--input", evil)
    cli("raise-event", "open", "approval", "--data", evil)
    for argv in (["get", "evil"], ["list"], ["list", "-o", "wide"], ["steps", "evil"], ["history", "evil"],
                 ["result", "evil"], ["get", "evil", "-o", "json"], ["get", "evil", "-o", "yaml"]):  # fmt: skip
        shown = cli(*argv, "--color", "never", tty=True).out
        assert not set(shown) & {"\x1b", "\x07", "\x9b"}, argv
    assert cli("result", "evil").out == json.loads(evil) + "\n", "a script gets it as it is"
    assert cli("get", "evil", "-o", "json").json["output"] == json.loads(evil)


def test_get_of_several(cli: Cli, app: Path) -> None:
    for name in ("one", "two"):
        cli("start", "Echo", "--id", name)
    found = cli("get", "one", "two", "one", "-o", "json")
    assert ([row["instanceID"] for row in found.json], found.status) == (["one", "two"], 0)
    piped = cli("get", "-", "-o", "jsonl", stdin='{"instanceID": "one"}\n{"instanceID": "two"}\n')
    assert [json.loads(line)["instanceID"] for line in piped.out.splitlines()] == ["one", "two"]
    assert cli("get", "-", "-o", "json", stdin="one\n").json[0]["instanceID"] == "one", "a list, however many there are"
    blocks = cli("get", "one", "two").out.split("\n\n")
    assert [block.split()[1] for block in blocks] == ["one", "two"]

    some = cli("get", "one", "absent", "-o", "id")
    assert (some.status, some.out) == (7, "one\n")
    assert "absent" in some.err
    none = cli("get", "absent", "missing", "-o", "json")
    assert (none.status, none.json) == (3, [])
    assert "wfctl list" in cli("get", "workflows").err
