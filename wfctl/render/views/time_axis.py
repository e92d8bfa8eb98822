"""From time to a place on an axis."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

FOLD = 3  # waiting that is so many times longer than work is folded


class Stretch(NamedTuple):
    """From `start` to `end`; `busy`: an activity ran. What a child did meanwhile is not known here."""

    start: datetime
    end: datetime
    busy: bool


class Scale:
    """Places between 0 and 1. Where work took milliseconds and an approval took days, a true axis would show two
    edges and nothing between: then the time in which no activity ran gets half of the axis, the work the other half.
    """

    def __init__(self, begun: datetime, ended: datetime, stretches: Iterable[Stretch]) -> None:
        ended = max(ended, begun + timedelta(microseconds=1))
        parts = [Stretch(max(s.start, begun), min(s.end, ended), s.busy) for s in stretches]
        marks = sorted({begun, ended, *(s.start for s in parts), *(s.end for s in parts)})
        self._marks = [mark for mark in marks if begun <= mark <= ended]
        lengths = [(end - start).total_seconds() for start, end in zip(self._marks, self._marks[1:], strict=False)]
        busy = _busy(self._marks, [s for s in parts if s.busy])
        work = sum(length for length, works in zip(lengths, busy, strict=True) if works)
        rest = sum(lengths) - work
        self.folded = 0 < work < rest / FOLD
        if self.folded:
            lengths = [length / (work if works else rest) for length, works in zip(lengths, busy, strict=True)]
        total = sum(lengths) or 1.0
        self._places = [0.0]
        for length in lengths:
            self._places.append(self._places[-1] + length / total)

    def at(self, when: datetime) -> float:
        """Return the place of a time, from 0 to 1; one outside of the axis is at its end."""
        marks, places = self._marks, self._places
        if when <= marks[0]:
            return 0.0
        if when >= marks[-1]:
            return 1.0
        index = bisect_right(marks, when) - 1
        share = (when - marks[index]) / (marks[index + 1] - marks[index])
        return places[index] + share * (places[index + 1] - places[index])


def _busy(marks: Sequence[datetime], stretches: Sequence[Stretch]) -> list[bool]:
    """Return for each piece between two marks whether one of these covers it."""
    steps: dict[datetime, int] = {}
    for stretch in stretches:
        if stretch.end > stretch.start:
            steps[stretch.start] = steps.get(stretch.start, 0) + 1
            steps[stretch.end] = steps.get(stretch.end, 0) - 1
    running, found = 0, []
    for mark in marks[:-1]:
        running += steps.get(mark, 0)
        found.append(running > 0)
    return found
