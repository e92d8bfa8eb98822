"""Groups of failures: how many, of what, since when, and the command that runs them again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from wfctl.model.failure_groups import FailureGroup
from wfctl.render.json_records import Record, time_or_none
from wfctl.render.printer import View
from wfctl.render.table import Column
from wfctl.render.text import clean, clean_block
from wfctl.render.theme import LABEL, NAME, QUIET, RED
from wfctl.render.times import short_age

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST_LINES = 6  # of an error at a terminal


@dataclass(frozen=True, slots=True)
class Shown:
    """A group, and the command that reruns it; None for children, which are rerun with their parents."""

    group: FailureGroup
    rerun: str | None


def shown_record(one: Shown) -> Record:
    group = one.group
    return {
        "count": group.count,
        "workflowName": group.name,
        "step": group.step,
        "errorType": group.error_type or None,
        "errorMessage": group.message,
        "firstAt": time_or_none(group.first),
        "lastAt": time_or_none(group.last),
        "exampleInstanceID": group.example,
        "rerun": one.rerun,
        "alsoSelects": len(group.others),
    }


def failures_view(now: datetime) -> View[Shown]:
    def age(when: datetime | None) -> str:
        return "" if when is None else short_age(now - when)

    def picture(groups: Iterable[Shown], width: int) -> RenderableType:
        from rich.console import Group

        return Group(*(part for one in groups for part in _drawn(one, age)))

    return View(
        record=shown_record,
        id=lambda one: one.group.example,
        picture=picture,
        columns=(
            Column("COUNT", lambda one: f"{one.group.count}", right=True),
            Column("WORKFLOW", lambda one: clean(one.group.name or "")),
            Column("STEP", lambda one: clean(one.group.step or "")),
            Column("FIRST", lambda one: age(one.group.first)),
            Column("LAST", lambda one: age(one.group.last)),
            Column("EXAMPLE", lambda one: clean(one.group.example)),
            Column("ERROR", lambda one: clean(" ".join(one.group.error.split()))),
            Column("RERUN", lambda one: clean(one.rerun or ""), wide=True),
        ),
    )


def _drawn(one: Shown, age: object) -> Sequence[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    group = one.group
    assert callable(age)
    head = Text(no_wrap=True, overflow="ellipsis").append(f"{group.count:,} × ", "bold")
    head.append(clean(group.name or "(workflow not known)"), NAME)
    if group.step:
        head.append(" at ").append(clean(group.step), NAME)
    last, first = age(group.last), age(group.first)
    head.append(f"  last {last} ago" if first == last else f"  last {last} ago, first {first} ago", QUIET)
    lines = clean_block(group.error).split("\n")
    error = "\n".join([*lines[:MOST_LINES], *(["..."] if len(lines) > MOST_LINES else [])])
    parts: list[RenderableType] = [head, Padding(Text(error, RED), (0, 0, 0, 4))]
    rows = [("example", clean(group.example)), ("rerun", clean(one.rerun or "with their parents"))]
    for label, value in rows:
        # One long line, which the terminal breaks: what is copied must be one line too.
        parts.append(Text(no_wrap=True, overflow="ignore").append(f"    {label:<9}", LABEL).append(value))
    if group.others:
        words = f"    its filters select {len(group.others)} more of these groups: --dry-run shows which"
        parts.append(Text(words, QUIET))
    return [*parts, ""]
