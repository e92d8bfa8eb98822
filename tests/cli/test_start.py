import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from harness import Cli


def test_a_failure_without_wait_exits_0_and_says_so(cli: Cli, app: Path) -> None:
    """A script with `set -e` goes on: whoever looks is told."""
    result = cli("start", "Broken", "--id", "b")
    assert result.status == 0
    assert "exit status 0 all the same: with --wait it is the workflow's, 10" in result.err
    assert "exit status 0" not in cli("start", "Broken", "--id", "c", "--wait").err
    assert "exit status 0" not in cli("start", "Echo", "--id", "d").err
    assert cli("rerun", "b", "--from-failed").err.count("exit status 0 all the same") == 1


def test_start_prints_the_id_alone_and_the_outcome_on_stderr(cli: Cli, app: Path) -> None:
    result = cli("start", "Echo", "--id", "one", "--input", '{"a": 1}')

    assert (result.status, result.out) == (0, "one\n")
    assert "one COMPLETED" in result.err
    assert "activity says" in result.err, "what the app prints is not data of the command"


def test_start_makes_an_id(cli: Cli, app: Path) -> None:
    result = cli("start", "Echo", "-q")
    assert len(result.out.strip()) == 36
    assert cli("get", result.out.strip(), "-o", "json").json["runtimeStatus"] == "COMPLETED"


def stored_input(app: Path) -> str:
    """Return the input of the only instance, which has not begun, as the store has it."""
    with closing(sqlite3.connect(app / "store.db")) as db:
        ((event,),) = db.execute("SELECT event FROM inbox")
    return str(json.loads(event)[0]["input"])


@pytest.mark.parametrize("text", ['{"a":  1}', "[1,2]\n", '"text"', "0", "false", '""', "null", '"\\u00e9é"'])
def test_input_is_stored_as_those_bytes(cli: Cli, app: Path, text: str) -> None:
    assert cli("start", "Echo", "--id", "x", "--no-drive", "--input", text).status == 0
    assert stored_input(app).strip("\n") == text.strip("\n")
    assert cli("get", "x", "-o", "json").json["input"] == json.loads(text)


def test_input_from_file_stdin_and_string(cli: Cli, app: Path) -> None:
    (app / "in.json").write_text('{"from": "file"}')
    cli("start", "Echo", "--id", "file", "--input-file", "in.json")
    cli("start", "Echo", "--id", "stdin", "--input", "-", stdin='{"from": "stdin"}')
    cli("start", "Echo", "--id", "string", "--input-string", '{"not": "json"}')
    cli("start", "Echo", "--id", "at", "--input", "@in.json")
    cli("start", "Echo", "--id", "at-stdin", "--input", "@-", stdin="1")

    assert cli("result", "at").out == '{"from": "file"}\n'
    assert cli("result", "at-stdin").out == "1\n"
    assert cli("start", "Echo", "--input", "@absent.json").status == 2
    assert cli("result", "file").out == '{"from": "file"}\n'
    assert cli("result", "stdin", "-o", "json").json == {"from": "stdin"}
    assert cli("result", "string").out == '{"not": "json"}\n', "a text is printed without its quotes"
    assert cli("get", "string", "-o", "json").json["input"] == '{"not": "json"}'


def test_two_inputs_are_a_usage_error(cli: Cli, app: Path) -> None:
    result = cli("start", "Echo", "--input", "1", "--input-string", "x")
    assert result.status == 2
    assert "--input and --input-string exclude each other" in result.err


def test_invalid_json_points_at_the_place(cli: Cli, app: Path) -> None:
    result = cli("start", "Echo", "--input", '{"a": 1 "b": 2}')
    lines = result.err.splitlines()
    assert result.status == 2
    assert "line 1, column 9" in lines[0]
    assert lines[1].strip() == '{"a": 1 "b": 2}'
    assert lines[2].index("^") == lines[1].index('"b"')


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "", "{a:1}", "'x'", "\ufeff1", "[" * 100_000])
def test_what_is_not_json_is_refused(cli: Cli, app: Path, text: str) -> None:
    result = cli("start", "Echo", "--input", text)
    assert result.status == 2
    assert "Traceback" not in result.err


@pytest.mark.parametrize("bad", ["a:b", "a b", "", "x" * 65, "é" * 33, "a/b", "a\x1bb", "½"])
def test_bad_new_ids(cli: Cli, app: Path, bad: str) -> None:
    result = cli("start", "Echo", "--id", bad)
    assert result.status == 2
    assert "\x1b" not in result.err


@pytest.mark.parametrize("good", ["x" * 64, "é" * 32, "A-b_9", "日本"])
def test_good_new_ids(cli: Cli, app: Path, good: str) -> None:
    assert cli("start", "Echo", "--id", good).out == good + "\n"


def test_unknown_workflow_suggests(cli: Cli, app: Path) -> None:
    result = cli("start", "Ecko")
    assert result.status == 2
    assert "did you mean Echo" in result.err


def test_duplicate_id(cli: Cli, app: Path) -> None:
    cli("start", "Echo", "--id", "one", "--input", "1")
    assert cli("start", "Echo", "--id", "one").status == 4
    assert cli("start", "Echo", "--id", "one", "--if-exists", "use").out == "one\n"
    assert cli("result", "one").out == "1\n"
    assert cli("start", "Echo", "--id", "one", "--if-exists", "replace", "--input", "2").status == 0
    assert cli("result", "one").out == "2\n"
    assert cli("start", "Echo", "--id", "one", "--if-exists", "perhaps").status == 2


def test_start_says_what_it_waits_for_and_how_to_go_on(cli: Cli, app: Path) -> None:
    result = cli("start", "Approval", "--id", "a")
    assert result.out == "a\n"
    assert 'a RUNNING, waits for event "approval"' in result.err
    assert "times out in 2h 59m" in result.err
    assert "wfctl raise-event a approval --data true" in result.err
    assert cli("start", "Later", "--id", "t").err.count("wfctl run") == 1


def test_start_with_format_prints_the_record(cli: Cli, app: Path) -> None:
    record = cli("start", "Echo", "--id", "one", "--input", "5", "-o", "json").json
    assert record["output"] == 5
    assert cli("start", "Echo", "--id", "two", "-o", "id").out == "two\n"


def test_start_and_wait(cli: Cli, app: Path) -> None:
    assert cli("start", "Echo", "--wait", "--id", "ok").out == "ok\n"
    failed = cli("start", "Broken", "--id", "bad", "--wait")
    assert (failed.status, failed.out) == (10, "bad\n")
    assert "no None" in failed.err
    late = cli("start", "Approval", "--id", "late", "--wait", "--timeout", "100ms", "-o", "json")
    assert late.status == 124
    assert late.json["runtimeStatus"] == "RUNNING"
    assert late.error["code"] == "timed_out"
    on_screen = cli("start", "Echo", "--id", "shown", "--wait", "--color", "never", tty=True)
    assert "Status     COMPLETED" in on_screen.out


def test_no_drive_only_commits(cli: Cli, app: Path) -> None:
    assert cli("start", "Echo", "--id", "one", "--no-drive").out == "one\n"
    waiting = cli("get", "one", "-o", "json").json
    assert waiting["runtimeStatus"] == "PENDING"
    assert [w["kind"] for w in waiting["waitingFor"]] == ["driver"]
    assert cli("run").status == 0
    assert cli("get", "one", "-o", "json").json["runtimeStatus"] == "COMPLETED"


def test_start_at(cli: Cli, app: Path) -> None:
    assert "waits for its start at" in cli("start", "Echo", "--id", "one", "--start-at", "+1h").err
    assert cli("start", "Echo", "--start-at", "2020-01-01T00:00:00Z", "--wait").status == 0
    for bad in ("tomorrow", "5m", "+5", "2026-01-31", "2026-02-30T00:00:00Z", "+99999999d"):
        result = cli("start", "Echo", "--start-at", bad)
        assert (result.status, "try:" in result.err) == (2, True), bad


def test_timeout_needs_wait_and_a_unit(cli: Cli, app: Path) -> None:
    assert "--wait --timeout 5s" in cli("start", "Echo", "--timeout", "5s").err
    assert cli("start", "Echo", "--wait", "--timeout", "5").status == 2


def test_no_app_is_named(cli: Cli, project: Path) -> None:
    result = cli("start", "Echo", "--store", "s.db")
    assert result.status == 2
    assert "--app" in result.err


def test_app_that_fails_shows_the_users_error(cli: Cli, app: Path) -> None:
    (app / "app.py").write_text("x = 1\nraise RuntimeError('mine')\n")
    result = cli("start", "Echo")
    assert result.status == 2
    assert "RuntimeError: mine" in result.err
    assert "line 2" in result.err or ":2" in result.err
    assert "wfctl/" not in result.err.replace(str(app), "")
    assert "RuntimeError: mine" in cli("start", "Echo", "-o", "json").error["detail"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["start", "Echo", "--fail-on-stall"], "--fail-on-stall is for --wait"),
        (["result", "x", "--fail-on-stall"], "--fail-on-stall is for --wait"),
        (["rerun", "x", "--fail-on-stall"], "--fail-on-stall is for --wait"),
        (["raise-event", "x", "go", "--fail-on-stall"], "--fail-on-stall is for --wait"),
        (["start", "Echo", "--input-file", ""], "--input-file names no file"),
    ],
)
def test_options_that_say_nothing_alone(cli: Cli, app: Path, argv: list[str], words: str) -> None:
    result = cli(*argv)
    assert (result.status, result.out) == (2, "")
    assert words in result.err


def test_that_nothing_runs_is_a_sentence_of_its_own(cli: Cli, app: Path) -> None:
    told = cli("start", "Echo", "--id", "idle", "--no-drive", "--wait", "--timeout", "0s").err
    assert "idle PENDING: no process is executing this store (wfctl run continues it)\n" in told


# --- many at once ---------------------------------------------------------------------------------------------------


def lines(*rows: str) -> str:
    return "".join(row + "\n" for row in rows)


def test_each_line_is_an_instance(cli: Cli, app: Path) -> None:
    text = lines('{"id": "a", "input": {"n":  1.50}}', "", '{"input": null, "id": "b"}', '{"instanceID": "c", "x": 1}')
    result = cli("start", "Echo", "--each", "-", stdin=text)
    assert (result.status, result.out) == (0, "a\nb\nc\n"), result.err
    assert "3 started" in result.err
    assert cli("result", "a").out == '{"n": 1.5}\n'
    assert cli("get", "c", "-o", "json").json["input"] is None
    (app / "more.jsonl").write_text(lines('{"id": "a"}', '{"id": "d", "input": "text"}'))
    again = cli("start", "Echo", "--each", "more.jsonl", "-o", "jsonl")
    assert again.status == 0
    rows = [json.loads(line) for line in again.out.splitlines()]
    assert [(row["instanceID"], row["outcome"], row["reason"]) for row in rows] == [
        ("a", "skipped", "it exists already"),
        ("d", "done", None),
    ]
    assert cli("result", "d").out == "text\n"


def test_each_keeps_the_bytes_of_an_input(cli: Cli, app: Path) -> None:
    cli("start", "Echo", "--no-drive", "--each", "-", stdin='{"id":"x", "input" : [1.50,  "\\u00e9"] }\n')
    assert stored_input(app) == '[1.50,  "\\u00e9"]'


def test_each_commits_in_groups(cli: Cli, app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wfctl.engine.store import database

    commits = []
    begin = database.begin
    monkeypatch.setattr(database, "begin", lambda db: (commits.append(1), begin(db)))  # type: ignore[func-returns-value]
    text = lines(*(f'{{"id": "n{number}"}}' for number in range(401)))
    assert cli("start", "Echo", "--no-drive", "--each", "-", "-o", "id", stdin=text).out.count("\n") == 401
    assert len(commits) <= 6
    assert cli("count", "-o", "json").json[0]["count"] == 401


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"id": "a"}\n{"id": "a"}\n', "line 2 of stdin has the ID 'a' of line 1"),
        ('{"id": "a"}\n[1]\n', "line 2 of stdin is no JSON object"),
        ('{"input": 1}\n', "line 1 of stdin has no id"),
        ('{"id": 7}\n', "line 1 of stdin has no id"),
        ('{"id": "a", "quantity": 7}\n', "'quantity' besides id and input"),
        ('{"id": "a b"}\n', "letters, digits"),
        ('{"id": "a",}\n', "line 1 of stdin is not valid JSON"),
    ],
)
def test_a_wrong_line_starts_nothing(cli: Cli, app: Path, text: str, words: str) -> None:
    result = cli("start", "Echo", "--each", "-", stdin=text)
    assert (result.status, result.out) == (2, "")
    assert words in result.err
    assert not (app / "store.db").exists()


def test_each_with_a_wrong_workflow_is_one_error(cli: Cli, app: Path) -> None:
    result = cli("start", "Ecko", "--each", "-", stdin='{"id": "a"}\n{"id": "b"}\n')
    assert (result.status, result.err.count("no workflow 'Ecko'")) == (2, 1)


@pytest.mark.parametrize("argv", [["--id", "x"], ["--wait"], ["--input", "1"], ["--if-exists", "replace"]])
def test_each_excludes_what_is_for_one(cli: Cli, app: Path, argv: list[str]) -> None:
    assert cli("start", "Echo", "--each", "-", *argv, stdin='{"id": "a"}\n').status == 2
