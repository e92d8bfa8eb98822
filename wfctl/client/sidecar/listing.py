"""List on a server that lists IDs only: fetch pages of IDs, then the instances, many at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from queue import SimpleQueue
from typing import TYPE_CHECKING

from wfctl.client.sidecar.failures import with_cause
from wfctl.client.sidecar.waiting import explained
from wfctl.errors import NotAuthenticated, TimedOut, Unreachable, Unsupported, WfctlError
from wfctl.model.awaited import AwaitedEvent, awaited_of
from wfctl.model.events import Event
from wfctl.model.instance import Filter, Instance
from wfctl.model.matching import matches, may_be, may_match
from wfctl.model.status import Status

if TYPE_CHECKING:
    from wfctl.client.sidecar.grpc_api import HubApi, Later

IN_FLIGHT = 32  # as the official CLI


def instances(
    hub: HubApi, pages: Iterable[list[str]], filter: Filter, looked_at: Callable[[], None] = lambda: None
) -> Iterator[Instance]:
    """Yield the instances that may match, in no order, without payloads. One that is purged meanwhile is left out.

    What it waits for, why it failed and its custom status are not told here, and conditions on them not judged.
    `looked_at` is called for each instance, whether it matches or not.
    """
    at_once = replace(filter.plain, custom_status=None)
    for instance in _all(hub, pages, filter):
        looked_at()
        if matches(at_once, instance) and may_be(filter, instance.status):
            yield instance


def completed(
    hub: HubApi, rows: Iterable[Instance], filter: Filter, *, payloads: bool, waiting: bool
) -> Iterator[Instance]:
    """Complete the rows, and yield them in their order. One that no longer matches is left out.

    `waiting` adds why an instance failed or what it waits for; `payloads` adds its payloads.
    """
    still = replace(filter.plain, parent_id=None, custom_status=None)
    ahead: deque[tuple[Instance, Later[Instance] | None, Later[list[Event]] | None]] = deque()
    try:
        for row in rows:
            failed = waiting and row.status is Status.FAILED and row.failure is None
            again = payloads or failed
            waits = waiting and not row.status.terminal and not row.waiting_for
            ahead.append(
                (
                    row,
                    hub.later(row.id, payloads=True) if again else None,
                    hub.history_later(row.id) if waits or failed else None,
                )
            )
            if len(ahead) >= IN_FLIGHT:
                yield from (one for one in _complete(hub, *ahead.popleft()) if matches(still, one))
        while ahead:
            yield from (one for one in _complete(hub, *ahead.popleft()) if matches(still, one))
    finally:
        for _, instance, history in ahead:
            for later in (instance, history):
                if later is not None:
                    later.cancel()


def events(hub: HubApi, rows: Iterable[Instance]) -> Iterator[AwaitedEvent]:
    """Yield the external events of live instances, from their histories. One whose history is gone is left out."""
    ahead: deque[tuple[Instance, Later[list[Event]]]] = deque()

    def take() -> Iterator[AwaitedEvent]:
        row, later = ahead.popleft()
        try:
            history = later.result()
        except (Unreachable, Unsupported, TimedOut, NotAuthenticated):
            raise
        except WfctlError:
            return
        yield from awaited_of(row, history or (), row.received)

    try:
        for row in rows:
            ahead.append((row, hub.history_later(row.id)))
            if len(ahead) >= IN_FLIGHT:
                yield from take()
        while ahead:
            yield from take()
    finally:
        for _, later in ahead:
            later.cancel()


def parents(hub: HubApi, ids: Iterable[str]) -> dict[str, str]:
    """Return the parent's ID of each child. If a history cannot be read, the parent is taken from the child's ID."""
    found: dict[str, str | None] = {}
    ahead: deque[tuple[str, Later[str | None]]] = deque()

    def take() -> None:
        instance_id, later = ahead.popleft()
        try:
            found[instance_id] = later.result()
        except (Unreachable, Unsupported, TimedOut, NotAuthenticated):
            raise
        except WfctlError:
            found[instance_id] = parent_by_id(instance_id)

    try:
        for instance_id in ids:
            ahead.append((instance_id, hub.parent_later(instance_id)))
            if len(ahead) >= IN_FLIGHT:
                take()
        while ahead:
            take()
    finally:
        for _, later in ahead:
            later.cancel()
    return {instance_id: parent for instance_id, parent in found.items() if parent is not None}


def parent_by_id(instance_id: str) -> str | None:
    """Return the parent's ID that Dapr puts into a child's ID, unless the workflow's code chose another ID."""
    return instance_id.rpartition(":")[0] or None


def _complete(
    hub: HubApi, row: Instance, instance: Later[Instance] | None, history: Later[list[Event]] | None
) -> Iterator[Instance]:
    full = row if instance is None else instance.result()
    if full is None:
        return
    full = replace(full, parent_id=full.parent_id or row.parent_id, waiting_for=row.waiting_for)
    if row.failure is not None:
        full = replace(full, failure=row.failure, failed_step=row.failed_step)
    if history is not None and (full.status is Status.FAILED or not full.status.terminal):
        try:
            events = history.result()
        except WfctlError:  # an extra: the row is shown without it
            events = None
        if full.status is Status.FAILED and row.failure is None:
            full = with_cause(full, hub, events)
        elif events is not None:
            full = explained(full, events, lambda child, app_id: None)
    yield full


def _all(hub: HubApi, pages: Iterable[list[str]], filter: Filter) -> Iterator[Instance]:
    fetching = _Fetching(hub)
    try:
        for page in pages:
            for instance_id in page:
                if may_match(filter, instance_id):
                    yield from fetching.add(instance_id)
        yield from fetching.rest()
    finally:
        fetching.cancel()


class _Fetching:
    """Fetch instances, at most `IN_FLIGHT` at once, and yield each as soon as it is there."""

    def __init__(self, hub: HubApi) -> None:
        self._hub = hub
        self._done: SimpleQueue[str] = SimpleQueue()
        self._running: dict[str, Later[Instance]] = {}

    def add(self, instance_id: str) -> Iterator[Instance]:
        """Fetch one more. Yields the instances that have arrived, if it had to wait for a place."""
        if instance_id in self._running:
            return
        while len(self._running) >= IN_FLIGHT:
            yield from self._next()
        later = self._hub.later(instance_id, payloads=False)
        self._running[instance_id] = later
        later.then(lambda: self._done.put(instance_id))

    def rest(self) -> Iterator[Instance]:
        while self._running:
            yield from self._next()

    def _next(self) -> Iterator[Instance]:
        instance = self._running.pop(self._done.get()).result()  # each call has a deadline: this ends
        if instance is not None:
            yield instance

    def cancel(self) -> None:
        for later in self._running.values():
            later.cancel()
