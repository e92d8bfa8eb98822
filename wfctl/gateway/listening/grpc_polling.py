"""How grpc's core waits for its sockets.

By default a thread of its event engine waits, and hands what comes to others, which wake the one that takes the events.
In its older way the one that takes the events waits itself: a quarter more chains at 100 in flight. It is chosen by an
environment variable, which the core reads once, when it is imported, and which is about experiments: of a name that it
does not know it complains on stderr. So it is set only for versions of grpcio that are known to know it.

Nobody answers the pings of a connection then while the thread that takes the events cannot go on. Code of an app in
this process may hold the interpreter lock for seconds: with such an app, the default stays.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from importlib import metadata

_VARIABLE = "GRPC_EXPERIMENTS"
_OLDER_WAY = "-event_engine_listener"
# Versions of grpcio, in which the name was looked for.
_FROM, _BEFORE = (1, 66), (1, 86)


def knows_older_way(version: str, platform: str = sys.platform) -> bool:
    """Return True if this grpcio has the older way, and it was measured on this system."""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    return platform == "linux" and _FROM <= numbers < _BEFORE


@contextlib.contextmanager
def older_way() -> Iterator[None]:
    """Let grpc's core wait in its older way, if it is imported in this block. What the user has set is left alone; what
    is set here is gone afterwards: apps that are started later do not inherit it."""
    try:
        applies = _VARIABLE not in os.environ and knows_older_way(metadata.version("grpcio"))
    except metadata.PackageNotFoundError:
        applies = False
    if not applies:
        yield
        return
    os.environ[_VARIABLE] = _OLDER_WAY
    try:
        yield
    finally:
        del os.environ[_VARIABLE]
