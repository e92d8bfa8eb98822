"""Tasks, which workflow code yields; they complete when the history records their result.

Semantics of dapr 1.19: a task has at most one parent (`when_all`, `when_any`), which it tells that it completed;
`when_all` waits for all and then raises the first failure; `when_any` returns the first task to complete, failed or
not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from wfctl.model.failure import Failure
from wfctl.workflow.sdk.retry_policy import RetryPolicy

T = TypeVar("T")


class FailureDetails:
    """The failure of an activity, a child workflow or an instance.

    Args:
        message: the text of the exception.
        error_type: the class name of the exception.
        stack_trace: the lines of user code that it passed through; None if they are not known.
    """

    __slots__ = ("error_type", "message", "stack_trace")

    def __init__(self, message: str, error_type: str, stack_trace: str | None) -> None:
        self.message = message
        self.error_type = error_type
        self.stack_trace = stack_trace

    @classmethod
    def of(cls, failure: Failure) -> FailureDetails:
        """Convert wfctl's record of a failure.

        Args:
            failure: the record.

        Returns:
            The same failure in the type of Dapr's SDK.
        """
        return cls(failure.message, failure.error_type, failure.stack_trace or None)


class TaskFailedError(Exception):
    """Raised at the `yield` of an activity or a child workflow that failed.

    Args:
        message: names the task, then the failure.
        details: the failure.
    """

    def __init__(self, message: str, details: FailureDetails) -> None:
        super().__init__(message)
        self._details = details

    @property
    def details(self) -> FailureDetails:
        """Return the failure: its message, type and stack trace."""
        return self._details


class NonRetryableError(Exception):
    """Raise this in an activity or a child workflow to skip further attempts of its retry policy.

    Any exception whose class has this name counts.
    """


class NonDeterminismError(Exception):
    """The failure of a workflow whose code does not fit its history, under Dapr. wfctl stalls the instance instead."""


class WorkflowStateError(Exception):
    """The failure of a workflow with an inconsistent history, under Dapr. wfctl never raises it."""


class Task(Generic[T]):
    """A result that comes later: `yield` the task to wait for it, and to get the result or the exception."""

    __slots__ = ("_done", "_exception", "_observed", "_parent", "_result")

    def __init__(self) -> None:
        self._done = False
        self._observed = False  # the code has yielded it, or has asked it for its result
        self._exception: Exception | None = None
        self._parent: CompositeTask[Any] | None = None
        self._result: Any = None

    @property
    def is_complete(self) -> bool:
        """Return True once the task has a result or has failed."""
        self._observed = True
        return self._done

    @property
    def is_failed(self) -> bool:
        """Return True once the task has failed."""
        self._observed = True
        return self._exception is not None

    def get_result(self) -> T:
        """Get the result of a completed task.

        Returns:
            The result, decoded from JSON.

        Raises:
            ValueError: the task is not complete.
            TaskFailedError: the activity or child failed.
            TimeoutError: the event did not come in time.
        """
        self._observed = True
        if not self._done:
            raise ValueError("the task is not complete")
        if self._exception is not None:
            raise self._exception
        return self._result  # type: ignore[no-any-return]

    def get_exception(self) -> Exception:
        """Get the exception of a failed task.

        Returns:
            The exception that `yield` raises.

        Raises:
            ValueError: the task has not failed.
        """
        self._observed = True
        if self._exception is None:
            raise ValueError("the task has not failed")
        return self._exception

    def _observe(self) -> None:
        """Take note that the code has yielded the task."""
        self._observed = True

    def _settle(self, result: Any = None, exception: Exception | None = None) -> None:
        """Complete the task; do nothing if it is complete already."""
        if self._done:
            return
        self._result = result
        self._exception = exception
        self._done = True
        if self._parent is not None:
            self._parent._child_done(self)


class CompletableTask(Task[T]):
    """The task of an activity or a child workflow without a retry policy."""

    __slots__ = ()


class TimerTask(CompletableTask[Any]):
    """The task of a timer."""

    __slots__ = ()


class EventTask(CompletableTask[Any]):
    """The task of a wait for an external event.

    Args:
        name: the event's name as the code has it.
        key: the name that events are matched by: without upper case.
        timeout: as the code has it; None waits without limit.
        timer_id: the number of the timer that records the wait, and ends it if there is a timeout.
    """

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
    """The task of an activity or a child workflow with a retry policy.

    Args:
        policy: the retry policy.
        name: the activity's or the workflow's name.
        input: JSON text; None if there is none.
        subject: what all attempts share: the task execution ID of an activity, the instance ID of a child.
        propagation: the number of the PropagationScope.
        child: True for a child workflow.
        app_id: the app that is to run it; None for the workflow's own.
    """

    __slots__ = ("app_id", "attempt", "child", "input", "name", "policy", "propagation", "subject")

    def __init__(
        self,
        policy: RetryPolicy,
        name: str,
        input: str | None,
        subject: str,
        propagation: int,
        child: bool,
        app_id: str | None = None,
    ) -> None:
        super().__init__()
        self.policy = policy
        self.name = name
        self.input = input
        self.subject = subject
        self.propagation = propagation
        self.child = child
        self.app_id = app_id
        self.attempt = 1


class CompositeTask(Task[T]):
    """A task made of others.

    Args:
        tasks: the others; each may belong to one composite that is not complete.

    Raises:
        TypeError: one of them is no task.
        ValueError: one of them is there twice, or belongs to another composite that is not complete.
    """

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

    def _observe(self) -> None:
        if not self._observed:
            self._observed = True
            for task in self._tasks:
                task._observe()

    def get_tasks(self) -> list[Task[Any]]:
        """Get the tasks it is made of.

        Returns:
            The tasks in the order given.
        """
        return self._tasks

    def _child_done(self, task: Task[Any]) -> None:
        raise NotImplementedError


class WhenAllTask(CompositeTask[list[T]]):
    """The task that `when_all` returns.

    Args:
        tasks: the tasks to wait for.
    """

    __slots__ = ("_completed", "_first_failure")

    def __init__(self, tasks: Sequence[Task[T]]) -> None:
        self._completed = 0
        self._first_failure: Exception | None = None
        super().__init__(tasks)
        if not self._tasks:
            self._settle([])

    @property
    def pending_tasks(self) -> int:
        """Return the number of tasks that are not complete."""
        return len(self._tasks) - self._completed

    def get_completed_tasks(self) -> int:
        """Count the tasks that are complete.

        Returns:
            Their number.
        """
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
    """The task that `when_any` returns.

    Args:
        tasks: the tasks to wait for.
    """

    __slots__ = ()

    def __init__(self, tasks: Sequence[Task[Any]]) -> None:
        super().__init__(tasks)
        if not self._tasks:
            self._settle([])

    def _child_done(self, task: Task[Any]) -> None:
        self._settle(task)


def when_all(tasks: Sequence[Task[T]]) -> WhenAllTask[T]:
    """Wait for all of the tasks.

    Args:
        tasks: the tasks; none may be part of another `when_all` or `when_any` that is not complete.

    Returns:
        A task that completes when all have, failed ones included. Its result is the list of their results, in the
        order of `tasks`; if any failed, `yield` raises the failure that came first.

    Raises:
        TypeError: one of them is no task.
        ValueError: one of them is there twice, or part of another composite that is not complete.
    """
    return WhenAllTask(tasks)


def when_any(tasks: Sequence[Task[Any]]) -> WhenAnyTask:
    """Wait for the first of the tasks.

    Args:
        tasks: the tasks; none may be part of another `when_all` or `when_any` that is not complete.

    Returns:
        A task that completes when the first of them does, failed or not. Its result is that task: call its
        `get_result()`. Of no tasks at all it is an empty list.

    Raises:
        TypeError: one of them is no task.
        ValueError: one of them is there twice, or part of another composite that is not complete.
    """
    return WhenAnyTask(tasks)
