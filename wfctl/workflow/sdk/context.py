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
    """What every workflow context can do; for annotations."""

    __slots__ = ()

    @property
    @abstractmethod
    def instance_id(self) -> str: ...

    @property
    @abstractmethod
    def current_utc_datetime(self) -> datetime: ...

    @property
    @abstractmethod
    def is_replaying(self) -> bool: ...


class DaprWorkflowContext(WorkflowContext):
    """Everything here is durable and deterministic. Yield what the calls return to wait for it."""

    def __init__(self, pending: PendingActions, logger_options: object = None) -> None:
        self._pending = pending

    @property
    def instance_id(self) -> str:
        return self._pending.instance_id

    @property
    def app_id(self) -> str | None:
        return self._pending.app_id

    @property
    def current_utc_datetime(self) -> datetime:
        """The time at which the turn at hand began, naive UTC; the same in every replay."""
        return self._pending.now.replace(tzinfo=None)

    @property
    def is_replaying(self) -> bool:
        """Whether this code ran before and is only catching up: then it should not log, for example."""
        return self._pending.replaying

    def set_custom_status(self, custom_status: str) -> None:
        if custom_status is not None and not isinstance(custom_status, str):
            warnings.warn("set_custom_status takes a str; encode it yourself", DeprecationWarning, stacklevel=2)
            custom_status = to_json(custom_status)
        self._pending.custom_status = custom_status

    def create_timer(self, fire_at: datetime | timedelta) -> Task[Any]:
        """A task that completes at that time (naive means UTC), or after that much of the workflow's time."""
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
        """Run an activity; completes with its result, or fails with TaskFailedError."""
        pending = self._pending
        name = activity if type(activity) is str else name_of(activity)
        if app_id is not None:
            self._refuse_other_app("activity", name, app_id)
        if pending.closed:
            return Task()
        number = pending.sequence = pending.sequence + 1
        execution_id = pending.next_guid()
        text = None if input is None else to_json(input)
        scope = 0 if propagation is None else propagation.value
        if retry_policy is None:
            return pending.schedule_activity(name, text, number, execution_id, scope)
        return pending.call_with_retries(retry_policy, name, text, number, execution_id, scope, False)

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
        """Run another workflow under this one; completes with its output, or fails with TaskFailedError.

        The ID of the child is `<ID of this one>:<number of the action, 4 hex digits>` unless one is given.
        """
        pending = self._pending
        name = name_of(workflow)
        if app_id is not None:
            self._refuse_other_app("child workflow", name, app_id)
        if pending.closed:
            return Task()
        number = pending.next_number()
        text = None if input is None else to_json(input)
        child_id = child_instance_id(pending.instance_id, number) if instance_id is None else instance_id
        scope = 0 if propagation is None else propagation.value
        if retry_policy is None:
            return pending.create_child(name, text, number, child_id, scope)
        return pending.call_with_retries(retry_policy, name, text, number, child_id, scope, True)

    def wait_for_external_event(self, name: str, *, timeout: datetime | timedelta | None = None) -> Task[Any]:
        """A task that completes with the event's payload; names compare case-insensitively, events are kept in order.

        No timeout, or a negative one, waits for good; zero does not wait at all. TimeoutError is raised where the
        task is yielded.
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
        """Begin anew with an empty history; `save_events` carries over the events that nobody has consumed.

        Takes effect when the workflow next yields or returns; what it asks for after this call is dropped.
        """
        pending = self._pending
        if not pending.closed:
            pending.continuation = (None if new_input is None else to_json(new_input), save_events)
            pending.actions.clear()
            pending.closed = True

    def is_patched(self, patch_name: str) -> bool:
        """Whether the new code under this patch is to run: not for instances that passed here before it existed."""
        return self._pending.is_patched(patch_name)

    def get_propagated_history(self) -> PropagatedHistory | None:
        """What the parent has handed on by `propagation=`; None: nothing."""
        return PropagatedHistory.of(self._pending.read_propagated(), self._pending.app_id)

    def now(self) -> datetime:
        return self.current_utc_datetime

    def now_with_sequence(self) -> datetime:
        """The workflow's time plus a microsecond for each earlier call, so that no two are equal."""
        ticks = self._pending.ticks
        self._pending.ticks = ticks + 1
        return self.current_utc_datetime + timedelta(microseconds=ticks)

    current_utc_datetime_with_sequence = now_with_sequence

    def new_guid(self) -> uuid.UUID:
        return uuid.UUID(self._pending.next_guid())

    uuid4 = new_guid

    def random(self) -> random.Random:
        return seeded(self.instance_id, self.current_utc_datetime)

    def random_int(self, min_value: int = 0, max_value: int = 2**31 - 1) -> int:
        if min_value > max_value:
            raise ValueError("min_value must be <= max_value")
        return self.random().randint(min_value, max_value)

    def random_choice(self, sequence: Sequence[T]) -> T:
        if not sequence:
            raise IndexError("nothing to choose from")
        return self.random().choice(sequence)

    def random_string(self, length: int, *, alphabet: str | None = None) -> str:
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

    def _refuse_other_app(self, kind: str, name: str, app_id: str) -> None:
        if app_id != self._pending.app_id:
            raise NotImplementedError(
                f"{kind} {name!r} is to run in the app {app_id!r}: calls between apps need Dapr, "
                "the embedded engine runs one app"
            )
