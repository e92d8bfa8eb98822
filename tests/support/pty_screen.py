"""A terminal for tests: a program in a pty, and what its screen shows."""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from limits import LIMIT_SECONDS

_TOKEN = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n]+)|(\x1b)")

_BEGINNING = re.compile(r"(?:\x1b(?:\[[?\d;]*)?)?\Z")


class Screen:
    """As much of a terminal as wfctl uses. A wide character takes one place: nothing asks where others stand."""

    def __init__(self) -> None:
        self.other: list[str] = []  # the screen that `less` would take
        self.main: list[str] = []
        self.on_other = False
        self.cursor_shown = True
        self.painted = 0  # lines written on the other screen
        self._row = self._column = 0
        self._rest = ""  # the beginning of a sequence whose end has not been read yet

    @property
    def lines(self) -> list[str]:
        return self.other if self.on_other else self.main

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines).rstrip()

    def feed(self, text: str) -> None:
        text = self._rest + text
        whole = len(text) - len(_BEGINNING.search(text)[0])  # type: ignore[index]
        text, self._rest = text[:whole], text[whole:]
        for found in _TOKEN.finditer(text):
            numbers, command, carriage, newline, plain, _ = found.groups()
            if plain is not None:
                self._put(plain)
            elif carriage:
                self._column = 0
            elif newline:
                self._row, self._column = self._row + 1, 0
            elif command is not None:
                self._command(numbers, command)

    def _put(self, text: str) -> None:
        while len(self.lines) <= self._row:
            self.lines.append("")
        line = self.lines[self._row].ljust(self._column)
        self.lines[self._row] = line[: self._column] + text + line[self._column + len(text) :]
        self._column += len(text)

    def _command(self, numbers: str, command: str) -> None:
        if command in "hl" and numbers == "?1049":
            self.on_other = command == "h"
            if self.on_other:
                self.other, self._saved = [], (self._row, self._column)
                self._row = self._column = 0
            else:
                self._row, self._column = self._saved
        elif command in "hl" and numbers == "?25":
            self.cursor_shown = command == "h"
        elif command == "H":
            row, _, column = numbers.partition(";")
            self._row, self._column = int(row or 1) - 1, int(column or 1) - 1
            self.painted += self.on_other
        elif command == "A":
            self._row = max(self._row - int(numbers or 1), 0)
        elif command == "K" and self._row < len(self.lines):
            self.lines[self._row] = self.lines[self._row][: self._column]
        elif command == "J" and numbers == "2":
            self.lines.clear()
        elif command == "J":
            del self.lines[self._row + 1 :]
            if self._row < len(self.lines):
                self.lines[self._row] = self.lines[self._row][: self._column]


class Terminal:
    """wfctl at a terminal of its own. `piped`: its stdout goes into a pipe, and only stderr to the terminal."""

    def __init__(self, *words: str, columns: int = 80, rows: int = 24, piped: bool = False, **environ: str) -> None:
        self.screen = Screen()
        self.raw = ""
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._out, out = os.pipe() if piped else (-1, -1)
        size = struct.pack("HHHH", rows, columns, 0, 0)
        self.pid, self._fd = pty.fork()
        if self.pid == 0:  # pragma: no cover
            fcntl.ioctl(0, termios.TIOCSWINSZ, size)
            if piped:
                os.dup2(out, 1)
            values = {**os.environ, "TERM": "xterm", **environ}
            for name in ("COLUMNS", "LINES"):
                values.pop(name, None)
            os.execve(sys.executable, [sys.executable, "-m", "wfctl", *words], values)
        if piped:
            os.close(out)
        self.status: int | None = None

    def until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + LIMIT_SECONDS
        while not holds():
            assert time.monotonic() < deadline, f"never happened: {what}; the screen:\n{self.screen.text}"
            self.read(0.05)

    def until_shows(self, text: str) -> None:
        self.until(lambda: text in self.screen.text, text)

    def read(self, seconds: float = 0.0) -> bool:
        """Take in what was written; whether there may be more."""
        if not select.select([self._fd], [], [], seconds)[0]:
            return self.status is None
        try:
            part = os.read(self._fd, 1 << 16)
        except OSError:  # the program has ended
            part = b""
        if not part:
            return False
        text = self._decode(part)
        self.raw += text
        self.screen.feed(text)
        return True

    def press(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    @property
    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self._fd)[3] & termios.ECHO)

    def end(self) -> int:
        """Its exit status, once it has ended and all is read."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while self.status is None or self.read():
            assert time.monotonic() < deadline, f"does not end; the screen:\n{self.screen.text}"
            if self.status is None:
                self.read(0.05)
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def data(self) -> str:
        """What went into the pipe."""
        with open(self._out, encoding="utf-8", closefd=False) as file:
            return file.read()

    def close(self) -> None:
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        os.close(self._fd)
        if self._out >= 0:
            os.close(self._out)


Start = Callable[..., Terminal]


@contextmanager
def terminals() -> Iterator[Start]:
    """Make terminals, which are closed at the end."""
    started: list[Terminal] = []

    def start(*words: str, **more: Any) -> Terminal:
        started.append(Terminal(*words, **more))
        return started[-1]

    yield start
    for one in started:
        one.close()
