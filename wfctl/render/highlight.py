"""JSON payloads and stack traces as a terminal shows them, highlighted by Rich."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from rich.highlighter import JSONHighlighter
from rich.text import Text

from wfctl.render.json_records import decoded
from wfctl.render.text import cells, clean, clean_block, safe_json

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

# Where a line of a trace points to, as Python, JavaScript, .NET and Java write it; and the line that names the error.
_PLACES = re.compile(
    r'(?P<path>File "[^"\n]+"), line (?P<line>\d+)(?:, in (?P<function>[^\n]+))?'
    r"|^ *at (?P<function_>[^\n(]+?) ?\((?P<path_>[^\n)]*?):(?P<line_>\d+)[^\n)]*\)"
    r"|^ *at (?P<function__>[^\n]+?) in (?P<path__>[^\n]+):line (?P<line__>\d+)"
    r"|^(?!Traceback )(?P<error>[A-Za-z_][\w.]*)(?=: |:?$)",
    re.MULTILINE,
)


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
    shown = Text("\n".join(lines[hidden:]), overflow="fold")
    for found in _PLACES.finditer(shown.plain):
        for name, words in found.groupdict().items():
            if words:
                shown.stylize(f"trace.{name.rstrip('_')}", *found.span(name))
    return Text.assemble((f"... ({hidden} more lines: -o wide)\n", "dim"), shown) if hidden else shown


def _cut(text: Text, most: int | None) -> Text:
    if most is None:
        return text
    lines = text.split("\n", allow_blank=True)
    shown = Text("\n").join(lines[:most])
    shown.no_wrap, shown.overflow = True, "ellipsis"
    if len(lines) > most:
        shown.append(f"\n... ({len(lines) - most} more lines: -o wide)", "dim")
    return shown
