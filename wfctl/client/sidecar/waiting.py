"""Find out what an instance on a sidecar waits for, from its history: Dapr does not report it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from wfctl.errors import NotFound, WfctlError
from wfctl.model.events import Event, ExecutionStalled, ExecutionStarted
from wfctl.model.instance import Instance
from wfctl.model.status import Status
from wfctl.model.waiting import ChildStatus, is_elsewhere, waiting_for

if TYPE_CHECKING:
    from wfctl.client.sidecar.grpc_api import HubApi

# Seconds to wait for the history; without it the instance is shown as it is.
SECONDS = 5.0


def explain(instance: Instance, hub: HubApi, status_of: Callable[[str], Status]) -> Instance:
    """Return the instance with `waiting_for`, its parent and the reason of a stall; unchanged without a history."""
    try:
        history = hub.history(instance.id, seconds=SECONDS)
    except WfctlError:
        return instance

    def child_status(child_id: str, app_id: str | None) -> Status | None:
        if is_elsewhere(app_id, history):
            return None
        try:
            return status_of(child_id)
        except NotFound:
            return None

    return explained(instance, history, child_status)


def explained(instance: Instance, history: Sequence[Event], child_status: ChildStatus) -> Instance:
    started = next((event for event in history if isinstance(event, ExecutionStarted)), None)
    stall = instance.stall
    if instance.status is Status.STALLED:
        stalls = (event for event in reversed(history) if isinstance(event, ExecutionStalled))
        stall = next((event.description or event.reason.value for event in stalls), stall)
    return replace(
        instance,
        parent_id=started.parent.instance_id if started is not None and started.parent is not None else None,
        stall=stall,
        waiting_for=waiting_for(history, instance.status, datetime.now(timezone.utc), child_status),
    )
