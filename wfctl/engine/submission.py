"""The messages in the engine's queue: submitted operations and executors' deliveries; None wakes the thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from wfctl.engine.execute.port import ActivityResult, Delivery
from wfctl.engine.transaction import Unit
from wfctl.errors import WfctlError


class Submission:
    """An operation that another thread has submitted, and the future with its result."""

    __slots__ = ("_running", "call", "future", "value")

    def __init__(self, call: Callable[[Unit], Any]) -> None:
        self.call = call
        self.future: Future[Any] = Future()
        self.value: Any = None
        self._running: bool | None = None

    def begin(self) -> bool:
        """Mark the future as running. Returns False if the caller has cancelled it, or it is done."""
        if self._running is None:
            self._running = self.future.set_running_or_notify_cancel()
        return self._running and not self.future.done()

    def fail(self, error: Exception) -> None:
        if self.begin():
            self.future.set_exception(error)

    def succeed(self) -> None:
        if self.begin():
            self.future.set_result(self.value)


class OwnCall(Submission):
    """An operation that the thread which asked for it runs itself: there is no future that anybody else looks at."""

    __slots__ = ("error",)

    def __init__(self, call: Callable[[Unit], Any]) -> None:
        self.call = call
        self.value: Any = None
        self.error: Exception | None = None

    def begin(self) -> bool:
        return True

    def fail(self, error: Exception) -> None:
        self.error = error

    def succeed(self) -> None:
        pass  # the thread goes on with `value`, or `error`


Message = Submission | Delivery | None


class DefectError(Exception):
    """A submission raised what it should not: its caller is told, and the others' work is done again without it."""

    def __init__(self, submission: Submission, error: Exception) -> None:
        super().__init__(str(error))
        self.submission = submission
        self.error = error


def refuse(messages: Iterable[Message], error: WfctlError) -> list[Message]:
    """Fail the submissions among these. Returns the results of activities, which are to be kept."""
    kept: list[Message] = []
    for message in messages:
        if isinstance(message, Submission):
            message.fail(error)
        elif isinstance(message, ActivityResult):
            kept.append(message)
    return kept
