"""The names of tabs in one line, each with its number."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.message import Message
from textual.widgets import Static

from wfctl.render.drawing import line
from wfctl.render.table import Cell
from wfctl.render.theme import HINT


class Tabs(Static):
    DEFAULT_CSS = "Tabs { height: 1; text-wrap: nowrap; }"

    class Chosen(Message):
        """One was clicked: its number, from 1 on."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__()
        self.labels = labels
        self._ends: list[int] = []

    def mark(self, active: int) -> None:
        """Show which of them is active, counted from 0 on."""
        parts: list[Cell | str] = []
        self._ends, end = [], 0
        for index, label in enumerate(self.labels):
            word = f" {index + 1} {label} "
            end += len(word)
            self._ends.append(end)
            parts.append(Cell(word, "reverse" if index == active else HINT))
        self.update(line(parts))

    def on_click(self, event: events.Click) -> None:
        for index, end in enumerate(self._ends):
            if event.x < end:
                self.post_message(self.Chosen(index + 1))
                return
