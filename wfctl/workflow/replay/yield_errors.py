"""What to say when a workflow yields, or is, something that cannot be waited for."""

from __future__ import annotations

import linecache
from typing import Any

from wfctl.model.events import Failure

_ADVICE = "yield what ctx.call_activity(), ctx.create_timer(), wf.when_all() and the like return"


def not_a_task(name: str, generator: Any, value: object) -> Failure:
    """The failure of a workflow that yielded `value`, with the line that did it."""
    try:
        shown = repr(value)
    except Exception:
        shown = "a value"
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return Failure(
        "TypeError",
        f"workflow {name!r} yielded {shown} ({type(value).__name__}), which is not a task: {_ADVICE}",
        _where(generator),
    )


def coroutine_failure(name: str, made: Any) -> Failure:
    """The failure of an `async def` workflow. The coroutine is closed, lest Python warns that nobody awaited it."""
    close = getattr(made, "close", None)
    if close is not None:
        close()
    return Failure(
        "TypeError",
        f"workflow {name!r} is an async function: a workflow is a generator, {_ADVICE}",
        "",
    )


def _where(generator: Any) -> str:
    """The line a suspended generator stands at, as a traceback shows it."""
    frame = generator.gi_frame
    if frame is None:
        return ""
    code = frame.f_code
    line = linecache.getline(code.co_filename, frame.f_lineno).strip()
    where = f'  File "{code.co_filename}", line {frame.f_lineno}, in {code.co_name}\n'
    return where + (f"    {line}\n" if line else "")
