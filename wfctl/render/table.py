"""Tables: plain aligned columns without boxes.

At a terminal they have colour and fit its width; elsewhere nothing is cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Generic, NamedTuple, TypeVar

from wfctl.render.text import cut, pad, width
from wfctl.render.theme import BOLD, paint

T = TypeVar("T")

GAP = "  "
NARROWEST = 8
CHUNK = 500  # rows that are looked at before the first is written: widths come from them


class Cell(NamedTuple):
    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """`cell` gives cleaned text. `wide` columns appear with `-o wide` only; `shrink` ones give way first.

    Where that is not enough, those with a `spare` are left out, 1 first, before any other is cut.
    """

    title: str
    cell: Callable[[T], Cell | str]
    wide: bool = False
    shrink: bool = False
    right: bool = False
    spare: int = 0


def lines(
    columns: Sequence[Column[T]], rows: Iterable[T], *, color: bool = False, room: int | None = None
) -> Iterator[str]:
    """The header and one line per row, streamed after the first `CHUNK` rows."""
    source = iter(rows)
    head = [_cells(columns, row) for row in islice(source, CHUNK)]
    widths = [max([width(column.title), *(width(cells[i].text) for cells in head)]) for i, column in enumerate(columns)]
    if room is not None:
        kept = _kept(columns, widths, room)
        columns, widths = [columns[i] for i in kept], [widths[i] for i in kept]
        head = [[cells[i] for i in kept] for cells in head]
        _fit(columns, widths, room)
    titles = [Cell(column.title, BOLD) for column in columns]
    rest = (_cells(columns, row) for row in source)
    for cells in chain([titles], head, rest):
        yield _line(columns, cells, widths, color, room)


def _cells(columns: Sequence[Column[T]], row: T) -> list[Cell]:
    values = [column.cell(row) for column in columns]
    return [value if isinstance(value, Cell) else Cell(value) for value in values]


def _kept(columns: Sequence[Column[T]], widths: Sequence[int], room: int) -> list[int]:
    least = [min(w, NARROWEST) if column.shrink else w for column, w in zip(columns, widths, strict=True)]
    kept = list(range(len(columns)))
    for _, index in sorted((column.spare, i) for i, column in enumerate(columns) if column.spare):
        if sum(least[i] for i in kept) + len(GAP) * (len(kept) - 1) <= room:
            break
        kept.remove(index)
    return kept


def _fit(columns: Sequence[Column[T]], widths: list[int], room: int) -> None:
    """Take cells from the widest column that may shrink, then from the widest at all, until the row fits."""
    for allowed in ([c.shrink for c in columns], [True] * len(columns)):
        while sum(widths) + len(GAP) * (len(widths) - 1) > room:
            candidates = [i for i, may in enumerate(allowed) if may and widths[i] > NARROWEST]
            if not candidates:
                break
            widths[max(candidates, key=lambda i: widths[i])] -= 1


def _line(
    columns: Sequence[Column[T]], cells: Sequence[Cell], widths: Sequence[int], color: bool, room: int | None
) -> str:
    parts = []
    for index, (column, cell, cells_wide) in enumerate(zip(columns, cells, widths, strict=True)):
        text = cell.text if room is None else cut(cell.text, cells_wide)
        blank = " " * max(cells_wide - width(text), 0)
        painted = paint(text, cell.style, color)
        if column.right:
            parts.append(blank + painted)
        else:
            parts.append(painted if index == len(columns) - 1 else painted + blank)
    return GAP.join(parts).rstrip()


def block(pairs: Iterable[tuple[str, Cell | str]], *, color: bool = False) -> Iterator[str]:
    """Names and values, one a line; the further lines of a value are indented to stand below its first."""
    rows = [(name, value if isinstance(value, Cell) else Cell(value)) for name, value in pairs]
    left = max((width(name) for name, _ in rows), default=0)
    for name, cell in rows:
        first, *others = cell.text.split("\n")
        yield (paint(pad(name, left), BOLD, color) + GAP + paint(first, cell.style, color)).rstrip()
        for line in others:
            yield (" " * left + GAP + paint(line, cell.style, color)).rstrip()
