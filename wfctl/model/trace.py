"""The places that a stack trace names, as Python, JavaScript, Java and .NET write it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PYTHON = re.compile(r'^ *File "(?P<file>[^"\n]+)", line (?P<line>\d{1,7})(?:, in (?P<function>[^\n]+))?', re.MULTILINE)
_OTHER = re.compile(
    r"^[ \t]*at (?P<function>[^\n(]+?) ?\((?P<file>[^\n)]*?):(?P<line>\d{1,7})[^\n)]*\)"
    r"|^[ \t]*at (?P<function_>[^\n]+?) in (?P<file_>[^\n]+):line (?P<line_>\d{1,7})",
    re.MULTILINE,
)
_LIBRARY = re.compile(r"[/\\](?:site-packages|dist-packages|node_modules|lib[/\\]python3\.\d+)[/\\]|^<frozen |^node:")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of code. `code` is its text as the trace has it, `text` all that the trace says of the place."""

    file: str
    line: int
    function: str | None
    code: str
    text: str

    @property
    def library(self) -> bool:
        """Return True if the code is a library's, not the app's own."""
        return _LIBRARY.search(self.file) is not None

    @property
    def short(self) -> str:
        """Return `orders.py:14 in charge`."""
        name = re.split(r"[/\\]", self.file)[-1]
        return f"{name}:{self.line}" + (f" in {self.function}" if self.function else "")


def places(trace: str) -> list[Place]:
    """Return the places from the outermost call to where the error was raised."""
    found = list(_PYTHON.finditer(trace))
    if found:
        ends = [*(match.start() for match in found[1:]), len(trace)]
        return [_place(trace, match, end) for match, end in zip(found, ends, strict=True)]
    return [
        Place(
            match["file"] or match["file_"],
            int(match["line"] or match["line_"]),
            match["function"] or match["function_"],
            "",
            match[0],
        )
        for match in reversed(list(_OTHER.finditer(trace)))
    ]


def _place(trace: str, match: re.Match[str], end: int) -> Place:
    text = trace[match.start() : end].rstrip()
    code = next((line.strip() for line in text.split("\n")[1:] if line.strip(" ^~")), "")
    return Place(match["file"], int(match["line"]), match["function"], code, text)


def own_place(trace: str | None) -> Place | None:
    """Return the last place in the app's own code, or the last of all if there is none."""
    found = places(trace or "")
    return next((place for place in reversed(found) if not place.library), found[-1] if found else None)
