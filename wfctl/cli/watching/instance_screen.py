"""`wfctl watch` at a terminal: one instance with its steps, or several as rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from wfctl.cli.watching.change_feed import IDChanges
from wfctl.client.port import Workflows
from wfctl.errors import NotFound, Unsupported
from wfctl.model.events import Event
from wfctl.model.instance import Instance
from wfctl.render.live import Size, fold
from wfctl.render.text import clean
from wfctl.render.theme import BOLD, DIM, RED, paint
from wfctl.render.times import age, span
from wfctl.render.views.instances import Rows, failure_line, status_cell, tally_line
from wfctl.render.views.timeline import timeline_lines, timeline_of
from wfctl.render.views.waiting import utc_now, waiting_text

AROUND = 3
FOLDS = 5  # lines that a failure, or what is waited for, gets


class _Followed:
    def __init__(self, workflows: Workflows, ids: Sequence[str], color: bool) -> None:
        self._workflows = workflows
        self.changes = IDChanges(workflows, ids)
        self._color = color
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

    def _hint(self, hints: bool) -> str:
        return paint("q quits", DIM, self._color) if hints and not self.over else ""


class Several(_Followed):
    """Rows in the order in which the IDs were given; where they do not all fit, those that go on come first."""

    def __init__(self, workflows: Workflows, ids: Sequence[str], rows: Rows, color: bool) -> None:
        super().__init__(workflows, ids, color)
        self._rows = rows

    def draw(self, size: Size, *, hints: bool = True) -> list[str]:
        found, room = self.changes.instances, max(size.rows - AROUND, 1)
        if len(found) > room:
            found = sorted(found, key=lambda one: one.status.terminal)
        counts = Counter(one.status for one in found)
        footer = f"{tally_line(counts, self._color)}  {self._hint(hints)}".rstrip()
        return [*self._rows.lines(found[:room], utc_now(), size.columns), "", footer]


class Alone(_Followed):
    """How it stands, what it waits for, and its steps as a timeline."""

    def __init__(self, workflows: Workflows, instance_id: str, color: bool) -> None:
        super().__init__(workflows, [instance_id], color)
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

    def draw(self, size: Size, *, hints: bool = True) -> list[str]:
        (one,) = self.changes.instances
        now = utc_now()
        lines = [self._head(one), *self._state(one, size)]
        timeline = timeline_of(one, self._history, now)
        if timeline.bars:
            head, *rows = timeline_lines(timeline, color=self._color, room=size.columns)
            room = max(size.rows - len(lines) - 4, 1)
            lines += ["", head, *rows[-room:]]
            if len(rows) > room:
                lines.append(paint(f"the last {room} of {len(rows):,} steps", DIM, self._color))
        hint = self._hint(hints)
        return [*lines, "", hint] if hint else lines

    def _head(self, one: Instance) -> str:
        cell = status_cell(one.status)
        begun = one.started_at or one.created_at
        if one.completed_at is not None and begun is not None:
            long = span(one.completed_at - begun)
        else:
            long = "" if begun is None else age(utc_now() - begun)
        name = paint(clean(one.id), BOLD, self._color)
        words = [name, clean(one.name or ""), paint(cell.text, cell.style, self._color), long]
        return "  ".join(word for word in words if word)

    def _state(self, one: Instance, size: Size) -> list[str]:
        if one.failure is not None:
            return [paint(line, RED, self._color) for line in fold(failure_line(one.failure), size.columns, FOLDS)]
        return [f"waits for {waiting_text(waiting, utc_now())}" for waiting in one.waiting_for[:FOLDS]]
