"""An error in words: what, why, what to try."""

from __future__ import annotations

from wfctl.errors import WfctlError
from wfctl.render.printer import to_json
from wfctl.render.text import clean, clean_block
from wfctl.render.theme import BOLD, DIM, RED, paint


def fault_text(error: WfctlError, *, color: bool = False) -> str:
    """`wfctl: <message>`, what detail there is below it, and `  try: <hint>`."""
    rows = [paint("wfctl: ", BOLD + RED, color) + clean_block(error.message)]
    detail = _detail(error)
    if detail:
        rows += ["  " + line for line in clean_block(detail.rstrip("\n")).split("\n")]
    if error.hint:
        rows.append(paint("  try: ", DIM, color) + clean(error.hint))
    return "\n".join(rows)


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
