"""Running activities: sync ones on a bounded pool of threads, async ones on one event loop.

A pool of its own, since `concurrent.futures` makes a Future, a lock and a condition for every call, which is more
work than most calls. Threads are daemons: an activity that hangs does not keep the process from ending.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Sequence
from queue import SimpleQueue
from typing import Any

from wfctl.engine.execute.log_capture import CURRENT, Step
from wfctl.engine.execute.port import ActivityResult, ActivityTask
from wfctl.engine.execute.spare_threads import enlist
from wfctl.model.apps import stored
from wfctl.model.failure import Failure
from wfctl.workflow.failures import failure_of, text_of
from wfctl.workflow.payloads import optional_from_json, to_json
from wfctl.workflow.registry import Function, Registry
from wfctl.workflow.sdk.activity_context import ActivityContext, WorkflowActivityContext

Deliver = Callable[[ActivityResult], None]
_Job = tuple[ActivityTask, Function]
_PLAIN = frozenset({type(None), bool, int, float, str, list, dict})  # no coroutines, without asking their ABC

_forks = 0  # how many forks lie between this process and the one that imported this


def _count_fork() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count_fork)  # cheaper than to ask for the PID after each activity


class Threads:
    """At most `size` threads, started as work piles up.

    The count of jobs at hand must be exact, or a job could wait behind a long one while a thread is to be had: so
    each counter has one writer, and a job counts until it is done.

    The engine may go on with a result on the thread that delivers it, and that thread then runs the first of the
    activities that follow.
    """

    def __init__(self, size: int, deliver: Deliver) -> None:
        self._size = size
        self._deliver = deliver
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._added = 0
        self._done: list[int] = []  # per thread
        # `next`: the job that the thread itself has taken, or None; there only while it delivers.
        self._own = threading.local()
        self._forks = _forks

    def add(self, jobs: Sequence[_Job]) -> None:
        self._added += len(jobs)
        done = self._done
        while len(done) < self._size and self._added - sum(done) > len(done):
            done.append(0)
            number = len(done) - 1
            threading.Thread(target=self._work, args=(number,), name=f"activity-{number}", daemon=True).start()
        if getattr(self._own, "next", self) is None:
            self._own.next, *jobs = jobs
        put = self._jobs.put
        for job in jobs:
            put(job)

    def close(self) -> None:
        """Threads that are idle end; one in an activity ends after it."""
        for _ in self._done:
            self._jobs.put(None)

    def _work(self, number: int) -> None:
        done, get, deliver, own = self._done, self._jobs.get, self._deliver, self._own
        enlist(self._is_idle)
        job: _Job | None = None
        while True:
            job = job or get()
            if job is None:
                return
            result = run(*job)
            if _forks != self._forks:
                # The activity forked, and this is the child, which has nothing to do but what it has done.
                os._exit(0 if result.failure is None else 1)
            done[number] += 1
            own.next = None
            deliver(result)
            job = own.next
            # Within an activity the engine may run here, too (`Engine.do`), and the activity wait for what follows.
            del own.next

    def _is_idle(self) -> bool:
        return self._added == sum(self._done)


class Loop:
    """One event loop on one thread, started when the first async activity comes."""

    def __init__(self, size: int, deliver: Deliver) -> None:
        self._size = size
        self._deliver = deliver
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, jobs: Sequence[_Job]) -> None:
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.new_event_loop()
            self._room = asyncio.Semaphore(self._size)
            threading.Thread(target=self._serve, args=(loop,), name="activities-async", daemon=True).start()
        loop.call_soon_threadsafe(self._begin, jobs)

    def close(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._end)

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            loop.close()

    def _begin(self, jobs: Sequence[_Job]) -> None:
        for job in jobs:
            task = asyncio.ensure_future(self._run(*job))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, task: ActivityTask, function: Function) -> None:
        async with self._room:
            self._deliver(await run_async(task, function))

    def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._ending = asyncio.ensure_future(self._stop())

    async def _stop(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)
        asyncio.get_running_loop().stop()


def run(task: ActivityTask, function: Function) -> ActivityResult:
    """Call a sync activity. Returns a failure for whatever it raises, the exceptions that end threads included."""
    step = _step(task)
    token = CURRENT.set(step)
    try:
        value = function(_context(task), optional_from_json(task.input))
        if type(value) not in _PLAIN and isinstance(value, Coroutine):
            value.close()
            raise TypeError(
                f"activity {task.name!r} returned a coroutine: declare it `async def`, or use functools.wraps in its "
                "decorator"
            )
        return _result(task, value)
    except BaseException as error:
        return failed(task, _failure(task, error))
    finally:
        step.over = True
        CURRENT.reset(token)


async def run_async(task: ActivityTask, function: Function) -> ActivityResult:
    """Await an async activity, as `run`. Runs in an asyncio task of its own."""
    step = _step(task)
    CURRENT.set(step)
    try:
        return _result(task, await function(_context(task), optional_from_json(task.input)))
    except BaseException as error:
        return failed(task, _failure(task, error))
    finally:
        step.over = True


def failed(task: ActivityTask, failure: Failure) -> ActivityResult:
    return ActivityResult(task.key, task.task_id, task.task_execution_id, None, failure)


def not_registered(task: ActivityTask, registry: Registry) -> ActivityResult:
    known = ", ".join(registry.activity_names()) or "none"
    # The type is the SDK's, since it is recorded in histories.
    message = f"activity {task.name!r} is not registered; registered: {known}"
    return failed(task, Failure("ActivityNotRegisteredError", message, ""))


def _step(task: ActivityTask) -> Step:
    return Step(task.key, task.instance_id, task.name, task.task_id, app=stored(task.app_id))


def _context(task: ActivityTask) -> WorkflowActivityContext:
    return WorkflowActivityContext(
        ActivityContext(task.instance_id, task.task_id, task.task_execution_id, task.propagated)
    )


def _result(task: ActivityTask, value: Any) -> ActivityResult:
    if value is None:
        return ActivityResult(task.key, task.task_id, task.task_execution_id)
    try:
        text = to_json(value)
    except Exception as error:
        why = f"activity {task.name!r} returned a value that JSON cannot hold: {text_of(error)}"
        return failed(task, Failure(type(error).__name__, why, ""))
    return ActivityResult(task.key, task.task_id, task.task_execution_id, text)


def _failure(task: ActivityTask, error: BaseException) -> Failure:
    if isinstance(error, Exception):
        return failure_of(error)
    what = f"activity {task.name!r} raised {type(error).__name__}({text_of(error)})"
    return failure_of(error, f"{what}, which ends a thread or a program: raise an ordinary exception")
