"""Workflow functions that several tests run."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import wfctl.workflow as wf


def retrying(**policy: Any) -> Callable[[Any], Generator[Any, Any, Any]]:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        result = yield ctx.call_activity("a", input=[1], retry_policy=wf.RetryPolicy(**policy))
        return result

    return w


def two_steps(ctx: Any) -> Generator[Any, Any, Any]:
    first = yield ctx.call_activity("a")
    begun = ctx.current_utc_datetime
    yield ctx.call_activity("b")
    return [first, begun == ctx.current_utc_datetime]
