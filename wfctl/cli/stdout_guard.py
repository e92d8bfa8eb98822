"""Keep the app's own output off stdout, which is for the command's data: `ID=$(wfctl start X)`."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from wfctl.render.console import let_go

STDOUT, STDERR = 1, 2


@contextmanager
def app_prints_to_stderr(stdout: TextIO, stderr: TextIO) -> Iterator[TextIO]:
    """Let `print` in the app, and the programs that it runs, write to stderr. Yields the stream for data."""
    lines = WholeLines(stderr)
    before, sys.stdout = sys.stdout, cast(TextIO, lines)
    try:
        if _is_descriptor(stdout, STDOUT) and _is_descriptor(stderr, STDERR):
            with _moved_aside(stdout) as data:
                yield data
        else:
            yield stdout
    finally:
        sys.stdout = before
        lines.flush()


class WholeLines(io.TextIOBase):
    """Passes on what each thread writes in whole lines: `print` writes a line and its end apart, and activities run at
    the same time as what tells about them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._parts: dict[int, str] = {}

    def write(self, text: str) -> int:
        thread = threading.get_ident()
        whole, end, rest = (self._parts.pop(thread, "") + text).rpartition("\n")
        if end:
            self._pass_on(whole + end)
        if rest:
            self._parts[thread] = rest
        return len(text)

    def flush(self) -> None:
        """A part of a line, too: whoever flushes wants it to be seen."""
        while self._parts:
            self._pass_on(self._parts.popitem()[1])
        self._pass_on("")

    def _pass_on(self, text: str) -> None:
        """Ignore a reader that has gone (`wfctl start X 2>&1 | head -1`): the activity that prints did not fail."""
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            let_go(self._stream)

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    def __getattr__(self, name: str) -> Any:  # encoding, errors, buffer, reconfigure
        return getattr(self._stream, name)


def _is_descriptor(stream: TextIO, number: int) -> bool:
    try:
        return stream.fileno() == number
    except (OSError, ValueError):
        return False


@contextmanager
def _moved_aside(stdout: TextIO) -> Iterator[TextIO]:
    """Descriptor 1 becomes a second stderr; the data goes to a copy of what it was."""
    stdout.flush()
    data = open(os.dup(STDOUT), "w", encoding=stdout.encoding, errors=stdout.errors)  # noqa: SIM115
    os.dup2(STDERR, STDOUT)
    try:
        yield data
        data.flush()
    finally:
        os.dup2(data.fileno(), STDOUT)
        try:
            data.close()
        except OSError:
            let_go(data)
            data.close()
            raise
