"""How far a batch is: at a terminal, one line that counts; elsewhere a line for each instance."""

from __future__ import annotations

import time
from types import TracebackType

from wfctl.cli.session import Session

FEW = 20  # up to here each has its line even at a terminal
_EVERY = 0.1
_CLEAR = "\r\x1b[K"


class Progress:
    def __init__(self, session: Session, past: str, total: int) -> None:
        console = session.console
        self._console = console
        self._past = past
        self._total = total
        self._counts = total > FEW and console.err_tty and not console.quiet and session.environ.get("TERM") != "dumb"
        self._done = 0
        self._tried = 0
        self._shown = 0.0

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clear()

    def count(self, worked: bool) -> None:
        self._tried += 1
        self._done += worked
        now = time.monotonic()
        if self._counts and now - self._shown >= _EVERY:
            self._shown = now
            self._write(f"{_CLEAR}{self._tried:,} of {self._total:,}, {self._done:,} {self._past} ")

    def note(self, text: str) -> None:
        """What went well: counted is told enough."""
        if not self._counts:
            self._console.note(text)

    def line(self, text: str) -> None:
        self._clear()
        self._console.error(text)

    def _clear(self) -> None:
        if self._counts and self._shown:
            self._write(_CLEAR)
            self._shown = 0.0

    def _write(self, text: str) -> None:
        self._console.err.write(text)
        self._console.err.flush()
