"""Stack traces in any language: the places that they name, and the error."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wfctl.render.table import Cell

# Where a line of a trace points to, as Python, JavaScript, .NET and Java write it; and the line that names the error.
_PLACES = re.compile(
    r'(?P<path>File "[^"\n]+"), line (?P<line>\d+)(?:, in (?P<function>[^\n]+))?'
    r"|^ *at (?P<function_>[^\n(]+?) ?\((?P<path_>[^\n)]*?):(?P<line_>\d+)[^\n)]*\)"
    r"|^ *at (?P<function__>[^\n]+?) in (?P<path__>[^\n]+):line (?P<line__>\d+)"
    r"|^ {0,2}(?!Traceback )(?P<error>[A-Za-z_][\w.]*)(?=: |:?$)",
    re.MULTILINE,
)


def trace_parts(text: str) -> Iterator[Cell | str]:
    """The cleaned text of a trace in parts, each place in a style of its own."""
    done = 0
    for found in _PLACES.finditer(text):
        spans = sorted((found.span(name), name) for name, words in found.groupdict().items() if words)
        for (start, end), name in spans:
            yield text[done:start]
            yield Cell(text[start:end], f"trace.{name.rstrip('_')}")
            done = end
    yield text[done:]
