"""Read from a sidecar: one instance, lists, counts, histories."""

from __future__ import annotations

import builtins
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import TYPE_CHECKING

from wfctl.client.port import Scan
from wfctl.client.sidecar.connection import Note, SidecarConnection
from wfctl.client.sidecar.endpoint import Endpoint
from wfctl.client.sidecar.errors import no_logs, no_logs_over_grpc
from wfctl.errors import InvalidInput, NotFound, Unsupported, WfctlError
from wfctl.model import refusals, rerun_ids
from wfctl.model.choices import Reach
from wfctl.model.failure import cause_text
from wfctl.model.instance import Count, Failed, Filter, Instance, Sort, Waiting
from wfctl.model.matching import after, matches, ordered
from wfctl.model.status import LIVE, Status
from wfctl.model.times import YEAR_ONE
from wfctl.wire.http_routes import Operation

if TYPE_CHECKING:
    from wfctl.bundle import Exports
    from wfctl.client.sidecar.grpc_api import HubApi
    from wfctl.client.sidecar.http_api import HttpApi
    from wfctl.client.sidecar.kubectl import PortForward
    from wfctl.model.awaited import AwaitedEvent, EventGroup
    from wfctl.model.events import Event
    from wfctl.model.logs import LogLine
    from wfctl.model.workers import AppWorkers


FREE = 2  # numbers of reruns that must be free, one after the other, for a search to end over HTTP
AT_ONCE = 8  # over gRPC, which asks for so many at once
_SLACK = timedelta(seconds=1)  # two ways to ask may round a time differently


def was_made_since(rerun: Instance, source: Instance) -> bool:
    """Return False for a rerun of an earlier instance with the source's ID. Dapr gives a rerun its source's time."""
    if rerun.created_at is None or source.created_at is None:
        return True
    return rerun.created_at >= source.created_at - _SLACK


class SidecarReader:
    """Implement the reading half of `SidecarWorkflows`."""

    def __init__(self, endpoint: Endpoint, *, note: Note, tunnel: PortForward | None = None) -> None:
        self._sidecar = SidecarConnection(endpoint)
        self._endpoint = endpoint
        self._note = note
        self._tunnel = tunnel

    def get(self, instance_id: str, *, payloads: bool = True) -> Instance:
        """Return an instance, over HTTP; what it waits for, or why it failed, is read from its history over gRPC.

        If gRPC is connected already, it is used for all: it also tells when the instance began to run and its version.
        """
        hub = self._sidecar.open_hub if payloads else None
        if hub is not None and instance_id:
            found = hub.get(instance_id, app_id=self._sidecar.app_id)
        else:
            found = self._fetch(instance_id, payloads=payloads)
        if not payloads:
            return found
        found = self._attended(self._explained(found))
        if not found.status.terminal:
            return replace(found, rerun_of=rerun_ids.original(instance_id), rerun_as=())
        since = () if ":" in instance_id else tuple(one.id for one in self._reruns(found))
        return replace(found, rerun_of=rerun_ids.original(instance_id), rerun_as=since)

    def _attended(self, one: Instance) -> Instance:
        """Return a live instance that waits for a worker where none is attached that could go on with it."""
        if one.status.terminal:
            return one
        from wfctl.model.waiting import needs_worker

        lacks = one.unattended or (
            needs_worker(one.waiting_for, one.status, datetime.now(timezone.utc))
            and self._sidecar.metadata().workers == 0
        )
        return replace(one, waiting_for=(Waiting("worker"), *one.waiting_for)) if lacks else one

    def _reruns(self, source: Instance) -> builtins.list[Instance]:
        """Return the reruns made after this instance, by their IDs, without payloads.

        The search ends where some numbers in a row are free: one rerun may have been purged, hardly a dozen.
        """
        found: builtins.list[Instance] = []
        number, free = rerun_ids.number(source.id), 0
        at_once = 1 if self._sidecar.open_hub is None else AT_ONCE
        while free < (FREE if at_once == 1 else AT_ONCE):
            asked = [rerun_ids.rerun_id(source.id, number + step) for step in range(1, at_once + 1)]
            number += at_once
            for name, instance in zip(asked, self._fetch_several(asked), strict=True):
                if instance is None or instance.id != name:
                    free += 1
                    continue
                free = 0
                if was_made_since(instance, source):
                    found.append(instance)
        return found

    def _fetch_several(self, ids: Sequence[str]) -> builtins.list[Instance | None]:
        """Return the instances, None for one that does not exist: at once over gRPC, if that is connected."""
        hub = self._sidecar.open_hub
        if hub is not None and self._sidecar.app_id is None:
            return [later.result() for later in [hub.later(one, payloads=False) for one in ids]]
        found: builtins.list[Instance | None] = []
        for one in ids:
            try:
                found.append(self._fetch(one))
            except NotFound:
                found.append(None)
        return found

    def _fetch(self, instance_id: str, *, payloads: bool = False) -> Instance:
        _check_given(instance_id)
        http = self._sidecar.http
        if http is not None:
            return http.get(instance_id, self._sidecar.app_id)
        hub = self._sidecar.hub(Operation.GET)
        return hub.get(instance_id, payloads=payloads, app_id=self._sidecar.app_id)

    def _explained(self, instance: Instance) -> Instance:
        failed = instance.status is Status.FAILED
        if instance.status.terminal and not failed:
            return instance
        hub = None if self._sidecar.app_id is not None else self._sidecar.hub_if_there(Operation.HISTORY)
        if failed:
            return self._with_cause(instance, hub)
        if hub is None:
            return instance
        from wfctl.client.sidecar.waiting import explain

        explained = explain(instance, hub, lambda child: self._fetch(child).status)
        if not instance.received:
            return explained
        from wfctl.model.waiting import with_received

        return replace(explained, waiting_for=with_received(explained.waiting_for, instance.received))

    def _with_cause(self, instance: Instance, hub: HubApi | None) -> Instance:
        from wfctl.client.sidecar.failures import with_cause
        from wfctl.client.sidecar.waiting import SECONDS

        history = None
        if hub is not None:
            with suppress(WfctlError):
                history = hub.history(instance.id, seconds=SECONDS)
        return with_cause(instance, hub, history)

    def list(
        self,
        filter: Filter,
        *,
        payloads: bool = True,
        waiting: bool = True,
        in_order: bool = True,
        scan: Scan | None = None,
    ) -> Iterator[Instance]:
        """Yield the instances that match. With an order, all of them are fetched before the first is yielded.

        Without one (`Sort.ANY`), the search ends with the last row within the limit.

        Payloads, why one failed and what a live one waits for are fetched only for the rows within the limit.
        """
        from wfctl.client.sidecar.listing import completed

        last = None if filter.after is None else self._fetch(filter.after)
        family = rerun_ids.Family()
        found: Iterable[Instance] = self._stream(filter, family, scan)
        if filter.sort is Sort.ANY:
            in_order, found = False, islice(found, filter.limit)
        if in_order:
            if filter.sort is Sort.DUE:  # told by the histories of those that live
                found = completed(self._sidecar.hub(Operation.LIST), found, filter, payloads=False, waiting=True)
            rows = ordered(filter, found)
            found = (rows if last is None else after(rows, last, filter))[: filter.limit]
        if payloads or waiting:
            found = completed(self._sidecar.hub(Operation.LIST), found, filter, payloads=payloads, waiting=waiting)
        for one in found:
            # Without an order, a row is there before all IDs are known.
            since = family.later(one.id) if in_order else None
            shown = self._attended(one) if waiting else one
            yield replace(shown, rerun_of=rerun_ids.original(one.id), rerun_as=since)

    def _stream(
        self, filter: Filter, family: rerun_ids.Family | None = None, scan: Scan | None = None
    ) -> Iterator[Instance]:
        """Return the instances that match, in no order, without payloads, ignoring `limit` and `after`.

        `family` takes note of all IDs that there are.
        """
        from wfctl.client.sidecar.listing import completed, instances

        hub = self._sidecar.hub(Operation.LIST)
        self._sidecar.own_app_only("list")
        pages: Iterator[builtins.list[str]] = hub.ids()
        if family is not None:
            pages = _noting(family, pages)
        if filter.parent_id is not None:
            # A get does not tell the parent; the parent's history tells its children.
            pages = iter([self._children(filter.parent_id)])
        follow = _Follow(scan or Scan(lambda looked_at, found: None))
        rows = follow.found(instances(hub, pages, replace(filter, parent_id=None), follow.looked_at))
        if filter.parent_id is not None:
            rows = (replace(row, parent_id=filter.parent_id) for row in rows)
        if not filter.told and filter.custom_status is None:
            return rows
        payloads = filter.custom_status is not None
        told = completed(hub, rows, filter.plain, payloads=payloads, waiting=filter.told)
        return (one for one in map(self._with_children, told) if matches(filter, one) and self._is_orphan(filter, one))

    def _with_children(self, one: Instance) -> Instance:
        """Return a live instance with the statuses of the children that it waits for."""
        if all(waiting.kind != "child" for waiting in one.waiting_for):
            return one
        waits = (
            replace(waiting, status=self._status(waiting.instance_id)) if waiting.instance_id else waiting
            for waiting in one.waiting_for
        )
        return replace(one, waiting_for=tuple(waits))

    def _status(self, instance_id: str) -> Status | None:
        try:
            return self._fetch(instance_id).status
        except NotFound:
            return None

    def _is_orphan(self, filter: Filter, one: Instance) -> bool:
        """Return False for a child whose parent lives, where orphans are asked for."""
        if not filter.orphans or one.parent_id is None:
            return not filter.orphans
        parent = self._status(one.parent_id)
        return parent is None or parent.terminal

    def _children(self, parent_id: str) -> builtins.list[str]:
        from wfctl.model.events import ChildWorkflowInstanceCreated

        try:
            history = self.history(parent_id)
        except NotFound:
            return []
        children = (event.instance_id for event in history if isinstance(event, ChildWorkflowInstanceCreated))
        return builtins.list(dict.fromkeys(children))

    def names_apps(self) -> bool:
        return False

    def parents(self, instance_ids: Sequence[str]) -> Mapping[str, str]:
        """Return the parents, from the histories; from the IDs alone before Dapr 1.17 and without gRPC."""
        from wfctl.client.sidecar.listing import parent_by_id, parents

        hub = None if self._sidecar.app_id is not None else self._sidecar.hub_if_there(Operation.HISTORY)
        if hub is not None:
            with suppress(Unsupported):
                return parents(hub, instance_ids)
        by_id = ((one, parent_by_id(one)) for one in instance_ids)
        return {one: parent for one, parent in by_id if parent is not None}

    def count(self, filter: Filter) -> Sequence[Count]:
        counted = Counter((row.status, row.name) for row in self._stream(filter))
        order = sorted(counted.items(), key=lambda item: (item[0][0], item[0][1] or ""))
        return [Count(status, name, number) for (status, name), number in order]

    def failures(self, filter: Filter) -> Iterator[Failed]:
        from wfctl.client.sidecar.listing import completed

        failed = replace(filter, statuses=frozenset({Status.FAILED}), limit=None, after=None)
        if filter.statuses and Status.FAILED not in filter.statuses:
            return
        rows = self._stream(failed)
        if not filter.told:  # else the causes have been read already
            hub = self._sidecar.hub(Operation.LIST)
            rows = completed(hub, rows, failed.plain, payloads=False, waiting=True)
        found = [*rows]
        ids = {one.id for one in found}
        for one in found:
            if one.failure is not None:
                step = one.failed_step
                name, kind = (None, None) if step is None else (step.name, step.kind)
                error, parent = cause_text(one.failure), one.parent_id
                yield Failed(one.id, one.name, name, error, one.completed_at, kind, parent is not None, parent in ids)

    def events(self, filter: Filter) -> Sequence[AwaitedEvent]:
        from wfctl.model.awaited import oldest_first

        own = self._own_http()
        if own is not None:
            return own.events(filter)
        return oldest_first(self._scan_events(filter))[: filter.limit]

    def event_groups(self, filter: Filter) -> Sequence[EventGroup]:
        from wfctl.model.awaited import grouped

        own = self._own_http()
        return grouped(self._scan_events(filter)) if own is None else own.event_groups(filter)

    def _own_http(self) -> HttpApi | None:
        """Return the HTTP API of a `wfctl serve`, which answers more than Dapr's."""
        http = self._sidecar.http
        return http if http is not None and self._sidecar.metadata().wfctl is not None else None

    def _scan_events(self, filter: Filter) -> Iterator[AwaitedEvent]:
        from wfctl.client.sidecar.listing import events
        from wfctl.model.awaited import selects

        live = replace(filter, statuses=(filter.statuses or LIVE) & LIVE, limit=None, after=None)
        if live.statuses:
            self._note("a Dapr sidecar is asked for the history of each live instance")
            hub = self._sidecar.hub(Operation.HISTORY)
            found = events(hub, self._stream(live))
            yield from (one for one in found if selects(one, filter.waiting_event))

    def history(self, instance_id: str) -> Sequence[Event]:
        _check_given(instance_id)
        hub = self._sidecar.hub(Operation.HISTORY)
        self._sidecar.own_app_only("history")
        return hub.history(instance_id)

    def logs(
        self, instance_id: str, *, after: int = 0, step: str | None = None, level: int = 0, limit: int | None = None
    ) -> Sequence[LogLine]:
        """Return what the code of an instance logged, where `wfctl serve --app` runs it."""
        _check_given(instance_id)
        http = self._sidecar.http
        if self._sidecar.metadata().wfctl is None:
            raise no_logs(self._sidecar.where)
        if http is None:
            raise no_logs_over_grpc(self._sidecar.where)
        return http.logs(instance_id, after=after, step=step, level=level, limit=limit)

    def workers(self) -> Sequence[AppWorkers]:
        from wfctl.model.workers import AppWorkers

        own = self._own_http()
        if own is not None:
            return own.workers()
        found = self._sidecar.metadata()
        return [AppWorkers(found.app_id, found.workers)]

    def export(self, instance_ids: Sequence[str] | None, filter: Filter, reach: Reach) -> Exports:
        """Yield the instances, with one connection and many requests at a time. IDs that are given are looked at first.

        With a filter, all that match are listed first, so that they come in the order of their creation."""
        from wfctl.client.sidecar.exporting import Exporting

        hub = self._sidecar.hub(Operation.HISTORY)
        self._sidecar.own_app_only("export")
        listed: dict[str, tuple[str, ...]] = {}
        if instance_ids is None:
            oldest_first = replace(filter, sort=Sort.CREATED, reverse=True, limit=None, after=None)
            rows = self.list(oldest_first, payloads=False, waiting=False)
            listed = {one.id: one.rerun_as or () for one in rows}
            instance_ids = [*listed]
        else:
            instance_ids = self._oldest_first(instance_ids)

        def reruns(one: Instance) -> tuple[str, ...]:
            if one.id in listed or ":" in one.id or not one.status.terminal:
                return listed.get(one.id, ())
            return tuple(rerun.id for rerun in self._reruns(one))

        logs = None if "logs" in self.untold() else self.logs
        exporting = Exporting(hub, reruns, logs, self._sidecar.metadata().app_id)
        yield from exporting.export(instance_ids, reach)

    def _oldest_first(self, instance_ids: Sequence[str]) -> builtins.list[str]:
        """Return the IDs in the order of their creation: a parent before its children. Raises NotFound."""
        from wfctl.client.sidecar.listing import IN_FLIGHT

        found: builtins.list[Instance] = []
        for at in range(0, len(instance_ids), IN_FLIGHT):
            part = instance_ids[at : at + IN_FLIGHT]
            for name, one in zip(part, self._fetch_several(part), strict=True):
                if one is None:
                    raise refusals.not_found(name)
                found.append(one)
        found.sort(key=lambda one: one.created_at or YEAR_ONE)
        return [one.id for one in found]

    def untold(self) -> Sequence[str]:
        serves_logs = self._sidecar.metadata().wfctl is not None and self._sidecar.http is not None
        return ("inbox",) if serves_logs else ("inbox", "logs")


class _Stopped(Exception):
    """Raised where a scan was stopped."""


class _Follow:
    """Tell a scan how far it is, and let it end in the middle."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._matching = 0

    def looked_at(self) -> None:
        """Raises _Stopped."""
        self._scan.looked_at += 1
        self._scan.tell(self._scan.looked_at, self._matching)
        if self._scan.stopped:
            raise _Stopped

    def found(self, rows: Iterator[Instance]) -> Iterator[Instance]:
        while True:
            try:
                row = next(rows, None)
            except _Stopped:
                row = None
            if row is None:
                self._scan.end()
                return
            self._matching += 1
            yield row


def _noting(family: rerun_ids.Family, pages: Iterator[list[str]]) -> Iterator[list[str]]:
    for page in pages:
        family.watch(page)
        yield page


def _check_given(instance_id: str) -> None:
    if not instance_id:
        raise InvalidInput("an instance ID cannot be empty")
