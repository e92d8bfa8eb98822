"""Check a sidecar for `wfctl doctor`.

A check that depends on one that failed is left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from wfctl.client.doctor.check import Check, Result, failed
from wfctl.client.sidecar.connection import Note, SidecarConnection, grpc_installed
from wfctl.client.sidecar.endpoint import Endpoint
from wfctl.errors import NotAuthenticated, TimedOut, Unreachable, WfctlError
from wfctl.install import install_command
from wfctl.wire.http_bodies import Metadata
from wfctl.wire.http_routes import OUTBOUND_HEALTH, Operation, version_for

if TYPE_CHECKING:
    from wfctl.client.sidecar.grpc_api import HubApi

SKEW_SECONDS = 5.0
OLDEST = (1, 11)
SCHEDULER_SECONDS = 5.0  # it answers in milliseconds


@contextmanager
def checks_of(endpoint: Endpoint, note: Note) -> Iterator[Callable[[], list[Check]]]:
    """Return what runs the checks. Raises InvalidInput for an invalid address; other problems are failed checks.

    A sidecar in a cluster is reached through `kubectl.forward` first, which raises errors of its own.
    """
    if not endpoint.in_cluster:
        yield lambda: _look(endpoint)
        return
    from wfctl.client.sidecar.kubectl import forward

    tunnel = forward(endpoint, note=note)
    try:
        yield lambda: _look(tunnel.endpoint)
    finally:
        tunnel.close()


def _look(endpoint: Endpoint) -> list[Check]:
    link = SidecarConnection(endpoint)
    try:
        return list(_checks(link, endpoint))
    finally:
        link.close()


def _checks(link: SidecarConnection, endpoint: Endpoint) -> Iterator[Check]:
    http = link.http
    if http is not None:
        try:
            ready, text = http.health(OUTBOUND_HEALTH)
        except WfctlError as error:
            yield failed("sidecar", error)
            return
        if ready:
            yield Check("sidecar", Result.OK, f"answers at {link.where}")
        else:
            yield Check("sidecar", Result.FAIL, text or "is not ready", "wait: its components are being loaded")
    try:
        metadata = link.metadata()
    except NotAuthenticated as error:
        yield failed("token", error)
        return
    except WfctlError as error:
        yield failed("sidecar" if http is None else "metadata", error)
        return
    yield Check("token", Result.OK, "accepted" if endpoint.token else "none is needed")
    yield _version(metadata, endpoint)
    yield _app(link, metadata, endpoint)
    yield _store(metadata)
    if metadata.wfctl is None:  # `wfctl serve` has none of this, and needs none
        yield from _placement(metadata)
        yield from _scheduler(metadata, endpoint)
    yield _worker(metadata)
    yield from _task_hub(link, metadata)
    if http is not None:
        yield from _clock(http.clock)


def _version(metadata: Metadata, endpoint: Endpoint) -> Check:
    api = endpoint.api_version or version_for(metadata.version).value
    detail = f"Dapr {metadata.runtime or 'of an unknown version'}, workflow API {api}"
    if metadata.wfctl is not None:
        return Check("version", Result.OK, f"wfctl serve {metadata.wfctl}, which answers as {detail}")
    if metadata.version is not None and metadata.version < OLDEST:
        return Check("version", Result.FAIL, detail, "upgrade Dapr: workflows came with 1.10, this needs 1.11")
    if metadata.version is not None and metadata.version < (1, 17):
        return Check("version", Result.WARN, detail, "list, history and forced purge need Dapr 1.17, rerun 1.16")
    return Check("version", Result.OK, detail)


def _app(link: SidecarConnection, metadata: Metadata, endpoint: Endpoint) -> Check:
    if endpoint.app_id in (None, metadata.app_id):
        return Check("app", Result.OK, metadata.app_id or "has no ID")
    try:
        reached = link.app_id
    except WfctlError as error:
        return failed("app", error)
    return Check("app", Result.OK, f"{reached}, through the sidecar of {metadata.app_id}")


def _store(metadata: Metadata) -> Check:
    if metadata.actor_store is False:
        fix = 'give it a state store component with actorStateStore: "true"'
        return Check("state store", Result.FAIL, "no component can hold workflows", fix)
    return Check(
        "state store", Result.OK, "can hold workflows" if metadata.actor_store else "this version does not say"
    )


def _placement(metadata: Metadata) -> Iterator[Check]:
    if metadata.actors in ("DISABLED", "INITIALIZING"):
        fix = "give daprd --placement-host-address, and start placement"
        yield Check("placement", Result.FAIL, f"the actor runtime is {metadata.actors}", fix)
    elif metadata.placement:
        connected = "disconnected" not in metadata.placement and "connected" in metadata.placement
        level = Result.OK if connected else Result.FAIL
        yield Check("placement", level, metadata.placement, None if connected else "start placement (dapr init does)")


def _scheduler(metadata: Metadata, endpoint: Endpoint) -> Iterator[Check]:
    """Test the scheduler by a request: a sidecar still lists a scheduler that has died."""
    version = metadata.version or (1, 16)
    if version >= (1, 16) and not metadata.schedulers:
        fix = "give daprd --scheduler-host-address, and start the scheduler"
        yield Check("scheduler", Result.FAIL, "not connected: no workflow can start", fix)
    elif version >= (1, 15):  # before, workflows need none
        yield _scheduler_asked(", ".join(metadata.schedulers) or "the scheduler", endpoint)


def _scheduler_asked(where: str, endpoint: Endpoint) -> Check:
    near = replace(endpoint, request_timeout=min(SCHEDULER_SECONDS, endpoint.request_timeout))
    link = SidecarConnection(near)
    try:
        answers = link.scheduler_answers()
    except TimedOut:
        answers = False
    except WfctlError as error:
        return Check("scheduler", Result.WARN, f"{where}: not checked whether it answers: {error.message}", error.hint)
    finally:
        link.close()
    if answers is None:
        detail = f"{where}: not checked whether it answers: this sidecar does not let wfctl ask (the jobs API)"
        return Check("scheduler", Result.WARN, detail)
    if answers:
        return Check("scheduler", Result.OK, f"{where} answers")
    detail = f"{where} gives no answer: no workflow can start, and no timer fires"
    return Check("scheduler", Result.FAIL, detail, "start the scheduler where daprd reaches it")


def _worker(metadata: Metadata) -> Check:
    if metadata.workers is None:
        return Check("worker", Result.WARN, f"Dapr {metadata.runtime} does not say; since 1.16 it does")
    if metadata.workers == 0:
        detail = "none is connected: nothing runs, and a start would wait"
        return Check("worker", Result.WARN, detail, "start the app", blocks=True)
    return Check("worker", Result.OK, f"{metadata.workers} connected")


def _task_hub(link: SidecarConnection, metadata: Metadata) -> Iterator[Check]:
    if not grpc_installed():
        fix = install_command("grpc")
        yield Check("task hub", Result.WARN, "wfctl is installed without gRPC: no list, history, rerun", fix)
        return
    try:
        hub = link.hub(Operation.LIST)
        hub.hello()
    except WfctlError as error:
        level = Result.WARN if link.http is not None and not isinstance(error, Unreachable) else Result.FAIL
        yield Check("task hub", level, error.message, error.hint)
        return
    yield Check("task hub", Result.OK, f"answers at {hub.where}")
    if metadata.actor_store is not False:
        yield _listing(hub)


def _listing(hub: HubApi) -> Check:
    try:
        first = next(hub.ids(1), [])
    except WfctlError as error:
        return Check("list", Result.WARN, error.message, error.hint)
    return Check("list", Result.OK, "the store can list" + ("" if first else "; it holds no instance"))


def _clock(read: Callable[[], float | None]) -> Iterator[Check]:
    try:
        theirs = read()
    except WfctlError:
        return
    if theirs is None:
        return
    skew = theirs - time.time()
    # The date has whole seconds: up to one of difference is none.
    if abs(skew) <= SKEW_SECONDS:
        yield Check("clock", Result.OK, "agrees with this machine's")
    else:
        way = "ahead of" if skew > 0 else "behind"
        detail = f"{abs(skew):.0f} s {way} this machine's: ages and durations are shown wrong"
        yield Check("clock", Result.WARN, detail, "set the clocks (NTP)")
