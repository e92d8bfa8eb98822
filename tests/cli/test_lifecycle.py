from pathlib import Path

import pytest
from harness import Cli


@pytest.fixture
def waiting(cli: Cli, app: Path) -> str:
    cli("start", "Approval", "--id", "a", "--input", "1")
    return "a"


def test_event_goes_on(cli: Cli, waiting: str) -> None:
    result = cli("raise-event", "a", "APPROVAL", "--data", '{"ok": true}')
    assert (result.status, result.out) == (0, "")
    assert "a COMPLETED" in result.err
    assert cli("result", "a", "-o", "json").json == {"ok": True}


def test_event_as_dapr_writes_it_and_wait(cli: Cli, waiting: str) -> None:
    record = cli("raise-event", "a/approval", "--data-string", "yes", "--wait", "-o", "json").json
    assert record["output"] == "yes"


def test_event_for_nobody(cli: Cli, waiting: str) -> None:
    assert cli("raise-event", "nosuch", "approval").status == 3
    assert cli("raise-event", "a").status == 2
    assert cli("raise-event", "a", "").status == 2
    cli("raise-event", "a", "approval")
    assert cli("raise-event", "a", "approval").status == 4


def test_pause_and_resume(cli: Cli, waiting: str) -> None:
    assert cli("pause", "a", "--reason", "lunch").err == "paused a\n"
    record = cli("get", "a", "-o", "json").json
    assert record["runtimeStatus"] == "SUSPENDED"
    assert [w["kind"] for w in record["waitingFor"]] == ["resume", "event"]
    assert "a resume" in cli("get", "a").out
    assert cli("suspend", "a").status == 0, "pausing twice is no error"
    assert cli("resume", "a").status == 0
    assert cli("get", "a", "-o", "json").json["runtimeStatus"] == "RUNNING"
    assert cli("resume", "a").status == 4


class TestNobodyDrives:
    """No app is named, so that no command can run workflow code, and no other process drives."""

    @pytest.fixture(autouse=True)
    def undriven(self, cli: Cli, waiting: str, app: Path) -> None:
        cli("start", "Approval", "--id", "unstarted", "--no-drive")
        (app / "wfctl.toml").write_text('target = "embedded"\nstore = "store.db"\n')

    @pytest.mark.parametrize(
        ("verbs", "status"),
        [(("pause",), "SUSPENDED"), (("pause", "resume"), "RUNNING"), (("terminate",), "TERMINATED")],
    )
    def test_done_means_done(self, cli: Cli, verbs: tuple[str, ...], status: str) -> None:
        for verb in verbs:
            result = cli(verb, "a", "-o", "json")
            assert result.status == 0
            assert (result.json[0]["outcome"], result.json[0]["done"]) == ("done", True)
        assert cli("get", "a", "-o", "json").json["runtimeStatus"] == status

    def test_terminate_leads_to_purge(self, cli: Cli) -> None:
        assert cli("terminate", "a", "unstarted").err.splitlines()[-1] == "2 terminated"
        assert cli("purge", "a", "unstarted").status == 0
        assert cli("list", "-o", "json").json == []

    def test_what_needs_code_is_only_requested(self, cli: Cli) -> None:
        result = cli("pause", "unstarted", "-o", "json")
        assert result.status == 0
        [row] = result.json
        assert (row["outcome"], row["done"], row["error"]) == ("requested", False, None)
        assert "no process is executing this store" in row["reason"]
        assert row["reason"] in result.err
        words = cli("pause", "unstarted").err.splitlines()
        assert words[0] == "requested to pause unstarted"
        assert words[1].startswith("not paused yet: no process is executing this store: wfctl run")
        assert cli("pause", "unstarted", "-o", "id").out == "unstarted\n"
        both = cli("pause", "a", "unstarted").err
        assert "1 paused, 1 requested" in both

    def test_it_is_done_when_somebody_drives(self, cli: Cli) -> None:
        cli("pause", "unstarted")
        assert cli("run", "--app", "app.py").status == 0
        assert cli("get", "unstarted", "-o", "json").json["runtimeStatus"] == "SUSPENDED"


def test_terminate(cli: Cli, waiting: str) -> None:
    assert cli("terminate", "a", "--output", '{"x": 1}', "--reason", "no", "--yes").status == 0
    result = cli("result", "a")
    assert (result.status, result.out) == (11, '{"x": 1}\n')
    assert "TERMINATED" in result.err
    assert cli("terminate", "a").status == 4
    assert cli("terminate", "a", "--output", "json").status == 2


def test_terminate_reaches_children(cli: Cli, app: Path) -> None:
    cli("start", "Parent", "--id", "p")
    [child] = cli("list", "--parent", "p", "-o", "id").out.split()
    waits = cli("get", "p", "-o", "json").json["waitingFor"]
    assert [(w["instanceID"], w["runtimeStatus"]) for w in waits if w["kind"] == "child"] == [(child, "RUNNING")]
    assert cli("terminate", "p").status == 0
    assert cli("get", child, "-o", "json").json["runtimeStatus"] == "TERMINATED"
    [purged] = cli("purge", "p", "-o", "json").json
    assert (purged["instanceID"], purged["action"], purged["done"], purged["count"]) == ("p", "purged", True, 2)


def test_purge(cli: Cli, waiting: str) -> None:
    assert cli("purge", "a").status == 4
    assert cli("purge", "a", "--force").err == "purged a\n"
    assert cli("get", "a").status == 3
    assert cli("purge", "a").status == 3


def test_many_ids_some_fail(cli: Cli, waiting: str) -> None:
    result = cli("pause", "a", "nosuch")
    assert result.status == 7
    assert "paused a" in result.err
    assert "nosuch" in result.err
    assert "1 of 2 failed" in result.err

    rows = cli("resume", "a", "nosuch", "-o", "json")
    assert [(row["instanceID"], row["done"]) for row in rows.json] == [("a", True), ("nosuch", False)]
    assert rows.json[1]["error"]["code"] == "not_found"
    assert rows.error["code"] == "part_failed"
    assert cli("pause", "a", "nosuch", "-o", "id").out == "a\n"


def test_many_ids_all_fail_alike(cli: Cli, waiting: str) -> None:
    assert cli("pause", "x", "y").status == 3


def test_verbs_on_a_missing_store(cli: Cli, app: Path) -> None:
    for verb in ("get", "history", "steps", "pause", "resume", "terminate", "purge", "wait", "result", "rerun"):
        assert cli(verb, "nosuch").status == 3, verb
    assert cli("list", "-o", "json").out == "[]\n"
    assert cli("count", "-o", "json").out == "[]\n"
    assert not (app / "store.db").exists()


def test_result_of_a_live_one(cli: Cli, waiting: str) -> None:
    result = cli("result", "a")
    assert (result.status, result.out) == (4, "")
    assert "wfctl wait a" in result.err
    assert cli("result", "a", "--wait", "--timeout", "50ms").status == 124


def test_result_of_a_failed_one(cli: Cli, app: Path) -> None:
    cli("start", "Broken", "--id", "b")
    result = cli("result", "b")
    assert (result.status, result.out) == (10, "")
    assert "no None" in result.err


def test_rerun(cli: Cli, app: Path) -> None:
    cli("start", "Broken", "--id", "b", "--input", '"luck"')
    plan = cli("rerun", "b", "--from-failed", "--plan", "-o", "json").json
    assert [(row["name"], row["again"]) for row in plan] == [("Back", False), ("Fail", True)]

    again = cli("rerun", "b", "--from", "fail", "--new-id", "c", "--input", '"way"')
    assert again.out == "c\n"
    assert "no way" in cli("get", "c", "-o", "json").json["failure"]["errorMessage"]
    assert cli("rerun", "b", "--event-id", "2", "--again", "--wait").status == 10
    assert cli("rerun", "b", "--new-id", "c").status == 4
    for wrong in (["--from", "Nope"], ["--event-id", "99"], ["--from", "Fail", "--from-failed"], ["--new-id", "a:b"]):
        assert cli("rerun", "b", "--again", *wrong).status == 2, wrong


def test_rerun_of_one_that_runs_or_did_not_fail(cli: Cli, waiting: str) -> None:
    assert cli("rerun", "a").status == 4
    cli("start", "Echo", "--id", "e")
    assert cli("rerun", "e", "--from-failed").status == 4


def test_rerun_of_one_without_steps(cli: Cli, app: Path) -> None:
    cli("start", "Echo", "--id", "e", "--start-at", "+1h")
    cli("terminate", "e")
    assert cli("rerun", "e").status == 2


def test_run_sums_up(cli: Cli, app: Path) -> None:
    cli("start", "Echo", "--no-drive")
    cli("start", "Broken", "--no-drive")
    cli("start", "Approval", "--no-drive")
    record = cli("run", "-o", "json").json
    assert record == {"ended": {"COMPLETED": 1, "FAILED": 1}, "live": 1, "held": 0, "leftAlone": {}, "timedOut": False}
    assert cli("run").err == "0 instances ended, 1 live\n"
