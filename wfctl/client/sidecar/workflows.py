"""Implement the port `Workflows` with a Dapr sidecar.

HTTP is used for what it can do: start, get, pause, resume, raise-event, terminate, purge. gRPC is used for the rest,
and for everything if the endpoint has no HTTP. Each request is preceded by a get of the instance, because Dapr does not
protect its users: it would send a resume to a workflow that is not suspended (and fail it), and accept requests to
finished instances.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from wfctl.client.port import Driver, Requested, one_by_one
from wfctl.client.sidecar.connection import Note
from wfctl.client.sidecar.endpoint import Endpoint
from wfctl.client.sidecar.errors import AmbiguousRefusal, no_supplied_results
from wfctl.client.sidecar.reads import SidecarReader, was_made_since
from wfctl.engine.random_id import new_id as random_id
from wfctl.errors import Conflict, InvalidInput, NotFound, TimedOut, Unsupported, WfctlError, WrongState
from wfctl.model import ids, refusals, rerun_ids
from wfctl.model.instance import Filter, IfExists, Instance, RerunRequest, Skip, StartRequest
from wfctl.model.status import Status
from wfctl.wire.http_routes import Operation

if TYPE_CHECKING:
    from wfctl.client.sidecar.kubectl import PortForward

R = TypeVar("R")

# Seconds to wait until a pause, resume or terminate, which HTTP only accepts, has taken effect.
SETTLE_SECONDS = 5.0
FIRST_LOOK, LAST_LOOK = 0.05, 1.0  # seconds between looks of a waiting command


def open_sidecar(endpoint: Endpoint, *, note: Note) -> SidecarWorkflows:
    """Open a sidecar, which connects at the first request. `note` receives lines for the user.

    Raises InvalidInput for an invalid address, and the errors of `kubectl.forward` for a sidecar in a cluster.
    """
    if endpoint.in_cluster:
        from wfctl.client.sidecar.kubectl import forward

        tunnel = forward(endpoint, note=note)
        return SidecarWorkflows(tunnel.endpoint, note=note, tunnel=tunnel)
    return SidecarWorkflows(endpoint, note=note)


class SidecarWorkflows(SidecarReader):
    def __init__(self, endpoint: Endpoint, *, note: Note, tunnel: PortForward | None = None) -> None:
        super().__init__(endpoint, note=note, tunnel=tunnel)
        self._pause = FIRST_LOOK

    def start(self, request: StartRequest) -> str:
        """Start an instance. Returns its ID. Raises Unreachable if no worker is connected: Dapr would block."""
        instance_id = request.id or random_id()
        _check_new(instance_id)
        if not request.name:
            raise InvalidInput("a workflow has a name")
        if request.id is not None and self._taken(request.id, request.if_exists):
            return request.id
        if not self._sidecar.require_worker(Operation.START, instance_id):
            self._note("no worker is connected to the server: the instance waits for one")
        http, app_id = self._sidecar.http, self._sidecar.app_id
        try:
            if http is not None and request.start_at is None:
                return http.start(request.name, instance_id, request.input, app_id)
            hub = self._sidecar.hub(Operation.START, None if http is None else "a delayed start")
            unique = request.if_exists is IfExists.FAIL and request.id is not None
            return hub.start(request, instance_id, unique=unique, app_id=app_id)
        except AmbiguousRefusal as error:
            raise self._why_not_started(instance_id, error) from error
        except Conflict as error:
            raise self._taken_by_nobody(instance_id) or error from error
        except TimedOut as error:
            raise TimedOut(
                f"{error.message}: whether '{instance_id}' was started is not known",
                hint=f"look: wfctl get {instance_id}",
                instance_id=instance_id,
            ) from error

    def _taken(self, instance_id: str, if_exists: IfExists) -> bool:
        """Return True if an existing instance is to be used. Raises Conflict.

        Dapr replaces a finished instance without notice; here that needs `IfExists.REPLACE`.
        """
        try:
            existing = self._fetch(instance_id)
        except NotFound:
            return False
        if if_exists is IfExists.USE:
            return True
        if not existing.status.terminal:
            raise refusals.id_of_live_instance(instance_id, existing.status)
        if if_exists is IfExists.REPLACE:
            return False
        raise refusals.id_of_finished_instance(instance_id, existing.status)

    def _why_not_started(self, instance_id: str, error: AmbiguousRefusal) -> WfctlError:
        try:
            existing = self._fetch(instance_id)
        except NotFound:
            return error
        if existing.status.terminal:
            return Conflict(
                error.message, instance_id=instance_id, hint=f"look at its children: wfctl get {instance_id}"
            )
        return refusals.id_of_live_instance(instance_id, existing.status)

    def _taken_by_nobody(self, instance_id: str) -> Conflict | None:
        """Return the error for an ID that Dapr keeps in use after a forced purge of a live instance."""
        try:
            self._fetch(instance_id)
        except NotFound:
            return Conflict(
                f"Dapr holds '{instance_id}' as the ID of an instance that is gone (purged by force)",
                instance_id=instance_id,
                hint="use another --id; it is free again when the app or its sidecar has been restarted",
            )
        return None

    def raise_event(self, instance_id: str, name: str, data: str | None = None) -> None:
        if not name:
            raise InvalidInput("an event has a name", instance_id=instance_id)
        self._live(instance_id, refusals.event_not_raised(name))
        http, app_id = self._sidecar.http, self._sidecar.app_id
        if http is not None:
            self._guarded(Operation.RAISE, instance_id, lambda: http.raise_event(instance_id, name, data, app_id))
        else:
            self._sidecar.hub(Operation.RAISE).raise_event(instance_id, name, data, app_id)

    def pause(self, instance_id: str, *, reason: str | None = None) -> Requested | None:
        if self._live(instance_id, refusals.NOT_PAUSED).status is Status.SUSPENDED:
            return None
        if not self._by_http(reason is None, Operation.PAUSE, instance_id):
            hub = self._sidecar.hub(Operation.PAUSE, "the reason of a pause")
            hub.suspend(instance_id, reason, self._sidecar.app_id)
        return self._settle(instance_id, lambda status: status is Status.SUSPENDED)

    def resume(self, instance_id: str, *, reason: str | None = None) -> Requested | None:
        found = self._live(instance_id, refusals.NOT_RESUMED)
        if found.status is not Status.SUSPENDED:
            raise refusals.not_suspended(instance_id, found.status)
        if not self._by_http(reason is None, Operation.RESUME, instance_id):
            hub = self._sidecar.hub(Operation.RESUME, "the reason of a resume")
            hub.resume(instance_id, reason, self._sidecar.app_id)
        return self._settle(instance_id, lambda status: status is not Status.SUSPENDED)

    def terminate(
        self, instance_id: str, *, output: str | None = None, reason: str | None = None, recursive: bool = True
    ) -> Requested | None:
        self._live(instance_id, refusals.NOT_TERMINATED)
        if reason is not None:
            self._note("Dapr has no place for the reason of a terminate: it was not sent")
        plain = output is None and recursive
        if not self._by_http(plain, Operation.TERMINATE, instance_id):
            what = "a terminate with output" if output is not None else "a terminate of one instance alone"
            self._sidecar.hub(Operation.TERMINATE, what).terminate(instance_id, output, recursive, self._sidecar.app_id)
        return self._settle(instance_id, lambda status: status.terminal)

    def purge(self, instance_id: str, *, force: bool = False, recursive: bool = True) -> int:
        """Delete an instance. Returns the number deleted over gRPC; over HTTP always 1, which tells no number."""
        found = self._fetch(instance_id)
        if not found.status.terminal and not force:
            raise refusals.not_purgeable(instance_id, found.status)
        if force and not found.status.terminal:
            self._note(
                f"Dapr may refuse '{instance_id}' as the ID of a new instance for as long as it has it in memory"
            )
        http, app_id = self._sidecar.http, self._sidecar.app_id
        # An instance that has had no turn has no children either, and Dapr finds it this way only.
        recursive = recursive and found.status is not Status.PENDING
        plain = not force and recursive
        hub = self._sidecar.hub_if_there(Operation.PURGE) if plain and http is not None else None
        if hub is None and plain and http is not None:
            self._guarded(Operation.PURGE, instance_id, lambda: http.act(Operation.PURGE, instance_id, app_id))
            return 1
        if hub is None:
            hub = self._sidecar.hub(Operation.PURGE, "a forced purge" if force else "a purge of one instance alone")
        try:
            return hub.purge(instance_id, force=force, recursive=recursive, app_id=app_id)
        except WrongState as error:
            if force and not found.status.terminal:
                raise Unsupported(
                    f"the sidecar at {self._sidecar.where} cannot force a purge: that needs Dapr 1.17",
                    hint=f"end it first: wfctl terminate {instance_id}",
                    instance_id=instance_id,
                ) from error
            raise

    def rerun(self, request: RerunRequest) -> str:
        """Rerun an instance. The ID is the lock where two do so at once: Dapr creates one instance of an ID."""
        if request.new_id is not None:
            _check_new(request.new_id)
        if request.event_id < 0:
            raise InvalidInput(f"there is no event {request.event_id} to rerun from", instance_id=request.source)
        self._sidecar.hub(Operation.RERUN)
        if request.results and (self._sidecar.metadata().wfctl is None or self._sidecar.app_id is not None):
            raise no_supplied_results(self._sidecar.where)
        self._sidecar.require_worker(Operation.RERUN, request.source)
        if request.new_id is not None and not request.once:
            return self._rerun_as(request, request.new_id)
        source = self._fetch(request.source)
        taken = self._reruns(source)
        if request.once and taken:
            raise refusals.already_rerun(source.id, taken[-1].id, taken[-1].status)
        if request.new_id is not None:
            return self._rerun_as(request, request.new_id)
        number = rerun_ids.number((taken[-1] if taken else source).id)
        while True:
            number += 1
            new_id = rerun_ids.rerun_id(source.id, number)
            try:
                return self._rerun_as(request, new_id)
            except Conflict:
                self._check_not_beaten(source, new_id)

    def _rerun_as(self, request: RerunRequest, new_id: str) -> str:
        try:
            return self._sidecar.hub(Operation.RERUN).rerun(request, new_id, self._sidecar.app_id)
        except Conflict as error:
            raise refusals.new_id_taken(new_id) from error
        except TimedOut as error:
            raise TimedOut(
                f"{error.message}: whether '{request.source}' was rerun as '{new_id}' is not known",
                hint=f"look: wfctl get {new_id}; the same command reruns it only if it was not",
                instance_id=request.source,
            ) from error

    def _check_not_beaten(self, source: Instance, new_id: str) -> None:
        """Find out why the ID of a rerun is in use. Raises AlreadyRerun if somebody else has just rerun the source.

        Returns where the ID belongs to an earlier instance, or to one that is gone: the next number may be free.
        """
        try:
            found = self._fetch(new_id)
        except NotFound:
            return
        if was_made_since(found, source):
            raise refusals.already_rerun(source.id, found.id, found.status)

    def _live(self, instance_id: str, consequence: str) -> Instance:
        found = self._fetch(instance_id)
        if found.status.terminal:
            raise refusals.finished(instance_id, found.status, consequence)
        if found.status is Status.STALLED:
            raise refusals.stalled(instance_id, consequence)
        if found.status is Status.PENDING:
            self._note(
                f"'{instance_id}' has not started yet: whatever reaches a delayed start makes Dapr start it at once; "
                f"to be rid of it unstarted: wfctl purge --force {instance_id}"
            )
        return found

    def _by_http(self, plain: bool, operation: Operation, instance_id: str) -> bool:
        """Send a request over HTTP if there is HTTP and it can carry the request (`plain`). Returns True if sent."""
        http = self._sidecar.http
        if http is None or not plain:
            return False
        self._guarded(operation, instance_id, lambda: http.act(operation, instance_id, self._sidecar.app_id))
        return True

    def _guarded(self, operation: Operation, instance_id: str, call: Callable[[], None]) -> None:
        """Run `call`, and find the cause of an ambiguous refusal: no instance, another status, or no worker."""
        try:
            call()
        except AmbiguousRefusal as error:
            found = self._fetch(instance_id)
            if operation is Operation.PURGE:
                self._sidecar.require_worker(operation, instance_id)
                raise refusals.not_completed(instance_id) from error
            if found.status.terminal or found.status is Status.STALLED:
                raise WrongState(
                    f"'{instance_id}' is {found.status.name} by now: {operation.value} is not possible",
                    instance_id=instance_id,
                ) from error
            self._sidecar.require_worker(operation, instance_id)
            raise

    def _settle(self, instance_id: str, done: Callable[[Status], bool]) -> Requested | None:
        """Wait until an accepted request has taken effect. Returns Requested if it has not after some seconds."""
        until = time.monotonic() + min(SETTLE_SECONDS, self._endpoint.seconds())
        pause = 0.01
        while True:
            try:
                status = self._fetch(instance_id).status
            except NotFound:  # a retention policy was quick
                return None
            except WfctlError as error:  # it was accepted: a look that fails does not undo that
                seen = f"its status cannot be seen: {error.message}"
            else:
                if done(status) or status.terminal:
                    return None
                seen = f"it is {status.name} still"
            if time.monotonic() >= until:
                return Requested(f"the sidecar has accepted it, and a worker must act; {seen}")
            time.sleep(pause)
            pause = min(pause * 2, 0.25)

    def several(self, instance_ids: Sequence[str], *, payloads: bool, waiting: bool) -> Mapping[str, Instance]:
        found: dict[str, Instance] = {}
        for instance_id in instance_ids:
            with suppress(NotFound):
                found[instance_id] = self.get(instance_id, payloads=payloads)
        return found

    def still_match(self, instance_ids: Sequence[str], filter: Filter) -> Collection[str]:
        return ()  # a look at each is the only way

    def for_each(
        self,
        instance_ids: Sequence[str],
        act: Callable[[str], R],
        stop: Callable[[WfctlError], bool],
        look: Callable[[Sequence[str]], None] = lambda ids: None,
    ) -> Iterator[R | WfctlError]:
        return one_by_one(instance_ids, act, stop, look)

    def driven_by(self) -> str | None:
        return f"the sidecar at {self._sidecar.where}"

    def drive(self, instance_ids: Sequence[str], *, skip: Skip | None = None) -> Driver:
        if skip is not None:
            raise refusals.no_skipping_on_sidecar()
        self._pause = FIRST_LOOK
        return Driver.ELSEWHERE

    def settled(self, instance_ids: Sequence[str]) -> bool:
        return True

    def held(self, instance_id: str) -> bool:
        return False

    def changed(self, seconds: float) -> None:
        """Sleep, longer each time: a sidecar does not notify of changes."""
        time.sleep(max(0.0, min(self._pause, seconds)))
        self._pause = min(self._pause * 1.5, LAST_LOOK)

    def close(self) -> None:
        self._sidecar.close()
        if self._tunnel is not None:
            self._tunnel.close()

    def abandon(self) -> None:
        """Close what can be closed at once. An interrupted call may have left gRPC waiting for itself for ever."""
        self._sidecar.abandon()
        if self._tunnel is not None:
            self._tunnel.close()


def _check_new(instance_id: str) -> None:
    """Refuse an ID that Dapr does not accept. Raises InvalidInput."""
    fault = ids.fault_of_new(instance_id)
    if fault is not None:
        raise refusals.bad_id(fault, instance_id)
