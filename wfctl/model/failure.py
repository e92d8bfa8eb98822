"""Why an activity or an instance failed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """The failure of an activity or an instance."""

    error_type: str
    message: str
    stack_trace: str | None = None
    non_retriable: bool = False
    inner: Failure | None = None
