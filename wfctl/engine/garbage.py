"""How often Python looks for cyclic garbage in a process that drives a store, or goes through many instances."""

from __future__ import annotations

import gc

# Python's own is (700, 10, 10). What a turn makes is freed by reference counts, and thousands of live instances are
# gone through for nothing: a fifth of the time of 1,000 chains of 5 activities.
THRESHOLD = (50_000, 20, 50)


def collect_rarely() -> None:
    """Look seldom, and never at what is there already: imports and the app stay."""
    gc.freeze()
    gc.set_threshold(*THRESHOLD)
