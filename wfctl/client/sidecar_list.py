"""Listing on a server that knows IDs only: pages of IDs, then the instances, many at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from wfctl.model.instance import Filter, Instance
from wfctl.model.matching import matches, may_match

if TYPE_CHECKING:
    from wfctl.client.cache import Cache
    from wfctl.client.sidecar_grpc import HubApi

IN_FLIGHT = 32  # as the official CLI


def instances(
    hub: HubApi,
    pages: Iterable[list[str]],
    filter: Filter,
    *,
    payloads: bool,
    cache: Cache | None,
    target: str,
    explain: Callable[[Instance], Instance] | None,
) -> Iterator[Instance]:
    """Those that match, as they come, in no order. One that vanishes meanwhile is left out.

    `explain` adds what an instance waits for; it costs a call and is used where the filter asks for it only.
    """
    for instance in _all(hub, pages, filter, payloads=payloads, cache=cache, target=target):
        if filter.waiting_event is not None and explain is not None:
            if instance.status.terminal or not matches(_without_waiting(filter), instance):
                continue
            instance = explain(instance)
        if matches(filter, instance):
            yield instance


def _without_waiting(filter: Filter) -> Filter:
    from dataclasses import replace

    return replace(filter, waiting_event=None)


def _all(
    hub: HubApi, pages: Iterable[list[str]], filter: Filter, *, payloads: bool, cache: Cache | None, target: str
) -> Iterator[Instance]:
    fetching = _Fetching(hub, payloads)
    try:
        for page in pages:
            wanted = [instance_id for instance_id in page if may_match(filter, instance_id)]
            known = cache.known(target, wanted) if cache is not None and not payloads else {}
            fresh: list[Instance] = []
            for instance_id in wanted:
                if instance_id in known:
                    yield known[instance_id]
                    continue
                for instance in fetching.add(instance_id):
                    fresh.append(instance)
                    yield instance
            if cache is not None:
                cache.remember(target, fresh)
        rest: list[Instance] = []
        for instance in fetching.rest():
            rest.append(instance)
            yield instance
        if cache is not None:
            cache.remember(target, rest)
    finally:
        fetching.cancel()


class _Fetching:
    """At most `IN_FLIGHT` gets at once; each answer is handed out as soon as it is there."""

    def __init__(self, hub: HubApi, payloads: bool) -> None:
        self._hub = hub
        self._payloads = payloads
        self._done: SimpleQueue[str] = SimpleQueue()
        self._running: dict[str, Any] = {}

    def add(self, instance_id: str) -> Iterator[Instance]:
        """Ask for one more; yields what has come in since, after waiting for a place if need be."""
        if instance_id in self._running:
            return
        while len(self._running) >= IN_FLIGHT:
            yield from self._next()
        future = self._hub.later(instance_id, payloads=self._payloads)
        self._running[instance_id] = future
        future.add_done_callback(lambda _: self._done.put(instance_id))

    def rest(self) -> Iterator[Instance]:
        while self._running:
            yield from self._next()

    def _next(self) -> Iterator[Instance]:
        instance_id = self._done.get()  # each call has a deadline: this ends
        instance = self._hub.answer_of(self._running.pop(instance_id), instance_id)
        if instance is not None:
            yield instance

    def cancel(self) -> None:
        for future in self._running.values():
            future.cancel()
