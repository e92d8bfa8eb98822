"""The IDs and names that users give, checked before anything is done with them."""

from __future__ import annotations

from wfctl.errors import InvalidInput
from wfctl.model import ids
from wfctl.render.text import clean

SAFE_PIPE = "wfctl list -o jsonl | wfctl purge -"


def check_new_id(instance_id: str) -> str:
    """An ID for a new instance: letters, digits, `_` and `-`, at most 64 bytes."""
    return _checked(instance_id, ids.fault_of_new(instance_id))


def check_id(instance_id: str) -> str:
    """An ID to look up: children's have a `:`. Anything that is one plain line may exist."""
    if not instance_id:
        raise InvalidInput("an instance ID is empty", hint="wfctl list -o id")
    fault = ids.fault(instance_id)
    if fault is not None:
        raise InvalidInput(fault.text, hint=f"where there is such an instance, JSON names it: {SAFE_PIPE}")
    return instance_id


def check_ids(instance_ids: list[str]) -> list[str]:
    """All of them checked, each once, in the order given."""
    return list(dict.fromkeys(check_id(instance_id) for instance_id in instance_ids))


def check_name(name: str, what: str) -> str:
    """The name of a workflow or an event."""
    if not name.strip():
        raise InvalidInput(f"the {what} is empty")
    if clean(name) != name:
        raise InvalidInput(f"the {what} '{clean(name)}' has control characters or undecodable bytes in it")
    return name


def _checked(instance_id: str, fault: ids.Fault | None) -> str:
    if fault is not None:
        raise InvalidInput(fault.text, hint=fault.hint)
    return instance_id
