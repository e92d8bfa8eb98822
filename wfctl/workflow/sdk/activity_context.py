"""The context that activities are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any

from wfctl.model.events import PropagatedEvents
from wfctl.model.records import record
from wfctl.workflow.sdk.propagation import PropagatedHistory

Activity = Callable[..., Any]


@record(frozen=True, slots=True)
class ActivityContext:
    """The call that an activity serves, as `WorkflowActivityContext.get_inner_context` returns it.

    Attributes:
        orchestration_id: the ID of the workflow instance that made the call.
        task_id: the number of the action in that instance's history (the event ID of `TaskScheduled`).
        task_execution_id: the same for all attempts of one call, a retry after a crash included: use it as the key
            that makes an effect happen once.
        propagated: what the workflow handed on with `propagation=`; read it with `get_propagated_history`.
    """

    orchestration_id: str
    task_id: int
    task_execution_id: str = ""
    propagated: PropagatedEvents | None = field(default=None, repr=False)

    def get_propagated_history(self) -> PropagatedHistory | None:
        """Get the history that the workflow handed on with `propagation=`.

        Returns:
            The history up to this call; None if the call propagated nothing.
        """
        return PropagatedHistory.of(self.propagated)


class WorkflowActivityContext:
    """The first argument of an activity.

    Args:
        ctx: the call. Authors make a context in unit tests only.
    """

    __slots__ = ("_inner",)

    def __init__(self, ctx: ActivityContext) -> None:
        self._inner = ctx

    @property
    def workflow_id(self) -> str:
        """Return the ID of the workflow instance that called the activity."""
        return self._inner.orchestration_id

    @property
    def task_id(self) -> int:
        """Return the number of the call in the workflow's history, from 1."""
        return self._inner.task_id

    def get_inner_context(self) -> ActivityContext:
        """Get the call itself, which has the `task_execution_id` besides.

        Returns:
            The inner context.
        """
        return self._inner

    def get_propagated_history(self) -> PropagatedHistory | None:
        """Get the history that the workflow handed on with `propagation=`.

        Returns:
            The history up to this call; None if the call propagated nothing.
        """
        return self._inner.get_propagated_history()
