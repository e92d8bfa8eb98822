"""The context that activities are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from wfctl.model.events import PropagatedEvents
from wfctl.workflow.sdk.propagation import PropagatedHistory

Activity = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class ActivityContext:
    """The inner context. `task_execution_id` is the same for all attempts of one call: a key for idempotent effects."""

    orchestration_id: str
    task_id: int
    task_execution_id: str = ""
    propagated: PropagatedEvents | None = field(default=None, repr=False)

    def get_propagated_history(self) -> PropagatedHistory | None:
        """What the workflow has handed on by `propagation=`; None: nothing."""
        return PropagatedHistory.of(self.propagated)


class WorkflowActivityContext:
    """Which call an activity serves."""

    __slots__ = ("_inner",)

    def __init__(self, ctx: ActivityContext) -> None:
        self._inner = ctx

    @property
    def workflow_id(self) -> str:
        return self._inner.orchestration_id

    @property
    def task_id(self) -> int:
        return self._inner.task_id

    def get_inner_context(self) -> ActivityContext:
        return self._inner

    def get_propagated_history(self) -> PropagatedHistory | None:
        return self._inner.get_propagated_history()
