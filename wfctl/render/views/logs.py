"""Lines that an app logged: as they come while it runs, and afterwards."""

from __future__ import annotations

from collections.abc import Iterator

from wfctl.model.logs import LEVELS, WORKFLOW, LogLine, level_name
from wfctl.render.json_records import Record
from wfctl.render.table import Cell
from wfctl.render.text import clean
from wfctl.render.theme import BOLD, DIM, RED
from wfctl.render.times import millis_text, rfc3339


def log_record(instance_id: str, line: LogLine) -> Record:
    """Return a line for JSON."""
    return {
        "instanceID": instance_id,
        "timestamp": rfc3339(line.at),
        "level": level_name(line.level),
        "step": line.step,
        "eventID": line.event_id,
        "logger": line.logger,
        "message": line.message,
    }


def live_parts(instance_id: str, line: LogLine) -> list[Cell | str]:
    """Return the parts of a line that is shown while the app runs: `order-1 ChargeCard: card charged`."""
    head = Cell(f"{clean(instance_id)} {clean(line.step or WORKFLOW)}", DIM)
    parts: list[Cell | str] = [head, " "]
    if line.level != LEVELS["info"]:
        parts += [_level(line), " "]
    return [*parts, *_message(line, "  ")]


def stored_parts(line: LogLine, width: int) -> list[Cell | str]:
    """Return the parts of a line of `wfctl logs`. `width` is that of the column of steps."""
    step = clean(line.step or WORKFLOW).ljust(width)
    when = Cell(millis_text(line.at), DIM)
    return [when, " ", _level(line, pad=True), " ", Cell(step, DIM), "  ", *_message(line, "    ")]


def _level(line: LogLine, *, pad: bool = False) -> Cell:
    name = level_name(line.level).upper()
    style = RED if line.level >= LEVELS["error"] else BOLD if line.level >= LEVELS["warning"] else DIM
    return Cell(name.ljust(8) if pad else name, style)


def _message(line: LogLine, indent: str) -> Iterator[str]:
    """The message; its further lines, of a traceback say, stand below it."""
    first, *more = line.message.split("\n")
    yield clean(first)
    for text in more:
        yield f"\n{indent}{clean(text)}"
