"""The tab of instances: what matches, live; counts on top; a filter, an order, a selection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from textual.app import ComposeResult
from textual.binding import Binding
from textual.timer import Timer
from textual.widgets import Input, Static

from wfctl.cli.batch.options import Which
from wfctl.cli.ui.book import NEWEST, Book, SidecarBook, StoreBook, in_order, order_words
from wfctl.cli.ui.dialogs import Choice
from wfctl.cli.ui.doing import Acting
from wfctl.cli.ui.grid import Grid
from wfctl.cli.ui.instance import open_instance
from wfctl.cli.ui.query import EXAMPLE, Completes, Query, parse_query
from wfctl.errors import InvalidInput, WfctlError
from wfctl.model.instance import Filter, Instance, Sort
from wfctl.render.drawing import line
from wfctl.render.errors import fault_line
from wfctl.render.table import Cell, Column
from wfctl.render.text import clean, plural
from wfctl.render.theme import HINT, NAME, RED
from wfctl.render.views.instances import instance_view, tally_line

TYPED = 0.15  # seconds without a key, after which a filter is applied


class Instances(Acting):
    LABEL = "Instances"
    DEFAULT_CSS = """
    Instances Static { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    Instances Input { height: 1; border: none; padding: 0; background: $background; }
    Instances Input:focus { border: none; }
    Instances #filter-line { display: none; }
    """
    BINDINGS = [
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("s", "sort", "Sort"),
        Binding("space", "select", "Select"),
        Binding("asterisk", "select_all", "Select all that match", key_display="*", show=False),
        Binding("escape", "clear", "Clear the selection, then the filter", show=False),
        Binding("y", "copy_id", "Copy the ID", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="instances")
        self.query_text = ""
        self.typed = Query()
        self.order = NEWEST
        self.all_selected = False
        self._wrong = ""
        self._typing: Timer | None = None
        self._book: Book | None = None
        self._counting = False

    def compose(self) -> ComposeResult:
        yield Static(id="tally")
        yield Static(id="rates")
        yield Grid[Instance](self._columns, lambda one: one.id, empty="")
        yield Static(id="filter-line")
        yield Input(placeholder=EXAMPLE, id="filter", compact=True)

    def on_mount(self) -> None:
        self.query_one(Input).display = False

    @property
    def book(self) -> Book:
        if self._book is None:
            self._book = StoreBook() if self.frame.session.target.local else SidecarBook()
            self._book.show(self.filter)
        return self._book

    @property
    def grid(self) -> Grid[Instance]:
        return self.query_one(Grid)

    @property
    def filter(self) -> Filter:
        return in_order(self.typed.filter(), self.order)

    def command(self) -> Sequence[str]:
        return ["list", *self.typed.words(), *order_words(self.order)]

    # --- looking ----------------------------------------------------------------------------------------------------

    def _columns(self) -> Sequence[Column[Instance]]:
        return instance_view(self.frame.now(), apps=any(one.app_id for one in self.book.rows)).columns

    async def look(self) -> None:
        book, now = self.book, self.frame.now()
        await book.look(self.frame.links, self.grid.height_of_rows, now)
        self._draw()
        if not self._counting:
            self._counting = True
            self.run_worker(self._tally(), exit_on_error=False)

    async def _tally(self) -> None:
        """Count beside the looks, which do not wait for it."""
        try:
            await self.book.tally(self.frame.links, self.filter, self.frame.now())
        except WfctlError:
            return  # the next look says what is wrong
        finally:
            self._counting = False
        if self.is_mounted:
            self._draw()

    def _draw(self) -> None:
        self.grid.empty = "no instance matches" if self.typed.values else "no instances"
        self.grid.show(self.book.rows)
        self.tick()

    def tick(self) -> None:
        self.grid.redraw()
        room, now = self.size.width, self.frame.now()
        totals = self.book.totals
        parts: list[Cell | str] = [*tally_line(totals.by_status)] if totals.counted else []
        if state := self.book.state():
            parts.append(Cell(f"  {state}", HINT))
        self.query_one("#tally", Static).update(line(parts))
        self.query_one("#rates", Static).update(line(totals.rates.parts(now, room)))
        said = [*self._said()]
        shown = self.query_one("#filter-line", Static)
        shown.display = bool(said)
        shown.update(line(said))

    def _said(self) -> Iterator[Cell | str]:
        """Yield what the line below the rows says: the selection, the filter, the order."""
        matching = self.book.totals.matching
        if self.all_selected:
            yield Cell("all that match are selected" if matching is None else f"all {matching:,} selected", NAME)
            yield "  "
        elif self.grid.selected:
            yield Cell(f"{len(self.grid.selected):,} selected", NAME)
            yield "  "
        if self._wrong:
            yield Cell(self._wrong, RED)
        elif self.typed.values:
            yield f"/{clean(self.query_text)}"
            yield Cell("" if matching is None else f"  {plural(matching, 'instance')}", HINT)
        if self.order != NEWEST:
            yield Cell(f"  sorted: {self.order}", HINT)

    # --- moving -----------------------------------------------------------------------------------------------------

    async def on_grid_edge(self, event: Grid.Edge) -> None:
        event.stop()
        if event.end or (self.book.below if event.down else self.book.above):
            try:
                await self.book.move(self.frame.links, self.grid.height_of_rows, event.down, event.end)
            except WfctlError as error:
                self.frame.say_error(error)
                return
            grid = self.grid
            grid.show(self.book.rows, follow=not event.end)
            if event.end:
                grid.go(len(self.book.rows) - 1 if event.down else 0)
            else:
                grid.go(grid.cursor + (1 if event.down else -1))

    # --- the filter -------------------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        typing = self.query_one(Input)
        typing.display = True
        typing.suggester = Completes(self.book.totals.names)
        typing.value = self.query_text
        typing.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._typing is not None:
            self._typing.stop()
        text = event.value
        self._typing = self.set_timer(TYPED, lambda: self.apply(text))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.apply(event.value)
        self._leave_input()

    def _leave_input(self) -> None:
        if self._typing is not None:
            self._typing.stop()
        self.query_one(Input).display = False
        self._wrong = ""
        self.grid.focus()
        self.tick()

    def apply(self, text: str) -> None:
        """Show what matches a filter as it is typed; where it is none yet, say why, and leave what is shown."""
        try:
            typed = parse_query(text, self.book.totals.names)
        except InvalidInput as error:
            self._wrong = fault_line(error)
            self.tick()
            return
        self._wrong, self.query_text = "", text
        if typed != self.typed:
            self.typed = typed
            self._anew()

    def show_query(self, query: str) -> bool:
        self.apply(query)
        return True

    def _anew(self) -> None:
        """Begin at the first row of another filter or order."""
        self._deselect()
        self.book.show(self.filter)
        self.grid.cursor = 0
        self.look_soon()

    def action_sort(self) -> None:
        def sort(order: str | None) -> None:
            if order is not None and order != self.order:
                self.order = order
                self._anew()

        self.app.push_screen(Choice("Sort by what?", self.book.sorts), sort)

    def on_grid_opened(self, event: Grid.Opened) -> None:
        event.stop()
        if self.grid.current is not None:
            open_instance(self, self.grid.current.id)

    # --- doing ------------------------------------------------------------------------------------------------------

    def chosen(self) -> Which | None:
        grid = self.grid
        if self.all_selected:
            # As a command with these filters does: the oldest first.
            return Which((), replace(self.typed.filter(), sort=Sort.CREATED, reverse=True))
        if grid.selected:
            return Which(tuple(sorted(grid.selected)), None)
        return None if grid.current is None else Which((grid.current.id,), None)

    def acted(self) -> None:
        self._deselect()
        super().acted()

    def _deselect(self) -> None:
        self.all_selected = self.grid.all_selected = False
        self.grid.selected.clear()

    # --- the selection ----------------------------------------------------------------------------------------------

    def action_select(self) -> None:
        grid = self.grid
        if self.all_selected:
            self.action_clear()
        elif grid.current is not None:
            grid.selected ^= {grid.current.id}
            grid.action_move(1)
        self.tick()

    def action_select_all(self) -> None:
        """Select all that match: not by their IDs, but by the filter, which is what a verb gets then."""
        self.all_selected = self.grid.all_selected = True
        self.grid.selected.clear()
        self.tick()

    def action_clear(self) -> None:
        if self.query_one(Input).has_focus:
            self._leave_input()
        elif self.all_selected or self.grid.selected:
            self._deselect()
            self.tick()
        elif self.typed.values:
            self.apply("")

    def action_copy_id(self) -> None:
        if self.grid.current is not None:
            self.frame.copy(self.grid.current.id)
