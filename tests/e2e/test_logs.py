"""`wfctl logs`, in real processes: what is shown while an app runs, and what is there afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import environments
import pytest
from serve_process import served
from shell import Shell

APP = """
import logging
import time

import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()
log = logging.getLogger("shop")


@wfr.workflow(name="Checkout")
def checkout(ctx, order):
    log.info("begun")
    yield ctx.call_activity(charge, input=order)
    yield ctx.wait_for_external_event("paid")
    log.info("paid")


@wfr.activity(name="Charge")
def charge(ctx, order):
    log.debug("the details")
    log.info("charging %s", order)
    log.warning("a warning")


@wfr.workflow(name="Slow")
def slow(ctx, _):
    yield ctx.call_activity(sleeps)


@wfr.activity(name="Sleeps")
def sleeps(ctx, _):
    log.info("asleep")
    time.sleep(3600)
"""
EXPECTED = [(None, "begun"), ("Charge", "charging 7"), ("Charge", "a warning")]


@pytest.fixture
def shop(shell: Shell) -> Shell:
    shell.app(APP)
    return shell


def kept(shell: Shell, *words: str) -> list[tuple[Any, ...]]:
    return [(one["step"], one["message"]) for one in json.loads(shell.ok("logs", "o1", "-o", "json", *words))]


def test_lines_are_shown_while_it_runs_and_kept(shop: Shell) -> None:
    ran = shop.run("start", "Checkout", "--id", "o1", "--input", "7")
    assert (ran.status, ran.out) == (0, "o1\n")
    shown = ran.err.splitlines()
    for line in ("o1 workflow begun", "o1 Charge charging 7", "o1 Charge WARNING a warning"):
        assert line in shown
    assert "details" not in ran.err
    assert kept(shop) == EXPECTED
    assert kept(shop, "--step", "Charge", "--level", "warning") == EXPECTED[-1:]
    assert kept(shop, "--tail", "1") == EXPECTED[-1:]
    shop.ok("raise-event", "o1", "paid")
    assert kept(shop) == [*EXPECTED, (None, "paid")], "and nothing twice"
    assert shop.ok("logs", "o1").splitlines()[-1].endswith("INFO     workflow  paid")


@pytest.mark.parametrize(
    ("level", "shown", "hidden"),
    [("debug", "the details", "nothing"), ("warning", "a warning", "begun"), ("off", "waits for", "a warning")],
)
def test_the_level_that_is_shown(shop: Shell, level: str, shown: str, hidden: str) -> None:
    ran = shop.run("start", "Checkout", "--id", "o1", "--input", "7", "--log-level", level)
    assert shown in ran.err
    assert hidden not in ran.err
    assert [line for line in kept(shop) if line[1] != "the details"] == EXPECTED, "what is kept does not depend on it"


def test_after_a_kill_they_are_there(shop: Shell) -> None:
    process = shop.start("start", "Slow", "--id", "o1")
    shop.until(lambda: shop.run("logs", "o1").out.endswith("asleep\n"), "the line is kept")
    process.kill()
    process.communicate()
    assert kept(shop) == [("Sleeps", "asleep")]


def test_following_ends_with_the_instance(shop: Shell) -> None:
    shop.ok("start", "Checkout", "--id", "o1", "--input", "7")
    assert shop.run("logs", "o1", "--follow", "--timeout", "100ms").status == 124
    follower = shop.start("logs", "o1", "--follow", "-o", "jsonl")
    shop.ok("raise-event", "o1", "paid")
    out, err = follower.communicate()
    assert (follower.returncode, err) == (0, "")
    assert [json.loads(line)["message"] for line in out.splitlines()][-1] == "paid"


def test_following_from_the_latest_lines_on(shop: Shell) -> None:
    shop.ok("start", "Checkout", "--id", "o1", "--input", "7")
    assert shop.ok("logs", "o1", "--tail", "0") == ""
    shop.ok("raise-event", "o1", "paid")
    followed = {tail: shop.ok("logs", "o1", "--follow", "--tail", tail, "-o", "jsonl") for tail in ("0", "1")}
    assert followed["0"] == ""
    assert json.loads(followed["1"])["message"] == "paid"


def test_of_an_app_in_an_environment_of_its_own(shop: Shell) -> None:
    python = environments.make(shop.folder / "venv")
    ran = shop.run("start", "Checkout", "--id", "o1", "--input", "7", "--python", str(python))
    assert "o1 Charge charging 7" in ran.err.splitlines()
    assert sorted(kept(shop), key=str) == sorted(EXPECTED, key=str)


def test_missing_and_silent_instances(shop: Shell) -> None:
    shop.ok("start", "Checkout", "--id", "o1", "--input", "7")
    assert shop.run("logs", "nobody").status == 3
    none = shop.run("logs", "o1", "--step", "nosuch")
    assert (none.status, none.out, none.err) == (0, "", "o1 has logged nothing of that kind\n")
    assert shop.ok("logs", "o1", "--step", "nosuch", "-o", "json") == "[]\n"


def test_on_a_server_that_runs_the_app(shell: Shell, tmp_path: Path) -> None:
    pytest.importorskip("uvicorn")
    (tmp_path / "app.py").write_text(APP)
    with served(tmp_path, app="app.py") as server:
        shell.environ["WFCTL_TARGET"] = server.endpoints["httpEndpoint"]
        shell.ok("start", "Checkout", "--id", "o1", "--input", "7")
        shell.until(lambda: kept(shell) == EXPECTED, "they are kept")
        assert kept(shell, "--level", "warning", "--tail", "1") == EXPECTED[-1:]
        assert shell.run("logs", "nobody").status == 3
        assert "workers that are attached" in shell.run("logs", "o1", "--step", "nosuch").err
        said = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
        charged = next(line for line in said if line["msg"] == "charging 7")
        assert (charged["instance"], charged["step"], charged["logger"]) == ("o1", "Charge", "shop")
