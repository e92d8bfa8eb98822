"""Check the IDs and names that users give."""

from __future__ import annotations

from wfctl.errors import InvalidInput
from wfctl.model import ids
from wfctl.render.text import clean

SAFE_PIPE = "wfctl list -o jsonl | wfctl purge -"


def check_new_id(instance_id: str) -> str:
    """Return the ID for a new instance: letters, digits, `_` and `-`, at most 64 bytes. Raises InvalidInput."""
    return _checked(instance_id, ids.fault_of_new(instance_id))


def check_id(instance_id: str) -> str:
    """Return an ID to look up: any plain line (children's have a `:`). Raises InvalidInput."""
    if not instance_id:
        raise InvalidInput("an instance ID is empty", hint="wfctl list -o id")
    fault = ids.fault(instance_id)
    if fault is not None:
        raise InvalidInput(fault.text, hint=f"where there is such an instance, JSON names it: {SAFE_PIPE}")
    return instance_id


def check_name(name: str, what: str) -> str:
    """Return the name of a workflow or an event. Raises InvalidInput."""
    if not name.strip():
        raise InvalidInput(f"the {what} is empty")
    if clean(name) != name:
        raise InvalidInput(f"the {what} '{clean(name)}' has control characters or undecodable bytes in it")
    return name


def _checked(instance_id: str, fault: ids.Fault | None) -> str:
    if fault is not None:
        raise InvalidInput(fault.text, hint=fault.hint)
    return instance_id
