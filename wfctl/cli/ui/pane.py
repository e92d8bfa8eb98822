"""What is shown and kept up to date: a tab, or the page of one thing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical

from wfctl.cli.watching.interval import Pace

if TYPE_CHECKING:
    from wfctl.cli.ui.frame import Frame
    from wfctl.errors import WfctlError

SHARE = 0.04  # of the time that looks may cost
LEAST = 0.5  # seconds between two looks at the least


class Pane(Vertical):
    """Tell what it shows as a command, and look at the target again and again while it is shown.

    `look` asks by `self.frame.links`; what it raises is said in the line at the bottom, and it is called again.
    """

    LABEL: ClassVar[str] = ""  # of its tab

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.pace = Pace(LEAST, SHARE)
        self.looking = False  # a look is on its way
        self.seen = False  # a look has told what there is
        self.error: WfctlError | None = None  # what the latest look raised

    @property
    def frame(self) -> Frame:
        from wfctl.cli.ui.frame import Frame

        assert isinstance(self.app, Frame)
        return self.app

    async def look(self) -> None:
        """Ask the target for what is shown, and show it. Raises WfctlError."""
        raise NotImplementedError

    def tick(self) -> None:
        """Draw again what goes on by itself, such as ages."""

    def command(self) -> Sequence[str]:
        """Return the words of the command that this stands for, without `wfctl` and the target."""
        raise NotImplementedError

    def show_query(self, query: str) -> bool:
        """Show what a filter finds, as it would be typed. Returns False if that is not what it shows."""
        return False

    def look_soon(self) -> None:
        """Look at the next moment, whatever the pace says: somebody waits for it."""
        self.pace = Pace(LEAST, SHARE)
        self.frame.tick()

    def enter(self) -> None:
        """Take the keys: it is shown now."""
        for widget in self.query("*"):
            if widget.can_focus and widget.display:
                widget.focus()
                return
