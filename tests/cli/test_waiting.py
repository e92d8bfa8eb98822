"""`wfctl waiting`: who waits for which event since when, and what has arrived unread."""

from __future__ import annotations

import json
import shlex
import sqlite3
from pathlib import Path

import pytest
from harness import Cli, one_file

from wfctl.model.instance import Filter
from wfctl.model.status import Status
from wfctl.wire import filters

APP = """
from datetime import timedelta
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()


@wfr.workflow(name="Order")
def order(ctx, _):
    yield ctx.wait_for_external_event("Approval", timeout=timedelta(hours=3))


@wfr.workflow(name="Both")
def both(ctx, _):
    yield wf.when_all([ctx.wait_for_external_event("approval"), ctx.wait_for_external_event("payment")])


@wfr.workflow(name="Late")
def late(ctx, _):
    yield ctx.wait_for_external_event("go")
    yield ctx.wait_for_external_event("Coupon")
    yield ctx.wait_for_external_event("coupon")
"""


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    """The store as the commands made it, for those who come after the first."""
    return {}


@pytest.fixture(autouse=True)
def instances(cli: Cli, app: Path, made: dict[str, bytes]) -> None:
    (app / "app.py").write_text(APP)
    store = app / "store.db"
    if not made:
        for name, instance_id in (("Order", "o1"), ("Both", "b1"), ("Order", "o2"), ("Late", "l1")):
            assert cli("start", name, "--id", instance_id).status == 0
        made["store"] = one_file(store)
    store.write_bytes(made["store"])


def rows(cli: Cli, *words: str) -> list[tuple[str, str, str]]:
    return [(one["event"], one["instanceID"], one["state"]) for one in cli("waiting", *words, "-o", "json").json]


def test_the_longest_wait_comes_first(cli: Cli) -> None:
    assert rows(cli) == [
        ("Approval", "o1", "waiting"),
        ("approval", "b1", "waiting"),
        ("payment", "b1", "waiting"),
        ("Approval", "o2", "waiting"),
        ("go", "l1", "waiting"),
    ]
    first, second = cli("waiting", "-o", "json").json[:2]
    assert first["since"] < first["until"]
    assert second["until"] is None
    assert rows(cli, "--limit", "1") == [("Approval", "o1", "waiting")]
    assert cli("waiting", "-o", "id").out.split() == ["o1", "b1", "o2", "l1"], "each instance once"


def test_filters_choose_instances_and_an_event_its_waits(cli: Cli) -> None:
    assert [row[1] for row in rows(cli, "--name", "Order")] == ["o1", "o2"]
    assert rows(cli, "--waiting-event", "APPROVAL") == [
        ("Approval", "o1", "waiting"),
        ("approval", "b1", "waiting"),
        ("Approval", "o2", "waiting"),
    ]
    assert rows(cli, "--step", "payment") == [("approval", "b1", "waiting"), ("payment", "b1", "waiting")]
    assert rows(cli, "--status", "COMPLETED") == []
    assert cli("waiting", "--name", "Order", "--fail-if-any").status == 9
    assert cli("waiting", "--name", "Late", "--waiting-event", "x", "--fail-if-any").status == 0
    assert "no workflow is named Nobody" in cli("waiting", "--name", "Nobody").err
    cli("terminate", "--name", "Order", "--yes")
    assert "no instance waits for an event" in cli("waiting", "--name", "Order").err


def test_what_has_arrived(cli: Cli) -> None:
    cli("raise-event", "o1", "aproval")
    cli("raise-event", "o2", "approval", "--no-drive")
    cli("raise-event", "o2", "refund", "--no-drive")
    states = {row[:2]: row[2] for row in rows(cli)}
    assert states["Approval", "o1"] == "waiting"
    assert states["aproval", "o1"] == "unread", "nobody waits for it"
    assert states["Approval", "o2"] == "received", "no worker has taken it in"
    assert states["refund", "o2"] == "unread"
    cli("run")
    assert {row[1] for row in rows(cli)} == {"o1", "b1", "l1"}, "o2 has got its event, and has ended with the other"


def test_what_the_code_must_have_read_is_not_unread(cli: Cli) -> None:
    cli("raise-event", "l1", "coupon")
    assert ("coupon", "l1", "unread") in rows(cli)
    cli("raise-event", "l1", "go")
    assert [row for row in rows(cli) if row[1] == "l1"] == [("coupon", "l1", "waiting")], "it waits for the second"
    cli("raise-event", "l1", "COUPON")
    assert [row for row in rows(cli) if row[1] == "l1"] == []
    assert cli("get", "l1", "-o", "json").json["runtimeStatus"] == "COMPLETED"


def test_groups_and_the_command_for_each(cli: Cli) -> None:
    cli("raise-event", "o2", "approval", "--no-drive")
    cli("raise-event", "b1", "aproval")
    done = cli("waiting", "--by", "event", "-o", "json")
    assert [(g["event"].lower(), g["waiting"], g["received"], g["unread"]) for g in done.json] == [
        ("approval", 2, 1, 0),
        ("aproval", 0, 0, 1),
        ("go", 1, 0, 0),
        ("payment", 1, 0, 0),
    ]
    assert (done.json[0]["exampleInstanceID"], done.json[0]["workflowName"]) == ("o1", None)
    assert done.json[1]["raise"] is None
    name, *words = shlex.split(done.json[0]["raise"])
    assert name == "wfctl"
    planned = cli(*words, "--dry-run", "-o", "json").json
    assert {row["instanceID"] for row in planned} == {"o1", "o2", "b1"}
    by_name = cli("waiting", "--by", "event,name", "--name", "Order", "-o", "json").json
    assert [(g["workflowName"], g["waiting"], g["received"]) for g in by_name] == [("Order", 1, 1)]
    assert "--name Order --waiting-event" in by_name[0]["raise"]
    assert "6 waits" not in done.err
    assert "5 waits, 1 unread event" in done.err
    assert cli("waiting", "--by", "colour").status == 2


def test_a_store_of_an_older_wfctl_tells_by_its_histories(cli: Cli, app: Path) -> None:
    with sqlite3.connect(app / "store.db") as db:
        db.execute("UPDATE event_waits SET event = NULL, since = NULL, until = NULL")
    assert sorted(rows(cli)) == [
        ("Approval", "o1", "waiting"),
        ("Approval", "o2", "waiting"),
        ("approval", "b1", "waiting"),
        ("go", "l1", "waiting"),
        ("payment", "b1", "waiting"),
    ]
    assert all(one["since"] for one in cli("waiting", "-o", "json").json)


def test_a_terminal_gets_a_table(cli: Cli) -> None:
    cli("raise-event", "b1", "aproval")
    shown = cli("waiting", "--color", "never", tty=True).out
    assert "arrived, not asked for" in shown
    assert "in 2h" in shown
    assert "\x1b" not in cli("waiting", "--by", "event", "--color", "never", tty=True).out


def test_a_filter_survives_the_query_of_a_url() -> None:
    from datetime import datetime, timedelta, timezone

    whole = Filter(
        statuses=frozenset({Status.RUNNING, Status.SUSPENDED}),
        name="Check*",
        id_prefix="é &=",
        created_after=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc),
        waiting_event="go",
        stuck=timedelta(minutes=5),
        retrying=True,
        limit=7,
    )
    assert filters.read(filters.write(whole)) == whole
    assert filters.read(json.loads("{}")) == Filter()
    for bad in ({"limit": "-1"}, {"statuses": "no"}, {"stuck": "nan"}, {"created_after": "soon"}):
        with pytest.raises(ValueError, match=r"."):
            filters.read(bad)


def test_a_name_that_could_drive_the_terminal(cli: Cli, app: Path) -> None:
    (app / "odd.py").write_text(APP.replace('"go"', '"\\x1b[2Jgo"'))
    cli("start", "Late", "--id", "odd", "--app", "odd.py")
    for words in (["-o", "wide"], ["--by", "event", "-o", "wide"]):
        shown = cli("waiting", *words, "--color", "never", tty=True).out
        assert "\\x1b[2Jgo" in shown
        assert "\x1b" not in shown
    (group,) = [one for one in cli("waiting", "--by", "event", "-o", "json").json if "2J" in one["event"]]
    assert group["raise"] is None, "no command takes such a name"
