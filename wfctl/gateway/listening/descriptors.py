"""How many files, and with them connections, the server may have open."""

from __future__ import annotations

import contextlib

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]

# Enough for every connection that is let in; more only makes programs slow that look at each possible descriptor.
_ENOUGH = 1_048_576
# macOS takes no more than its own limit for a process, and says so by refusing.
_ATTEMPTS = (_ENOUGH, 65_536, 10_240)
# For the store, the log, the event loops and the child's pipes.
_RESERVE = 64
MOST_CONNECTIONS = 4096


def raise_limit() -> int:
    """Raise the limit of open files towards its hard value. Returns what it was before, for programs to be started."""
    if resource is None:
        return 0
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in _ATTEMPTS:
        files = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if before == resource.RLIM_INFINITY or files <= before:
            break
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
            break
    return before


def most_connections() -> int:
    """Returns how many connections each of the two listeners may have, so that both leave room for all else."""
    if resource is None:
        return MOST_CONNECTIONS
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(8, min(MOST_CONNECTIONS, (files - _RESERVE) // 2))
