"""What an instance ID may be.

Dapr checks IDs on a start over its HTTP and general gRPC APIs only: 1 to 64 bytes of Unicode letters, digits, `-` and
`_` (dapr/dapr pkg/api/universal/workflow.go). The task hub checks nothing, and an ID with `||` in it breaks the
runtime's listing, so that wfctl checks before every start.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

MAX_BYTES = 64


@dataclass(frozen=True, slots=True)
class BadID:
    """What is wrong with an ID: `too_long`, else a bad character (or none at all)."""

    too_long: bool
    text: str


def new_id() -> str:
    """A random ID as Dapr makes them: a UUID with dashes."""
    return str(uuid.uuid4())


def check(instance_id: str) -> BadID | None:
    """None when a start accepts this ID."""
    if not instance_id:
        return BadID(False, "an instance ID cannot be empty")
    if len(instance_id.encode()) > MAX_BYTES:
        return BadID(True, f"the instance ID is longer than {MAX_BYTES} bytes")
    bad = next((char for char in instance_id if not (char in "-_" or _letter_or_digit(char))), None)
    if bad is not None:
        return BadID(False, f"the instance ID has {bad!r} in it; only letters, digits, '-' and '_' can be used")
    return None


def _letter_or_digit(char: str) -> bool:
    # Go's unicode.IsLetter and IsDigit: categories L* and Nd.
    return char.isalpha() or char.isdecimal()
