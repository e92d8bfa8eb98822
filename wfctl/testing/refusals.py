"""Say what is wrong with a test in one place: at the line of the test, with what to try."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from wfctl.errors import AppError, InvalidInput, WfctlError
from wfctl.workflow.payloads import to_json

P = ParamSpec("P")
T = TypeVar("T")


def plainly(function: Callable[P, T]) -> Callable[P, T]:
    """Have the errors of a function tell their hints too, and pytest show the test's line rather than wfctl's own."""

    @functools.wraps(function)
    def told(*args: P.args, **options: P.kwargs) -> T:
        __tracebackhide__ = True
        try:
            return function(*args, **options)
        except WfctlError as error:
            detail = error.detail if isinstance(error, AppError) else None
            hint = f"  try: {error.hint}" if error.hint else None
            error.args = ("\n".join(filter(None, (error.message, detail, hint))),)
            raise error.with_traceback(None) from None

    return told


def json_of(value: object, what: str) -> str | None:
    """Return a value of a test as JSON, None for None. Raises InvalidInput."""
    try:
        return None if value is None else to_json(value)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{what} cannot be written as JSON: {error}") from None
