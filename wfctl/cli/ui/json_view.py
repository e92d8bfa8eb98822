"""A payload as highlighted JSON: objects and arrays fold, and a text can be searched for."""

from __future__ import annotations

import json
from itertools import pairwise

from rich.highlighter import JSONHighlighter
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.strip import Strip
from textual.widgets import Input, Static

from wfctl.cli.ui.cursor import Lines
from wfctl.cli.ui.dialogs import Dialog
from wfctl.render.json_records import decoded
from wfctl.render.text import clean_block, safe_json
from wfctl.render.theme import style_of

LONGEST = 2_000  # characters of a line that are drawn; Enter shows all of it
AT_A_GLANCE = 20_000  # characters of a payload among other things; to draw millions of them takes seconds
BEGINNING = 400  # what is shown of one that is longer
_CURSOR = Style(reverse=True)
_FOUND = Style(underline=True, bold=True)
_highlight = JSONHighlighter()


def beginning(payload: str, key: str) -> str:
    """Return a payload as a page with other things can hold it; of a long one the beginning, and which key has it."""
    if len(payload) <= AT_A_GLANCE:
        return payload
    return f"({len(payload):,} characters: {key} has all of them) {payload[:BEGINNING]}..."  # a line may be cut


def lines_of(payload: str | None) -> list[str]:
    """Return a payload as indented JSON, line by line; text that is no JSON as it is."""
    if payload is None:
        return []
    value = decoded(payload)
    if isinstance(value, str) and value == payload:
        return clean_block(payload).replace("\t", "    ").split("\n")
    return clean_block(safe_json(json.dumps(value, ensure_ascii=False, indent=2))).split("\n")


def folds_of(lines: list[str]) -> dict[int, int]:
    """Return the last line of each object and array, by its first. No other line ends, or begins, with a bracket."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for index, text in enumerate(lines):
        if text.lstrip()[:1] in ("}", "]") and opened:
            found[opened.pop()] = index
        if text.endswith(("{", "[")):
            opened.append(index)
    return found


class Json(Lines):
    BINDINGS = [
        Binding("home,g", "move(-1000000000)", "First line", show=False),
        Binding("end,G", "move(1000000000)", "Last line", show=False),
        Binding("right", "aside(20)", "To the right", show=False),
        Binding("left", "aside(-20)", "To the left", show=False),
        Binding("enter,space", "fold", "Fold"),
        Binding("minus", "fold_all", "Fold all", key_display="-", show=False),
        Binding("plus", "unfold_all", "Unfold all", key_display="+", show=False),
        Binding("n", "next(1)", "Next found", show=False),
        Binding("N", "next(-1)", "Found before", show=False),
    ]

    def __init__(self, *, empty: str = "", id: str | None = None) -> None:
        super().__init__(id=id)
        self.empty = empty
        self.wanted = ""
        self._payload: str | None = None
        self._lines: list[str] = []
        self._folds: dict[int, int] = {}
        self._folded: set[int] = set()
        self._shown: list[int] = []
        self._cursor = self._top = self._aside = 0

    def show(self, payload: str | None) -> None:
        """Show a payload, unless it is the one that is shown already."""
        if payload is not None and payload == self._payload:
            return
        self._payload = payload
        self._lines = lines_of(payload)
        self._folds = folds_of(self._lines)
        self._folded, self._cursor, self._top = set(), 0, 0
        self._arrange()

    def _arrange(self) -> None:
        """Find the lines that are not folded away."""
        self._shown, index = [], 0
        while index < len(self._lines):
            self._shown.append(index)
            index = self._folds[index] + 1 if index in self._folded else index + 1
        self._move_to(self._cursor)

    def _move_to(self, cursor: int) -> None:
        self._cursor = max(min(cursor, len(self._shown) - 1), 0)
        self._top = max(min(self._top, self._cursor), self._cursor - self.height_of_rows + 1, 0)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, index = self.size.width, self._top + y
        if not self._lines and not y:
            return Strip([Segment(self.empty, style_of("dim"))]).adjust_cell_length(width)
        if index >= len(self._shown):
            return Strip.blank(width)
        number = self._shown[index]
        text = self._text(number)
        here = _CURSOR if index == self._cursor and self.has_focus else Style()
        parts = [Segment(piece, style + here) for piece, style in _styled(text)]
        return Strip(parts).crop(self._aside).adjust_cell_length(width, here)

    def _text(self, number: int) -> Text:
        line = self._lines[number]
        text = _highlight(Text(line[:LONGEST] + ("…" if len(line) > LONGEST else "")))
        if number in self._folded:
            end = self._folds[number]
            text.append("…" + self._lines[end].strip()).append(f"  {end - number - 1:,} lines", "dim")
        if self.wanted:
            text.highlight_words([self.wanted], _FOUND, case_sensitive=False)
        return text

    # --- keys and the mouse -----------------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        self._move_to(self._cursor + by)

    def action_aside(self, by: int) -> None:
        self._aside = max(self._aside + by, 0)
        self.refresh()

    def action_fold(self) -> None:
        if not self._shown:
            return
        number = self._shown[self._cursor]
        if number in self._folds:
            self._folded ^= {number}
            self._arrange()
        else:
            self.app.push_screen(Whole(self._lines[number].strip()))

    def action_fold_all(self) -> None:
        self._folded = {number for number in self._folds if number}
        self._arrange()

    def action_unfold_all(self) -> None:
        self._folded = set()
        self._arrange()

    def search(self, wanted: str) -> bool:
        """Go to the first line from here on with this text in any case. Returns False if there is none."""
        self.wanted = wanted
        found = not wanted or self._find(1, here=True)
        self.refresh()
        return found

    def action_next(self, by: int) -> None:
        if self.wanted and not self._find(by, here=False):
            self.notify(f"not found: {self.wanted}", markup=False)

    def _find(self, by: int, *, here: bool) -> bool:
        wanted, count = self.wanted.casefold(), len(self._lines)
        first = self._shown[self._cursor] if self._shown else 0
        for step in range(0 if here else 1, count + (0 if here else 1)):
            number = (first + by * step) % count if count else 0
            if number < count and wanted in self._lines[number].casefold():
                self._folded -= {start for start in self._folded if start < number <= self._folds[start]}
                self._arrange()
                self._move_to(self._shown.index(number))
                return True
        return False

    def on_click(self, event: events.Click) -> None:
        again = self._top + event.y == self._cursor
        self._move_to(self._top + event.y)
        if again:
            self.action_fold()

    def on_resize(self) -> None:
        self._move_to(self._cursor)


def _styled(text: Text) -> list[tuple[str, Style]]:
    """Cut a text where its style changes. Styles have the names of `render.theme`."""
    ends = sorted({0, len(text), *(span.start for span in text.spans), *(span.end for span in text.spans)})
    found = []
    for start, end in pairwise(ends):
        style = Style()
        for span in text.spans:
            if span.start <= start and end <= span.end:
                style += span.style if isinstance(span.style, Style) else style_of(span.style)
        found.append((text.plain[start:end], style))
    return found


class Searched(Vertical):
    """JSON with the line in which one types what to search for."""

    DEFAULT_CSS = """
    Searched { height: 1fr; }
    Searched Input, Searched Input:focus { height: 1; border: none; padding: 0; display: none; }
    Searched Input.typing { display: block; }
    """
    BINDINGS = [Binding("slash", "search", "Search", key_display="/")]

    def __init__(self, *, empty: str = "", id: str | None = None) -> None:
        super().__init__(id=id)
        self.json = Json(empty=empty)

    def compose(self) -> ComposeResult:
        yield self.json
        yield Input(placeholder="text to search for", compact=True)

    def action_search(self) -> None:
        self.query_one(Input).add_class("typing").focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.json.search(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if not self.json.search(event.value):
            self.notify(f"not found: {event.value}", markup=False)
        self.query_one(Input).remove_class("typing")
        self.json.focus()

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape" and self.query_one(Input).has_focus:
            event.stop()
            self.query_one(Input).remove_class("typing")
            self.json.focus()


class Whole(Dialog[None]):
    """A text as a whole, which did not fit on its line."""

    DEFAULT_CSS = "Whole > Vertical { width: 90%; }  Whole Static { width: 100%; }"
    BINDINGS = [Binding("enter,space,q", "close", "Close", show=False)]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        with Vertical(), VerticalScroll():
            yield Static(Text(self._text, overflow="fold"))
