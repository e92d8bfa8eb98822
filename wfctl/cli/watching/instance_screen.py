"""`wfctl watch` at a terminal: one instance with its steps, or several as rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from wfctl.cli.watching.change_feed import IDChanges
from wfctl.client.port import Workflows
from wfctl.errors import NotFound, Unsupported
from wfctl.model.events import Event
from wfctl.model.instance import Instance
from wfctl.render.live import Size
from wfctl.render.table import Cell, cells_of
from wfctl.render.text import clean, shorten
from wfctl.render.theme import HINT, NAME, RED
from wfctl.render.times import age, span
from wfctl.render.views.failure import failure_lines
from wfctl.render.views.instances import Rows, status_cell, tally_line
from wfctl.render.views.timeline import timeline_of, timeline_view
from wfctl.render.views.waiting import utc_now, waiting_text

if TYPE_CHECKING:
    from rich.console import RenderableType

AROUND = 3
WAITS = 5  # lines about what is waited for
FOLDS = 5  # lines that a failure gets


class _Followed:
    def __init__(self, workflows: Workflows, ids: Sequence[str]) -> None:
        self._workflows = workflows
        self.changes = IDChanges(workflows, ids)
        self._begun = False

    @property
    def over(self) -> bool:
        return self._begun and self.changes.over

    def look(self, size: Size) -> None:
        for _ in self.changes.look() if self._begun else self.changes.begin():
            pass
        self._begun = True

    def turn(self, key: str) -> None:
        """There are no pages."""

    def _hint(self, hints: bool) -> Cell:
        return Cell("q quit" if hints and not self.over else "", HINT)


class Several(_Followed):
    """Rows in the order in which the IDs were given; where they do not all fit, those that go on come first."""

    def __init__(self, workflows: Workflows, ids: Sequence[str], rows: Rows) -> None:
        super().__init__(workflows, ids)
        self._rows = rows

    def draw(self, size: Size, *, hints: bool = True) -> RenderableType:
        from rich.console import Group

        from wfctl.render.drawing import line

        found, room = self.changes.instances, max(size.rows - AROUND, 1)
        if len(found) > room:
            found = sorted(found, key=lambda one: one.status.terminal)
        footer = (*tally_line(Counter(one.status for one in found)), "  ", self._hint(hints))
        return Group(self._rows.table(found[:room], utc_now(), size.columns), "", line(footer))


class Alone(_Followed):
    """How it stands, what it waits for, and its steps as a timeline."""

    def __init__(self, workflows: Workflows, instance_id: str) -> None:
        super().__init__(workflows, [instance_id])
        self._id = instance_id
        self._history: Sequence[Event] = ()
        self._read: Instance | None = None

    def look(self, size: Size) -> None:
        super().look(size)
        (one,) = self.changes.instances
        if self._read is not None and self._read.updated_at == one.updated_at and self._read.status is one.status:
            return
        try:
            self._history = self._workflows.history(self._id)
        except (NotFound, Unsupported):  # it was purged; a sidecar without gRPC tells no history
            self._history = ()
        self._read = one

    def draw(self, size: Size, *, hints: bool = True) -> RenderableType:
        from rich.console import Group

        from wfctl.render.drawing import line, table
        from wfctl.render.table import Layout

        (one,) = self.changes.instances
        now = one.time(utc_now())
        parts: list[RenderableType] = [line(_head(one, now)), *self._state(one, size, now)]
        timeline = timeline_of(one, self._history, now)
        if timeline.bars:
            columns = timeline_view(timeline, size.columns).columns
            rows = [cells_of(columns, bar) for bar in timeline.bars]
            room = max(size.rows - len(parts) - 5, 1)
            parts += ["", table(Layout(columns, rows, size.columns), rows[-room:])]
            if len(rows) > room:
                parts.append(line([Cell(f"the last {room} of {len(rows):,} steps", HINT)]))
        if (hint := self._hint(hints)).text:
            parts += ["", line([hint])]
        return Group(*parts)

    def _state(self, one: Instance, size: Size, now: datetime) -> Iterator[RenderableType]:
        from rich.text import Text

        if one.failure is not None:
            first, *more = failure_lines(one)
            yield Text(shorten(first, size.columns * FOLDS), RED)
            for words in more[:FOLDS]:
                yield Text(words, no_wrap=True, overflow="ellipsis")
        else:
            from wfctl.render.drawing import line

            for waiting in one.waiting_for[:WAITS]:
                yield line([f"waits for {waiting_text(waiting, now)}"])


def _head(one: Instance, now: datetime) -> Iterator[Cell | str]:
    begun = one.started_at or one.created_at
    if one.completed_at is not None and begun is not None:
        long = span(one.completed_at - begun)
    else:
        long = "" if begun is None else age(now - begun)
    yield Cell(clean(one.id), NAME)
    yield f"  {clean(one.name)}  " if one.name else "  "
    yield status_cell(one.status)
    yield f"  {long}"
