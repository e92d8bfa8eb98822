"""The instances behind the table: a window of rows, of as many instances as there may be, and how many of which.

A store is asked for a page, by its indexes, at every look. A sidecar lists IDs alone: all of its instances are read at
most every half minute, and what is in sight more often.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Protocol

from wfctl.cli.ui.link import Links
from wfctl.cli.ui.rates import Minute, Rates, look_up
from wfctl.cli.watching.interval import Pace
from wfctl.client.port import Scan, Workflows
from wfctl.errors import NotFound
from wfctl.model.instance import Filter, Instance, Sort
from wfctl.model.matching import matches, ordered
from wfctl.model.status import LIVE, Status

SCAN_SECONDS = 30.0
COUNT_SHARE = 0.01  # of the time, that counting all may cost
MINUTE_SHARE = 0.04  # counting what lives, and what began and ended in some minutes
MOST_PAGES = 3  # that a window has
ALWAYS = datetime(1971, 1, 1, tzinfo=timezone.utc)  # before anything finished
Key = tuple[bool, bool, str | None, str | None]


@dataclass
class Totals:
    """How many there are on the target. `matching` is how many the filter finds; None: not known yet."""

    by_status: Counter[Status] = field(default_factory=Counter)
    counted: bool = False
    names: list[str] = field(default_factory=list)
    matching: int | None = None
    rates: Rates = field(default_factory=Rates)


class Book(Protocol):
    """What the table needs of a target."""

    sorts: Sequence[tuple[str, str]]  # the orders that cost little here, each with what it is; see `in_order`
    rows: list[Instance]
    totals: Totals
    above: bool  # whether there are rows above these, and below
    below: bool

    def show(self, filter: Filter) -> None:
        """Show the first of what matches."""
        ...

    async def look(self, links: Links, height: int, now: datetime) -> None: ...

    async def tally(self, links: Links, filter: Filter, now: datetime) -> None:
        """Count, as far as it is time to."""
        ...

    async def move(self, links: Links, height: int, down: bool, end: bool) -> None:
        """Have the rows behind the last one, or before the first; with `end` the very last, or the first of all."""
        ...

    def state(self) -> str:
        """Return what a person has to know of the age of this; nothing where it is of now."""
        ...


NEWEST, OLDEST, FINISHED, BY_ID, BY_NAME, UPDATED = "newest", "oldest", "finished", "id", "name", "updated"
_WHAT = {
    NEWEST: "the latest start first",
    OLDEST: "the earliest start first",
    FINISHED: "the latest end first; only what has ended",
    UPDATED: "the latest event first",
    BY_ID: "by their IDs",
    BY_NAME: "by the workflows' names",
}
_ORDERS: dict[str, tuple[Sort, bool]] = {
    NEWEST: (Sort.CREATED, False),
    OLDEST: (Sort.CREATED, True),
    FINISHED: (Sort.FINISHED, False),
    UPDATED: (Sort.UPDATED, False),
    BY_ID: (Sort.ID, False),
    BY_NAME: (Sort.NAME, False),
}


def _sorts(*words: str) -> Sequence[tuple[str, str]]:
    return [(word, _WHAT[word]) for word in words]


def in_order(filter: Filter, order: str) -> Filter:
    """Return the filter with an order. What has not ended has no place among what has."""
    sort, reverse = _ORDERS[order]
    if sort is Sort.FINISHED and filter.finished_after is None:
        filter = replace(filter, finished_after=ALWAYS)
    return replace(filter, sort=sort, reverse=reverse)


def order_words(order: str) -> list[str]:
    """Return the options of `list` for it."""
    sort, reverse = _ORDERS[order]
    words = [] if sort is Sort.CREATED else ["--sort", sort.value]
    return [*words, "--reverse"] if reverse else words


class StoreBook:
    """A store on this machine."""

    # By the last event is not among them: no index has that, and a million histories would be looked at.
    sorts = _sorts(NEWEST, OLDEST, FINISHED, BY_ID, BY_NAME)

    def __init__(self) -> None:
        self.rows: list[Instance] = []
        self.totals = Totals()
        self.above = self.below = False
        self._filter = Filter()
        self._anchor: str | None = None  # the row above the first one here
        self._size = 0
        self._all = Pace(1.0, COUNT_SHARE)
        self._some = Pace(0.5, MINUTE_SHARE)
        self._matching = Pace(1.0, COUNT_SHARE)

    def show(self, filter: Filter) -> None:
        self._filter, self._anchor, self._size = filter, None, 0
        self._matching = Pace(1.0, COUNT_SHARE)
        self.totals.matching = None

    async def look(self, links: Links, height: int, now: datetime) -> None:
        self._size = min(max(self._size, 2 * height), MOST_PAGES * height)
        filter = self._filter
        while True:
            wanted = replace(filter, after=self._anchor, limit=self._size + 1)
            try:
                found = await links.look.ask(_listing(wanted))
                break
            except NotFound:
                if self._anchor is None:
                    raise
                self._anchor = None  # it was purged
        if filter is not self._filter:
            return
        self.rows, self.below = found[: self._size], len(found) > self._size
        self.above = self._anchor is not None

    async def move(self, links: Links, height: int, down: bool, end: bool) -> None:
        if end:
            self._anchor = await self._before_last(links) if down else None
        elif down:
            if not self.below:
                return
            if self._size + height <= MOST_PAGES * height:
                self._size += height
            else:
                self._anchor = self.rows[height - 1].id
        elif self._anchor is not None and self.rows:
            self._anchor = await self._above_first(links, height)
        await self.look(links, height, datetime.now(timezone.utc))

    async def _before_last(self, links: Links) -> str | None:
        """Return the row before the last ones."""
        found = await self._backwards(links, replace(self._filter, after=None, limit=self._size + 1))
        return found[self._size].id if len(found) > self._size else None

    async def _above_first(self, links: Links, height: int) -> str | None:
        found = await self._backwards(links, replace(self._filter, after=self.rows[0].id, limit=height + 1))
        return found[height].id if len(found) > height else None

    async def _backwards(self, links: Links, filter: Filter) -> list[Instance]:
        wanted = replace(filter, reverse=not filter.reverse)
        try:
            return await links.look.ask(lambda target: [*target.list(wanted, payloads=False, waiting=False)])
        except NotFound:
            return []

    async def tally(self, links: Links, filter: Filter, now: datetime) -> None:
        """Live instances are few, and are counted often; all of them only as often as that costs little."""
        if self._all.due():
            with self._all.look():
                counted = await links.scan.ask(lambda target: target.count(Filter()))
            self.totals.by_status = Counter()
            for one in counted:
                self.totals.by_status[one.status] += one.count
            self.totals.names = sorted({one.name for one in counted if one.name})
            self.totals.counted = True
        if self._some.due():
            with self._some.look():
                live = await links.scan.ask(lambda target: target.count(Filter(statuses=LIVE)))
                minutes = self.totals.rates.wanted(now)
                for minute in minutes:
                    found = await links.scan.ask(_minute(minute))
                    self.totals.rates.put(minute, found, now)
            for status in LIVE:
                self.totals.by_status[status] = sum(one.count for one in live if one.status is status)
        if replace(filter, sort=Sort.CREATED, reverse=False) == Filter():
            self.totals.matching = sum(self.totals.by_status.values())
        elif self._matching.due():
            with self._matching.look():
                found_now = await links.scan.ask(lambda target: sum(one.count for one in target.count(filter)))
            if filter == self._filter:
                self.totals.matching = found_now

    def state(self) -> str:
        return ""


def _listing(filter: Filter) -> Callable[[Workflows], list[Instance]]:
    return lambda target: [*target.list(filter, payloads=False)]


def _minute(minute: int) -> Callable[[Workflows], Minute]:
    def look(target: Workflows) -> Minute:
        return look_up(minute, lambda filter: ((one.status, one.count) for one in target.count(filter)))

    return look


class SidecarBook:
    """A target that lists IDs alone. What was read of all of them is kept; filters and orders are applied to that."""

    sorts: Sequence[tuple[str, str]] = tuple(
        (word, _WHAT[word]) for word in (NEWEST, OLDEST, FINISHED, UPDATED, BY_ID, BY_NAME)
    )

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.rows: list[Instance] = []
        self.totals = Totals()
        self.above = self.below = False
        self._clock = clock
        self._filter = Filter()
        self._all: dict[str, Instance] = {}
        self._found: list[Instance] = []
        self._key: Key | None = None  # of what was read: see `_key_of`
        self._read_at: float | None = None
        self._looked_at: int | None = None  # instances, in the scan that goes on now
        self._start = self._size = 0
        self._fresh: dict[str, Instance] = {}  # what was asked for by itself since the last scan

    def show(self, filter: Filter) -> None:
        self._filter, self._start = filter, 0
        self._arrange()

    async def look(self, links: Links, height: int, now: datetime) -> None:
        self._size = max(self._size, 2 * height)
        if self._read_at is None:
            await self.tally(links, self._filter, now)
        ids = [one.id for one in self.rows[:height] if not one.status.terminal or one.id not in self._fresh]
        for instance_id in ids:
            await self._refresh(links, instance_id)
        self._arrange()

    async def _refresh(self, links: Links, instance_id: str) -> None:
        try:
            one = await links.look.ask(lambda target: target.get(instance_id))
        except NotFound:
            self._all.pop(instance_id, None)
            self._fresh.pop(instance_id, None)
            return
        before = self._all.get(instance_id)
        slim = replace(one, input=None, output=None, parent_id=one.parent_id or (before.parent_id if before else None))
        self._all[instance_id] = self._fresh[instance_id] = slim

    async def tally(self, links: Links, filter: Filter, now: datetime) -> None:
        """Read all instances, if it is time to."""
        key = _key_of(self._filter)
        due = self._read_at is None or self._clock() - self._read_at >= SCAN_SECONDS or self._key != key
        if not due or self._looked_at is not None:
            return
        self._looked_at = 0
        told, orphans, parent, custom = key
        wanted = Filter(orphans=orphans, parent_id=parent, custom_status=custom)
        scan = Scan(self._tell)
        try:
            found = await links.scan.ask(
                lambda target: [
                    *target.list(wanted, payloads=False, waiting=told, in_order=False, scan=scan),
                ]
            )
        finally:
            self._looked_at = None
        self._read_at, self._key = self._clock(), key
        fresh = {one.id: self._fresh[one.id] for one in found if one.id in self._fresh and _same(one, self._fresh)}
        self._fresh = fresh
        self._all = {one.id: fresh.get(one.id, one) for one in found}
        if not (orphans or parent or custom):
            self.totals.by_status = Counter(one.status for one in found)
            self.totals.names = sorted({one.name for one in found if one.name})
            self.totals.rates.count_all(found, now)
            self.totals.counted = True
        self._arrange()

    def _tell(self, looked_at: int, matching: int) -> None:
        self._looked_at = looked_at

    def _arrange(self) -> None:
        """Take what matches, in order, and of that the window."""
        judged = replace(self._filter, orphans=False, custom_status=None)
        now = datetime.now(timezone.utc)
        self._found = ordered(self._filter, (one for one in self._all.values() if matches(judged, one, now)))
        self.totals.matching = len(self._found) if self._key == _key_of(self._filter) else None
        self._start = max(min(self._start, len(self._found) - 1), 0)
        self.rows = self._found[self._start : self._start + self._size]
        self.above, self.below = self._start > 0, self._start + self._size < len(self._found)

    async def move(self, links: Links, height: int, down: bool, end: bool) -> None:
        last = max(len(self._found) - self._size, 0)
        step = len(self._found) if end else height
        self._start = max(min(self._start + (step if down else -step), last), 0)
        self._arrange()

    def state(self) -> str:
        if self._looked_at is not None:
            return f"reading, {self._looked_at:,} so far"
        return "" if self._read_at is None else f"all read {int(self._clock() - self._read_at)}s ago"


def _key_of(filter: Filter) -> Key:
    """Return what has to be asked for each instance, or of the target, to judge a filter here."""
    return filter.told, filter.orphans, filter.parent_id, filter.custom_status


def _same(one: Instance, fresh: dict[str, Instance]) -> bool:
    known = fresh[one.id]
    return (known.status, known.updated_at) == (one.status, one.updated_at)
