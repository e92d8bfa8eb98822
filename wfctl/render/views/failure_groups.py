"""Groups of failures: how many, of what, since when, and the command that runs them again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from wfctl.model.failure_groups import FailureGroup
from wfctl.render.json_records import Record, time_or_none
from wfctl.render.printer import View
from wfctl.render.table import Column
from wfctl.render.text import clean, clean_block, plural
from wfctl.render.theme import LABEL, NAME, QUIET, RED
from wfctl.render.times import short_age

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

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


def summary(failed: int, groups: int) -> str:
    return f"{plural(failed, 'failed instance')} in {plural(groups, 'group')}"


def title(group: FailureGroup) -> Text:
    """Return how many failed, of what and where, on one line."""
    from rich.text import Text

    head = Text(no_wrap=True, overflow="ellipsis").append(f"{group.count:,} × ", NAME)
    head.append(clean(group.name or "(workflow not known)"), NAME)
    if group.step:
        head.append(" at ").append(clean(group.step), NAME)
    return head


def error(group: FailureGroup) -> Text:
    """Return the error; of a long one the first lines."""
    from rich.text import Text

    lines = clean_block(group.error).split("\n")
    return Text("\n".join([*lines[:MOST_LINES], *(["..."] if len(lines) > MOST_LINES else [])]), RED)


def labelled(one: Shown) -> Iterator[tuple[str, str]]:
    """Yield the example and the command, each with its label."""
    yield f"{'example':<9}", clean(one.group.example)
    yield f"{'rerun':<9}", clean(one.rerun or "with their parents")


def _drawn(one: Shown, age: Callable[[datetime | None], str]) -> Sequence[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    group = one.group
    last, first = age(group.last), age(group.first)
    head = title(group)
    head.append(f"  last {last} ago" if first == last else f"  last {last} ago, first {first} ago", QUIET)
    parts: list[RenderableType] = [head, Padding(error(group), (0, 0, 0, 4))]
    for label, value in labelled(one):
        # One long line, which the terminal breaks: what is copied must be one line too.
        parts.append(Text(no_wrap=True, overflow="ignore").append(f"    {label}", LABEL).append(value))
    if group.others:
        words = f"    its filters select {len(group.others)} more of these groups: --dry-run shows which"
        parts.append(Text(words, QUIET))
    return [*parts, ""]
