"""New instance and execution IDs. The rules of what an ID may be are in `wfctl.model.ids`."""

from __future__ import annotations

import uuid


def new_id() -> str:
    """Return a random ID as Dapr makes them: a UUID with dashes."""
    return str(uuid.uuid4())
