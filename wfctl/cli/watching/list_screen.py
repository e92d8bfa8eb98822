"""`list --watch` at a terminal: one page of instances, and how many there are in all."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from wfctl.cli.watching.change_feed import Key, again, key_of
from wfctl.cli.watching.interval import Pace
from wfctl.cli.watching.keyboard import BACK, NEXT
from wfctl.client.port import Workflows
from wfctl.errors import NotFound
from wfctl.model.instance import Filter, Instance
from wfctl.model.status import Status
from wfctl.render.live import Size
from wfctl.render.table import Cell
from wfctl.render.theme import HINT
from wfctl.render.views.instances import Rows, tally_line
from wfctl.render.views.waiting import utc_now

if TYPE_CHECKING:
    from rich.console import RenderableType

AROUND = 3  # the header, an empty line, the footer
SETTLE = 3.0  # seconds that a row stays with its last status after it has left the list
SETTLING = 10  # rows that may do so at once: each costs a look of its own


class Page:
    over = False

    def __init__(self, workflows: Workflows, filter: Filter, rows: Rows) -> None:
        self._workflows = workflows
        self._filter = filter
        self._rows = rows
        self._found: list[Instance] = []
        self._counts: Counter[Status] = Counter()
        self._counting = Pace(share=0.04)
        self._before: list[str | None] = []  # where the pages before this one began
        self._more = False
        self._left: dict[Key, float] = {}  # rows that settle, and until when

    def look(self, size: Size) -> None:
        room = max(size.rows - AROUND, 1)
        wanted = room if self._filter.limit is None else min(room, self._filter.limit)
        try:
            found = list(self._workflows.list(replace(self._filter, limit=wanted + 1)))
        except NotFound:
            if not self._before:
                raise
            self._filter, self._before = replace(self._filter, after=self._before[0]), []
            return self.look(size)
        self._more = len(found) > wanted
        self._found = self._settled(found[:wanted])[:room]
        if self._counting.due():
            with self._counting.look():
                counts: Counter[Status] = Counter()
                for one in self._workflows.count(self._filter):
                    counts[one.status] += one.count
                self._counts = counts
        return None

    def _settled(self, found: list[Instance]) -> list[Instance]:
        """Add the rows that have just left: they have finished, say, where RUNNING ones are asked for.

        Each stays in its place for a moment, so that one sees how it ended.
        """
        if not self._filter.statuses and self._filter.waiting_event is None:
            return found
        now, present = time.monotonic(), {key_of(one) for one in found}
        gone: dict[Key, float] = {}
        for index, one in enumerate(self._found):
            until = self._left.get(key_of(one), now + SETTLE)
            if key_of(one) in present or until <= now or len(gone) >= SETTLING:
                continue
            try:
                last = one if key_of(one) in self._left else again(self._workflows, key_of(one))
            except NotFound:
                continue
            if last.status in self._filter.statuses and self._filter.waiting_event is None:
                continue  # it is on another page now
            gone[key_of(one)] = until
            found.insert(min(index, len(found)), last)
        self._left = gone
        return found

    def draw(self, size: Size, *, hints: bool = True) -> RenderableType:
        from rich.console import Group

        from wfctl.render.drawing import line

        rows = self._rows.table(self._found, utc_now(), size.columns) if self._found else "no instances"
        footer = line(self._footer(hints))
        return Group(rows, "", footer if footer.cell_len <= size.columns else line(self._footer(hints, short=True)))

    def _footer(self, hints: bool, *, short: bool = False) -> Iterator[Cell | str]:
        if self._found or self._counts:
            yield from tally_line(self._counts, short=short)
            yield "  "
        if self._more or self._before:
            yield f"page {len(self._before) + 1}  "
        if hints:
            keys = [*(["n next"] if self._more else []), *(["p back"] if self._before else []), "q quit"]
            yield Cell("  ".join(keys), HINT)

    def turn(self, key: str) -> None:
        if key == NEXT:
            if self._more and self._found:
                last = next(one for one in reversed(self._found) if key_of(one) not in self._left)
                self._before.append(self._filter.after)
                self._filter = replace(self._filter, after=last.id)
        elif self._before:
            start = self._before.pop() if key == BACK else self._before[0]
            self._before = self._before if key == BACK else []
            self._filter = replace(self._filter, after=start)
        self._left = {}
