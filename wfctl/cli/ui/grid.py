"""A table of rows on a screen: a cursor, selected rows, columns that fit. Only the visible lines are drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.strip import Strip

from wfctl.cli.ui.cursor import Lines
from wfctl.render.drawing import text
from wfctl.render.table import GAP, Cell, Column, Layout, cells_of
from wfctl.render.theme import TITLE, style_of

T = TypeVar("T")
_MARK = 2  # cells before each row, for the mark of a selected one
_CURSOR = Style(reverse=True)
_CHOSEN = Style(bold=True)


class Grid(Lines, Generic[T]):
    """`columns` makes the columns as of now; `key` names a row. The first line is the header.

    The cursor stays on its row when rows come and go. At the first and last row it asks for more with `Edge`.
    """

    BINDINGS = [
        Binding("home,g", "first", "First row", show=False),
        Binding("end,G", "last", "Last row", show=False),
        Binding("enter", "open", "Open"),
    ]

    class Opened(Message):
        """Enter, or a second click on a row."""

        def __init__(self, grid: Grid[Any]) -> None:
            super().__init__()
            self.grid = grid

        @property
        def control(self) -> Grid[Any]:
            return self.grid

    class Moved(Opened):
        """The cursor is on another row."""

    class Edge(Opened):
        """The cursor was moved beyond the rows that are there: `down` or up, or all the way to the `end`."""

        def __init__(self, grid: Grid[Any], down: bool, *, end: bool = False) -> None:
            super().__init__(grid)
            self.down, self.end = down, end

    def __init__(
        self,
        columns: Callable[[], Sequence[Column[T]]],
        key: Callable[[T], str],
        *,
        empty: str = "",
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._columns = columns
        self._key = key
        self.empty = empty  # what is said where there are no rows
        self.rows: list[T] = []
        self.selected: set[str] = set()
        self.all_selected = False
        self.cursor = 0
        self.top = 0
        self._least: dict[str, int] = {}
        self._lines: list[list[Cell]] = []
        self._layout: Layout[T] | None = None

    # --- what it shows ----------------------------------------------------------------------------------------------

    @property
    def current(self) -> T | None:
        """Return the row under the cursor."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    @property
    def height_of_rows(self) -> int:
        return max(self.size.height - 1, 1)

    def show(self, rows: Sequence[T], *, follow: bool = True) -> None:
        """Show these rows. With `follow` the cursor stays on the row that it is on, unless that is the first."""
        at = None if self.current is None or not follow else self._key(self.current)
        height = self.cursor - self.top
        self.rows = list(rows)
        if at is not None and self.cursor:
            places = {self._key(row): index for index, row in enumerate(self.rows)}
            self.cursor = places.get(at, self.cursor)
            self.top = self.cursor - height
        self._settle()
        self.redraw()

    def redraw(self) -> None:
        """Draw the same rows as of now: ages have changed, or the selection."""
        columns = [column for column in self._columns() if not column.wide]
        self._lines = [cells_of(columns, row) for row in self._visible()]
        room = max(self.size.width - _MARK, 1)
        layout = Layout(columns, self._lines, room, self._least)
        if sum(layout.natural) + GAP * len(layout.natural) > room:
            layout = Layout(columns, self._lines, room)
        else:  # a column never becomes narrower, so that nothing jumps to and fro; the last one has the rest
            self._least = dict(zip((column.title for column in layout.columns[:-1]), layout.natural, strict=False))
        self._layout = layout
        self.refresh()

    def _visible(self) -> list[T]:
        return self.rows[self.top : self.top + self.height_of_rows]

    def _settle(self) -> None:
        """Keep the cursor on a row, and in sight."""
        self.cursor = max(min(self.cursor, len(self.rows) - 1), 0)
        lowest = max(len(self.rows) - self.height_of_rows, 0)
        self.top = max(min(self.top, self.cursor, lowest), self.cursor - self.height_of_rows + 1, 0)

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        layout = self._layout
        if layout is None:
            return Strip.blank(width)
        if y == 0:
            return self._strip([Cell(column.title, TITLE) for column in layout.columns], "  ", Style())
        if not self.rows and y == 1 and self.empty:
            return Strip([Segment("  " + self.empty, style_of("dim"))]).adjust_cell_length(width)
        index = self.top + y - 1
        if not (y - 1 < len(self._lines) and index < len(self.rows)):
            return Strip.blank(width)
        chosen = self.all_selected or self._key(self.rows[index]) in self.selected
        style, row = _CHOSEN if chosen else Style(), layout.row(self._lines[y - 1])
        if index == self.cursor and self.has_focus:  # reversed colours would be a patchwork
            style += _CURSOR
            row = [Cell(cell.text) for cell in row]
        elif index == self.cursor:
            style += Style(underline=True)
        return self._strip(row, "* " if chosen else "  ", style)

    def _strip(self, row: Sequence[Cell], mark: str, base: Style) -> Strip:
        assert self._layout is not None
        parts = [Segment(mark, base)]
        last = len(row) - 1
        for index, (column, cell, width) in enumerate(zip(self._layout.columns, row, self._layout.widths, strict=True)):
            made = text(cell)
            made.truncate(width, overflow="ellipsis")
            blank = " " * max(width - made.cell_len, 0)
            if column.right:
                parts.append(Segment(blank, base))
            for piece, name in _pieces(made.plain, cell):
                parts.append(Segment(piece, base + style_of(name)))
            if not column.right:
                parts.append(Segment(blank, base))
            parts.append(Segment("" if index == last else " " * GAP, base))
        return Strip(parts).adjust_cell_length(self.size.width, base)

    # --- keys and the mouse -----------------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        if not 0 <= self.cursor + by < len(self.rows):
            self.post_message(self.Edge(self, by > 0))
        self.go(self.cursor + by)

    def action_first(self) -> None:
        self.post_message(self.Edge(self, False, end=True))
        self.go(0)

    def action_last(self) -> None:
        self.post_message(self.Edge(self, True, end=True))
        self.go(len(self.rows) - 1)

    def action_open(self) -> None:
        if self.current is not None:
            self.post_message(self.Opened(self))

    def go(self, to: int) -> None:
        """Put the cursor on a row, and have it in sight."""
        before = self.cursor
        self.cursor = to
        self._settle()
        self.redraw()
        if self.cursor != before:
            self.post_message(self.Moved(self))

    def on_click(self, event: events.Click) -> None:
        index = self.top + event.y - 1
        if event.y == 0 or index >= len(self.rows):
            return
        again = index == self.cursor and event.chain > 1
        self.go(index)
        if again:
            self.action_open()

    def on_resize(self) -> None:
        self._settle()
        self.redraw()


def _pieces(shown: str, cell: Cell) -> list[tuple[str, str]]:
    """Cut a cell's text where its style changes."""
    found, at = [], 0
    for start, end, style in cell.marks:
        found += [(shown[at:start], cell.style), (shown[start:end], style)]
        at = end
    return [*found, (shown[at:], cell.style)]
