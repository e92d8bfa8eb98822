"""Open the bundle that an argument names."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wfctl.cli.session import Session
from wfctl.errors import InvalidInput
from wfctl.render.text import clean

if TYPE_CHECKING:
    from wfctl.bundle import BundleReader


@contextmanager
def opened_bundle(session: Session, file: str) -> Iterator[BundleReader]:
    """Open a bundle: a file, or `-` for stdin. Raises InvalidInput."""
    from wfctl.bundle import BundleReader

    if file == "-":
        if session.stdin.isatty():
            session.console.note("reading a bundle from the terminal; Ctrl-D ends it")
        yield BundleReader(getattr(session.stdin, "buffer", sys.stdin.buffer), "stdin")
        return
    try:
        stream = open(file, "rb")  # noqa: SIM115
    except OSError as error:
        raise InvalidInput(f"{clean(file)} cannot be read: {error.strerror or error}") from None
    with stream:
        yield BundleReader(stream, clean(file))
