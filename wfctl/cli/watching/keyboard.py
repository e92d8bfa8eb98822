"""Keys pressed while a screen is live, without waiting for Enter and without their echo."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TextIO

NEXT, BACK, FIRST, QUIT = "next", "back", "first", "quit"

_MEANING = {
    **dict.fromkeys(("n", "j", " ", "\x1b[B", "\x1b[6~", "\x1bOB"), NEXT),
    **dict.fromkeys(("p", "k", "b", "\x1b[A", "\x1b[5~", "\x1bOA"), BACK),
    **dict.fromkeys(("g", "0", "\x1b[H", "\x1b[1~", "\x1bOH"), FIRST),
    **dict.fromkeys(("q", "Q"), QUIT),
}


class Keys:
    """`pressed()` gives what was asked for since the last time, or None; it never waits."""

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = descriptor
        self.take: Callable[[], None] = lambda: None  # set the terminal up for keys, and back, while this lives
        self.give_back: Callable[[], None] = lambda: None

    def pressed(self) -> str | None:
        text = self._read()
        return _MEANING.get(text) or (_MEANING.get(text[-1:]) if text and "\x1b" not in text else None)

    def _read(self) -> str:
        if sys.platform == "win32":
            import msvcrt

            return msvcrt.getwch() if self._descriptor is not None and msvcrt.kbhit() else ""
        if self._descriptor is None or not select.select([self._descriptor], [], [], 0)[0]:
            return ""
        read = os.read(self._descriptor, 64)
        if not read:  # the terminal is gone
            self._descriptor = None
        return read.decode("utf-8", "ignore")


@contextmanager
def keys(stdin: TextIO) -> Iterator[Keys]:
    """Keys of this terminal; where stdin is none, nothing is ever pressed."""
    descriptor = _terminal(stdin)
    if descriptor is None or sys.platform == "win32":
        yield Keys(descriptor)
        return
    import termios

    try:
        before: list[Any] = termios.tcgetattr(descriptor)
    except termios.error:
        yield Keys()
        return
    raw = list(before)
    raw[3] &= ~(termios.ICANON | termios.ECHO)  # Ctrl-C and Ctrl-Z stay signals
    raw[6] = list(before[6])
    raw[6][termios.VMIN], raw[6][termios.VTIME] = 1, 0

    def set_up(modes: list[Any]) -> None:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSADRAIN, modes)

    pressed = Keys(descriptor)
    pressed.take, pressed.give_back = partial(set_up, raw), partial(set_up, before)
    pressed.take()
    try:
        yield pressed
    finally:
        pressed.give_back()


def _terminal(stdin: TextIO) -> int | None:
    try:
        return stdin.fileno() if stdin.isatty() else None
    except (OSError, ValueError):
        return None
