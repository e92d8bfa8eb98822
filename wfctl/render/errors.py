"""An error in words: what, why, what to try."""

from __future__ import annotations

from wfctl.errors import WfctlError
from wfctl.render.console import styled
from wfctl.render.printer import to_json
from wfctl.render.table import Cell
from wfctl.render.text import clean, clean_block
from wfctl.render.theme import ERROR, HINT


def fault_text(error: WfctlError, *, color: bool = False) -> str:
    """`wfctl: <message>`, what detail there is below it, and `  try: <hint>`.

    Lines are as long as they are: a terminal that breaks them itself copies a command as it was.
    """
    parts: list[Cell | str] = [Cell("wfctl: ", ERROR), clean(error.message)]
    detail = _detail(error)
    if detail:
        from wfctl.render.traces import trace_parts

        parts += ["\n  ", *trace_parts(clean_block(detail.rstrip("\n")).replace("\n", "\n  "))]
    if error.hint:
        parts += ["\n", Cell("  try: ", HINT), clean(error.hint)]
    return styled(parts, color)


def fault_line(error: WfctlError) -> str:
    """Return what is wrong and what to try, where there is one line for it."""
    return clean(error.message) + (f" ({clean(error.hint)})" if error.hint else "")


def traceback_text(error: BaseException, *, color: bool = False) -> str:
    """An error of our own making, for those who look for it: with the lines of code where there are colours."""
    if not color:
        import traceback

        return clean_block("".join(traceback.format_exception(error)))
    from rich.traceback import Traceback

    from wfctl.render.drawing import drawn

    found = Traceback.extract(type(error), error, error.__traceback__)
    for stack in found.stacks:
        stack.exc_value = clean_block(stack.exc_value)  # which Rich would read for escape sequences
    return drawn(Traceback(found, theme="ansi_dark", width=100), color=True, width=100)


def fault_record(error: WfctlError) -> dict[str, object]:
    record: dict[str, object] = {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "instanceID": error.instance_id,
    }
    if _detail(error) is not None:
        record["detail"] = _detail(error)
    return record


def _detail(error: WfctlError) -> str | None:
    """More than a line, where an error has it: the app's own traceback, the place in a JSON text."""
    detail = getattr(error, "detail", None)
    return detail if isinstance(detail, str) else None


def fault_json(error: WfctlError) -> str:
    return to_json({"error": fault_record(error)})
