"""The port through which `DaprWorkflowClient` reaches the engine of this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from wfctl.errors import Unreachable
from wfctl.model.events import Event
from wfctl.model.instance import Instance, RerunRequest, StartRequest


class ClientBackend(Protocol):
    """The operations of `DaprWorkflowClient` on an engine. Payloads are JSON text.

    Methods may block: they are called from the threads of activities, never from the engine's own. All but `start`
    and `list_ids` raise NotFound if the instance does not exist. A request to a finished instance has no effect.
    """

    def of_app(self, app_id: str) -> ClientBackend:
        """Return the same for the instances of this app. Without, those of the app that the calling step is of."""
        ...

    def start(self, request: StartRequest) -> str:
        """Create an instance, and replace a finished one of the same ID. Raises Conflict and InvalidInput."""
        ...

    def get(self, instance_id: str) -> Instance:
        """Return the instance."""
        ...

    def wait(self, instance_id: str, until: Callable[[Instance], bool], timeout: float | None) -> Instance:
        """Block until `until` returns True, at most `timeout` seconds (None: no limit). Raises TimedOut."""
        ...

    def raise_event(self, instance_id: str, name: str, data: str | None) -> None:
        """Raise an event. Raises WrongState if the instance is stalled."""
        ...

    def terminate(self, instance_id: str, output: str | None, recursive: bool) -> None:
        """Terminate an instance, and its descendants if `recursive`. Raises WrongState if it is stalled."""
        ...

    def pause(self, instance_id: str) -> None:
        """Suspend an instance. Raises WrongState if it is stalled."""
        ...

    def resume(self, instance_id: str) -> None:
        """Resume a suspended instance. Raises WrongState if it is stalled."""
        ...

    def purge(self, instance_id: str, recursive: bool) -> int:
        """Delete a finished instance. Returns the number of instances deleted. Raises WrongState."""
        ...

    def rerun(self, request: RerunRequest) -> str:
        """Rerun a finished instance. Returns the new ID. Raises WrongState, Conflict and InvalidInput."""
        ...

    def list_ids(self, limit: int | None, after: str | None) -> tuple[Sequence[str], str | None]:
        """Return at most `limit` IDs, oldest first, and the `after` of the next page (None on the last page)."""
        ...

    def history(self, instance_id: str) -> Sequence[Event]:
        """Return the committed history."""
        ...


_backend: ClientBackend | None = None


def bind_backend(backend: ClientBackend | None) -> ClientBackend | None:
    """Make every DaprWorkflowClient of this process use `backend`. Returns the backend that was set before."""
    global _backend
    before, _backend = _backend, backend
    return before


def bound_backend(app_id: str | None = None) -> ClientBackend:
    """Return the backend, for the instances of this app if one is named.

    Raises Unreachable if there is none, as during the import of the app.
    """
    if _backend is None:
        raise Unreachable(
            "DaprWorkflowClient has no workflow engine to talk to",
            hint="wfctl imports the app before its engine runs: use the client inside an activity, or start "
            "workflows with `wfctl start`",
        )
    return _backend if app_id is None else _backend.of_app(app_id)
