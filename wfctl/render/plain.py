"""Tables and pages for pipes and files: aligned columns, streamed, nothing cut, no Rich."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TypeVar

from wfctl.render import theme
from wfctl.render.table import GAP, Cell, Column, Drawn, Layout, sampled
from wfctl.render.text import cells
from wfctl.render.theme import Paint

T = TypeVar("T")
_GAP = " " * GAP


def table(
    columns: Sequence[Column[T]], rows: Iterable[T], paint: Paint = theme.plain, *, headers: bool = True
) -> Iterator[str]:
    """The header and one line per row, streamed after the first rows have given the widths."""
    first, rest = sampled(columns, rows)
    widths = Layout(columns, first).widths
    titles = [[Cell(column.title, theme.TITLE) for column in columns]] if headers else []
    for row in chain(titles, first, rest):
        parts = []
        for column, cell, width in zip(columns, row, widths, strict=True):
            blank = " " * (width - cells(cell.text))
            painted = paint(cell.text, cell.style)
            parts.append(blank + painted if column.right else painted + blank)
        yield _GAP.join(parts).rstrip()


def page(pairs: Iterable[tuple[str | None, Cell | Drawn | str]], paint: Paint = theme.plain) -> Iterator[str]:
    """Names and values, one a line. The further lines of a value stand below its first; one without a name has the
    whole width."""
    rows = [(name, _cell(value)) for name, value in pairs]
    left = max((len(name) for name, _ in rows if name is not None), default=0)
    for name, cell in rows:
        for number, line in enumerate(cell.text.split("\n")):
            head = "" if name is None else " " * left + _GAP
            if name and not number:
                head = paint(name, theme.LABEL) + " " * (left - len(name)) + _GAP
            yield (head + paint(line, cell.style)).rstrip()


def _cell(value: Cell | Drawn | str) -> Cell:
    if isinstance(value, Drawn):
        return Cell(value.plain)
    return value if isinstance(value, Cell) else Cell(value)
