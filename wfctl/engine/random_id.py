"""New instance and execution IDs. The rules of what an ID may be are in `wfctl.model.ids`."""

from __future__ import annotations

import os

_VARIANT = "89ab"


def new_id() -> str:
    """Return a random ID as Dapr makes them: a UUID with dashes."""
    h = os.urandom(16).hex()  # a third of the time of `uuid.uuid4`, and each instance needs two
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{_VARIANT[int(h[16], 16) & 3]}{h[17:20]}-{h[20:]}"
