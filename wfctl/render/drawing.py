"""What a terminal shows, drawn by Rich. The only module that makes Rich's consoles.

Text is never parsed: no markup, no emoji codes, no highlighting of what merely looks like something, no links.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, TextIO, TypeVar

from rich.console import Console, Group
from rich.table import Table
from rich.text import Span, Text

from wfctl.render.table import GAP, SAMPLE, Cell, Column, Drawn, Layout, sampled
from wfctl.render.theme import LABEL, TITLE, rich_theme

if TYPE_CHECKING:
    from rich.console import RenderableType

T = TypeVar("T")
PADDING = (0, GAP, 0, 0)


def new_console(file: TextIO, *, color: bool, width: int, height: int = 25) -> Console:
    """Return a console that asks the environment nothing: what the terminal can do and its user wants is known here."""
    return Console(
        file=file,
        force_terminal=True,
        force_interactive=True,
        force_jupyter=False,
        legacy_windows=False,
        no_color=False,
        color_system="standard" if color else None,
        width=width,
        height=height,
        theme=rich_theme(),
        markup=False,
        emoji=False,
        highlight=False,
    )


@lru_cache(maxsize=8)
def _drawer(color: bool, width: int) -> Console:
    return new_console(io.StringIO(), color=color, width=width)


def drawn(renderable: RenderableType, *, color: bool, width: int) -> str:
    """Return what a terminal of this width is sent for it: whole lines, without blanks at their ends."""
    console = _drawer(color, width)
    with console.capture() as capture:
        console.print(renderable, crop=False)
    return "".join(line.rstrip(" ") + "\n" for line in capture.get().removesuffix("\n").split("\n"))


def tables(
    columns: Sequence[Column[T]], rows: Iterable[T], room: int | None, *, headers: bool = True
) -> Iterator[Table]:
    """A table in parts, so that a long one is neither kept nor waited for: the first has the header."""
    first, rest = sampled(columns, rows)
    layout = Layout(columns, first, room)
    yield table(layout, first, header=headers)
    source = iter(rest)
    while part := [layout.row(row) for row in islice(source, SAMPLE)]:
        columns = [replace(column, spare=0) for column in layout.columns]
        layout = Layout(columns, part, room, dict(zip((c.title for c in columns), layout.natural, strict=True)))
        yield table(layout, part, header=False)


def table(layout: Layout[T], rows: Iterable[Sequence[Cell]], *, header: bool = True) -> Table:
    """Draw columns without boxes, in the widths of the layout."""
    made = frame(layout, header=header)
    shown = [layout.row(row) for row in rows]
    if any(column.fold for column in layout.columns):
        for row in shown:
            made.add_row(*(text(c, fold=column.fold) for column, c in zip(layout.columns, row, strict=True)))
    elif shown:
        made.add_row(*(stacked(column) for column in zip(*shown, strict=True)))
    return made


def stacked(lines: Iterable[Cell]) -> Text:
    """Return a column as one text with a line for each row: Rich draws it in a third of the time that cells take."""
    spans: list[Span] = []
    start = 0
    texts = []
    for text, style, marks in lines:
        texts.append(text)
        if style:
            spans.append(Span(start, start + len(text), style))
        spans += [Span(start + begin, start + end, mark) for begin, end, mark in marks]
        start += len(text) + 1
    return Text("\n".join(texts), spans=spans, no_wrap=True, overflow="ellipsis")


def frame(layout: Layout[T], *, header: bool = True) -> Table:
    """Return a table that has no rows yet.

    A gap follows the last column too, since an older Rich (13.8) counts it in any case. It is blank, and is cut off.
    """
    made = Table(box=None, padding=PADDING, show_header=header, header_style="", width=layout.width + GAP)
    for column, width in zip(layout.columns, layout.widths, strict=True):
        title = text(Cell(column.title, TITLE))
        made.add_column(title, width=width, justify="right" if column.right else "left")
    return made


def text(cell: Cell, *, fold: bool = False) -> Text:
    """One line of a table; with `fold`, as many as it needs."""
    made = Text(no_wrap=not fold, overflow="fold" if fold else "ellipsis").append(cell.text, cell.style)
    for start, end, style in cell.marks:
        made.stylize(style, start, end)
    return made


def line(parts: Iterable[Cell | str]) -> Text:
    """One line in several styles, cut where the terminal ends."""
    made = Text(no_wrap=True, overflow="ellipsis")
    for part in parts:
        made.append(part.text if isinstance(part, Cell) else part, part.style if isinstance(part, Cell) else None)
    return made


def page(pairs: Iterable[tuple[str | None, Cell | Drawn | str]]) -> Group:
    """Names and values. A value without a name has the whole width."""
    rows = list(pairs)
    left = max((len(name) for name, _ in rows if name is not None), default=0)
    parts: list[RenderableType] = []
    grid: Table | None = None
    for name, value in rows:
        if name is None:
            parts.append(_value(value))
            grid = None
            continue
        if grid is None:
            grid = Table.grid(padding=PADDING, pad_edge=False)
            grid.add_column(width=left)
            grid.add_column(overflow="fold")
            parts.append(grid)
        grid.add_row(text(Cell(name, LABEL)), _value(value))
    return Group(*parts)


def _value(value: Cell | Drawn | str) -> RenderableType:
    if isinstance(value, Drawn):
        return value.draw()
    return text(value if isinstance(value, Cell) else Cell(value), fold=True)
