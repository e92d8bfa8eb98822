"""Lines with a cursor: the keys and the wheel that move it."""

from __future__ import annotations

from textual.binding import Binding
from textual.widget import Widget


class Lines(Widget, can_focus=True):
    """Only the visible lines are drawn, by `render_line` of who inherits this."""

    DEFAULT_CSS = "Lines { height: 1fr; }"
    BINDINGS = [
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "A page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "A page up", show=False),
    ]

    @property
    def height_of_rows(self) -> int:
        """Return how many lines are in sight, at least one."""
        return max(self.size.height, 1)

    def action_move(self, by: int) -> None:
        """Move the cursor so many lines down, or up."""
        raise NotImplementedError

    def action_page(self, by: int) -> None:
        self.action_move(by * max(self.height_of_rows - 1, 1))

    def on_mouse_scroll_down(self) -> None:
        self.action_move(3)

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-3)
