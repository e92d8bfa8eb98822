"""A screen that is kept up to date, drawn by Rich: only the lines that changed are sent again.

It takes the terminal's second screen, so that a resize needs no guess about what the terminal did with old lines, and
what stood there before comes back. When it ends, the last frame stays behind as ordinary lines.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TextIO

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.segment import Segment


class Size(NamedTuple):
    columns: int
    rows: int


def can_move(environ: Mapping[str, str], tty: bool) -> bool:
    """Return True where the cursor can be moved about: on a terminal that is not a dumb one."""
    return tty and environ.get("TERM", "dumb" if os.name == "posix" else "") != "dumb"


def terminal_size(stream: TextIO) -> Size:
    """Return the size of this very terminal, now; COLUMNS and LINES, which follow no resize, where it does not say."""
    with contextlib.suppress(OSError, ValueError):
        size = os.get_terminal_size(stream.fileno())
        if size.columns > 0 and size.lines > 0:
            return Size(size.columns, size.lines)
    return Size(*shutil.get_terminal_size())


class Keys(Protocol):
    """A keyboard that is set up for single keys, and is given back while this process is stopped."""

    @property
    def take(self) -> Callable[[], None]: ...

    @property
    def give_back(self) -> Callable[[], None]: ...


class Screen:
    """`with Screen(out) as screen: screen.paint(frame)`, as often as there is something new."""

    def __init__(self, out: TextIO, *, color: bool, keys: Keys) -> None:
        from rich.control import Control

        from wfctl.render.drawing import new_console

        self._out = out
        self._keys = keys
        self._color = color
        self._console = new_console(out, color=color, width=80)
        self._take = str(Control.alt_screen(True)) + str(Control.show_cursor(False))
        self._give_back = str(Control.show_cursor(True)) + str(Control.alt_screen(False))
        self._shown: list[list[Segment]] = []
        self._last: RenderableType | None = None
        self._size = Size(0, 0)
        self._handlers: dict[int, Any] = {}

    @property
    def size(self) -> Size:
        return terminal_size(self._out)

    @property
    def resized(self) -> bool:
        return self.size != self._size

    def __enter__(self) -> Screen:
        if sys.platform == "win32":
            from wfctl.render.console import _enable_escapes

            _enable_escapes()
        self._catch_signals()
        self._console.set_alt_screen(True)
        self._console.show_cursor(False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        from wfctl.render.drawing import drawn

        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        with contextlib.suppress(BrokenPipeError):
            self._console.show_cursor(True)
            self._console.set_alt_screen(False)
            if self._last is not None:
                self._out.write(drawn(self._last, color=self._color, width=self.size.columns))
                self._out.flush()

    def paint(self, frame: RenderableType) -> None:
        """Show this from the top on. What does not fit is cut, on the right and at the bottom."""
        size, console = self.size, self._console
        new = size != self._size
        if new:
            console.size = size
            self._size, self._shown = size, []
        lines = [_comparable(line) for line in console.render_lines(frame, console.options)[: size.rows]]
        blank = console.render_lines("", console.options)
        with console:  # one write
            if new:
                console.clear()
            for number in range(max(len(lines), len(self._shown))):
                line = lines[number] if number < len(lines) else blank[0]
                if number >= len(self._shown) or self._shown[number] != line:
                    console.update_screen_lines([line], y=number)
        self._shown, self._last = lines, frame

    def keep(self, frame: RenderableType) -> None:
        """Set what stays behind when this ends, in place of the last frame."""
        self._last = frame

    # --- signals ------------------------------------------------------------------------------------------------

    def _catch_signals(self) -> None:
        """Leave the terminal as it was when told to stop, and while this process is stopped with Ctrl-Z."""
        if threading.current_thread() is not threading.main_thread():
            return
        wanted: dict[str, Callable[..., None]] = {
            "SIGTERM": self._end,
            "SIGHUP": self._end,
            "SIGTSTP": self._stop,
        }
        for name, handler in wanted.items():
            number = getattr(signal, name, None)
            if number is not None:
                self._handlers[number] = signal.signal(number, handler)

    def _end(self, number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    def _stop(self, number: int, frame: object) -> None:
        """Stop as if this was not caught, and go on from here; where there is no shell to return to, it does not
        stop at all."""
        if sys.platform != "win32":
            os.write(self._out.fileno(), self._give_back.encode())
            self._keys.give_back()
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTSTP)
            signal.signal(signal.SIGTSTP, self._stop)
            self._keys.take()
            os.write(self._out.fileno(), self._take.encode())
            self._size = Size(0, 0)


def _comparable(line: list[Segment]) -> list[Segment]:
    """Return the same line in as few segments as it takes, so that equal lines are equal."""
    from rich.segment import Segment

    return list(Segment.simplify(Segment(text, style or None) for text, style, _ in line))
