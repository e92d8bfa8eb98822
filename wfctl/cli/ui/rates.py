"""How many instances began, completed and failed in each of the last minutes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from wfctl.model.instance import Filter, Instance
from wfctl.model.status import Status
from wfctl.render.table import Cell
from wfctl.render.theme import HINT, status_style

MINUTES = 30
AT_ONCE = 10  # minutes that are looked up at a time, until all are known
_BARS = "▁▂▃▄▅▆▇█"
_MINUTE = timedelta(minutes=1)
SERIES = ("started", "completed", "failed")
_STYLES = {
    "started": status_style(Status.RUNNING),
    "completed": status_style(Status.COMPLETED),
    "failed": status_style(Status.FAILED),
}
Minute = dict[str, int]


class Rates:
    """The minutes that are known, by their number since 1970. The last one is not over yet, and is asked for again."""

    def __init__(self) -> None:
        self._known: dict[int, Minute] = {}
        self._over: set[int] = set()

    def wanted(self, now: datetime) -> list[int]:
        """Return the minutes to look up, the latest first."""
        last = _number(now)
        return [one for one in range(last, last - MINUTES, -1) if one not in self._over][:AT_ONCE]

    def put(self, minute: int, counted: Minute, now: datetime) -> None:
        last = _number(now)
        self._known[minute] = counted
        if minute < last - 1:  # what ended in a minute may be committed a little after it
            self._over.add(minute)
        for old in [one for one in self._known if one <= last - MINUTES]:
            self._known.pop(old)
            self._over.discard(old)

    def count_all(self, instances: Iterable[Instance], now: datetime) -> None:
        """Count instances that are all here."""
        first = _number(now) - MINUTES + 1
        found: dict[int, Counter[str]] = {first + index: Counter() for index in range(MINUTES)}
        for one in instances:
            if one.created_at is not None and (minute := found.get(_number(one.created_at))) is not None:
                minute["started"] += 1
            if one.completed_at is not None and (minute := found.get(_number(one.completed_at))) is not None:
                minute[_end(one.status)] += 1
        self._known = {number: dict(counted) for number, counted in found.items()}

    def series(self, name: str, now: datetime, minutes: int) -> list[int]:
        last = _number(now)
        return [self._known.get(one, {}).get(name, 0) for one in range(last - minutes + 1, last + 1)]

    def parts(self, now: datetime, room: int) -> Iterator[Cell | str]:
        """Yield a line of `room` cells: a sparkline for each series, and how many it was in the last whole minute."""
        rates = {name: f" {self.series(name, now, 2)[0]:,}/min" for name in SERIES}
        words = sum(len(name) + 1 + len(rates[name]) + 2 for name in SERIES)
        minutes = min(MINUTES, (room - words) // len(SERIES))
        for index, name in enumerate(SERIES):
            yield ("  " if index else "") + f"{name} "
            if minutes >= 5:
                yield Cell(sparkline(self.series(name, now, minutes)), _STYLES[name])
            yield Cell(rates[name], HINT)


def look_up(minute: int, count: Callable[[Filter], Iterable[tuple[Status, int]]]) -> Minute:
    """Ask a store about one minute, by the index of creation and that of the end."""
    begin = datetime.fromtimestamp(minute * 60).astimezone()
    found: Counter[str] = Counter()
    for _, number in count(Filter(created_after=begin, created_before=begin + _MINUTE)):
        found["started"] += number
    for status, number in count(Filter(finished_after=begin, finished_before=begin + _MINUTE)):
        found[_end(status)] += number
    return dict(found)


def sparkline(values: list[int]) -> str:
    """Draw a bar of eighths for each value; the highest is a whole one, and what is not zero is seen."""
    most = max(values, default=0)
    return "".join(" " if not value else _BARS[max((value * 8 + most - 1) // most - 1, 0)] for value in values)


def _number(when: datetime) -> int:
    return int(when.timestamp()) // 60


def _end(status: Status) -> str:
    return "completed" if status is Status.COMPLETED else "failed" if status is Status.FAILED else "ended"
