"""What changes among instances, one change at a time: for scripts, where a terminal gets a screen.

A look does not read everything again. It reads the instances in the order of their last update, newest first, until
it comes to what it knows. Now and then all are listed, for what cannot be found that way: those that were purged.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from wfctl.cli.watching.interval import Pace
from wfctl.client.port import Workflows
from wfctl.errors import InvalidInput, NotFound
from wfctl.model import refusals
from wfctl.model.instance import Filter, Instance, Sort
from wfctl.model.matching import matches
from wfctl.model.status import Status

# An event is as old as its sender says, and is committed a little later: look back so far.
OVERLAP = timedelta(seconds=1)
SWEEP_SECONDS = 60.0
SWEEP_SHARE = 0.03  # of the time, at most
LOOK_SHARE = 0.15


class Kind(str, Enum):
    LISTED = "listed"  # it was there when the watch began
    APPEARED = "appeared"
    CHANGED = "changed"
    LEFT = "left"  # it matches the filter no longer
    PURGED = "purged"


@dataclass(frozen=True, slots=True)
class Change:
    """`instance` as it is now; of a purged one, what was known last."""

    kind: Kind
    instance: Instance


@dataclass(frozen=True, slots=True)
class _Known:
    """What is kept of an instance, so that ten thousand of them cost little."""

    mark: int
    name: str | None
    status: Status


def _known(one: Instance) -> _Known:
    waits = tuple((w.kind, w.name, w.instance_id, w.attempt, w.until) for w in one.waiting_for if w.kind != "driver")
    return _Known(hash((one.status, one.updated_at, one.custom_status, waits)), one.name, one.status)


Key = tuple[str | None, str]  # an instance's app and its ID, which another app may have too


def key_of(one: Instance) -> Key:
    return one.app_id, one.id


def again(workflows: Workflows, key: Key) -> Instance:
    """Read an instance again that a list had. Raises NotFound."""
    app_id, instance_id = key
    try:
        found: Instance | None = workflows.get(instance_id)
    except InvalidInput:  # several apps have one of this ID
        same = workflows.list(Filter(id_prefix=instance_id, sort=Sort.ID))
        found = next((one for one in same if key_of(one) == key), None)
    if found is None or found.app_id != app_id:
        raise refusals.not_found(instance_id)
    return found


class ListChanges:
    """The changes among the instances that match a filter."""

    over = False

    def __init__(self, workflows: Workflows, filter: Filter) -> None:
        self._workflows = workflows
        self._filter = filter
        self._recent = replace(filter.lasting, sort=Sort.UPDATED, reverse=False)
        self._all: dict[Key, _Known] = {}
        self._newest: datetime | None = None
        self._sweeps = Pace(1.0, SWEEP_SHARE)
        self._swept = time.monotonic()

    def begin(self) -> Iterator[Change]:
        newest = next(iter(self._workflows.list(replace(self._recent, limit=1))), None)
        self._newest = None if newest is None else newest.updated_at
        for one in self._workflows.list(self._filter):
            self._all[key_of(one)] = _known(one)
            yield Change(Kind.LISTED, one)

    def look(self) -> Iterator[Change]:
        yield from self._recently_changed()
        if self._sweeps.due() and self._something_is_missing():
            with self._sweeps.look():
                yield from self._sweep()

    def _recently_changed(self) -> Iterator[Change]:
        floor = None if self._newest is None else self._newest - OVERLAP
        newest = None
        for one in self._workflows.list(self._recent):
            newest = newest or one.updated_at
            if floor is not None and one.updated_at is not None and one.updated_at < floor:
                break
            yield from self._compare(one)
        self._newest = newest or self._newest

    def _compare(self, one: Instance) -> Iterator[Change]:
        before = self._all.get(key_of(one))
        if not matches(self._filter, one):
            if before is not None:
                del self._all[key_of(one)]
                yield Change(Kind.LEFT, one)
            return
        now = _known(one)
        if now != before:
            self._all[key_of(one)] = now
            yield Change(Kind.APPEARED if before is None else Kind.CHANGED, one)

    def _something_is_missing(self) -> bool:
        if time.monotonic() - self._swept >= SWEEP_SECONDS:
            return True
        return sum(one.count for one in self._workflows.count(self._filter)) < len(self._all)

    def _sweep(self) -> Iterator[Change]:
        missing = dict(self._all)
        for one in self._workflows.list(self._filter):
            missing.pop(key_of(one), None)
            yield from self._compare(one)
        for key, known in missing.items():
            if key in self._all:
                try:
                    yield from self._compare(again(self._workflows, key))
                except NotFound:
                    del self._all[key]
                    yield Change(Kind.PURGED, Instance(key[1], known.name, known.status, app_id=key[0]))
        self._swept = time.monotonic()


class IDChanges:
    """The changes of these instances, until each of them has ended. A missing one is an error at first only."""

    def __init__(self, workflows: Workflows, ids: Sequence[str]) -> None:
        self._workflows = workflows
        self._open = list(ids)
        self._last: dict[str, Instance] = {}

    @property
    def over(self) -> bool:
        return not self._open

    @property
    def instances(self) -> list[Instance]:
        """Each as it was seen last."""
        return list(self._last.values())

    def begin(self) -> Iterator[Change]:
        """Raises NotFound."""
        for instance_id in list(self._open):
            yield Change(Kind.LISTED, self._see(self._workflows.get(instance_id)))

    def look(self) -> Iterator[Change]:
        for instance_id in list(self._open):
            before = self._last[instance_id]
            try:
                now = self._workflows.get(instance_id)
            except NotFound:
                self._open.remove(instance_id)
                yield Change(Kind.PURGED, before)
                continue
            if _known(now) != _known(before):
                yield Change(Kind.CHANGED, now)
            self._see(now)

    def _see(self, one: Instance) -> Instance:
        self._last[one.id] = one
        if one.status.terminal:
            self._open.remove(one.id)
        return one
