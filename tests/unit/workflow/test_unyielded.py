"""A forgotten `yield` is told, with the line; a fan-out that is yielded later is none."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from engine_rig import Rig

import wfctl.workflow as wf
from wfctl.engine.store import reads
from wfctl.model.logs import OWN_LOGGER

RETRY = wf.RetryPolicy(first_retry_interval=timedelta(seconds=1), max_number_of_attempts=2)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)

    @rig.activity
    def noin(ctx):
        return 1

    yield rig
    rig.close()


def told(rig: Rig, instance_id: str) -> list[str]:
    found = rig.look(lambda db: reads.log_lines(db, instance_id, after=0, step=None, level=0, limit=None))
    assert found is not None
    assert all((one.logger, one.level) == (OWN_LOGGER, logging.WARNING) for one in found)
    return [one.message for one in found]


def run(rig: Rig, code: Any, status: str = "COMPLETED") -> list[str]:
    rig.workflow(code)
    rig.own()
    rig.start(code.__name__, "i")
    assert rig.ended("i").status.name == status
    rig.leave()
    return told(rig, "i")


def at(code: Any, line: int) -> str:
    return f"test_unyielded.py:{code.__code__.co_firstlineno + line}"


def test_a_call_without_yield(rig: Rig) -> None:
    def forgot(ctx, _):
        ctx.call_activity("noin")
        ctx.create_timer(timedelta(hours=1))
        ctx.wait_for_external_event("paid")
        yield ctx.call_activity("noin")
        ctx.call_child_workflow("forgot", instance_id="other")

    assert run(rig, forgot) == [
        f"activity 'noin' was called without yield at {at(forgot, 1)}",
        f"a timer was created without yield at {at(forgot, 2)}",
        f"event 'paid' was waited for without yield at {at(forgot, 3)}",
        f"child workflow 'forgot' was started without yield at {at(forgot, 5)}, and did not run: the workflow ended",
    ]


def test_a_task_that_is_replaced_and_one_that_is_held_to_the_end(rig: Rig) -> None:
    def replaced(ctx, _):
        task = ctx.call_activity("noin")
        held = ctx.call_activity("noin")
        task = ctx.call_activity("noin", retry_policy=RETRY)
        yield task
        return bool(held)

    assert run(rig, replaced) == [
        f"activity 'noin' was called without yield at {at(replaced, 1)}",
        f"activity 'noin' was called without yield at {at(replaced, 2)}",
    ]


def test_a_composite_without_yield(rig: Rig) -> None:
    def composite(ctx, _):
        wf.when_all([ctx.call_activity("noin")])
        yield ctx.call_activity("noin")

    assert run(rig, composite) == [f"activity 'noin' was called without yield at {at(composite, 1)}"]


def test_what_is_yielded_later_is_fine(rig: Rig) -> None:
    def fans_out(ctx, _):
        tasks = [ctx.call_activity("noin") for _ in range(5)]
        yield ctx.call_activity("noin")
        first = yield wf.when_any([tasks[0], ctx.create_timer(timedelta(hours=1))])
        yield wf.when_all([wf.when_all(tasks[1:3]), tasks[3]])
        return [first.get_result(), tasks[4].is_complete]

    assert run(rig, fans_out) == []


def test_a_workflow_that_fails_has_forgotten_nothing(rig: Rig) -> None:
    def fails(ctx, _):
        tasks = [ctx.call_activity("noin")]
        if tasks:
            raise ValueError("before the yield")
        yield wf.when_all(tasks)

    assert run(rig, fails, "FAILED") == []


def test_a_replay_does_not_tell_it_again(rig: Rig) -> None:
    def waits(ctx, _):
        ctx.call_activity("noin")
        yield ctx.wait_for_external_event("go")
        yield ctx.wait_for_external_event("on")

    rig.workflow(waits)
    rig.own()
    rig.start("waits", "i")
    for event in ("go", "on"):
        rig.waits_for("i", event)
        rig.leave()
        rig.own()
        rig.raise_event("i", event)
    rig.ended("i")
    rig.leave()
    assert told(rig, "i") == [f"activity 'noin' was called without yield at {at(waits, 1)}"]


@pytest.mark.parametrize("generator", [False, True])
def test_a_task_that_is_returned_is_told(rig: Rig, generator: bool) -> None:
    def plain(ctx, _):
        return ctx.call_activity("noin")

    def after_yield(ctx, _):
        yield ctx.call_activity("noin")
        return [ctx.call_activity("noin")]

    code = after_yield if generator else plain
    rig.workflow(code)
    rig.own()
    rig.start(code.__name__, "i")
    rig.ended("i")
    found = rig.look(lambda db: reads.get(db, "i", payloads=False, driven=True))
    assert found is not None
    failure = found.failure
    assert failure is not None
    assert (failure.error_type, failure.message) == (
        "TypeError",
        "the workflow returned a task instead of its result: activity 'noin' was called without yield at "
        f"{at(code, 2 if generator else 1)}; write: return (yield ...)",
    )
