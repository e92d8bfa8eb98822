"""The filter options of `list` and `count`, and of every verb that may take a filter."""

from __future__ import annotations

from datetime import datetime
from difflib import get_close_matches

from wfctl.cli.parsing.duration import parse_moment
from wfctl.errors import InvalidInput
from wfctl.model.instance import Filter, Sort
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
    known = [status.name for status in Status]
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else ", ".join(known)
    raise InvalidInput(f"{what} {clean(text)!r} is not a status", hint=hint)


def parse_statuses(texts: list[str] | None) -> frozenset[Status]:
    """`--status A --status B` and `--status A,B` alike."""
    return frozenset(parse_status(word) for text in texts or () for word in text.split(","))


def parse_sort(text: str | None) -> Sort:
    if text is None:
        return Sort.CREATED
    try:
        return Sort(text.lower())
    except ValueError:
        known = ", ".join(sort.value for sort in Sort)
        raise InvalidInput(f"--sort {clean(text)!r} is not an order", hint=known) from None


def parse_count(text: str | None, flag: str, default: int | None) -> int | None:
    """How many of them; 0 is all."""
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise InvalidInput(f"{flag} {clean(text)!r} is not a count", hint=f"{flag} 50, or 0 for all")
    return int(text) or None


def build_filter(
    now: datetime,
    *,
    statuses: list[str] | None = None,
    name: str | None = None,
    id_prefix: str | None = None,
    created_after: str | None = None,
    created_before: str | None = None,
    finished_after: str | None = None,
    finished_before: str | None = None,
    parent: str | None = None,
    waiting_event: str | None = None,
    sort: Sort = Sort.CREATED,
    reverse: bool = False,
    limit: int | None = None,
    after: str | None = None,
) -> Filter:
    def moment(text: str | None, flag: str) -> datetime | None:
        return None if text is None else parse_moment(text, flag, now)

    return Filter(
        statuses=parse_statuses(statuses),
        name=name,
        id_prefix=id_prefix,
        created_after=moment(created_after, "--created-after"),
        created_before=moment(created_before, "--created-before"),
        finished_after=moment(finished_after, "--finished-after"),
        finished_before=moment(finished_before, "--finished-before"),
        parent_id=parent,
        waiting_event=waiting_event,
        sort=sort,
        reverse=reverse,
        limit=limit,
        after=after,
    )
