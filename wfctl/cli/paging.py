"""Send long tables at a terminal through a pager, as git does."""

from __future__ import annotations

import io
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from wfctl.cli.session import Session

_HEADER_SINCE = 600  # the version of less that keeps lines at the top


def pager_command(session: Session, *, wide: bool = False) -> list[str] | None:
    """Return the pager's command line; None if there is to be none.

    WFCTL_PAGER decides, then PAGER, then less if it is there; an empty one, and `cat`, is none. There is none either
    where stdout is no terminal, or a dumb one, and in CI. `wide`: lines are longer than the screen.
    """
    environ = session.environ
    if not session.console.out_tty or environ.get("TERM") == "dumb" or environ.get("CI", "") not in ("", "0", "false"):
        return None
    given = next((environ[name] for name in ("WFCTL_PAGER", "PAGER") if name in environ), "less")
    try:
        words = shlex.split(given)
    except ValueError:
        return None
    if not words or words == ["cat"] or shutil.which(words[0]) is None:
        return None
    if words == ["less"]:
        words += ["--header=1"] if _less_version(environ) >= _HEADER_SINCE else []
        words += ["-S"] if wide else []
    return words


def _less_version(environ: Mapping[str, str]) -> int:
    with suppress(OSError, subprocess.SubprocessError):
        answer = subprocess.run(["less", "--version"], capture_output=True, text=True, timeout=5, env=dict(environ))
        if (match := re.match(r"less (\d+)", answer.stdout)) is not None:
            return int(match[1])
    return 0


class Pager(io.TextIOBase):
    """A stream that opens the pager when what was written no longer fits the terminal, and not before."""

    def __init__(self, command: list[str], environ: Mapping[str, str], out: TextIO) -> None:
        self._command = command
        self._environ = {"LESS": "FRX", "LV": "-c", **environ}
        self._out = out
        self._room = shutil.get_terminal_size().lines - 1
        self._kept: list[str] = []
        self._process: subprocess.Popen[str] | None = None

    @property
    def opened(self) -> bool:
        return self._process is not None

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._process is None:
            self._kept.append(text)
            self._room -= text.count("\n")
            if self._room < 0:
                self._open()
        else:
            self._stdin.write(text)
        return len(text)

    def flush(self) -> None:
        if self._process is not None:
            self._stdin.flush()

    @property
    def _stdin(self) -> TextIO:
        assert self._process is not None
        return cast(TextIO, self._process.stdin)

    def _open(self) -> None:
        self._out.flush()
        try:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, env=self._environ, text=True, encoding="utf-8", errors="replace"
            )
        except OSError:  # it was there a moment ago: go without
            self._process = None
            self._room = 1 << 60
            return
        self._stdin.write("".join(self._kept))
        self._kept = []

    def finish(self) -> None:
        """Write what has fitted the terminal, or wait until the user leaves the pager."""
        process = self._process
        if process is None:
            self._out.write("".join(self._kept))
            self._out.flush()
            return
        with suppress(OSError):
            self._stdin.close()
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the pager's now
        try:
            process.wait()
        finally:
            signal.signal(signal.SIGINT, before)


class Page:
    """`whole`: everything was printed, and the user has neither left the pager before nor interrupted."""

    whole = True


@contextmanager
def paged(session: Session, command: list[str] | None) -> Iterator[Page]:
    """Send what the command prints through the pager. Ctrl-C ends the list, and shows what there is of it."""
    page = Page()
    if command is None:
        yield page
        return
    console = session.console
    pager = Pager(command, session.environ, console.out)
    before, console.out = console.out, cast(TextIO, pager)
    try:
        yield page
        pager.flush()
    except (BrokenPipeError, KeyboardInterrupt) as error:
        page.whole = False
        if isinstance(error, KeyboardInterrupt) and not pager.opened:
            raise
    finally:
        console.out = before
        pager.finish()
