"""Workflow functions that several tests run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import wfctl.workflow as wf


def retrying(**policy: Any) -> Callable[[Any], Iterator[Any]]:
    def w(ctx: Any) -> Iterator[Any]:
        result = yield ctx.call_activity("a", input=[1], retry_policy=wf.RetryPolicy(**policy))
        return result

    return w


def two_steps(ctx: Any) -> Iterator[Any]:
    first = yield ctx.call_activity("a")
    begun = ctx.current_utc_datetime
    yield ctx.call_activity("b")
    return [first, begun == ctx.current_utc_datetime]
