"""kill -9 is a normal event: nothing acknowledged is lost, no recorded step runs again."""

from __future__ import annotations

import json
import random
import sqlite3

import pytest
from shell import Shell
from sizes import size

APP = """
import time
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="Hundred")
def hundred(ctx, steps):
    total = 0
    for number in range(steps):
        total += yield ctx.call_activity(step, input=number)
    return total

@wfr.activity(name="Step")
def step(ctx, number):
    with open("steps.txt", "a") as file:
        file.write(f"{number}\\n")
    time.sleep(0.002)
    return number
"""

KILLS = size(6, 20)


def lines(path) -> list[str]:
    return path.read_text().split() if path.exists() else []


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_hundred_steps_survive_a_kill_at_a_random_moment(shell: Shell, seed: int) -> None:
    shell.app(APP)
    moment = random.Random(seed).randrange(1, 98)
    done = shell.folder / "steps.txt"
    process = shell.start("start", "Hundred", "--id", "h1", "--input", "100")
    shell.until(lambda: len(lines(done)) >= moment or process.poll() is not None, f"step {moment}")
    process.kill()
    process.communicate()

    db = sqlite3.connect(shell.folder / "store.db")
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    before = json.loads(shell.ok("history", "h1", "-o", "json"))
    recorded = {event["taskScheduledID"] for event in before if event["type"] == "TaskCompleted"}
    ran_before = len(lines(done))

    summary = shell.run("run")
    assert summary.status == 0, summary
    instance = json.loads(shell.ok("get", "h1", "-o", "json"))
    assert instance["runtimeStatus"] == "COMPLETED"
    assert instance["output"] == sum(range(100))
    history = json.loads(shell.ok("history", "h1", "-o", "json"))
    completed = [event["taskScheduledID"] for event in history if event["type"] == "TaskCompleted"]
    assert completed == list(range(1, 101)), "each step is recorded once"
    assert history[: len(before)] == before, "what was committed stays as it was"
    again = len(lines(done)) - ran_before
    assert again <= 100 - len(recorded), "no recorded step ran again"


def test_what_start_acknowledged_is_there_after_a_kill(shell: Shell) -> None:
    shell.app(APP)
    process = shell.start("start", "Hundred", "--id", "h1", "--input", "5000")
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "h1"
    process.kill()
    process.communicate()
    assert json.loads(shell.ok("get", "h1", "-o", "json"))["input"] == 5000


REMINDERS = """
from datetime import timedelta
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow
def Reminders(ctx, days):
    for day in range(days):
        yield ctx.create_timer(timedelta(days=1))
        yield ctx.call_activity(remind, input=day)

@wfr.activity
def remind(ctx, day):
    with open("steps.txt", "a") as file:
        file.write(f"{day}\\n")
"""


def test_skipped_time_survives_a_kill(shell: Shell) -> None:
    """No day is lost, and none passes twice: the clock is committed with the turn."""
    shell.app(REMINDERS)
    moment = random.randrange(1, 40)
    process = shell.start("start", "Reminders", "--id", "r", "--input", "60", "--skip-time")
    shell.until(lambda: len(lines(shell.folder / "steps.txt")) >= moment or process.poll() is not None, f"day {moment}")
    process.kill()
    process.communicate()

    assert shell.run("run", "--skip-time").status == 0
    history = json.loads(shell.ok("history", "r", "-o", "json"))
    fired = [event["fireAt"] for event in history if event["type"] == "TimerFired"]
    assert len(fired) == 60
    assert fired == sorted(fired)
    record = json.loads(shell.ok("get", "r", "-o", "json"))
    assert record["runtimeStatus"] == "COMPLETED"
    # What passed by the real clock is not skipped.
    assert 59.9 < record["skippedTime"]["skippedMs"] / 86_400_000 <= 60


WAITS = """
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="Await")
def await_event(ctx, number):
    yield ctx.wait_for_external_event("go")
    return number
"""


def test_what_pause_acknowledged_is_paused_after_a_kill(shell: Shell) -> None:
    """Of the command, in the midst of a batch beside an owner, and then of the owner."""
    shell.app(WAITS)
    shell.ok("start", "Await", "--each", "-", "--no-drive", input="\n".join(f'{{"id": "w{n}"}}' for n in range(1000)))
    assert shell.run("run").status == 0
    owner = shell.start("start", "Await", "--id", "own", "--wait", "--timeout", "300s")
    shell.until(lambda: "event" in shell.run("get", "own", "-o", "json").out, "the wait")
    process = shell.start("pause", "--status", "RUNNING", "--yes", "-o", "id")
    assert process.stdout is not None
    first = process.stdout.readline().strip()
    process.kill()
    told = {first, *process.communicate()[0].split("\n")[:-1]}  # the last line may be half of one
    owner.kill()
    owner.communicate()

    db = sqlite3.connect(shell.folder / "store.db")
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    last = dict(db.execute("SELECT id, events FROM instances JOIN history USING (key) ORDER BY seq"))
    db.close()
    suspended = set(shell.ok("list", "--status", "SUSPENDED", "-o", "id").split())
    assert told <= suspended
    assert {one for one, events in last.items() if "ExecutionSuspended" in events} == suspended

    shell.ok("resume", "--status", "SUSPENDED", "--yes")
    shell.ok("raise-event", "--status", "RUNNING", "go", "--yes")
    assert shell.run("run").status == 0
    assert len(shell.ok("list", "--status", "COMPLETED", "-o", "id").split()) == 1001
