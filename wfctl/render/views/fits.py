"""What came of checking histories against code: groups of what no longer fits for people, all of them for scripts."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wfctl.model.fit import Action, Difference, Fit, Misfit, Place
from wfctl.render.json_records import Record
from wfctl.render.printer import View
from wfctl.render.table import Cell, Column
from wfctl.render.text import clean, shorten
from wfctl.render.theme import LABEL, NAME, QUIET, RED

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST_TEXT = 400  # characters of a difference, which may quote an error


@dataclass(slots=True)
class Group:
    """Instances of one workflow that differ alike. `total` are those of the workflow that were checked, like or not."""

    name: str | None
    live: bool
    difference: Difference
    example: str
    count: int = 0
    total: int = 0


class Tally:
    """Counts what was checked, and groups what differs."""

    def __init__(self) -> None:
        self.checked = 0
        self.differing = 0
        self._names: Counter[str | None] = Counter()
        self._groups: dict[object, Group] = {}

    def watch(self, fits: Iterable[Fit]) -> Iterator[Fit]:
        """Pass them on, and count them."""
        for one in fits:
            self.checked += 1
            self._names[one.name] += 1
            if one.difference is not None:
                self.differing += 1
                self._group(one, one.difference).count += 1
            yield one

    def _group(self, one: Fit, found: Difference) -> Group:
        live = one.status is None or not one.status.terminal
        words = found.text if found.recorded is None and found.asked is None else ""
        key = (one.name, live, found.kind, found.step, found.recorded, found.asked, found.place, words)
        return self._groups.setdefault(key, Group(one.name, live, found, one.id))

    def groups(self) -> list[Group]:
        """Return the groups, those of live instances first, then the largest."""
        for group in self._groups.values():
            group.total = self._names[group.name]
        return sorted(self._groups.values(), key=lambda group: (not group.live, -group.count))

    def summary(self, against: str) -> str:
        """Return the last line for people."""
        if not self.checked:
            return "nothing was checked"
        fit = self.checked - self.differing
        return f"{self.checked:,} checked against {against}: {fit:,} fit" + (
            f", {self.differing:,} {'does' if self.differing == 1 else 'do'} not" if self.differing else ""
        )


def verdict(group: Group, arrow: str = "->") -> str:
    """Return what would become of the instances of a group: `would stall at step 3 (A -> B)`."""
    found, one = group.difference, group.count == 1
    if found.kind is Misfit.UNREGISTERED:
        return "has no workflow in the app" if one else "have no workflow in the app"
    if found.kind is Misfit.HANGS:
        return "hangs" if one else "hang"
    what = f" ({_change(found, arrow)})" if found.recorded is not None or found.asked is not None else ""
    at = f" at step {found.step}" if found.step is not None else ""
    if group.live:
        if found.kind is Misfit.END and found.asked is not None and found.asked.kind == "failed":
            return f"would fail{what}"
        return f"would stall{at}{what}"
    if found.kind is Misfit.END:
        return f"{'ends' if one else 'end'} differently{what}"
    return f"{'differs' if one else 'differ'}{at}{what}"


def _change(found: Difference, arrow: str) -> str:
    old, new = found.recorded, found.asked
    return f"{_short(old, new)} {arrow} {_short(new, old)}"


def _short(one: Action | None, other: Action | None) -> str:
    if one is None:
        return "nothing"
    if other is not None and one.kind != other.kind and one.kind in ("activity", "child") and one.name:
        return clean(
            f"{one.name} as {'an activity' if one.kind == 'activity' else 'a child'}"
            if one.name == other.name
            else one.name
        )
    if one.kind == "failed" and one.name:
        return clean(f"fails with {one.name}")
    return clean(one.short)


def path_text(place: Place | None, base: Path) -> str | None:
    """Return the file of a place: relative to the folder `base`, if it is in there."""
    if place is None:
        return None
    inside = os.path.relpath(place.file, base) if os.path.isabs(place.file) else place.file
    return place.file if inside.startswith("..") else inside


def place_text(place: Place | None, base: Path) -> str:
    file = path_text(place, base)
    return "" if place is None or file is None else f"{clean(file)}:{place.line}"


def fit_record(one: Fit, base: Path) -> Record:
    found = one.difference
    place = None if found is None else found.place
    return {
        "instanceID": one.id,
        "workflowName": one.name,
        "runtimeStatus": None if one.status is None else one.status.name,
        "fits": found is None,
        "kind": None if found is None else found.kind.value,
        "step": None if found is None else found.step,
        "recorded": None if found is None else _action_record(found.recorded),
        "asked": None if found is None else _action_record(found.asked),
        "file": path_text(place, base),
        "line": None if place is None else place.line,
        "message": None if found is None else found.text,
    }


def _action_record(action: Action | None) -> Record | None:
    return None if action is None else {"kind": action.kind, "name": action.name}


def fit_view(base: Path) -> View[Fit]:
    """Return the view of single instances. An ID is that of one that does not fit: see the command."""

    def of(read: Callable[[Difference], str]) -> Callable[[Fit], str]:
        return lambda one: "" if one.difference is None else read(one.difference)

    return View(
        record=lambda one: fit_record(one, base),
        id=lambda one: one.id,
        columns=(
            Column("INSTANCE", lambda one: clean(one.id)),
            Column("WORKFLOW", lambda one: clean(one.name or "")),
            Column("FIT", lambda one: "yes" if one.difference is None else Cell(one.difference.kind.value, RED)),
            Column("LINE", of(lambda found: place_text(found.place, base))),
            Column("DIFFERENCE", of(lambda found: shorten(clean(found.text), MOST_TEXT))),
        ),
    )


def group_view(base: Path, look: Callable[[Group], str]) -> View[Group]:
    """Return the view of groups. `look` returns the command that shows an instance of one where it differs."""

    def picture(groups: Iterable[Group], width: int) -> RenderableType:
        from rich.console import Group as Together

        return Together(*(part for one in groups for part in _drawn(one, base, look(one))))

    return View(
        record=lambda one: {},
        picture=picture,
        columns=(
            Column("COUNT", lambda one: f"{one.count} of {one.total}", right=True),
            Column("WORKFLOW", lambda one: clean(one.name or "")),
            Column("OUTCOME", verdict),
            Column("LINE", lambda one: place_text(one.difference.place, base)),
            Column("EXAMPLE", lambda one: clean(one.example)),
        ),
    )


def _drawn(one: Group, base: Path, look: str) -> list[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    head = Text().append(f"{one.count:,} of {one.total:,} ", "bold").append(clean(one.name or "(not known)"), NAME)
    head.append(f" {verdict(one, '→')}", RED)
    if where := place_text(one.difference.place, base):
        head.append(", ").append(where, NAME)
    parts: list[RenderableType] = [head, Padding(Text(shorten(clean(one.difference.text), MOST_TEXT)), (0, 0, 0, 4))]
    for label, value in (("example", clean(one.example)), ("look", look)):
        # One long line, which the terminal breaks: what is copied must be one line too.
        parts.append(Text(no_wrap=True, overflow="ignore").append(f"    {label:<9}", LABEL).append(value, QUIET))
    return [*parts, ""]
