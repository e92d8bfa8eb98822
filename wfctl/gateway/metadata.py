"""The server's metadata, as a sidecar gives it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wfctl import __version__

# The Dapr whose answers this server gives; clients read (major, minor) from it.
DAPR_VERSION = "1.18.3"
STATE_STORE = "statestore"


class About:
    """`workers` counts the open work item streams; `registered` are the workflows of the app in this process."""

    def __init__(self, app_id: str, workers: Callable[[], int], registered: Sequence[str]) -> None:
        self.app_id = app_id
        self._workers = workers
        self._registered = tuple(registered)
        self.extended: dict[str, str] = {"daprRuntimeVersion": DAPR_VERSION, "wfctlVersion": __version__}

    def register(self, names: Sequence[str]) -> None:
        """Take note that the app in this process registers other workflows now."""
        self._registered = tuple(names)

    def _actors(self) -> list[str]:
        """Dapr has its workflow actor types only while a worker is connected."""
        if not self._workers() and not self._registered:
            return []
        return [f"dapr.internal.default.{self.app_id}.{kind}" for kind in ("activity", "retentioner", "workflow")]

    def as_json(self) -> dict[str, Any]:
        """Dapr's keys; `wfctl` is one more, and tells what Dapr never knows: the names of the workflows."""
        actors = [{"type": kind} for kind in self._actors()]
        runtime: dict[str, Any] = {
            "runtimeStatus": "RUNNING",
            "hostReady": True,
            "placement": "placement: connected",
        }
        if actors:
            runtime["activeActors"] = actors
        body: dict[str, Any] = {
            "id": self.app_id,
            "runtimeVersion": DAPR_VERSION,
            "components": [
                {
                    "name": STATE_STORE,
                    "type": "state.sqlite",
                    "version": "v1",
                    "capabilities": ["ETAG", "TRANSACTIONAL", "ACTOR"],
                }
            ],
            "extended": dict(self.extended),
            "actorRuntime": runtime,
            "scheduler": {"connected_addresses": []},
            "wfctl": {"version": __version__, "workflows": list(self._registered)},
        }
        if actors:
            body["actors"] = actors
        workers = self._workers() + (1 if self._registered else 0)  # the app in this process works too
        if workers:
            body["workflows"] = {"connectedWorkers": workers}
        return body

    def as_proto(self) -> Any:
        from wfctl.wire.protos import runtime_pb2 as pb

        said = self.as_json()
        message = pb.GetMetadataResponse(
            id=self.app_id,
            runtime_version=DAPR_VERSION,
            extended=self.extended,
            components=[pb.RegisteredComponent(**component) for component in said["components"]],
            actor_runtime=pb.ActorRuntime(
                runtime_status=pb.ActorRuntime.RUNNING,
                host_ready=True,
                placement="placement: connected",
                active_actors=[pb.ActiveActors(type=kind) for kind in self._actors()],
            ),
        )
        if "workflows" in said:
            message.workflows.connected_workers = said["workflows"]["connectedWorkers"]
        return message
