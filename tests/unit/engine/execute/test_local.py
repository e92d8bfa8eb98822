"""The executor of this process: runs by key, activities on threads and on a loop."""

from __future__ import annotations

import asyncio
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from limits import LIMIT_SECONDS
from workflow_simulator import LATER, done, execution, raised, started

import wfctl.workflow as wf
from wfctl.engine.execute.local import LocalExecutor
from wfctl.engine.execute.port import ActivityResult, ActivityTask, Delivery, Turn
from wfctl.engine.execute.spare_threads import is_spare
from wfctl.model.events import ExecutionCompleted, StallReason, TaskScheduled
from wfctl.workflow.registry import Registry

Answers = Callable[[], ActivityResult]


class Bench:
    """An executor, and what it delivered."""

    def __init__(self, **functions: Any) -> None:
        self.registry = Registry()
        for name, fn in functions.items():
            self.registry.add_activity(name, fn)
        self.delivered: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self.executor = LocalExecutor(self.registry, self.delivered.put)

    def call(self, name: str, input: str | None = None, task_id: int = 1) -> None:
        self.executor.run_activities([ActivityTask(7, "i1", task_id, name, input, "x1")])

    def answer(self) -> ActivityResult:
        answer = self.delivered.get(timeout=LIMIT_SECONDS)
        assert isinstance(answer, ActivityResult)
        return answer

    def answer_of(self, name: str, input: str | None = None) -> ActivityResult:
        self.call(name, input)
        return self.answer()


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(**functions: Any) -> Bench:
        made.append(Bench(**functions))
        return made[-1]

    yield make
    for each in made:
        each.executor.close()


async def async_double(ctx: Any, n: int) -> int:
    await asyncio.sleep(0)
    return 2 * n


def test_results(bench: Callable[..., Bench]) -> None:
    at = bench(double=lambda ctx, n: 2 * n, later=async_double, nothing=lambda ctx: None, falsy=lambda ctx: 0)
    assert at.answer_of("double", "21") == ActivityResult(7, 1, "x1", "42")
    assert at.answer_of("later", "21") == ActivityResult(7, 1, "x1", "42")
    assert at.answer_of("nothing", "1") == ActivityResult(7, 1, "x1")
    assert at.answer_of("falsy") == ActivityResult(7, 1, "x1", "0")


def test_an_activity_knows_which_call_it_serves(bench: Callable[..., Bench]) -> None:
    def who(ctx: wf.WorkflowActivityContext) -> list[Any]:
        inner = ctx.get_inner_context()
        return [ctx.workflow_id, ctx.task_id, inner.task_execution_id, ctx.get_propagated_history()]

    assert bench(who=who).answer_of("who").result == '["i1", 1, "x1", null]'


def raiser(kind: type[BaseException], *args: Any) -> Callable[[Any], None]:
    def sync(ctx: Any) -> None:
        raise kind(*args)

    return sync


def async_raiser(kind: type[BaseException], *args: Any) -> Callable[[Any], Any]:
    async def later(ctx: Any) -> None:
        raise kind(*args)

    return later


ERRORS = [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError, BaseException]


@pytest.mark.parametrize("make", [raiser, async_raiser])
def test_whatever_an_activity_raises_is_a_failure(bench: Callable[..., Bench], make: Any) -> None:
    at = bench(ok=lambda ctx: 1, later=async_double, **{f"e{n}": make(error, 3) for n, error in enumerate(ERRORS)})
    for n, error in enumerate(ERRORS):
        failure = at.answer_of(f"e{n}").failure
        assert failure is not None
        assert failure.error_type == error.__name__
        assert failure.stack_trace is not None
        assert "raise kind(*args)" in failure.stack_trace
        assert failure.stack_trace.count("File ") == 1
        if n:
            assert failure.message.startswith(f"activity 'e{n}' raised {error.__name__}(3)")
    assert at.answer_of("ok").result == "1", "the threads survived"
    assert at.answer_of("later", "1").result == "2"


def test_results_that_json_cannot_hold(bench: Callable[..., Bench]) -> None:
    failure = bench(sets=lambda ctx: {1}).answer_of("sets").failure
    assert failure is not None
    assert failure.error_type == "TypeError"
    assert failure.message.startswith("activity 'sets' returned a value that JSON cannot hold: Object of type set")


def test_inputs_that_are_not_json(bench: Callable[..., Bench]) -> None:
    failure = bench(a=lambda ctx, n: n).answer_of("a", "{").failure
    assert failure is not None
    assert failure.error_type == "JSONDecodeError"


def test_a_decorator_that_hides_an_async_activity(bench: Callable[..., Bench]) -> None:
    failure = bench(hidden=lambda ctx: async_double(ctx, 1)).answer_of("hidden").failure
    assert failure is not None
    assert "returned a coroutine" in failure.message


def test_an_activity_that_is_not_registered(bench: Callable[..., Bench]) -> None:
    failure = bench(a=lambda ctx: 1, b=lambda ctx: 1).answer_of("c").failure
    assert failure is not None
    assert failure.error_type == "ActivityNotRegisteredError"
    assert failure.message == "activity 'c' is not registered; registered: a, b"


def test_an_exception_whose_text_cannot_be_made(bench: Callable[..., Bench]) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    failure = bench(mute=raiser(Mute)).answer_of("mute").failure
    assert failure is not None
    assert failure.message == "<Mute whose text cannot be made>"


def test_threads_are_bounded_and_a_long_activity_holds_up_no_other() -> None:
    running, most = 0, 0
    lock, gate = threading.Lock(), threading.Event()

    def work(ctx: Any) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        gate.wait(LIMIT_SECONDS)
        with lock:
            running -= 1

    at = Bench(work=work, quick=lambda ctx: 1)
    at.executor = LocalExecutor(at.registry, at.delivered.put, max_workers=3)
    for n in range(2):
        at.call("work", task_id=n)
    at.call("quick", task_id=99)
    assert at.answer().task_id == 99
    for n in range(8):
        at.call("work", task_id=n)
    gate.set()
    assert sorted(at.answer().task_id for _ in range(10)) == sorted([0, 1, *range(8)])
    assert most <= 3
    at.executor.close()


def test_a_thread_is_spare_while_no_activity_is_at_hand() -> None:
    gate = threading.Event()
    spare: queue.SimpleQueue[bool] = queue.SimpleQueue()
    registry = Registry()
    registry.add_activity("quick", lambda ctx: 1)
    registry.add_activity("held", lambda ctx: gate.wait(LIMIT_SECONDS))
    executor = LocalExecutor(registry, lambda _: spare.put(is_spare()))

    def call(name: str) -> None:
        executor.run_activities([ActivityTask(7, "i1", 1, name, None, "x1")])

    call("quick")
    assert spare.get(timeout=LIMIT_SECONDS)
    call("held")
    call("quick")
    assert not spare.get(timeout=LIMIT_SECONDS), "the other one runs still"
    gate.set()
    assert spare.get(timeout=LIMIT_SECONDS), "the other one was the last"
    assert not is_spare(), "this thread runs no activities"
    executor.close()


def test_a_thread_that_is_given_activities_runs_the_first_itself() -> None:
    ran: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
    gate = threading.Event()

    def note(name: str) -> None:
        ran.put((name, threading.get_ident()))
        if name == "own":
            gate.wait(LIMIT_SECONDS)

    registry = Registry()
    registry.add_activity("note", lambda ctx, name: note(name))
    calls = [
        ActivityTask(7, "i1", number, "note", f'"{name}"', "") for number, name in enumerate(("first", "own", "other"))
    ]

    def deliver(delivery: Delivery) -> None:
        assert isinstance(delivery, ActivityResult)
        if delivery.task_id == 0:
            holder[0].run_activities(calls[1:])

    holder: list[LocalExecutor] = []
    holder.append(LocalExecutor(registry, deliver))
    holder[0].run_activities(calls[:1])
    threads = dict(ran.get(timeout=LIMIT_SECONDS) for _ in range(3))
    gate.set()
    assert threads["own"] == threads["first"] != threads["other"]
    holder[0].close()


def test_the_apps_own_limit_of_threads() -> None:
    registry = Registry()
    registry.threads = 1
    assert LocalExecutor(registry, lambda _: None)._threads._size == 1
    assert LocalExecutor(registry, lambda _: None, max_workers=5)._threads._size == 5


def test_async_activities_run_side_by_side(bench: Callable[..., Bench]) -> None:
    async def both(ctx: Any, n: int) -> int:
        arrived.append(n)
        while len(arrived) < 50:
            await asyncio.sleep(0)
        return n

    arrived: list[int] = []
    at = bench(both=both)
    at.executor.run_activities([ActivityTask(7, "i1", n, "both", str(n), "") for n in range(50)])
    assert {at.answer().task_id for _ in range(50)} == set(range(50))


def test_what_comes_after_closing_is_dropped() -> None:
    gate, begun = threading.Event(), threading.Event()

    def slow(ctx: Any) -> None:
        begun.set()
        gate.wait(LIMIT_SECONDS)

    async def endless(ctx: Any) -> None:
        await asyncio.sleep(3600)

    others = set(threading.enumerate())
    at = Bench(slow=slow, endless=endless)
    at.call("slow")
    at.call("endless")
    assert begun.wait(LIMIT_SECONDS)
    threads = set(threading.enumerate()) - others
    at.executor.close()
    gate.set()
    for thread in threads:
        thread.join(LIMIT_SECONDS)
        assert not thread.is_alive()
    assert at.delivered.empty()


# -- turns -------------------------------------------------------------------------------------------------------------


def chain(ctx: Any) -> Iterator[Any]:
    yield ctx.call_activity("a")
    yield ctx.call_activity("b")


def executor(fn: Any = chain) -> LocalExecutor:
    registry = Registry()
    registry.add_workflow("w", fn)
    return LocalExecutor(registry, lambda _: None)


def never() -> list[Any]:
    raise AssertionError("the past was asked for")


FIRST = [started(), execution("w")]
PAST = [*FIRST, TaskScheduled(1, LATER, "a")]


def test_code_stays_alive_between_turns() -> None:
    at = executor()
    at.run_turn(Turn(1, "i1", "w", list, FIRST))
    result = at.run_turn(Turn(1, "i1", "w", never, [started(LATER), done(1)]))
    assert [type(event).__name__ for event in result.events] == ["TaskScheduled"]
    at.close()
    assert at._runs == {}


def test_a_forgotten_instance_is_replayed() -> None:
    at = executor()
    at.run_turn(Turn(1, "i1", "w", list, FIRST))
    at.forget(1)
    at.forget(99)
    result = at.run_turn(Turn(1, "i1", "w", lambda: PAST, [started(LATER), done(1)]))
    assert [event.event_id for event in result.events] == [2]


def test_runs_that_ended_are_dropped() -> None:
    at = executor(lambda ctx: None)
    assert isinstance(at.run_turn(Turn(1, "i1", "w", list, FIRST)).events[0], ExecutionCompleted)
    again = executor(lambda ctx: ctx.continue_as_new(1))
    assert again.run_turn(Turn(1, "i1", "w", list, FIRST)).continue_as_new is not None
    stalled = executor(lambda ctx: None)
    stall = stalled.run_turn(Turn(1, "i1", "w", lambda: PAST, [started(), raised("e")])).stall
    assert stall is not None
    assert stall.reason is StallReason.NON_DETERMINISTIC
    assert at._runs == again._runs == stalled._runs == {}


def test_which_workflows_it_knows() -> None:
    at = executor()
    assert at.knows("w", "")
    assert not at.knows("x", "")


def test_a_light_import() -> None:
    """asyncio is for async activities only."""
    import subprocess

    code = "import sys, wfctl.workflow, wfctl.workflow.replay.live_workflow; print('asyncio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
