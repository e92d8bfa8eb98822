"""Advice on failures whose message does not name their known cause."""

from __future__ import annotations

import re

from wfctl.model.failure import Failure

_DICT_FOR_OBJECT = re.compile(r"\'dict\' object has no attribute \'(\w+)\'")
MARKER = "__durabletask_autoobject__"


def advice(failure: Failure) -> str | None:
    """Return advice on a failure, the same for wfctl and Dapr; None if the message is enough."""
    found = _DICT_FOR_OBJECT.search(failure.message)
    if found is None:
        return None
    name = found[1]
    return (
        f"a JSON object is a dict to a workflow or an activity, here and on Dapr: use [{name!r}], or annotate the "
        f'argument with a Pydantic model, or let the JSON say "{MARKER}": true, as the SDK marks a dataclass'
    )
