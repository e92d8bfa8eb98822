"""One owner per store, any number of other processes at the same time."""

from __future__ import annotations

import json
import sys

import pytest
from limits import LIMIT_SECONDS
from shell import Shell, line

APP = """
import time
from datetime import timedelta
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="Slow")
def slow(ctx, steps):
    for number in range(steps):
        yield ctx.call_activity(step, input=number)
    return "done"

@wfr.activity(name="Step")
def step(ctx, number):
    time.sleep(0.02)

@wfr.workflow(name="Await")
def await_event(ctx, _):
    value = yield ctx.wait_for_external_event("go")
    return value
"""


def status(shell: Shell, instance_id: str) -> str:
    return json.loads(shell.ok("get", instance_id, "-o", "json"))["runtimeStatus"]


def test_what_comes_while_another_command_drives_is_driven_by_it(shell: Shell) -> None:
    shell.app(APP)
    first = shell.start("start", "Slow", "--id", "a", "--input", "60")
    assert line(first).strip() == "a"
    second = shell.run("start", "Slow", "--id", "b", "--input", "70")
    assert second.status == 0
    assert second.out.strip() == "b"
    _, err = first.communicate(timeout=LIMIT_SECONDS)
    assert first.returncode == 0, err
    assert status(shell, "a") == "COMPLETED"
    assert status(shell, "b") == "COMPLETED"


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links")
def test_a_store_named_by_a_link_has_the_same_owner(shell: Shell) -> None:
    shell.app(APP)
    first = shell.start("start", "Await", "--id", "a", "--wait")
    assert line(first).strip() == "a"
    (shell.folder / "link.db").symlink_to(shell.folder / "store.db")
    second = shell.run("run", "--store", str(shell.folder / "link.db"))
    assert second.status == 5
    assert "another process is executing" in second.err
    shell.ok("raise-event", "a", "go", "--store", str(shell.folder / "link.db"))
    assert first.wait(LIMIT_SECONDS) == 0
    assert not (shell.folder / "link.db.lock").exists()


def test_many_at_once_all_finish(shell: Shell) -> None:
    shell.app(APP)
    names = [f"i{number}" for number in range(8)]
    processes = [shell.start("start", "Slow", "--id", name, "--input", "5", "--wait") for name in names]
    for name, process in zip(names, processes, strict=True):
        out, err = process.communicate(timeout=LIMIT_SECONDS)
        assert process.returncode == 0, (name, out, err)
        assert "Traceback" not in err
    counts = json.loads(shell.ok("count", "-o", "json"))
    assert [count["count"] for count in counts if count["runtimeStatus"] == "COMPLETED"] == [8]


def test_the_owner_killed_the_next_command_takes_over(shell: Shell) -> None:
    shell.app(APP)
    first = shell.start("start", "Slow", "--id", "a", "--input", "1000")
    assert line(first).strip() == "a"
    first.kill()
    first.communicate()
    second = shell.run("start", "Slow", "--id", "b", "--input", "1", "--wait")
    assert second.status == 0, second
    assert status(shell, "a") == "RUNNING"
    assert '"kind": "driver"' in shell.ok("get", "a", "-o", "json")


def test_run_refuses_a_store_that_another_process_drives(shell: Shell) -> None:
    shell.app(APP)
    first = shell.start("start", "Slow", "--id", "a", "--input", "1000")
    assert line(first).strip() == "a"
    second = shell.run("run")
    assert second.status == 5
    assert "another process is executing" in second.err
    first.kill()
    first.communicate()


def test_an_event_from_another_process_reaches_the_waiting_owner(shell: Shell) -> None:
    shell.app(APP)
    first = shell.start("start", "Await", "--id", "a", "--wait", "--timeout", "120s")
    shell.until(lambda: "event" in shell.run("get", "a", "-o", "json").out, "the wait")
    shell.ok("raise-event", "a", "go", "--data", '{"by": "me"}')
    first.communicate(timeout=LIMIT_SECONDS)
    assert first.returncode == 0
    assert json.loads(shell.ok("result", "a")) == {"by": "me"}


def test_pause_resume_terminate_purge_beside_an_owner(shell: Shell) -> None:
    shell.app(APP)
    first = shell.start("start", "Await", "--id", "a", "--wait", "--timeout", "120s")
    shell.until(lambda: "event" in shell.run("get", "a", "-o", "json").out, "the wait")
    shell.ok("pause", "a")
    shell.until(lambda: status(shell, "a") == "SUSPENDED", "suspended")
    shell.ok("resume", "a")
    shell.until(lambda: status(shell, "a") == "RUNNING", "running")
    assert shell.run("purge", "a").status == 4
    shell.ok("terminate", "a", "--output", '"bye"')
    first.communicate(timeout=LIMIT_SECONDS)
    assert first.returncode == 11
    shell.ok("purge", "a")
    assert shell.run("get", "a").status == 3


def test_an_owner_that_is_there_for_another_tree_follows_too(shell: Shell) -> None:
    shell.app(APP)
    shell.ok("start", "Await", "--id", "b")
    first = shell.start("start", "Await", "--id", "a", "--wait", "--timeout", "120s")
    shell.until(lambda: "event" in shell.run("get", "a", "-o", "json").out, "the wait")
    for verb, then in (("pause", "SUSPENDED"), ("resume", "RUNNING"), ("terminate", "TERMINATED")):
        assert "requested" not in shell.ok(verb, "b", "--no-drive", "-o", "json")
        assert status(shell, "b") == then
    assert first.poll() is None
    shell.ok("terminate", "a")
    first.communicate(timeout=LIMIT_SECONDS)
