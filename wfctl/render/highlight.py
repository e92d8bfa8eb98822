"""JSON payloads and stack traces as a terminal shows them, highlighted by Rich."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.highlighter import JSONHighlighter
from rich.text import Text

from wfctl.render.json_records import decoded
from wfctl.render.table import Cell
from wfctl.render.text import cells, clean, clean_block, safe_json
from wfctl.render.theme import HINT
from wfctl.render.traces import trace_parts

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult


class Payload:
    """A payload on one line where it fits, else as indented JSON; `most` lines of it, each cut, or all of it."""

    def __init__(self, payload: str, most: int | None) -> None:
        self._payload = payload
        self._most = most

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        value = decoded(self._payload)
        if isinstance(value, str) and value == self._payload:
            yield _cut(Text(clean(value), overflow="fold"), self._most)
            return
        shown = _json(value)
        if cells(shown) > options.max_width and value and isinstance(value, (dict, list)):
            shown = _json(value, indent=2)
        yield _cut(JSONHighlighter()(Text(shown, overflow="fold")), self._most)


def _json(value: object, indent: int | None = None) -> str:
    return clean_block(safe_json(json.dumps(value, ensure_ascii=False, indent=indent)))


def trace(text: str, most: int | None = None) -> Text:
    """A stack trace in any language, with the places that it names; the last lines of a long one."""
    lines = clean_block(text.rstrip()).replace("\t", "    ").split("\n")
    hidden = 0 if most is None else max(len(lines) - most, 0)
    shown = Text(overflow="fold")
    if hidden:
        shown.append(f"... ({hidden} more lines: -o wide)\n", HINT)
    for part in trace_parts("\n".join(lines[hidden:])):
        shown.append(part.text if isinstance(part, Cell) else part, part.style if isinstance(part, Cell) else None)
    return shown


def _cut(text: Text, most: int | None) -> Text:
    if most is None:
        return text
    lines = text.split("\n", allow_blank=True)
    shown = Text("\n").join(lines[:most])
    shown.no_wrap, shown.overflow = True, "ellipsis"
    if len(lines) > most:
        shown.append(f"\n... ({len(lines) - most} more lines: -o wide)", HINT)
    return shown
