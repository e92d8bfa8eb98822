"""Parse statuses, orders and counts."""

from __future__ import annotations

from wfctl.cli.options.choices import ORDER
from wfctl.errors import InvalidInput
from wfctl.model.instance import Sort
from wfctl.model.status import Status
from wfctl.render.text import clean


def parse_status(text: str, what: str = "--status") -> Status:
    """A status in any case."""
    name = text.strip().upper().replace("-", "_")
    if name == "CANCELLED":
        name = "CANCELED"
    try:
        return Status[name]
    except KeyError:
        pass
    from difflib import get_close_matches

    known = [status.name for status in Status]
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else ", ".join(known)
    raise InvalidInput(f"{what} {clean(text)!r} is not a status", hint=hint)


def parse_statuses(texts: list[str] | None) -> frozenset[Status]:
    """`--status A --status B` and `--status A,B` alike."""
    return frozenset(parse_status(word) for text in texts or () for word in text.split(","))


def parse_sort(text: str | None) -> Sort:
    return Sort.CREATED if text is None else Sort(ORDER.parse(text, "--sort"))


def parse_count(text: str | None, flag: str, default: int | None) -> int | None:
    """Parse a count; None (all) for 0. Raises InvalidInput."""
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise InvalidInput(f"{flag} {clean(text)!r} is not a count", hint=f"{flag} 50, or 0 for all")
    return int(text) or None
