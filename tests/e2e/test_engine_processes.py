"""The engine among real processes: races for a new store, code that never comes back, interruptions, kills."""

from __future__ import annotations

import json
import signal
import sys
from typing import Any

import pytest
from limits import LIMIT_SECONDS
from shell import Shell

APP = """
import os
import time
from datetime import timedelta
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="Echo")
def echo(ctx, value):
    return value
    yield

@wfr.workflow(name="Stuck")
def stuck(ctx, _):
    open("stuck.txt", "w").close()
    while True:
        pass
    yield

@wfr.activity(name="Sleep")
def sleep(ctx, seconds):
    with open("begun.txt", "a") as file:
        file.write("x")
    time.sleep(seconds)
    return seconds

@wfr.workflow(name="Busy")
def busy(ctx, seconds):
    return (yield ctx.call_activity(sleep, input=seconds))

@wfr.workflow(name="Tree")
def tree(ctx, depth):
    if depth == 0:
        value = yield ctx.call_activity(sleep, input=0.01)
        return 1
    children = [ctx.call_child_workflow("Tree", input=depth - 1) for _ in range(2)]
    results = yield wf.when_all(children)
    yield ctx.create_timer(timedelta(milliseconds=5))
    return sum(results)
"""


def get(shell: Shell, instance_id: str) -> dict[str, Any]:
    return json.loads(shell.ok("get", instance_id, "-o", "json"))


def test_many_processes_race_for_a_store_that_does_not_exist(shell: Shell) -> None:
    shell.app(APP)
    for number in range(3):
        shell.environ["WFCTL_STORE"] = str(shell.folder / f"race{number}.db")
        commands = [("start", "Echo", "--id", f"i{n}", "--input", str(n), "--wait") for n in range(6)]
        racers = [shell.start(*command) for command in commands]
        for racer in racers:
            _, err = racer.communicate(timeout=LIMIT_SECONDS)
            assert racer.returncode == 0, err
        counts = json.loads(shell.ok("count", "-o", "json"))
        assert [(count["runtimeStatus"], count["count"]) for count in counts] == [("COMPLETED", 6)]


@pytest.mark.skipif(sys.platform == "win32", reason="a console interrupt cannot be sent to one process")
def test_an_interrupt_ends_a_command_whose_workflow_code_never_comes_back(shell: Shell) -> None:
    shell.app(APP)
    process = shell.start("start", "Stuck", "--id", "s1", "--wait")
    shell.until(lambda: (shell.folder / "stuck.txt").exists(), "the loop")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 130, err
    assert "does not come back" in err
    assert "Traceback" not in err


@pytest.mark.skipif(sys.platform == "win32", reason="a console interrupt cannot be sent to one process")
def test_an_interrupt_does_not_wait_for_activities(shell: Shell) -> None:
    shell.app(APP)
    process = shell.start("start", "Busy", "--id", "b1", "--input", "600", "--wait")
    shell.until(lambda: (shell.folder / "begun.txt").exists(), "the activity")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 130, err
    assert get(shell, "b1")["runtimeStatus"] == "RUNNING"


@pytest.mark.skipif(sys.platform == "win32", reason="arguments that are no Unicode are a matter of POSIX")
def test_bytes_that_are_no_text_are_refused_and_harm_nothing(shell: Shell) -> None:
    shell.app(APP)
    shell.ok("start", "Echo", "--id", "e1", "--input", "1")
    for words in (
        ("start", "Echo", "--id", "e2", "--input", '"\udcff"'),
        ("get", "e\udcff"),
        ("terminate", "e\udcff"),
    ):
        refused = shell.run(*words)
        assert refused.status in (2, 3), refused
    assert shell.ok("start", "Echo", "--id", "e3", "--input", "3", "--wait")


def test_a_tree_survives_kills_of_its_owners(shell: Shell) -> None:
    """63 instances, whoever drives is killed again and again; each child's end reaches its parent once."""
    shell.app(APP)
    process = shell.start("start", "Tree", "--id", "t1", "--input", "5", "--wait")
    shell.until(lambda: (shell.folder / "begun.txt").exists(), "the first activity")
    for _ in range(4):
        process.kill()
        process.communicate()
        process = shell.start("run")
        ran = len((shell.folder / "begun.txt").read_text())
        shell.until(
            lambda ran=ran, process=process: (  # type: ignore[misc]
                process.poll() is not None or len((shell.folder / "begun.txt").read_text()) > ran
            ),
            "another activity",
        )
    process.kill()
    process.communicate()
    shell.ok("run")
    assert get(shell, "t1")["output"] == 32
    counts = json.loads(shell.ok("count", "-o", "json"))
    assert [(count["runtimeStatus"], count["count"]) for count in counts] == [("COMPLETED", 63)]
