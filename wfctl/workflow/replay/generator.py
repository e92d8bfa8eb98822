"""The workflow code of one live instance: a generator, and the task that it waits for."""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections.abc import Callable, Generator
from typing import Any

from wfctl.model.events import ExecutionCompleted, Failure
from wfctl.model.status import Status
from wfctl.workflow.failures import failure_of, text_of
from wfctl.workflow.payloads import to_json
from wfctl.workflow.replay.yield_errors import coroutine_failure, not_a_task
from wfctl.workflow.sdk.pending_actions import Ledger
from wfctl.workflow.sdk.tasks import Task


class Code:
    """Runs the code on when what it waits for is complete, and enters its end into the ledger."""

    __slots__ = ("_awaited", "_generator", "_ledger", "name")

    def __init__(self, ledger: Ledger) -> None:
        self.name = ""
        self._ledger = ledger
        self._generator: Generator[Any, Any, Any] | None = None
        self._awaited: Any = None

    def begin(self, call: Callable[[], Any]) -> None:
        """Call the workflow function; one that is no generator function has done its work by that."""
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
            self.fail(coroutine_failure(self.name, made))
        else:
            self._complete(made)

    def advance(self) -> None:
        """Run the code on, if what it waits for is complete."""
        generator = self._generator
        if generator is not None and self._awaited._done:
            self._run(generator, self._awaited)

    def _run(self, generator: Generator[Any, Any, Any], awaited: Any, first: bool = False) -> None:
        try:
            if first:
                awaited = next(generator)
            while isinstance(awaited, Task):
                if not awaited._done or self._ledger.closed:
                    self._awaited = awaited
                    return
                error = awaited._exception
                awaited = generator.send(awaited._result) if error is None else generator.throw(error)
            self.fail(not_a_task(self.name, generator, awaited))
        except StopIteration as stop:
            self._generator = None
            self._complete(stop.value)
        except BaseException as error:
            self._generator = None
            self.fail(_code_failure(error, self.name))

    def _complete(self, value: Any) -> None:
        if self._ledger.closed:
            return
        try:
            text = None if value is None else to_json(value)
        except Exception as error:
            why = f"workflow {self.name!r} returned a value that JSON cannot hold: {text_of(error)}"
            self.fail(Failure(type(error).__name__, why, ""))
            return
        self.end(Status.COMPLETED, text)

    def fail(self, failure: Failure) -> None:
        if not self._ledger.closed:
            self.end(Status.FAILED, None, failure)

    def end(self, status: Status, result: str | None, failure: Failure | None = None) -> None:
        """Enter the completion; whatever else the turn asked for is dropped, as in the SDK."""
        ledger = self._ledger
        ledger.asked.clear()
        number = ledger.next_number()
        ledger.asked[number] = ExecutionCompleted(number, ledger.stamp, status, result, failure)
        self.close()

    def close(self) -> None:
        """Let go of the code. Its `finally` blocks run, as Python has it, but what they ask for counts nothing."""
        ledger = self._ledger
        ledger.closed = ledger.replaying = True
        generator, self._generator = self._generator, None
        if generator is not None:
            with contextlib.suppress(BaseException):  # whatever the code makes of its end is of no interest
                generator.close()


def _code_failure(error: BaseException, name: str) -> Failure:
    """An exception of the code as a failure; the ones that are meant to end a program must not end the engine."""
    if isinstance(error, Exception):
        return failure_of(error)
    if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
        raise error
    return failure_of(error, f"workflow {name!r} raised {type(error).__name__}({text_of(error)})")
