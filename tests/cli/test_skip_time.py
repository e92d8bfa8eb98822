import json
from pathlib import Path

import pytest
from harness import Cli

APP = """
from datetime import timedelta

import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()


@wfr.workflow
def Approval(ctx, _):
    for _ in range(3):
        yield ctx.create_timer(timedelta(days=1))
        yield ctx.call_activity(remind)
    try:
        yield ctx.wait_for_external_event("approval", timeout=timedelta(days=1))
    except TimeoutError:
        return "too late"
    yield ctx.create_timer(timedelta(days=2))
    return "approved"


@wfr.workflow
def Monitor(ctx, _):
    yield ctx.create_timer(timedelta(hours=1))
    ctx.continue_as_new(None)


@wfr.activity
def remind(ctx):
    pass
"""


@pytest.fixture
def app(app: Path) -> Path:
    (app / "app.py").write_text(APP)
    return app


def test_days_pass_at_once_and_are_recorded(cli: Cli, app: Path) -> None:
    result = cli("start", "Approval", "--id", "a", "--skip-time", "--now", "2031-01-01T00:00:00Z")
    assert (result.status, result.out) == (0, "a\n")
    assert "a COMPLETED, took 4d" in result.err
    record = cli("get", "a", "-o", "json").json
    assert record["output"] == "too late"
    assert record["createdAt"] == "2031-01-01T00:00:00.000000Z"
    assert record["completedAt"].startswith("2031-01-05T00:00:0")
    assert 3.9 < record["skippedTime"]["skippedMs"] / 86_400_000 <= 4
    assert record["skippedTime"]["aheadMs"] > record["skippedTime"]["skippedMs"]
    assert "Skipped time  4d; its clock says 2031-01-05T00:00:0" in cli("get", "a").out
    history = cli("history", "a", "-o", "json").json
    assert [e["skippedMs"] > 0 for e in history if e["type"] == "TimerFired"] == [True] * 4
    assert cli("history", "a").out.count("after 1d of skipped time") == 4
    assert cli("start", "Approval", "--id", "real", "-o", "json").json["skippedTime"] is None


def test_until_holds_and_run_goes_on(cli: Cli, app: Path) -> None:
    held = cli("start", "Approval", "--id", "a", "--skip-time", "--until", "+3d12h")
    assert held.status == 0
    assert 'a RUNNING, waits for event "approval" for 1' in held.err
    assert "its time was skipped to 20" in held.err
    assert cli("start", "Approval", "--id", "real").status == 0
    raised = cli("raise-event", "a", "approval")
    assert "wfctl run --skip-time goes on" in raised.err, "an event skips no time by itself"
    summary = cli("run", "--skip-time", "-o", "json").json
    assert summary == {"ended": {"COMPLETED": 1}, "live": 1, "leftAlone": {}, "timedOut": False, "held": 0}
    record = cli("get", "a", "-o", "json").json
    assert record["output"] == "approved"
    assert 5.4 < record["skippedTime"]["skippedMs"] / 86_400_000 < 5.6
    assert cli("get", "real", "-o", "json").json["runtimeStatus"] == "RUNNING", "it was not started so"


def test_what_would_never_end_is_stopped(cli: Cli, app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wfctl.engine.skipping.MOST_JUMPS", 30)
    told = cli("start", "Monitor", "--id", "m", "--skip-time")
    assert told.status == 0
    assert "it may never end" in told.err
    waited = cli("start", "Monitor", "--id", "n", "--skip-time", "--wait")
    assert waited.status == 124
    assert "n has not ended: its time was skipped to" in waited.err
    assert "jumped very often" in cli("run", "--skip-time").err
    assert cli("start", "Monitor", "--skip-time", "--wait", "--until", "+90m").status == 124


def test_nothing_was_started_so(cli: Cli, app: Path) -> None:
    cli("start", "Approval", "--id", "real")
    assert "nothing that could go on was started with --skip-time" in cli("run", "--skip-time").err
    assert cli("get", "real", "-o", "json").json["runtimeStatus"] == "RUNNING"


def test_each_line_is_started_so(cli: Cli, app: Path) -> None:
    lines = "\n".join(json.dumps({"id": f"o{number}"}) for number in range(3))
    assert cli("start", "Approval", "--each", "-", "--skip-time", stdin=lines).status == 0
    assert [one["output"] for one in cli("list", "-o", "json").json] == ["too late"] * 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--until", "+3d"], "--until is for --skip-time"),
        (["--now", "2031-01-01T00:00:00Z"], "--now is for --skip-time"),
        (["--skip-time", "--until", "3d"], "try: +3d from now"),
        (["--skip-time", "--until", "2001-01-01T00:00:00Z"], "--until is before its beginning"),
        (["--skip-time", "--now", "soon"], "--now 'soon' is neither a time nor an age"),
    ],
)
def test_options_that_make_no_sense(cli: Cli, app: Path, options: list[str], words: str) -> None:
    result = cli("start", "Approval", *options)
    assert result.status == 2
    assert words in result.err
    assert cli("list", "-o", "json").json == []


def test_a_sidecar_skips_no_time(cli: Cli, app: Path) -> None:
    for command in (["start", "Approval", "--skip-time"], ["run", "--skip-time"]):
        result = cli(*command, "--target", "http://127.0.0.1:1")
        assert result.status == 5
    assert "only the embedded engine skips it" in cli("start", "X", "--skip-time", "-t", "http://127.0.0.1:1").err


def test_a_store_made_for_it(cli: Cli, app: Path) -> None:
    made = cli("init", "trial", "--skip-time")
    assert made.status == 0
    store = ("--store", "trial/.wfctl/store.db")
    assert "a COMPLETED, took 4d" in cli("start", "Approval", "--id", "a", *store).err
    assert cli("get", "a", "-o", "json", *store).json["skippedTime"]["skippedMs"] > 0
    assert cli("start", "Approval", "--id", "b", "--no-drive", *store).status == 0
    assert "1 instance ended (1 COMPLETED)" in cli("run", *store).err
    pytest.importorskip("uvicorn")
    refused = cli("serve", *store, "--http-port", "0", "--grpc-port", "0")
    assert refused.status == 5
    assert "was made for skipped time" in refused.err
    assert cli("init", "trial", "--skip-time", "--force").status == 0, "it is one already"
    assert cli("start", "Approval", "--id", "x", "--no-drive", "--store", "other/.wfctl/store.db").status == 0
    other = cli("init", "other", "--skip-time")
    assert (other.status, "their time was not skipped from the beginning" in other.err) == (4, True)


def test_what_is_due_when(cli: Cli, app: Path) -> None:
    cli("start", "Approval", "--id", "tomorrow")
    cli("start", "Approval", "--id", "later", "--start-at", "+9d")
    cli("start", "Monitor", "--id", "soon")
    cli("start", "Approval", "--id", "held", "--skip-time", "--until", "+2d23h30m")  # half an hour by its clock
    cli("start", "Approval", "--id", "never", "--skip-time")
    order = ["held", "soon", "tomorrow", "later", "never"]
    assert cli("list", "--sort", "due", "-o", "id").out.split() == order
    assert cli("list", "--sort", "due", "--reverse", "-o", "id").out.split() == [
        "later",
        "tomorrow",
        "soon",
        "held",
        "never",
    ]
    assert cli("list", "--sort", "due", "--after", "soon", "--limit", "2", "-o", "id").out.split() == order[2:4]
    assert cli("list", "--sort", "due", "--after", "never", "-o", "id").out == ""
    assert cli("list", "--sort", "due", "--status", "PENDING", "-o", "id").out.split() == ["later"]
    assert cli("list", "--sort", "due", "--name", "Monitor", "-o", "id").out.split() == ["soon"]
    table = cli("list", "--sort", "due").out.splitlines()
    assert "DUE" in table[0].split()
    assert "Z (in 29m" in table[1] or "Z (in 30m" in table[1]
    assert "Z (in 8d" in table[4]
    assert "DUE" not in cli("list").out


def test_a_bundle_takes_the_clock_along(cli: Cli, app: Path) -> None:
    cli("start", "Approval", "--id", "done", "--skip-time")
    cli("start", "Approval", "--id", "held", "--skip-time", "--until", "+3d12h")
    bundle = cli("export", "done", "held").out
    (app / "all.jsonl").write_text(bundle)
    store = ("--store", "other.db")
    assert cli("import", "all.jsonl", *store).status == 0
    for instance_id in ("done", "held"):
        before, after = (cli("get", instance_id, "-o", "json", *where).json for where in ((), store))
        assert after["createdAt"] == before["createdAt"]
        assert after["skippedTime"]["skippedMs"] == before["skippedTime"]["skippedMs"]
    assert cli("resume", "held", *store).status == 0
    assert cli("raise-event", "held", "approval", *store).status == 0
    assert "1 instance ended (1 COMPLETED)" in cli("run", "--skip-time", *store).err
    record = cli("get", "held", "-o", "json", *store).json
    assert record["output"] == "approved"
    assert 5.4 < record["skippedTime"]["skippedMs"] / 86_400_000 < 5.6
    times = [event["timestamp"] for event in cli("history", "held", "-o", "json", *store).json]
    assert times == sorted(times)
