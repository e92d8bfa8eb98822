"""Keeping the app's own output away from stdout, which is for the command's data: `ID=$(wfctl start X)`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

STDOUT, STDERR = 1, 2


@contextmanager
def app_prints_to_stderr(stdout: TextIO, stderr: TextIO) -> Iterator[TextIO]:
    """Within: `print` in the app, and the programs that it runs, write to stderr. Gives the stream for data."""
    before, sys.stdout = sys.stdout, stderr
    try:
        if _is_descriptor(stdout, STDOUT) and _is_descriptor(stderr, STDERR):
            with _moved_aside(stdout) as data:
                yield data
        else:
            yield stdout
    finally:
        sys.stdout = before


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
        except BrokenPipeError:
            let_go(data)
            data.close()
            raise


def let_go(stream: TextIO) -> None:
    """Point a stream whose reader has gone at nothing, so that Python's last flush has nobody to complain to."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        pass
