"""`DaprWorkflowClient`, in the process of the engine.

It raises wfctl's errors (`NotFound`, `Conflict`, ...) where Dapr's SDK raises gRPC's.
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
    """Manage workflow instances from activities, and from whatever else runs in the process of the engine.

    Under wfctl the client talks to the engine that hosts the app, not to a sidecar. Every method raises
    `wfctl.errors.Unreachable` while no engine runs, as during the import of the app. Payloads are encoded as JSON;
    0, False and "" are payloads too (Dapr's SDK drops them).

    Args:
        host: accepted as by Dapr's SDK, without effect: the engine runs in this process.
        port: as `host`.
        logger_options: as `host`.
        max_grpc_message_length: as `host`.
    """

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
        """Start an instance.

        Args:
            workflow: the registered function, or the name it is registered under.
            input: the workflow's second argument; anything that JSON can hold, a dataclass or a Pydantic model.
            instance_id: the ID: at most 64 bytes of letters, digits, `-` and `_` to work on every target. By default a
                random one. A finished instance with this ID is replaced.
            start_at: when to run the first turn (naive means UTC); by default at once.
            reuse_id_policy: deprecated, without effect.
            app_id: the app whose instance is meant; by default that of the activity that asks.

        Returns:
            The ID of the instance, which is committed to the store by then.

        Raises:
            wfctl.errors.Conflict: an instance with this ID, or a descendant of it, has not finished.
            wfctl.errors.InvalidInput: the ID, the name or the input cannot be stored.
        """
        if reuse_id_policy is not None:
            warnings.warn("reuse_id_policy has no effect", DeprecationWarning, stacklevel=2)
        return bound_backend(app_id).start(
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
        """Read the state of an instance.

        Args:
            instance_id: the instance.
            fetch_payloads: include input, output, custom status and failure.
            app_id: the app whose instance is meant; by default that of the activity that asks.

        Returns:
            A snapshot; None if there is no such instance.
        """
        try:
            return WorkflowState(bound_backend(app_id).get(instance_id), payloads=fetch_payloads)
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
        """Wait until an instance has left PENDING: its first turn ran.

        Args:
            instance_id: the instance.
            fetch_payloads: include input, output, custom status and failure.
            timeout_in_seconds: how long to wait, in seconds; 0 waits without limit.
            app_id: the app whose instance is meant; by default that of the activity that asks.

        Returns:
            A snapshot of the instance, never None here.

        Raises:
            TimeoutError: the time is over.
            wfctl.errors.NotFound: there is no such instance (Dapr's SDK waits for it).
        """
        return _wait(app_id, instance_id, _has_started, timeout_in_seconds, fetch_payloads)

    def wait_for_workflow_completion(
        self,
        instance_id: str,
        *,
        fetch_payloads: bool = True,
        timeout_in_seconds: float = 0,
        app_id: str | None = None,
    ) -> WorkflowState | None:
        """Wait until an instance has finished, with whatever outcome.

        Args:
            instance_id: the instance.
            fetch_payloads: include input, output, custom status and failure.
            timeout_in_seconds: how long to wait, in seconds; 0 waits without limit.
            app_id: the app whose instance is meant; by default that of the activity that asks.

        Returns:
            A snapshot of the instance, never None here.

        Raises:
            TimeoutError: the time is over.
            wfctl.errors.NotFound: there is no such instance (Dapr's SDK waits for it).
        """
        return _wait(app_id, instance_id, _has_ended, timeout_in_seconds, fetch_payloads)

    def raise_workflow_event(
        self, instance_id: str, event_name: str, *, data: Any = None, app_id: str | None = None
    ) -> None:
        """Raise an event for an instance. One that has finished takes no notice.

        Args:
            instance_id: the instance.
            event_name: the name that the workflow waits for; upper and lower case are the same.
            data: the payload; anything that JSON can hold.
            app_id: the app whose instance is meant; by default that of the activity that asks.

        Raises:
            wfctl.errors.NotFound: there is no such instance.
            wfctl.errors.WrongState: the instance is stalled, and cannot do it.
        """
        bound_backend(app_id).raise_event(instance_id, event_name, _text(data))

    def terminate_workflow(
        self, instance_id: str, *, output: Any = None, recursive: bool = True, app_id: str | None = None
    ) -> None:
        """Terminate an instance. One that has finished stays as it is.

        Args:
            instance_id: the instance.
            output: the output of the terminated instance; anything that JSON can hold.
            recursive: terminate its descendants too.
            app_id: the app whose instance is meant; by default that of the activity that asks.

        Raises:
            wfctl.errors.NotFound: there is no such instance.
            wfctl.errors.WrongState: the instance is stalled, and cannot do it.
        """
        bound_backend(app_id).terminate(instance_id, _text(output), recursive)

    def pause_workflow(self, instance_id: str, *, app_id: str | None = None) -> None:
        """Suspend an instance: its code does not run until it is resumed. One that has finished stays as it is.

        Args:
            instance_id: the instance.
            app_id: the app whose instance is meant; by default that of the activity that asks.

        Raises:
            wfctl.errors.NotFound: there is no such instance.
            wfctl.errors.WrongState: the instance is stalled, and cannot do it.
        """
        bound_backend(app_id).pause(instance_id)

    def resume_workflow(self, instance_id: str, *, app_id: str | None = None) -> None:
        """Resume a suspended instance. Any other stays as it is.

        Args:
            instance_id: the instance.
            app_id: the app whose instance is meant; by default that of the activity that asks.

        Raises:
            wfctl.errors.NotFound: there is no such instance.
            wfctl.errors.WrongState: the instance is stalled, and cannot do it.
        """
        bound_backend(app_id).resume(instance_id)

    def purge_workflow(self, instance_id: str, recursive: bool = True, *, app_id: str | None = None) -> None:
        """Delete a finished instance with its history.

        Args:
            instance_id: the instance.
            recursive: delete its descendants too.
            app_id: the app whose instance is meant; by default that of the activity that asks.

        Raises:
            wfctl.errors.NotFound: there is no such instance.
            wfctl.errors.WrongState: the instance, or a descendant to delete, has not finished. Nothing is deleted then.
        """
        bound_backend(app_id).purge(instance_id, recursive)

    def list_workflow_instance_ids(
        self, *, page_size: int | None = None, continuation_token: str | None = None
    ) -> WorkflowInstanceIdPage:
        """Read one page of the IDs of all instances, oldest first, children included.

        Args:
            page_size: the most IDs to return, from 1; by default 1024.
            continuation_token: that of the page before; None for the first page.

        Returns:
            The page; its `continuation_token` is None if it is the last.

        Raises:
            ValueError: `page_size` is out of range.
        """
        if page_size is not None and not 1 <= page_size <= _MAX_UINT32:
            raise ValueError(f"page_size must be between 1 and {_MAX_UINT32}, not {page_size}")
        ids, token = bound_backend().list_ids(page_size, continuation_token)
        return WorkflowInstanceIdPage(list(ids), token)

    def iter_workflow_instance_ids(self, *, page_size: int = 1024) -> Iterator[str]:
        """Iterate over the IDs of all instances, oldest first, reading page by page.

        Args:
            page_size: the number of IDs read at once.

        Yields:
            An instance ID. Instances that start meanwhile may be among them.

        Raises:
            ValueError: `page_size` is not positive.
        """
        token: str | None = None
        while True:
            page = self.list_workflow_instance_ids(page_size=page_size, continuation_token=token)
            yield from page.instance_ids
            token = page.continuation_token
            if not token:
                return

    def get_workflow_history(self, instance_id: str) -> list[WorkflowHistoryEvent]:
        """Read the history of an instance.

        Args:
            instance_id: the instance.

        Returns:
            The committed events in their order.

        Raises:
            wfctl.errors.NotFound: there is no such instance.
        """
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
        """Run a finished instance again, as a new instance, from one of its actions; what came before is kept.

        Args:
            instance_id: the finished instance, which stays as it is.
            event_id: the action to run again: the `event_id` of an event that `is_rerunnable`.
            new_instance_id: the ID of the new instance; by default a random one.
            input: a new input for that action; UNSET (the default) keeps the recorded one, None clears it.
            new_child_workflow_instance_id: the ID of the new child, if the action is a child workflow.
            app_id: the app whose instance is meant; by default that of the activity that asks.

        Returns:
            The ID of the new instance.

        Raises:
            ValueError: `event_id` is out of range, or an ID is empty.
            wfctl.errors.NotFound: there is no such instance, or no such action in it.
            wfctl.errors.WrongState: the instance has not finished, or is a child.
            wfctl.errors.Conflict: the new ID is taken.
            wfctl.errors.InvalidInput: the action takes no input, or no child ID.
        """
        if not 0 <= event_id <= _MAX_UINT32:
            raise ValueError(f"event_id must be between 0 and {_MAX_UINT32}, not {event_id}")
        if new_instance_id == "" or new_child_workflow_instance_id == "":
            raise ValueError("an instance ID must not be empty; leave it out for one that is made up")
        given = input is not UNSET
        return bound_backend(app_id).rerun(
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
        """Close the client. Nothing is open, so that it stays usable."""


# Functions with names, since a client in another process than the engine sends them to it.
def _has_started(instance: Instance) -> bool:
    return instance.status is not Status.PENDING


def _has_ended(instance: Instance) -> bool:
    return instance.status.terminal


def _wait(
    app_id: str | None, instance_id: str, until: Callable[[Instance], bool], seconds: float, payloads: bool
) -> WorkflowState:
    try:
        return WorkflowState(bound_backend(app_id).wait(instance_id, until, seconds or None), payloads=payloads)
    except TimedOut as error:
        raise TimeoutError(error.message) from None


def _text(value: Any) -> str | None:
    """Encode a payload. None alone is no payload; Dapr's SDK drops 0, False, "", [] and {} as well."""
    return None if value is None else to_json(value)
