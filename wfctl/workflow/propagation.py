"""The names of history propagation. The embedded engine records the scope of a call and propagates nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from wfctl.workflow.tasks import FailureDetails


class PropagationScope(Enum):
    """How much history a call hands on: none, the caller's own, or that of its ancestors too."""

    NONE = 0
    OWN_HISTORY = 1
    LINEAGE = 2


class PropagationNotFoundError(Exception):
    """Nothing of that name was propagated."""


@dataclass(frozen=True)
class ActivityResult:
    """An activity as propagated history tells of it. Payloads are JSON text."""

    name: str
    started: bool
    completed: bool
    failed: bool
    input: str | None
    output: str | None
    error: FailureDetails | None


@dataclass(frozen=True)
class ChildWorkflowResult:
    """A child workflow as propagated history tells of it."""

    name: str
    started: bool
    completed: bool
    failed: bool
    output: str | None
    error: FailureDetails | None


@dataclass(frozen=True)
class WorkflowResult:
    """One workflow's part of a propagated history: never made here, present for annotations."""

    instance_id: str
    app_id: str
    name: str


class PropagatedHistory:
    """A propagated history. Contexts answer None instead; the class is present for annotations."""

    def __init__(self, events: Sequence[Any], scope: PropagationScope, chunks: Sequence[Any]) -> None:
        self.events = list(events)
        self.scope = scope
        self._chunks = list(chunks)
