"""`wfctl failures`, the filters on failures, and the detectors, through argv on a real store."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from harness import Cli

from wfctl.cli.parsing.duration import parse_moment
from wfctl.errors import InvalidInput
from wfctl.render.views.waiting import utc_now

APP = """
from datetime import timedelta
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.activity(name="Charge")
def charge(ctx, card):
    if card < 0:
        raise LookupError(f"no card {card}")
    raise ValueError(f"card {card} declined" + (" twice" if card > 90 else ""))

@wfr.workflow(name="Checkout")
def checkout(ctx, card):
    yield ctx.call_activity(charge, input=card)

@wfr.workflow(name="Shop")
def shop(ctx, card):
    yield ctx.call_child_workflow(checkout, input=card)

@wfr.workflow(name="Patient")
def patient(ctx, card):
    policy = wf.RetryPolicy(first_retry_interval=timedelta(hours=1), max_number_of_attempts=3)
    yield ctx.call_activity(charge, input=card, retry_policy=policy)
"""


@pytest.fixture(autouse=True)
def instances(cli: Cli, app: Path) -> None:
    app.joinpath("app.py").write_text(APP)
    for number in range(4):
        cli("start", "Checkout", "--id", f"c{number}", "--input", str(number))
    cli("start", "Checkout", "--id", "twice", "--input", "91")
    cli("start", "Checkout", "--id", "none", "--input", "-1")
    cli("start", "Shop", "--id", "shop", "--input", "7")
    cli("start", "Patient", "--id", "patient", "--input", "7")


def test_the_groups(cli: Cli) -> None:
    done = cli("failures", "-o", "json")
    found = [(one["count"], one["workflowName"], one["step"], one["errorMessage"]) for one in done.json]
    assert sorted(found) == [
        (1, "Checkout", "Charge", "card 91 declined twice"),
        (1, "Checkout", "Charge", "no card -1"),
        (1, "Shop", "Charge", "card 7 declined"),
        (4, "Checkout", "Charge", "card <number> declined"),
    ]
    assert found[0][0] == 4
    assert "7 failed instances in 4 groups" in done.err
    assert len(cli("failures", "--children", "-o", "json").json) == 4, "the shop's child is a Checkout like others"
    assert cli("failures", "--children", "--error", "7", "-o", "json").json[0]["count"] == 1


def test_each_command_reruns_its_group_and_nothing_else(cli: Cli) -> None:
    for one in cli("failures", "-o", "json").json:
        assert one["alsoSelects"] == 0
        name, *words = shlex.split(one["rerun"])
        planned = [row for row in cli(*words, "--dry-run", "-o", "json").json if row["outcome"] == "planned"]
        assert name == "wfctl"
        assert len(planned) == one["count"], one
        assert one["exampleInstanceID"] in {row["instanceID"] for row in planned}


def test_filters_of_list_hold_and_go_into_the_command(cli: Cli) -> None:
    (one,) = cli("failures", "--id-prefix", "c", "--finished-after", "1h", "-o", "json").json
    assert one["count"] == 4
    assert "--id-prefix c" in one["rerun"]
    assert "--finished-after 20" in one["rerun"], "a time that stays"
    assert cli("failures", "--created-before", "1h", "-o", "json").json == []
    assert cli("failures", "--status", "RUNNING").status == 2


def test_at_a_terminal(cli: Cli) -> None:
    shown = cli("failures", "--color", "never", tty=True).out
    assert "4 × Checkout at Charge" in shown
    assert "    ValueError: card <number> declined\n" in shown
    assert "wfctl rerun --status FAILED --name Checkout --step Charge" in shown
    assert max(map(len, shown.splitlines())) > 100, "a command is one line, to be copied"


def test_checks(cli: Cli) -> None:
    assert cli("failures", "--fail-if-any").status == 9
    assert cli("failures", "--error", "nothing like it", "--fail-if-any").status == 0
    assert cli("list", "--retrying", "--fail-if-any", "-o", "id").out == "patient\n"
    assert cli("list", "--retrying", "--fail-if-any").status == 9
    assert cli("count", "--stuck", "1h", "--fail-if-any").status == 0
    assert cli("list", "--orphans", "--fail-if-any").status == 0
    assert cli("list", "--watch", "--fail-if-any").status == 2


def test_count_by_step_and_error(cli: Cli) -> None:
    rows = cli("count", "--by", "status,step", "-o", "json").json
    assert {(row["runtimeStatus"], row["step"], row["count"]) for row in rows} == {
        ("FAILED", "Charge", 8),
        ("RUNNING", "Charge", 1),
    }
    rows = cli("count", "--by", "error", "--status", "FAILED", "--name", "Checkout", "-o", "json").json
    assert {row["error"]: row["count"] for row in rows} == {
        "ValueError: card <number> declined": 5,
        "ValueError: card 91 declined twice": 1,
        "LookupError: no card -1": 1,
    }


def test_verbs_take_the_filters(cli: Cli) -> None:
    done = cli("purge", "--error", "no card", "--yes", "-o", "json")
    assert [row["instanceID"] for row in done.json] == ["none"]
    assert json.loads(cli("wait", "--step", "Charge", "--retrying", "--timeout", "0s", "-o", "jsonl").out)


def test_local_times_are_said_in_utc(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    done = cli("list", "--created-after", "yesterday", "--finished-before", "2026-01-01 08:00")
    assert "--created-after yesterday: 20" in done.err
    assert "--finished-before 2026-01-01 08:00: 202" in done.err
    assert "--created-after" not in cli("list", "--created-after", "7d").err
    assert "yesterday" not in cli("list", "-q", "--created-after", "yesterday").err


def test_what_local_times_mean() -> None:
    now = utc_now()
    here = now.astimezone()
    today = here.replace(hour=0, minute=0, second=0, microsecond=0)
    assert parse_moment("today", "--x", now) == today
    assert parse_moment(today.date().isoformat(), "--x", now) == today
    assert parse_moment("yesterday", "--x", now).astimezone().date() < here.date()
    assert parse_moment("yesterday 08:00", "--x", now).astimezone().hour == 8
    for text in ("00:00", "23:59", "12:30:15"):
        found = parse_moment(text, "--x", now)
        assert found <= now
        assert found.astimezone().strftime("%H:%M:%S").startswith(text)
    for bad in ("2026-13-01", "25:00", "tomorrow", "8"):
        with pytest.raises(InvalidInput):
            parse_moment(bad, "--x", now)
