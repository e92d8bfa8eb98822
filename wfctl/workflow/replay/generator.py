"""The generator of one live workflow: it runs the user's code from task to task."""

from __future__ import annotations

import contextlib
import inspect
import linecache
import threading
from collections.abc import Callable
from types import GeneratorType
from typing import Any

from wfctl.model.events import ExecutionCompleted, Failure
from wfctl.model.status import Status
from wfctl.workflow.failures import failure_of, text_of
from wfctl.workflow.payloads import to_json
from wfctl.workflow.sdk.pending_actions import PendingActions
from wfctl.workflow.sdk.tasks import Task

_RETURN_ADVICE = "write: return (yield ...)"
_ADVICE = "yield what ctx.call_activity(), ctx.create_timer(), wf.when_all() and the like return"


class WorkflowGenerator:
    """The generator of a workflow function, and the task that it waits for.

    It runs the code when that task is complete, and adds the completion of the workflow to the pending actions.
    """

    __slots__ = ("_awaited", "_generator", "_pending", "name")

    def __init__(self, pending: PendingActions) -> None:
        self.name = ""
        self._pending = pending
        self._generator: GeneratorType[Any, Any, Any] | None = None
        self._awaited: Any = None

    @property
    def code(self) -> GeneratorType[Any, Any, Any] | None:
        """Return the user's generator while it is alive."""
        return self._generator

    def begin(self, call: Callable[[], Any]) -> None:
        """Call the workflow function and run it to the first task that is not complete.

        A function that is no generator function is complete after the call. An Exception of the call is raised, for
        the caller to record.
        """
        try:
            made = call()
        except Exception:
            raise
        except BaseException as error:
            self.fail(_code_failure(error, self.name))
            return
        if inspect.isgenerator(made):
            self._generator = made
            self._run(made, None, first=True)
        elif inspect.iscoroutine(made) or inspect.isasyncgen(made):
            self.fail(_coroutine_failure(self.name, made))
        else:
            self._complete(made)

    def advance(self) -> None:
        """Continue the code if the task that it waits for is complete."""
        generator = self._generator
        if generator is not None and self._awaited._done:
            self._run(generator, self._awaited)

    def _run(self, generator: GeneratorType[Any, Any, Any], awaited: Any, first: bool = False) -> None:
        try:
            if first:
                awaited = next(generator)
            while isinstance(awaited, Task):
                if not awaited._observed:
                    awaited._observe()
                if not awaited._done or self._pending.closed:
                    self._awaited = awaited
                    return
                error = awaited._exception
                awaited = generator.send(awaited._result) if error is None else generator.throw(error)
            self.fail(_not_a_task(self.name, generator, awaited))
        except StopIteration as stop:
            self._generator = None
            self._complete(stop.value)
        except BaseException as error:
            self._generator = None
            self.fail(_code_failure(error, self.name))

    def _complete(self, value: Any) -> None:
        pending = self._pending
        if pending.closed:
            return
        if (call := _returned_task(pending, value)) is not None:
            self.fail(call)
            return
        pending.warnings += pending.calls.at_end(pending.actions)
        try:
            text = None if value is None else to_json(value)
        except Exception as error:
            why = f"workflow {self.name!r} returned a value that JSON cannot hold: {text_of(error)}"
            self.fail(Failure(type(error).__name__, why, ""))
            return
        self.end(Status.COMPLETED, text)

    def fail(self, failure: Failure) -> None:
        """Complete the workflow as FAILED, unless it is complete already."""
        if not self._pending.closed:
            self.end(Status.FAILED, None, failure)

    def end(self, status: Status, result: str | None, failure: Failure | None = None) -> None:
        """Complete the workflow. The other actions of this turn are dropped, as in Dapr's SDK."""
        pending = self._pending
        pending.actions.clear()
        number = pending.next_number()
        pending.actions[number] = ExecutionCompleted(number, pending.turn_time, status, result, failure)
        self.close()

    def close(self) -> None:
        """Close the generator. Its `finally` blocks run, but what they ask for is ignored."""
        pending = self._pending
        pending.closed = pending.replaying = True
        generator, self._generator = self._generator, None
        if generator is not None:
            with contextlib.suppress(BaseException):  # what the code raises while it is closed does not matter
                generator.close()


def _code_failure(error: BaseException, name: str) -> Failure:
    """Return the failure for an exception of the code, SystemExit and its like included: they must not end the engine.

    Raises KeyboardInterrupt on the main thread, where it is Ctrl-C.
    """
    if isinstance(error, Exception):
        return failure_of(error)
    if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
        raise error
    return failure_of(error, f"workflow {name!r} raised {type(error).__name__}({text_of(error)})")


def _not_a_task(name: str, generator: Any, value: object) -> Failure:
    """Return the failure of a workflow that yielded something else than a task, with the line that did it."""
    try:
        shown = repr(value)
    except Exception:
        shown = "a value"
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return Failure(
        "TypeError",
        f"workflow {name!r} yielded {shown} ({type(value).__name__}), which is not a task: {_ADVICE}",
        _line_of(generator),
    )


def _returned_task(pending: PendingActions, value: object) -> Failure | None:
    """Return the failure of a workflow that returned a task, or a list with one, in place of the result."""
    values = value if isinstance(value, (list, tuple)) else (value,)
    task = next((one for one in values if isinstance(one, Task)), None)
    if task is None:
        return None
    call = pending.calls.find(task)
    where = "" if call is None else f": {call.what} without yield at {call.where}"
    return Failure("TypeError", f"the workflow returned a task instead of its result{where}; {_RETURN_ADVICE}", "")


def _coroutine_failure(name: str, made: Any) -> Failure:
    """Return the failure of an `async def` workflow. Closes the coroutine, so that Python does not warn about it."""
    close = getattr(made, "close", None)
    if close is not None:
        close()
    return Failure(
        "TypeError",
        f"workflow {name!r} is an async function: a workflow is a generator, {_ADVICE}",
        "",
    )


def _line_of(generator: Any) -> str:
    """Return the line at which a generator is suspended, as a traceback shows it."""
    frame = generator.gi_frame
    if frame is None:
        return ""
    code = frame.f_code
    line = linecache.getline(code.co_filename, frame.f_lineno).strip()
    where = f'  File "{code.co_filename}", line {frame.f_lineno}, in {code.co_name}\n'
    return where + (f"    {line}\n" if line else "")
