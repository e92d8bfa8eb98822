"""The context that workflow code is given."""

from __future__ import annotations

import random
import string
import uuid
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from wfctl.model.instance import child_instance_id
from wfctl.workflow.payloads import to_json
from wfctl.workflow.registry import name_of
from wfctl.workflow.sdk.determinism import seeded
from wfctl.workflow.sdk.pending_actions import PendingActions
from wfctl.workflow.sdk.propagation import PropagatedHistory, PropagationScope
from wfctl.workflow.sdk.retry_policy import RetryPolicy
from wfctl.workflow.sdk.tasks import Task, when_all, when_any
from wfctl.workflow.sdk.times import aware

__all__ = ["DaprWorkflowContext", "Workflow", "WorkflowContext", "when_all", "when_any"]

T = TypeVar("T")
Workflow = Callable[..., Generator[Task[Any], Any, Any] | Any]


class WorkflowContext(ABC):
    """The base of `DaprWorkflowContext`, for annotations."""

    __slots__ = ()

    @property
    @abstractmethod
    def instance_id(self) -> str:
        """Return the ID of this instance: the one it was started with, the same in every run and replay."""

    @property
    @abstractmethod
    def current_utc_datetime(self) -> datetime:
        """Return the workflow's time as naive UTC: when the current turn began.

        It comes from the history, so that a replay sees the same time. Use it instead of `datetime.now()`; it stands
        still between two `yield`s that do not wait.
        """

    @property
    @abstractmethod
    def is_replaying(self) -> bool:
        """Return True while the code repeats what the history already records: do not log then, for example."""

    @abstractmethod
    def set_custom_status(self, custom_status: str) -> None:
        """Set the text that clients read as the custom status of this instance.

        Args:
            custom_status: any text.
        """

    @abstractmethod
    def create_timer(self, fire_at: datetime | timedelta) -> Task[Any]:
        """Create a durable timer.

        Args:
            fire_at: its time, or the duration from now.

        Returns:
            A task that completes then.
        """

    @abstractmethod
    def call_activity(
        self,
        activity: Callable[..., Any] | str,
        *,
        input: Any = None,
        app_id: str | None = None,
        propagation: PropagationScope | None = None,
    ) -> Task[Any]:
        """Call an activity.

        Args:
            activity: the registered function, or its name.
            input: its argument.
            app_id: the app to run it in.
            propagation: how much of this workflow's history it can read.

        Returns:
            A task that completes with its result.
        """

    @abstractmethod
    def call_child_workflow(
        self,
        orchestrator: Callable[..., Any] | str,
        *,
        input: Any = None,
        instance_id: str | None = None,
        app_id: str | None = None,
        propagation: PropagationScope | None = None,
    ) -> Task[Any]:
        """Start a child workflow.

        Args:
            orchestrator: the registered function, or its name.
            input: its argument.
            instance_id: the ID of the child; by default one is made.
            app_id: the app to run it in.
            propagation: how much of this workflow's history it can read.

        Returns:
            A task that completes with its result.
        """

    @abstractmethod
    def wait_for_external_event(self, name: str, *, timeout: datetime | timedelta | None = None) -> Task[Any]:
        """Wait for an event.

        Args:
            name: the event's name.
            timeout: when to give up; by default never.

        Returns:
            A task that completes with the event's data.
        """

    @abstractmethod
    def continue_as_new(self, new_input: Any, *, save_events: bool = False) -> None:
        """Run again under the same ID, with an empty history.

        Args:
            new_input: the input of the new run.
            save_events: keep the events that nobody has waited for.
        """

    @abstractmethod
    def get_propagated_history(self) -> PropagatedHistory | None:
        """Get the history that the caller has handed on.

        Returns:
            The history, or None.
        """


class DaprWorkflowContext(WorkflowContext):
    """The first argument of a workflow function.

    Everything here is durable and deterministic: the history records what is asked for, and a replay gets the same
    answers. `yield` the task that a call returns to wait for its result; several tasks run at the same time until
    the code waits. Workflow code must not use the clock, random numbers, the network or files by itself: do that in an
    activity, or use the methods of this class.

    Args:
        ctx: wfctl's own state of the running instance. Authors never make a context.
        logger_options: accepted as by Dapr's SDK, without effect.
    """

    def __init__(self, ctx: PendingActions, logger_options: object = None) -> None:
        self._pending = ctx

    @property
    def instance_id(self) -> str:
        return self._pending.instance_id

    @property
    def app_id(self) -> str | None:
        """Return the ID of the app that runs the workflow, or None: an app run by wfctl itself has none."""
        return self._pending.app_id

    @property
    def current_utc_datetime(self) -> datetime:
        return self._pending.now.replace(tzinfo=None)

    @property
    def is_replaying(self) -> bool:
        return self._pending.replaying

    def set_custom_status(self, custom_status: str) -> None:
        """Set the text that clients read as the custom status of this instance, for example its progress.

        It is committed at the end of the turn, and stays until it is set again.

        Args:
            custom_status: any text; None clears it. Anything else is encoded as JSON, with a DeprecationWarning.
        """
        if custom_status is not None and not isinstance(custom_status, str):
            warnings.warn("set_custom_status takes a str; encode it yourself", DeprecationWarning, stacklevel=2)
            custom_status = to_json(custom_status)
        self._pending.custom_status = custom_status

    def create_timer(self, fire_at: datetime | timedelta) -> Task[Any]:
        """Create a durable timer.

        Args:
            fire_at: a point in time (naive means UTC), or a delay from `current_utc_datetime`. One that has passed
                fires at once.

        Returns:
            A task that completes with None when the timer fires.

        Raises:
            TypeError: `fire_at` is neither a datetime nor a timedelta.
        """
        due = self._point(fire_at)
        return Task() if self._pending.closed else self._pending.create_timer(due)

    def call_activity(
        self,
        activity: Callable[..., Any] | str,
        *,
        input: Any = None,
        retry_policy: RetryPolicy | None = None,
        app_id: str | None = None,
        propagation: PropagationScope | None = None,
    ) -> Task[Any]:
        """Schedule an activity.

        It starts once this turn is committed, and runs at least once: after a crash it may run again, so its effects
        should be idempotent (see `ActivityContext.task_execution_id`).

        Args:
            activity: the registered function, or the name it is registered under.
            input: the activity's second argument; anything that JSON can hold, a dataclass or a Pydantic model.
            retry_policy: when to try a failed activity again; without one it runs once.
            app_id: the app to run it in, by default this workflow's own. If it is not there, the task waits for it.
            propagation: how much of this workflow's history the activity can read; None means none of it.

        Returns:
            A task that completes with the activity's result, decoded from JSON. If the activity fails, and no attempt
            is left, `yield` raises TaskFailedError.

        Raises:
            TypeError: `activity` is neither a function nor a name, or JSON cannot hold `input`.
        """
        pending = self._pending
        name = activity if type(activity) is str else name_of(activity)
        if pending.closed:
            return Task()
        number = pending.sequence = pending.sequence + 1
        execution_id = pending.next_guid()
        text = None if input is None else to_json(input)
        scope = 0 if propagation is None else propagation.value
        if retry_policy is None:
            return pending.schedule_activity(name, text, number, execution_id, scope, app_id)
        return pending.call_with_retries(retry_policy, name, text, number, execution_id, scope, False, app_id)

    def call_child_workflow(
        self,
        workflow: Workflow | str,
        *,
        input: Any = None,
        instance_id: str | None = None,
        retry_policy: RetryPolicy | None = None,
        app_id: str | None = None,
        propagation: PropagationScope | None = None,
    ) -> Task[Any]:
        """Start another workflow as a child of this one.

        Args:
            workflow: the registered function, or the name it is registered under.
            input: the child's second argument; anything that JSON can hold, a dataclass or a Pydantic model.
            instance_id: the child's ID. By default this instance's ID, a colon, and the number of this action in
                the history as four hexadecimal digits.
            retry_policy: when to run a failed child again, under the same ID; without one it runs once.
            app_id: the app to run it in, by default this workflow's own. If it is not there, the task waits for it.
            propagation: how much of this workflow's history the child can read; None means none of it.

        Returns:
            A task that completes with the child's output, decoded from JSON. If the child fails, and no attempt is
            left, or is terminated, or its ID is taken, `yield` raises TaskFailedError.

        Raises:
            TypeError: `workflow` is neither a function nor a name, or JSON cannot hold `input`.
        """
        pending = self._pending
        name = name_of(workflow)
        if pending.closed:
            return Task()
        number = pending.next_number()
        text = None if input is None else to_json(input)
        child_id = child_instance_id(pending.instance_id, number) if instance_id is None else instance_id
        scope = 0 if propagation is None else propagation.value
        if retry_policy is None:
            return pending.create_child(name, text, number, child_id, scope, app_id)
        return pending.call_with_retries(retry_policy, name, text, number, child_id, scope, True, app_id)

    def wait_for_external_event(self, name: str, *, timeout: datetime | timedelta | None = None) -> Task[Any]:
        """Wait for an event that a client raises for this instance.

        Events are kept in order until they are waited for, so that one may arrive before the wait.

        Args:
            name: the event's name; upper and lower case are the same.
            timeout: a point in time (naive means UTC) or a delay from `current_utc_datetime`. None, or a negative
                delay, waits without limit; a delay of zero takes only an event that has already arrived.

        Returns:
            A task that completes with the event's payload, decoded from JSON. After the timeout, `yield` raises
            TimeoutError.

        Raises:
            TypeError: `timeout` is neither a datetime nor a timedelta.
        """
        pending = self._pending
        if pending.closed:
            return Task()
        key = name.casefold()
        here, value = pending.take_event(key)
        if here:
            task: Task[Any] = Task()
            task._settle(value)
            return task
        if isinstance(timeout, timedelta):
            if not timeout:
                task = Task()
                task._settle(
                    exception=TimeoutError(f"Wait for external event {name!r} canceled immediately due to zero timeout")
                )
                return task
            if timeout < timedelta(0):
                timeout = None
        return pending.wait_for_event(name, key, timeout, None if timeout is None else self._point(timeout))

    def continue_as_new(self, new_input: Any, *, save_events: bool = False) -> None:
        """Run the workflow again from its beginning, under the same ID and with an empty history.

        It takes effect when the code next yields or returns; anything asked for in this turn is dropped. Workflows
        that run for ever use it to keep their history short.

        Args:
            new_input: the input of the next run; anything that JSON can hold, a dataclass or a Pydantic model.
            save_events: hand the events that nobody has waited for to the next run.

        Raises:
            TypeError: JSON cannot hold `new_input`.
        """
        pending = self._pending
        if not pending.closed:
            pending.continuation = (None if new_input is None else to_json(new_input), save_events)
            pending.actions.clear()
            pending.closed = True

    def is_patched(self, patch_name: str) -> bool:
        """Decide between the old and the new code of a change, so that running instances keep to their history.

        Args:
            patch_name: a name for the change, the same wherever the code asks for it.

        Returns:
            True to run the new code: nothing of this instance has run beyond this place, or its history records the
            patch. False for an instance that was here before the change.
        """
        return self._pending.is_patched(patch_name)

    def get_propagated_history(self) -> PropagatedHistory | None:
        """Get the history that the parent handed on with `propagation=`.

        Returns:
            The history up to the call of this child; None if the parent propagated nothing, or there is no parent.
        """
        return PropagatedHistory.of(self._pending.read_propagated(), self._pending.app_id)

    def now(self) -> datetime:
        """Get the workflow's time.

        Returns:
            `current_utc_datetime`: naive UTC.
        """
        return self.current_utc_datetime

    def now_with_sequence(self) -> datetime:
        """Get the workflow's time plus one microsecond for each earlier call, so that no two are equal.

        Returns:
            Naive UTC.
        """
        ticks = self._pending.ticks
        self._pending.ticks = ticks + 1
        return self.current_utc_datetime + timedelta(microseconds=ticks)

    current_utc_datetime_with_sequence = now_with_sequence

    def new_guid(self) -> uuid.UUID:
        """Make a UUID that is the same in every replay.

        Returns:
            A UUID version 5 of the instance ID, the workflow's time and the number of earlier calls.
        """
        return uuid.UUID(self._pending.next_guid())

    uuid4 = new_guid

    def random(self) -> random.Random:
        """Make a random number generator that gives the same numbers in every replay.

        Returns:
            A generator seeded with the instance ID and the workflow's time in whole seconds: two made within the
            same second give the same numbers.
        """
        return seeded(self.instance_id, self.current_utc_datetime)

    def random_int(self, min_value: int = 0, max_value: int = 2**31 - 1) -> int:
        """Draw an integer from a new generator of `random()`.

        Args:
            min_value: the least that may come out.
            max_value: the greatest that may come out.

        Returns:
            An integer from `min_value` to `max_value`, both included.

        Raises:
            ValueError: `min_value` is greater than `max_value`.
        """
        if min_value > max_value:
            raise ValueError("min_value must be <= max_value")
        return self.random().randint(min_value, max_value)

    def random_choice(self, sequence: Sequence[T]) -> T:
        """Choose an element with a new generator of `random()`.

        Args:
            sequence: what to choose from.

        Returns:
            One element of it.

        Raises:
            IndexError: `sequence` is empty.
        """
        if not sequence:
            raise IndexError("nothing to choose from")
        return self.random().choice(sequence)

    def random_string(self, length: int, *, alphabet: str | None = None) -> str:
        """Make a string with a new generator of `random()`. It is no secret: anybody can compute it.

        Args:
            length: the number of characters.
            alphabet: the characters to draw from; by default ASCII letters and digits.

        Returns:
            The string.

        Raises:
            ValueError: `length` is negative, or `alphabet` is empty.
        """
        if length < 0:
            raise ValueError("length must not be negative")
        letters = string.ascii_letters + string.digits if alphabet is None else alphabet
        if not letters:
            raise ValueError("alphabet must not be empty")
        numbers = self.random()
        return "".join(letters[numbers.randrange(0, len(letters))] for _ in range(length))

    def _point(self, when: datetime | timedelta) -> datetime:
        if isinstance(when, timedelta):
            return self._pending.now + when
        if isinstance(when, datetime):
            return aware(when)
        raise TypeError(f"a datetime or a timedelta is needed, not {type(when).__name__}")
