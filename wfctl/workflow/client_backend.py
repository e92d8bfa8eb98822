"""The port through which `DaprWorkflowClient` reaches the engine that hosts the app."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from wfctl.errors import Unreachable
from wfctl.model.events import Event
from wfctl.model.instance import Instance, RerunRequest, StartRequest


class Backend(Protocol):
    """Called from the threads of activities, never from the engine's own; payloads are JSON text.

    Every method but `start` and `list_ids` raises NotFound for a missing instance.
    """

    def start(self, request: StartRequest) -> str:
        """Create an instance, under Dapr's rule for IDs: a finished one is replaced. Raises Conflict, InvalidInput."""
        ...

    def get(self, instance_id: str) -> Instance: ...

    def wait(self, instance_id: str, until: Callable[[Instance], bool], timeout: float | None) -> Instance:
        """Block until `until` holds. `timeout` in seconds, None for ever. Raises TimedOut."""
        ...

    def raise_event(self, instance_id: str, name: str, data: str | None) -> None: ...

    def terminate(self, instance_id: str, output: str | None, recursive: bool) -> None: ...

    def pause(self, instance_id: str) -> None: ...

    def resume(self, instance_id: str) -> None: ...

    def purge(self, instance_id: str, recursive: bool) -> int: ...

    def rerun(self, request: RerunRequest) -> str: ...

    def list_ids(self, limit: int | None, after: str | None) -> tuple[Sequence[str], str | None]:
        """A page of IDs, and what to pass as `after` for the next one; None on the last."""
        ...

    def history(self, instance_id: str) -> Sequence[Event]: ...


_backend: Backend | None = None


def bind_backend(backend: Backend | None) -> Backend | None:
    """Make every DaprWorkflowClient of this process talk to `backend`; returns the one before."""
    global _backend
    before, _backend = _backend, backend
    return before


def bound_backend() -> Backend:
    """Raises Unreachable when no engine hosts the app, as while it is being imported."""
    if _backend is None:
        raise Unreachable(
            "DaprWorkflowClient has no workflow engine to talk to",
            hint="wfctl imports the app before its engine runs: use the client inside an activity, or start "
            "workflows with `wfctl start`",
        )
    return _backend
