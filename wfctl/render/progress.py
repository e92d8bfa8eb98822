"""One line at the foot of a terminal that says how far things are. It goes when something else is written there."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import TextIO

from wfctl.render.live import cut_painted, terminal_size, without_style
from wfctl.render.text import width

FIRST = 0.5  # seconds before anything is shown: what is done at once needs no progress
EVERY = 0.2


class Progress:
    """`with Progress(stderr) as progress: progress.show(words)`.

    What others write to the stream meanwhile, the app's own output above all, comes to stand above the line.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._original = stream.write
        self._lock = threading.RLock()
        self._shown = ""
        self._amid = False  # somebody has written half a line
        self._next = time.monotonic() + FIRST

    @property
    def due(self) -> bool:
        """Whether it is time for another line. To be asked before the words are put together."""
        return time.monotonic() >= self._next

    def show(self, line: str) -> None:
        with self._lock:
            self._next = time.monotonic() + EVERY
            if self._amid:
                return
            # Not up to the last cell: the cursor must not hang behind it.
            line = cut_painted(line, terminal_size(self._stream).columns - 1)
            if line != self._shown:
                self._original(self._erasing() + line)
                self._stream.flush()
                self._shown = line

    def clear(self) -> None:
        with self._lock:
            if self._shown:
                self._original(self._erasing())
                self._stream.flush()
                self._shown = ""

    def _erasing(self) -> str:
        """A terminal that has become narrower has broken the line into several."""
        if not self._shown:
            return ""
        above = (width(without_style(self._shown)) - 1) // max(terminal_size(self._stream).columns, 1)
        return "\r" + "\x1b[A" * above + "\x1b[J"

    def _write(self, text: str) -> int:
        with self._lock:
            self.clear()
            if text:
                self._amid = not text.endswith("\n")
            return self._original(text)

    def __enter__(self) -> Progress:
        vars(self._stream)["write"] = self._write  # loggers hold on to the stream itself: a stand-in would miss them
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()
        vars(self._stream).pop("write", None)
