"""`DaprWorkflowClient`: what app code does to workflow instances, here in the process of the engine.

Errors are wfctl's own (`NotFound`, `Conflict`, ...) where the SDK raises gRPC's.
"""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from wfctl.errors import NotFound, TimedOut
from wfctl.model.instance import Instance, RerunRequest, StartRequest
from wfctl.model.status import Status
from wfctl.workflow.client_backend import bound_backend
from wfctl.workflow.payloads import to_json
from wfctl.workflow.registry import name_of
from wfctl.workflow.sdk.logger import LoggerOptions
from wfctl.workflow.sdk.management import UNSET, WorkflowHistoryEvent, WorkflowInstanceIdPage
from wfctl.workflow.sdk.times import aware
from wfctl.workflow.sdk.workflow_state import WorkflowState

_MAX_UINT32 = 2**32 - 1


class DaprWorkflowClient:
    """Arguments are those of the SDK; the address means nothing here. Making one connects to nothing."""

    def __init__(
        self,
        host: str | None = None,
        port: str | None = None,
        logger_options: LoggerOptions | None = None,
        max_grpc_message_length: int | None = None,
    ) -> None:
        pass

    def schedule_new_workflow(
        self,
        workflow: Callable[..., Any] | str,
        *,
        input: Any = None,
        instance_id: str | None = None,
        start_at: datetime | None = None,
        reuse_id_policy: Any = None,
        app_id: str | None = None,
    ) -> str:
        """Start an instance and return its ID. A naive `start_at` is UTC."""
        _own_app(app_id)
        if reuse_id_policy is not None:
            warnings.warn("reuse_id_policy has no effect", DeprecationWarning, stacklevel=2)
        return bound_backend().start(
            StartRequest(
                name_of(workflow),
                instance_id or uuid.uuid4().hex,
                _text(input),
                None if start_at is None else aware(start_at),
            )
        )

    def get_workflow_state(
        self, instance_id: str, *, fetch_payloads: bool = True, app_id: str | None = None
    ) -> WorkflowState | None:
        """A snapshot; None when there is no such instance."""
        _own_app(app_id)
        try:
            return WorkflowState(bound_backend().get(instance_id), payloads=fetch_payloads)
        except NotFound:
            return None

    def wait_for_workflow_start(
        self,
        instance_id: str,
        *,
        fetch_payloads: bool = False,
        timeout_in_seconds: float = 0,
        app_id: str | None = None,
    ) -> WorkflowState | None:
        """Block until the first turn ran. 0 waits for ever; TimeoutError; NotFound, where Dapr would hang."""
        _own_app(app_id)
        return _wait(instance_id, lambda i: i.status is not Status.PENDING, timeout_in_seconds, fetch_payloads)

    def wait_for_workflow_completion(
        self,
        instance_id: str,
        *,
        fetch_payloads: bool = True,
        timeout_in_seconds: float = 0,
        app_id: str | None = None,
    ) -> WorkflowState | None:
        """Block until the instance ends, however it ends. 0 waits for ever; TimeoutError; NotFound."""
        _own_app(app_id)
        return _wait(instance_id, lambda i: i.status.terminal, timeout_in_seconds, fetch_payloads)

    def raise_workflow_event(
        self, instance_id: str, event_name: str, *, data: Any = None, app_id: str | None = None
    ) -> None:
        _own_app(app_id)
        bound_backend().raise_event(instance_id, event_name, _text(data))

    def terminate_workflow(
        self, instance_id: str, *, output: Any = None, recursive: bool = True, app_id: str | None = None
    ) -> None:
        _own_app(app_id)
        bound_backend().terminate(instance_id, _text(output), recursive)

    def pause_workflow(self, instance_id: str, *, app_id: str | None = None) -> None:
        _own_app(app_id)
        bound_backend().pause(instance_id)

    def resume_workflow(self, instance_id: str, *, app_id: str | None = None) -> None:
        _own_app(app_id)
        bound_backend().resume(instance_id)

    def purge_workflow(self, instance_id: str, recursive: bool = True, *, app_id: str | None = None) -> None:
        _own_app(app_id)
        bound_backend().purge(instance_id, recursive)

    def list_workflow_instance_ids(
        self, *, page_size: int | None = None, continuation_token: str | None = None
    ) -> WorkflowInstanceIdPage:
        if page_size is not None and not 1 <= page_size <= _MAX_UINT32:
            raise ValueError(f"page_size must be between 1 and {_MAX_UINT32}, not {page_size}")
        ids, token = bound_backend().list_ids(page_size, continuation_token)
        return WorkflowInstanceIdPage(list(ids), token)

    def iter_workflow_instance_ids(self, *, page_size: int = 1024) -> Iterator[str]:
        """All IDs, page by page as they are asked for."""
        token: str | None = None
        while True:
            page = self.list_workflow_instance_ids(page_size=page_size, continuation_token=token)
            yield from page.instance_ids
            token = page.continuation_token
            if not token:
                return

    def get_workflow_history(self, instance_id: str) -> list[WorkflowHistoryEvent]:
        return [WorkflowHistoryEvent.of(event) for event in bound_backend().history(instance_id)]

    def rerun_workflow_from_event(
        self,
        instance_id: str,
        event_id: int,
        *,
        new_instance_id: str | None = None,
        input: Any = UNSET,
        new_child_workflow_instance_id: str | None = None,
        app_id: str | None = None,
    ) -> str:
        """Run a finished instance again from that event. UNSET keeps the input of the event, None clears it."""
        _own_app(app_id)
        if not 0 <= event_id <= _MAX_UINT32:
            raise ValueError(f"event_id must be between 0 and {_MAX_UINT32}, not {event_id}")
        if new_instance_id == "" or new_child_workflow_instance_id == "":
            raise ValueError("an instance ID must not be empty; leave it out for one that is made up")
        given = input is not UNSET
        return bound_backend().rerun(
            RerunRequest(
                instance_id,
                event_id,
                new_instance_id,
                _text(input) if given else None,
                given,
                new_child_workflow_instance_id,
            )
        )

    def close(self) -> None:
        """Nothing is open."""


def _wait(instance_id: str, until: Callable[[Instance], bool], seconds: float, payloads: bool) -> WorkflowState:
    try:
        return WorkflowState(bound_backend().wait(instance_id, until, seconds or None), payloads=payloads)
    except TimedOut as error:
        raise TimeoutError(error.message) from None


def _text(value: Any) -> str | None:
    """Falsy values are payloads; None alone is none. (The SDK drops 0, False, "", [] and {} here.)"""
    return None if value is None else to_json(value)


def _own_app(app_id: str | None) -> None:
    if app_id is not None:
        raise NotImplementedError(f"app {app_id!r} cannot be reached: calls between apps need Dapr")
