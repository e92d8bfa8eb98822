"""What a table is made of, and what of it fits: columns, cells, widths. `plain` writes it, `drawing` draws it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from wfctl.render.text import cells

if TYPE_CHECKING:
    from rich.console import RenderableType

T = TypeVar("T")

GAP = 2  # cells between two columns
NARROWEST = 8
SAMPLE = 500  # rows that are looked at before the first is written: widths come from them


class Cell(NamedTuple):
    """Cleaned text in a style of `theme`; at a terminal, stretches of it (start, end, style) may have their own."""

    text: str
    style: str = ""
    marks: tuple[tuple[int, int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Drawn:
    """A value that Rich draws at a terminal. `plain` stands for it elsewhere; `draw` imports what it needs of Rich.

    Both must be cleaned of control characters: `draw` makes `rich.text.Text`, and never parses markup.
    """

    plain: str
    draw: Callable[[], RenderableType]


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """`cell` returns cleaned text. `wide` columns appear with `-o wide` only; `shrink` ones give way first.

    Where that would make one of them smaller than its `least`, those with a `spare` are left out, 1 first, before any
    other is cut. A `fold` column breaks its text into lines at a terminal instead of cutting it.
    """

    title: str
    cell: Callable[[T], Cell | str]
    wide: bool = False
    shrink: bool = False
    right: bool = False
    spare: int = 0
    fold: bool = False
    least: int = NARROWEST


class Layout(Generic[T]):
    """The columns of a table with their widths, from its first rows. `room` is the width that it has to fit in."""

    def __init__(
        self,
        columns: Sequence[Column[T]],
        sample: Iterable[Sequence[Cell]],
        room: int | None = None,
        least: Mapping[str, int] | None = None,
    ) -> None:
        widths = [max(cells(column.title), (least or {}).get(column.title, 0)) for column in columns]
        for row in sample:
            for index, cell in enumerate(row):
                if len(cell.text) > widths[index] or not cell.text.isascii():
                    widths[index] = max(widths[index], *map(cells, cell.text.split("\n")))
        self.kept = list(range(len(columns))) if room is None else _kept(columns, widths, room)
        self.columns = [columns[i] for i in self.kept]
        self.natural = [widths[i] for i in self.kept]
        self.widths = list(self.natural)
        if room is not None:
            _fit(self.columns, self.widths, room)

    @property
    def width(self) -> int:
        return _total(self.widths)

    def row(self, row: Sequence[Cell]) -> list[Cell]:
        """Return the cells that are shown."""
        return [row[i] for i in self.kept]


def cells_of(columns: Sequence[Column[T]], row: T) -> list[Cell]:
    values = [column.cell(row) for column in columns]
    return [value if isinstance(value, Cell) else Cell(value) for value in values]


def sampled(columns: Sequence[Column[T]], rows: Iterable[T]) -> tuple[list[list[Cell]], Iterable[list[Cell]]]:
    """Return the first rows, from which widths come, and the rest, which is read as it is written."""
    source = iter(rows)
    return [cells_of(columns, row) for row in islice(source, SAMPLE)], (cells_of(columns, row) for row in source)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _kept(columns: Sequence[Column[T]], widths: Sequence[int], room: int) -> list[int]:
    least = [min(w, c.least) if c.shrink or c.fold else w for c, w in zip(columns, widths, strict=True)]
    kept = list(range(len(columns)))
    for _, index in sorted((column.spare, i) for i, column in enumerate(columns) if column.spare):
        if _total([least[i] for i in kept]) <= room:
            break
        kept.remove(index)
    return kept


def _fit(columns: Sequence[Column[T]], widths: list[int], room: int) -> None:
    """Take cells from the widest column that may shrink, then from the widest at all, until the row fits."""
    for allowed in ([c.shrink or c.fold for c in columns], [True] * len(columns)):
        while _total(widths) > room:
            candidates = [i for i, may in enumerate(allowed) if may and widths[i] > NARROWEST]
            if not candidates:
                break
            widths[max(candidates, key=lambda i: widths[i])] -= 1
