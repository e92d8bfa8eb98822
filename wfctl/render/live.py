"""A screen that is kept up to date: only the lines that changed are written again.

It takes the terminal's second screen, so that a resize needs no guess about what the terminal did with old lines, and
what stood there before comes back. When it ends, the last frame stays behind as ordinary lines.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple, TextIO

from wfctl.render.text import cut, width
from wfctl.render.theme import RESET

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[2J"
_LEAVE = "\x1b[?25h\x1b[?1049l"
_STYLE = re.compile(r"(\x1b\[[0-9;]*m)")


class Size(NamedTuple):
    columns: int
    rows: int


def can_move(environ: Mapping[str, str], tty: bool) -> bool:
    """Whether the cursor can be moved about: on a terminal that is not a dumb one."""
    return tty and environ.get("TERM", "dumb" if os.name == "posix" else "") != "dumb"


def terminal_size(stream: TextIO) -> Size:
    """Of this very terminal, now: COLUMNS and LINES, which do not follow a resize, only where it does not say."""
    with contextlib.suppress(OSError, ValueError):
        size = os.get_terminal_size(stream.fileno())
        if size.columns > 0 and size.lines > 0:
            return Size(size.columns, size.lines)
    return Size(*shutil.get_terminal_size())


def without_style(line: str) -> str:
    return _STYLE.sub("", line) if "\x1b" in line else line


def cut_painted(line: str, cells: int) -> str:
    """As `cut`, for a line with colours in it."""
    if "\x1b" not in line:
        return cut(line, cells)
    if width(without_style(line)) <= cells:
        return line
    left, kept = cells, []
    for index, part in enumerate(_STYLE.split(line)):
        if index % 2:
            kept.append(part)
            continue
        short = cut(part, left) if width(part) > left else part
        kept.append(short)
        if short != part:
            break
        left -= width(part)
    return "".join(kept) + RESET


def fold(text: str, cells: int, lines: int) -> list[str]:
    """A long text in lines of this width, the last of them cut if there would be more than `lines`."""
    found: list[str] = []
    while len(found) < lines - 1 and width(text) > cells > 1:
        head = cut(text, cells + 1)[:-1]
        found.append(head)
        text = text[len(head) :]
    return [*found, cut(text, cells)]


class Screen:
    """`with Screen(out) as screen: screen.paint(lines)`, as often as there is something new."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._shown: list[str] = []
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
        self._write(_ENTER)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        with contextlib.suppress(BrokenPipeError):
            self._write(_LEAVE + "".join(line + "\n" for line in self._shown))

    def paint(self, lines: Sequence[str]) -> None:
        """Show these lines from the top on. What does not fit is cut, on the right and at the bottom."""
        size = self.size
        frame = [cut_painted(line, size.columns) for line in lines[: size.rows]]
        parts: list[str] = []
        if size != self._size:
            parts.append("\x1b[2J")
            self._size, self._shown = size, []
        for number, line in enumerate(frame):
            if number >= len(self._shown) or self._shown[number] != line:
                # A line as wide as the screen leaves the cursor on its last cell: to clear from there would eat it.
                clear = "" if width(without_style(line)) >= size.columns else "\x1b[K"
                parts.append(f"\x1b[{number + 1};1H{line}{clear}")
        if len(frame) < len(self._shown):
            parts.append(f"\x1b[{len(frame) + 1};1H\x1b[J")
        self._shown = frame
        if parts:
            self._write("".join(parts))

    def keep(self, lines: Sequence[str]) -> None:
        """What stays behind when this ends, in place of the last frame."""
        self._shown = [cut_painted(line, self.size.columns) for line in lines]

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()

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
            os.write(self._out.fileno(), _LEAVE.encode())
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTSTP)
            signal.signal(signal.SIGTSTP, self._stop)
            os.write(self._out.fileno(), _ENTER.encode())
            self._size = Size(0, 0)
