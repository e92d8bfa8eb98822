"""The rules for instance IDs."""

from __future__ import annotations

import unicodedata

from wfctl.errors import InvalidInput
from wfctl.render.text import clean

LONGEST = 64  # bytes of UTF-8, as in Dapr


def check_new_id(instance_id: str) -> str:
    """An ID for a new instance: letters, digits, `_` and `-`, at most 64 bytes."""
    check_id(instance_id)
    wrong = next((char for char in instance_id if not _allowed(char)), None)
    if wrong is not None:
        raise InvalidInput(
            f"the ID {clean(instance_id)!r} has a {clean(wrong)!r} in it", hint="letters, digits, - and _"
        )
    size = len(instance_id.encode())
    if size > LONGEST:
        raise InvalidInput(f"the ID {clean(instance_id)!r} is {size} bytes long", hint=f"{LONGEST} bytes at most")
    return instance_id


def check_id(instance_id: str) -> str:
    """An ID to look up: children's have a `:`. Anything but nothing and control characters may exist."""
    if not instance_id:
        raise InvalidInput("an instance ID is empty", hint="wfctl list -o id")
    if clean(instance_id) != instance_id:
        raise InvalidInput(f"the ID '{clean(instance_id)}' has control characters or undecodable bytes in it")
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


def _allowed(char: str) -> bool:
    return char in "_-" or unicodedata.category(char) in ("Lu", "Ll", "Lt", "Lm", "Lo", "Nd")
