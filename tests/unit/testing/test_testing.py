"""`wfctl.testing`, as users' tests use it. Their examples in docs/testing.md are run by tests/test_docs.py."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from limits import LIMIT_SECONDS

from wfctl.errors import AppError, InvalidInput, TimedOut
from wfctl.workflow.loading import import_hook
from wfctl.workflow.registry import collect_into
from wfctl.workflow.sdk.retry_policy import RetryPolicy
from wfctl.workflow.sdk.runtime import WorkflowRuntime
from wfctl.workflow.sdk.tasks import when_all, when_any

BEGIN = datetime(2031, 2, 28, 23, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def testing() -> Iterator[ModuleType]:
    """The module, imported by nobody before: it changes what `dapr.ext.workflow` is."""
    import wfctl.testing

    yield wfctl.testing
    import_hook.uninstall()


@pytest.fixture
def wfr() -> Iterator[WorkflowRuntime]:
    before = collect_into(None)
    yield WorkflowRuntime()
    collect_into(before)


# --- time ----------------------------------------------------------------------------------------------------------


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=6))
def test_durations_are_exact(testing: ModuleType, seconds: list[int]) -> None:
    """By timers, by activities that take time, by children and by time-outs alike."""
    wfr = WorkflowRuntime()

    @wfr.workflow
    def Sum(ctx, given):
        for index, each in enumerate(given):
            if index % 3 == 0:
                yield ctx.create_timer(timedelta(seconds=each))
            elif index % 3 == 1:
                yield ctx.call_child_workflow("Sum", input=[each])
            else:
                with pytest.raises(TimeoutError):
                    yield ctx.wait_for_external_event("never", timeout=timedelta(seconds=each))
            yield ctx.call_activity("work")
        return ctx.current_utc_datetime.isoformat()

    activities = {"work": testing.takes(timedelta(seconds=7))}
    run = testing.run_workflow("Sum", seconds, app=wfr, activities=activities, now=BEGIN)
    expected = timedelta(seconds=sum(seconds) + 7 * (len(seconds) + sum(1 for i in range(len(seconds)) if i % 3 == 1)))
    assert run.duration == expected
    assert run.output == (BEGIN + expected).replace(tzinfo=None).isoformat()


def test_retries_take_the_time_of_their_policy(testing: ModuleType, wfr: WorkflowRuntime) -> None:
    @wfr.workflow
    def Retried(ctx, _):
        policy = RetryPolicy(first_retry_interval=timedelta(hours=1), max_number_of_attempts=5, backoff_coefficient=2)
        return (yield ctx.call_activity("ask", input="?", retry_policy=policy))

    down = ConnectionError("down")
    run = testing.run_workflow(Retried, app=wfr, activities={"ask": testing.in_turn(down, down, down, "here")})
    assert (run.output, run.duration) == ("here", timedelta(hours=1 + 2 + 4))
    assert run.called("ask") == ["?"] * 4
    assert [len(step.attempts) for step in run.steps] == [4]
    run = testing.run_workflow(Retried, app=wfr, activities={"ask": down})
    assert (run.status, run.error, run.duration) == ("FAILED", "ConnectionError: down", timedelta(hours=15))


def test_an_event_and_an_activity_race_a_time_out(testing: ModuleType, wfr: WorkflowRuntime) -> None:
    @wfr.workflow
    def Race(ctx, _):
        tasks = [
            ctx.wait_for_external_event("go"),
            ctx.call_activity("work"),
            ctx.create_timer(timedelta(hours=2)),
        ]
        winner = yield when_any(tasks)
        return tasks.index(winner)

    def winner(**options: Any) -> tuple[int, timedelta]:
        run = testing.run_workflow("Race", app=wfr, **options)
        return run.output, run.duration

    def hours(number: int) -> timedelta:
        return timedelta(hours=number)

    slow, soon = {"work": testing.takes(hours(3))}, {"work": testing.takes(hours(1))}
    assert winner(activities=slow) == (2, hours(2))
    assert winner(activities=soon) == (1, hours(1))
    assert winner(activities=slow, events=[testing.event("go", after=hours(1))]) == (0, hours(1))
    assert winner(activities=soon, events=[testing.event("go", after=hours(2))]) == (1, hours(1))
    assert winner(activities=slow, events={"GO": 1}) == (0, hours(0))


def test_what_never_ends_needs_an_end(
    testing: ModuleType, wfr: WorkflowRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wfctl.testing.runner.MOST_JUMPS", 30)

    @wfr.workflow
    def Monitor(ctx, seen):
        yield ctx.create_timer(timedelta(hours=1))
        yield ctx.call_activity("look", input=seen)
        ctx.continue_as_new(seen + 1)

    run = testing.run_workflow("Monitor", 0, app=wfr, activities={"look": None}, until=timedelta(hours=40))
    assert (run.status, run.duration, run.waits_for) == ("RUNNING", timedelta(hours=40), ["timer"])
    assert run.called("look") == [*range(40)]
    with pytest.raises(TimedOut, match="has not ended after 30 timers"):
        testing.run_workflow("Monitor", 0, app=wfr, activities={"look": None})


# --- what stands in, what is called --------------------------------------------------------------------------------


def test_children_real_and_replaced(testing: ModuleType, wfr: WorkflowRuntime) -> None:
    @wfr.workflow
    def Parent(ctx, names):
        return (yield when_all([ctx.call_child_workflow("Child", input=name) for name in names]))

    @wfr.workflow
    def Child(ctx, name):
        answer = yield ctx.wait_for_external_event("answer")
        return f"{name} says {answer}"

    events = [testing.event("answer", "yes"), testing.event("answer", "no")]
    run = testing.run_workflow(Parent, ["a", "b"], events=events, app=wfr)
    assert sorted(run.output) == ["a says yes", "b says no"]
    assert [child.status.name for child in run.children.values()] == ["COMPLETED"] * 2
    run = testing.run_workflow(Parent, ["a", "b"], app=wfr, children={"Child": lambda name: name.upper()})
    assert run.output == ["A", "B"]
    assert run.called("Child") == ["a", "b"]
    run = testing.run_workflow(Parent, ["a"], app=wfr, children={"Child": testing.takes(timedelta(days=1), OSError)})
    assert (run.status, run.error, run.duration) == ("FAILED", "OSError", timedelta(days=1))
    run = testing.run_workflow(Parent, ["a"], app=wfr)
    assert (run.status, run.output, run.waits_for) == ("RUNNING", None, ['child "Child"'])


def test_real_activities_of_both_kinds_run(testing: ModuleType, wfr: WorkflowRuntime) -> None:
    @wfr.activity
    def double(ctx, number):
        return number * 2

    @wfr.activity
    async def half(ctx, number):
        return number / 2

    @wfr.workflow
    def Both(ctx, number):
        ctx.set_custom_status("at it")
        more = yield ctx.call_activity(double, input=number)
        less = yield ctx.call_activity(half, input=number)
        return [more, less]

    run = testing.run_workflow(Both, 3, app=wfr)
    assert (run.output, run.custom_status, run.duration) == ([6, 1.5], "at it", timedelta(0))
    replaced = testing.run_workflow(Both, 3, app=wfr, activities={double: 0})
    assert replaced.output == [0, 1.5]
    assert testing.run_workflow(Both, 3, app=wfr).output == [6, 1.5], "the app stays as it is"


def test_other_apps_are_replaced_by_name(testing: ModuleType, wfr: WorkflowRuntime) -> None:
    @wfr.workflow
    def Order(ctx, amount):
        receipt = yield ctx.call_activity("charge", input=amount, app_id="payments")
        parcel = yield ctx.call_child_workflow("Ship", input=receipt, app_id="logistics")
        return [receipt, parcel]

    run = testing.run_workflow(
        Order, 5, app=wfr, activities={"charge": lambda amount: f"paid {amount}"}, children={"Ship": "on its way"}
    )
    assert run.output == ["paid 5", "on its way"]
    assert run.called("Ship") == ["paid 5"]


def test_more_calls_than_in_turn_has_fail(testing: ModuleType, wfr: WorkflowRuntime) -> None:
    @wfr.workflow
    def Twice(ctx, _):
        for _ in range(2):
            yield ctx.call_activity("once")

    run = testing.run_workflow("Twice", app=wfr, activities={"once": testing.in_turn(1)})
    assert run.error == "AssertionError: called for the 2. time, and in_turn has 1"


def test_stand_ins_may_be_async(testing: ModuleType, wfr: WorkflowRuntime) -> None:
    @wfr.workflow
    def Asks(ctx, _):
        return (yield ctx.call_activity("ask", input=2)) + (yield ctx.call_child_workflow("Child", input=3))

    async def double(given: int) -> int:
        return given * 2

    run = testing.run_workflow("Asks", app=wfr, activities={"ask": double}, children={"Child": testing.in_turn(double)})
    assert run.output == 10


def test_an_activity_that_hangs_is_told(testing: ModuleType, wfr: WorkflowRuntime) -> None:
    import threading

    over = threading.Event()

    @wfr.workflow
    def Hangs(ctx, _):
        yield ctx.call_activity("hang")

    with pytest.raises(TimedOut, match="still at work: activity hang"):
        testing.run_workflow("Hangs", app=wfr, activities={"hang": lambda _: over.wait(LIMIT_SECONDS)}, timeout=0.2)
    over.set()


# --- the app -------------------------------------------------------------------------------------------------------


def test_names_that_nobody_registers(testing: ModuleType, wfr: WorkflowRuntime) -> None:
    @wfr.workflow
    def Works(ctx, _):
        return 1

    @wfr.activity
    def notify(ctx):
        pass

    for options, words in (
        ({"workflow": "Work"}, "no workflow 'Work'"),
        ({"activities": {"notfy": 1}}, "no activity 'notfy'"),
        ({"children": {"Works2": 1}}, "no workflow 'Works2'"),
        ({"app": 5}, "a int is no app"),
        ({"children": {"Worksx": 1}}, "try: did you mean 'Works'"),
        ({"input": object()}, "the input cannot be written as JSON"),
        ({"events": ["go"]}, r"'go' is no event\n  try: event\('go'\)"),
    ):
        with pytest.raises(InvalidInput, match=words):
            testing.run_workflow(**{"workflow": "Works", "app": wfr, **options})
    assert testing.run_workflow(Works, app=wfr).output == 1


def test_bundles_against_code(testing: ModuleType, tmp_path: Path) -> None:
    code = """
from datetime import timedelta
import dapr.ext.workflow as wf
wfr = wf.WorkflowRuntime()

@wfr.workflow
def Flow(ctx, name):
    yield ctx.call_activity("greet", input=name)
    yield ctx.create_timer(timedelta(seconds=0))

@wfr.activity
def greet(ctx, name):
    pass
"""
    (tmp_path / "flow.py").write_text(code)
    (tmp_path / "changed.py").write_text(code.replace('call_activity("greet"', 'call_activity("salute"'))
    environ = {**os.environ, "WFCTL_STORE": str(tmp_path / "s.db"), "WFCTL_APP": "flow.py", "WFCTL_TARGET": "embedded"}

    def wfctl(*words: str) -> str:
        command = [sys.executable, "-m", "wfctl", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=LIMIT_SECONDS)
        assert done.returncode == 0, done.stderr
        return done.stdout

    with pytest.raises(InvalidInput, match="there is no bundle"):
        testing.check_bundles(tmp_path, app=str(tmp_path / "flow.py"))
    wfctl("start", "Flow", "--id", "a", "--input", '"you"')
    wfctl("start", "Flow", "--id", "b", "--input", '"me"')
    (tmp_path / "flows.jsonl").write_text(wfctl("export", "a", "b"))
    assert testing.check_bundles(tmp_path, app=str(tmp_path / "flow.py")) == 2
    with pytest.raises(AssertionError, match="2 of 2 histories do not fit") as caught:
        testing.check_bundles(tmp_path / "flows.jsonl", app=str(tmp_path / "changed.py"))
    assert "flows.jsonl: a (Flow): " in str(caught.value)
    assert "salute" in str(caught.value)
    assert "changed.py:8" in str(caught.value)


PLUGIN = """
import sys

def test_nothing_is_loaded_before_it_is_asked_for():
    assert not [name for name in sys.modules if name.startswith(("wfctl.testing", "wfctl.engine", "wfctl.workflow"))]

def test_the_app_of_the_project(run_workflow):
    assert run_workflow("Hello", "you").output == "hello you"
"""
EARLY = """
import sys
import flow

def test_the_app_came_first(run_workflow):
    run_workflow("Hello", "you")
"""
APP = """
try:
    import dapr.ext.workflow as wf
    wfr = wf.WorkflowRuntime()
    @wfr.workflow
    def Hello(ctx, name):
        return f"hello {name}"
        yield
except ModuleNotFoundError:  # as it is without Dapr's SDK, and before wfctl takes its place
    pass
"""


def test_the_fixture(tmp_path: Path) -> None:
    """In a pytest of its own, from another folder than the project's."""
    (tmp_path / "wfctl.toml").write_text('app = "flow.py"\n')
    (tmp_path / "flow.py").write_text(APP)
    (tmp_path / "test_plugin.py").write_text(PLUGIN)
    (tmp_path / "test_early.py").write_text(EARLY)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("WFCTL_", "PYTEST_"))}
    environ |= {"PYTHONPATH": str(Path(__file__).parents[3]), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

    def run_pytest(file: str) -> str:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "wfctl.pytest_plugin", str(tmp_path / file)]
        done = subprocess.run(command, cwd="/", env=environ, capture_output=True, text=True, timeout=LIMIT_SECONDS)
        return done.stdout

    assert "2 passed" in run_pytest("test_plugin.py")
    early = run_pytest("test_early.py")
    assert "1 failed" in early
    assert "flow.py was imported before wfctl.testing" in early


def test_an_app_that_cannot_be_found(testing: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(AppError):
        testing.run_workflow("X", app="nowhere.py", folder=tmp_path)
    with pytest.raises(InvalidInput, match="no app is named"):
        testing.run_workflow("X", folder=tmp_path)
