"""Find out why an instance on a sidecar failed, from its history and those of its children.

Dapr reports neither the step that failed nor the inner failures of the workflow's failure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from wfctl.errors import WfctlError
from wfctl.model.cause import cause_of, failed_with
from wfctl.model.events import Event, ExecutionStarted
from wfctl.model.failure import DEEPEST, Cause, unwrapped
from wfctl.model.instance import Instance
from wfctl.model.waiting import is_elsewhere

if TYPE_CHECKING:
    from wfctl.client.sidecar.grpc_api import HubApi


def with_cause(instance: Instance, hub: HubApi | None, history: Sequence[Event] | None) -> Instance:
    """Return a failed instance with its cause: from the history, or without one from the text of its failure.

    The histories of children are read from `hub`, as far down as they failed.
    """
    if history is None or hub is None:
        return instance if instance.failure is None else _with(instance, unwrapped(instance.failure))
    failure = instance.failure or failed_with(history)
    started = next((event for event in history if isinstance(event, ExecutionStarted)), None)
    if started is not None and started.parent is not None:
        instance = replace(instance, parent_id=instance.parent_id or started.parent.instance_id)
    if failure is None:
        return instance
    return _with(instance, cause_of(failure, history, _in_children(hub, history, 1)))


def _with(instance: Instance, cause: Cause) -> Instance:
    return replace(instance, failure=cause.failure, failed_step=cause.step)


def _in_children(hub: HubApi, history: Sequence[Event], depth: int) -> Callable[[str, str | None], Cause | None]:
    """Return what finds out why a child failed that is in this history."""

    def of_child(child: str, app_id: str | None) -> Cause | None:
        return None if is_elsewhere(app_id, history) else _of_child(hub, child, depth)

    return of_child


def _of_child(hub: HubApi, instance_id: str, depth: int) -> Cause | None:
    """Return why a child failed; None where its history cannot be read (it was purged, it belongs to another app)."""
    if depth > DEEPEST:
        return None
    try:
        history = hub.history(instance_id)
    except WfctlError:
        return None
    failure = failed_with(history)
    return None if failure is None else cause_of(failure, history, _in_children(hub, history, depth + 1))
