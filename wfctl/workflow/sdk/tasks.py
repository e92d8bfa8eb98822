"""What workflow code yields: tasks that are complete once the history says so.

Semantics of dapr 1.19: a task tells its one parent (`when_all`, `when_any`) when it completes; `when_all` waits for
all and then raises the first failure; `when_any` gives the first task to complete, failed or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from wfctl.model.events import Failure
from wfctl.workflow.sdk.retry_policy import RetryPolicy

T = TypeVar("T")


class FailureDetails:
    """Why an activity, a child workflow or an instance failed."""

    __slots__ = ("error_type", "message", "stack_trace")

    def __init__(self, message: str, error_type: str, stack_trace: str | None) -> None:
        self.message = message
        self.error_type = error_type
        self.stack_trace = stack_trace

    @classmethod
    def of(cls, failure: Failure) -> FailureDetails:
        return cls(failure.message, failure.error_type, failure.stack_trace or None)


class TaskFailedError(Exception):
    """Raised at the `yield` of an activity or a child workflow that failed."""

    def __init__(self, message: str, details: FailureDetails) -> None:
        super().__init__(message)
        self._details = details

    @property
    def details(self) -> FailureDetails:
        return self._details


class NonRetryableError(Exception):
    """Raised by an activity or a child workflow whose retry policy shall not try again. Matched by its name."""


class NonDeterminismError(Exception):
    """The SDK fails a workflow with this where wfctl stalls it."""


class WorkflowStateError(Exception):
    """A history that makes no sense."""


class Task(Generic[T]):
    """Something that completes later, with a result or an exception."""

    __slots__ = ("_done", "_exception", "_parent", "_result")

    def __init__(self) -> None:
        self._done = False
        self._exception: Exception | None = None
        self._parent: CompositeTask[Any] | None = None
        self._result: Any = None

    @property
    def is_complete(self) -> bool:
        return self._done

    @property
    def is_failed(self) -> bool:
        return self._exception is not None

    def get_result(self) -> T:
        """The result. Raises what the task failed with, and ValueError while it is not complete."""
        if not self._done:
            raise ValueError("the task is not complete")
        if self._exception is not None:
            raise self._exception
        return self._result  # type: ignore[no-any-return]

    def get_exception(self) -> Exception:
        if self._exception is None:
            raise ValueError("the task has not failed")
        return self._exception

    def _settle(self, result: Any = None, exception: Exception | None = None) -> None:
        """Complete, once; a second time changes nothing."""
        if self._done:
            return
        self._result = result
        self._exception = exception
        self._done = True
        if self._parent is not None:
            self._parent._child_done(self)


class CompletableTask(Task[T]):
    """An activity or a child workflow without a retry policy."""

    __slots__ = ()


class TimerTask(CompletableTask[Any]):
    __slots__ = ()


class EventTask(CompletableTask[Any]):
    """A wait for an external event. `timer_id` is the action that bounds (or only marks) the wait."""

    __slots__ = ("key", "name", "timeout", "timer_id")

    def __init__(self, name: str, key: str, timeout: Any, timer_id: int) -> None:
        super().__init__()
        self.name = name
        self.key = key
        self.timeout = timeout
        self.timer_id = timer_id

    def _time_out(self) -> None:
        after = "" if self.timeout is None else f" after {self.timeout!r}"
        self._settle(exception=TimeoutError(f"Timed out{after} waiting for external event {self.name!r}"))


class RetryableTask(CompletableTask[T]):
    """An activity or a child workflow with a retry policy. Attempts share the subject.

    `subject` is the task execution ID of an activity and the instance ID of a child.
    """

    __slots__ = ("attempt", "child", "input", "name", "policy", "propagation", "subject")

    def __init__(
        self,
        policy: RetryPolicy,
        name: str,
        input: str | None,
        subject: str,
        propagation: int,
        child: bool,
    ) -> None:
        super().__init__()
        self.policy = policy
        self.name = name
        self.input = input
        self.subject = subject
        self.propagation = propagation
        self.child = child
        self.attempt = 1


class CompositeTask(Task[T]):
    """A task made of others, each of which may belong to one pending composite only."""

    __slots__ = ("_tasks",)

    def __init__(self, tasks: Sequence[Task[Any]]) -> None:
        super().__init__()
        super().__init__()
        members = list(tasks)
        for task in members:
            if not isinstance(task, Task):
                raise TypeError(f"when_all and when_any take tasks, not {type(task).__name__}")
        if len({id(task) for task in members}) != len(members):
            raise ValueError("a task was passed to when_all or when_any twice")
        for task in members:
            if task._parent is not None and not task._parent._done and not task._done:
                raise ValueError("a pending task belongs to another pending when_all or when_any already")
        self._tasks = members
        for task in members:
            task._parent = self
            if task._done:
                self._child_done(task)

    def get_tasks(self) -> list[Task[Any]]:
        return self._tasks

    def _child_done(self, task: Task[Any]) -> None:
        raise NotImplementedError


class WhenAllTask(CompositeTask[list[T]]):
    __slots__ = ("_completed", "_first_failure")

    def __init__(self, tasks: Sequence[Task[T]]) -> None:
        self._completed = 0
        self._first_failure: Exception | None = None
        super().__init__(tasks)
        if not self._tasks:
            self._settle([])

    @property
    def pending_tasks(self) -> int:
        return len(self._tasks) - self._completed

    def get_completed_tasks(self) -> int:
        return self._completed

    def _child_done(self, task: Task[Any]) -> None:
        if self._done:
            return
        self._completed += 1
        if self._first_failure is None:
            self._first_failure = task._exception
        if self._completed == len(self._tasks):
            if self._first_failure is not None:
                self._settle(exception=self._first_failure)
            else:
                self._settle([member._result for member in self._tasks])


class WhenAnyTask(CompositeTask[Task[Any]]):
    __slots__ = ()

    def __init__(self, tasks: Sequence[Task[Any]]) -> None:
        super().__init__(tasks)
        if not self._tasks:
            self._settle([])

    def _child_done(self, task: Task[Any]) -> None:
        self._settle(task)


def when_all(tasks: Sequence[Task[T]]) -> WhenAllTask[T]:
    """Completes when all have; its result is the list of theirs, its failure the first of theirs."""
    return WhenAllTask(tasks)


def when_any(tasks: Sequence[Task[Any]]) -> WhenAnyTask:
    """Completes when the first does; its result is that task."""
    return WhenAnyTask(tasks)
