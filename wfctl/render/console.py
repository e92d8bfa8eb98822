"""The one place that writes: data to stdout, everything else to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TextIO

from wfctl.render import theme
from wfctl.render.table import Cell
from wfctl.render.text import clean, clean_block
from wfctl.render.theme import Paint

if TYPE_CHECKING:
    from rich.console import RenderableType

COLORS = ("auto", "always", "never")


def wants_color(stream: TextIO, choice: str, environ: Mapping[str, str]) -> bool:
    """`--color` decides; then NO_COLOR, FORCE_COLOR and TERM=dumb; then whether this stream is a terminal."""
    if choice in ("always", "never"):
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "") not in ("", "0", "false"):
        return True
    return environ.get("TERM") != "dumb" and is_tty(stream)


def is_tty(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def let_go(stream: TextIO) -> None:
    """Redirect a broken pipe to the null device so that the flush at exit does not raise."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        pass


class Console:
    def __init__(
        self,
        out: TextIO,
        err: TextIO,
        *,
        color: str = "auto",
        quiet: bool = False,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.out = out
        self.err = err
        self.quiet = quiet
        self.out_tty = is_tty(out)
        self.err_tty = is_tty(err)
        self.out_color = wants_color(out, color, environ)
        self.err_color = wants_color(err, color, environ)
        if sys.platform == "win32" and (self.out_color or self.err_color):
            _enable_escapes()

    @property
    def room(self) -> int | None:
        """The width of the terminal; None where nothing is to be cut."""
        if not self.out_tty:
            return None
        import shutil

        return shutil.get_terminal_size().columns

    @property
    def paint(self) -> Paint:
        """Return the function that gives the words on stdout their styles."""
        return theme.paint if self.out_color else theme.plain

    def draw(self, renderable: RenderableType) -> None:
        """Have Rich draw something on stdout, which is a terminal."""
        from wfctl.render.drawing import drawn

        self.out.write(drawn(renderable, color=self.out_color, width=self.room or 80))

    def data(self, text: str) -> None:
        self.out.write(text)

    def line(self, text: str) -> None:
        """One line of data that is safe for a terminal already."""
        self.out.write(text + "\n")

    def raw(self, text: str) -> None:
        """Data for scripts, byte for byte; at a terminal its control characters become visible."""
        self.out.write((clean_block(text) if self.out_tty else text) + "\n")

    def word(self, text: str) -> None:
        """Write an ID or a name as `raw` does, but on one line, whatever it holds."""
        self.out.write((clean(text) if self.out_tty else text) + "\n")

    def flush(self) -> None:
        self.out.flush()

    def note(self, *parts: Cell | str) -> None:
        """Write to stderr what a person wants to know and a script does not; silent with `--quiet`."""
        if not self.quiet:
            self.error(*parts)

    def error(self, *parts: Cell | str) -> None:
        """Write one line, put together from these, to stderr."""
        self.out.flush()
        try:
            self.err.write(styled(parts, self.err_color) + "\n")
            self.err.flush()
        except OSError:  # whoever read the notes has gone: what the command does matters more
            let_go(self.err)


def styled(parts: Iterable[Cell | str], color: bool) -> str:
    """Put a line together from words and words in a style."""
    paint = theme.paint if color else theme.plain
    return "".join(paint(part.text, part.style) if isinstance(part, Cell) else part for part in parts)


def _enable_escapes() -> None:
    if sys.platform == "win32":
        import ctypes

        for handle in (-11, -12):
            ctypes.windll.kernel32.SetConsoleMode(ctypes.windll.kernel32.GetStdHandle(handle), 7)
