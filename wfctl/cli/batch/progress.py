"""Show how far a batch is: at a terminal, a bar that counts; elsewhere a line for each instance."""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING

from wfctl.cli.session import Session
from wfctl.render.live import can_move
from wfctl.render.times import age

if TYPE_CHECKING:
    from wfctl.render import progress

FEW = 20  # up to here each has its line even at a terminal


class Progress:
    def __init__(self, session: Session, past: str, total: int) -> None:
        console = session.console
        self._console = console
        self._past = past
        self._total = total
        self._counts = total > FEW and not console.quiet and can_move(session.environ, console.err_tty)
        self._bar: progress.Progress | None = None
        self._stack = ExitStack()
        self._began = time.monotonic()
        self._done = 0
        self._tried = 0

    def __enter__(self) -> Progress:
        if self._counts:
            from wfctl.render import progress

            self._bar = self._stack.enter_context(progress.Progress(self._console.err, color=self._console.err_color))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def count(self, worked: bool) -> None:
        self._tried += 1
        self._done += worked
        if self._bar is not None and self._bar.due:
            left = (time.monotonic() - self._began) / self._tried * (self._total - self._tried)
            words = f"{self._tried:,} of {self._total:,}  {self._done:,} {self._past}"
            self._bar.show([f"{words}  {age(timedelta(seconds=left))} left"], self._tried / self._total)

    def note(self, text: str) -> None:
        """Print a line on what went well, unless a bar counts it."""
        if not self._counts:
            self._console.note(text)

    def line(self, text: str) -> None:
        self._console.error(text)
