"""How much of a thing a test takes: what the gate has time for, or with WFCTL_FULL_SIZE set all that was promised."""

from __future__ import annotations

import os

FULL_SIZE = bool(os.environ.get("WFCTL_FULL_SIZE"))  # read before any test empties its environment


def size(gate: int, full: int) -> int:
    """Return the first number, or with WFCTL_FULL_SIZE set the second."""
    return full if FULL_SIZE else gate
