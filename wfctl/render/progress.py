"""How far things are, at the foot of a terminal. Drawn by Rich; it goes when something else is written there."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from types import SimpleNamespace, TracebackType
from typing import TYPE_CHECKING, Any, TextIO, cast

from wfctl.render.live import terminal_size
from wfctl.render.table import Cell

if TYPE_CHECKING:
    from rich.live import Live

FIRST = 0.5  # seconds before anything is shown: what is done at once needs no progress
EVERY = 0.2
FRAMES = 8  # a second, of the spinner


class Progress:
    """`with Progress(stderr, color=True) as progress: progress.show(words)`; with a `share` between 0 and 1, a bar too.

    What others write to the stream meanwhile, the app's own output above all, comes to stand above the line.
    """

    def __init__(self, stream: TextIO, *, color: bool) -> None:
        self._stream = stream
        self._color = color
        self._original = stream.write
        self._lock = threading.RLock()
        self._foot: _Foot | None = None
        self._amid = False  # somebody has written half a line
        self._next = time.monotonic() + FIRST

    @property
    def due(self) -> bool:
        """True when it is time for another line. To be asked before the words are put together."""
        return time.monotonic() >= self._next

    def show(self, words: Iterable[Cell | str], share: float | None = None) -> None:
        with self._lock:
            self._next = time.monotonic() + EVERY
            if self._amid:
                return
            if self._foot is None:
                self._foot = _Foot(self._stream, self._original, self._color)
            self._foot.show(words, share)

    def clear(self) -> None:
        with self._lock:
            if self._foot is not None:
                self._foot.live.stop()

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


class _Foot:
    """The line itself: a spinner, a bar if it is known how much there is to do, and words."""

    def __init__(self, stream: TextIO, write: Any, color: bool) -> None:
        from rich.live import Live
        from rich.spinner import Spinner

        from wfctl.render.drawing import new_console

        self._stream = stream
        file = cast(TextIO, SimpleNamespace(write=write, flush=stream.flush, encoding="utf-8"))
        self._console = new_console(file, color=color, width=80)
        self._spinner = Spinner("dots", style="progress.spinner")
        self.live: Live = Live(
            console=self._console,
            transient=True,
            refresh_per_second=FRAMES,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def show(self, words: Iterable[Cell | str], share: float | None) -> None:
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        from wfctl.render.drawing import line

        # Not up to the last cell: the cursor must not hang behind it.
        self._console.size = (terminal_size(self._stream).columns - 1, 25)
        grid = Table.grid(padding=(0, 1, 0, 0))
        bar = [] if share is None else [ProgressBar(total=1.0, completed=share, width=30)]
        grid.add_row(self._spinner, *bar, line(words))
        self.live.update(grid, refresh=self.live.is_started)
        if not self.live.is_started:
            self.live.start(refresh=True)
            self._console.show_cursor(True)  # a process that is stopped or killed leaves it as it is
