"""Where the histories come from that a command replays: the target, or a bundle."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Protocol, TypeVar

from wfctl.cli.bundles import opened_bundle
from wfctl.cli.scanning import scanning
from wfctl.cli.session import Session
from wfctl.client.port import Workflows
from wfctl.engine.core.propagate import inherited
from wfctl.errors import NotFound, WfctlError
from wfctl.model.events import Event, ExecutionCompleted, PropagatedEvents
from wfctl.model.fit import Recorded
from wfctl.model.instance import Filter
from wfctl.model.matching import matches
from wfctl.model.status import Status
from wfctl.render.text import clean

if TYPE_CHECKING:
    from wfctl.bundle import Exported

A = TypeVar("A")
B = TypeVar("B")

AT_ONCE = 8  # requests to a sidecar


class Source(Protocol):
    """`unread` are the errors of those whose history could not be read, which is told on stderr by then."""

    unread: list[WfctlError]

    def histories(self) -> Iterator[Recorded]:
        """Yield the histories that were asked for."""
        ...

    def propagated(self, recorded: Recorded) -> PropagatedEvents | None:
        """Return what the parent of one has propagated to it, if that is still known."""
        ...


class TargetSource:
    def __init__(self, session: Session, workflows: Workflows, ids: Sequence[str] | None, filter: Filter) -> None:
        """Take the instances of these IDs, or those that match."""
        self._session = session
        self._workflows = workflows
        self._ids = ids
        self._filter = filter
        self.unread: list[WfctlError] = []

    def histories(self) -> Iterator[Recorded]:
        if self._ids is not None:
            yield from self._read(Recorded(one, None, ()) for one in self._ids)
            return
        with scanning(self._session) as scan:
            found = self._workflows.list(self._filter, payloads=False, waiting=False, scan=scan)
            yield from self._read(Recorded(one.id, one.name, (), one.status, one.app_id) for one in found)

    def _read(self, wanted: Iterable[Recorded]) -> Iterator[Recorded]:
        at_once = 1 if self._session.target.local else AT_ONCE
        for one in _ahead(self._with_history, wanted, at_once):
            if isinstance(one, Recorded):
                yield one
                continue
            self.unread.append(one)
            self._session.console.error(self._session.error_text(one))

    def _with_history(self, wanted: Recorded) -> Recorded | WfctlError:
        try:
            events = self._workflows.history(wanted.id)
            if wanted.status is not None:
                return replace(wanted, events=events)
            if events:
                return Recorded(wanted.id, None, events, _status(events))
            instance = self._workflows.get(wanted.id, payloads=False)
        except NotFound as error:
            if self._ids is not None and len(self._ids) == 1:
                raise
            return error
        except WfctlError as error:
            if error.instance_id is None:
                raise
            return error
        return Recorded(instance.id, instance.name, events, instance.status)

    def propagated(self, recorded: Recorded) -> PropagatedEvents | None:
        def read(instance_id: str) -> Sequence[Event] | None:
            try:
                return self._workflows.history(instance_id)
            except NotFound:
                return None

        return inherited(recorded.parent, read)


class BundleSource:
    def __init__(self, bundle: Iterable[Exported], ids: Sequence[str] | None, filter: Filter) -> None:
        self._bundle = bundle
        self._ids = None if ids is None else dict.fromkeys(ids, False)
        self._filter = filter
        self._parents: dict[str, Sequence[Event]] = {}  # a bundle has parents before their children
        self.unread: list[WfctlError] = []

    def histories(self) -> Iterator[Recorded]:
        for one in self._bundle:
            if any(getattr(event, "scope", 0) for event in one.history):
                self._parents[one.id] = one.history
            if self._ids is not None:
                if one.id not in self._ids:
                    continue
                self._ids[one.id] = True
            elif not matches(self._filter, one.instance):
                continue
            yield Recorded(one.id, one.instance.name, one.history, one.instance.status, one.app_id)
        for instance_id, found in (self._ids or {}).items():
            if not found:
                raise NotFound(f"the bundle has no instance '{clean(instance_id)}'", instance_id=instance_id)

    def propagated(self, recorded: Recorded) -> PropagatedEvents | None:
        return inherited(recorded.parent, self._parents.get)


@contextmanager
def bundle_source(
    session: Session, name: str, ids: Sequence[str] | None = None, filter: Filter | None = None
) -> Iterator[BundleSource]:
    """Open a bundle: a file, or `-` for stdin. Raises InvalidInput."""
    with opened_bundle(session, name) as bundle:
        if bundle.header.redacted:
            session.console.note(
                "the payloads of this bundle are redacted: code that decides by them may go another way"
            )
        yield BundleSource(bundle, ids, filter or Filter())


def _status(events: Sequence[Event]) -> Status:
    """Return the status that matters here: how a history ended, or that it has not."""
    return next((event.status for event in reversed(events) if type(event) is ExecutionCompleted), Status.RUNNING)


def _ahead(call: Callable[[A], B], values: Iterable[A], at_once: int) -> Iterator[B]:
    """Yield `call` of each value, in order; some are asked for ahead, on threads."""
    if at_once == 1:
        yield from map(call, values)
        return
    from concurrent.futures import Future, ThreadPoolExecutor

    rest = iter(values)
    with ThreadPoolExecutor(at_once) as threads:
        waiting: deque[Future[B]] = deque(threads.submit(call, one) for one in islice(rest, at_once))
        try:
            while waiting:
                found = waiting.popleft().result()
                waiting.extend(threads.submit(call, one) for one in islice(rest, 1))
                yield found
        finally:
            for one in waiting:
                one.cancel()
