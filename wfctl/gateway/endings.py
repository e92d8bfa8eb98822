"""One line of the log for each instance that ends or stalls: all of them at a terminal, elsewhere those that failed."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

from wfctl.engine.store.instances import Row
from wfctl.gateway.log import Log
from wfctl.model.failure import headline
from wfctl.model.instance import Instance
from wfctl.model.status import Status
from wfctl.render.times import span

# Of one commit, told one by one; more are told by their number.
MOST_LINES = 20


class Ended(NamedTuple):
    """What of a row is told. `took` is in microseconds, `app` as the store has it."""

    instance_id: str
    name: str
    status: Status
    took: int | None
    stall: str | None
    app: str


class Endings:
    """`changed` is called on the engine's thread; the lines are written on the server's loop."""

    def __init__(self, log: Log, read: Callable[[str, str], Instance | None]) -> None:
        self._log = log
        self._read = read
        self._loop = asyncio.get_running_loop()
        self._wanted = (
            {Status.COMPLETED, Status.FAILED, Status.TERMINATED, Status.STALLED}
            if log.for_people
            else {Status.FAILED, Status.STALLED}
        )

    def changed(self, rows: Sequence[Row]) -> None:
        """Take note of what a commit has written."""
        ended = [_ended(row) for row in rows if row.status in self._wanted]
        if ended:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the server has stopped
                self._loop.call_soon_threadsafe(self._tell, ended)

    def _tell(self, ended: Sequence[Ended]) -> None:
        # Those that failed come first where there are too many.
        ordered = sorted(ended, key=lambda one: one.status is Status.COMPLETED)
        for one in ordered[:MOST_LINES]:
            self._tell_one(one)
        rest = Counter(one.status.name for one in ordered[MOST_LINES:])
        if rest:
            self._log.info("more instances ended", **rest)

    def _tell_one(self, one: Ended) -> None:
        fields: dict[str, object] = {} if self._log.for_people else {"instance": one.instance_id}
        if one.app:
            fields["app"] = one.app
        fields["workflow"] = one.name
        if one.took is not None:
            fields["took"] = span(timedelta(microseconds=one.took))
        if one.status is Status.FAILED:
            self._log.warning(f"{one.instance_id} FAILED", **fields, cause=self._cause(one))
        elif one.status is Status.STALLED:
            self._log.warning(f"{one.instance_id} STALLED", **fields, reason=one.stall or "")
        else:
            self._log.info(f"{one.instance_id} {one.status.name}", **fields)

    def _cause(self, one: Ended) -> str:
        try:
            found = self._read(one.instance_id, one.app)
        except Exception as error:  # the store cannot be read just now: the line is said all the same
            return f"unknown: {error}"
        if found is None or found.failure is None:
            return "unknown"
        return headline(found.failure, found.failed_step)


def _ended(row: Row) -> Ended:
    began = row.started_at or row.created_at
    took = None if row.completed_at is None else row.completed_at - began
    return Ended(row.id, row.name, row.status, took, row.stall, row.app)
