"""The port `Workflows`: everything that a command can ask of a target.

Two real adapters implement it: the embedded engine (`wfctl.client.embedded.workflows`) and a Dapr sidecar
(`wfctl.client.sidecar.http_api`, `wfctl.client.sidecar.grpc_api`). One contract suite runs on all of them.
Every method may raise `Unreachable`, `Unsupported`, `NotAuthenticated`, `NotPermitted` or `StoreError`
besides what it names itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from wfctl.model.events import Event
from wfctl.model.instance import Count, Filter, Instance, RerunRequest, StartRequest


class Driver(str, Enum):
    """Who drives the instances of a target."""

    HERE = "here"
    ELSEWHERE = "elsewhere"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Requested:
    """A request that is recorded and has not taken effect yet. `waits_for` says who must act, as the end of a sentence:
    "nobody drives this store: ..."."""

    waits_for: str


class Workflows(Protocol):
    def start(self, request: StartRequest) -> str:
        """Create an instance and return its ID. The request is durable when this returns.

        Raises InvalidInput (bad ID, unknown workflow) and Conflict (the ID is taken).
        """
        ...

    def get(self, instance_id: str, *, payloads: bool = True) -> Instance:
        """One instance, with what it waits for. Raises NotFound."""
        ...

    def list(
        self, filter: Filter, *, payloads: bool = True, waiting: bool = True, in_order: bool = True
    ) -> Iterator[Instance]:
        """The instances that match, streamed. Raises NotFound when `filter.after` does not exist.

        What is not asked for may be left out, where it costs something: payloads, what live ones wait for and why
        failed ones failed (`waiting`), and the order. Without order, `filter.limit` and `filter.after` mean nothing.
        """
        ...

    def parents(self, instance_ids: Sequence[str]) -> Mapping[str, str]:
        """The parent of each of these that is there and a child; the parent itself may be gone.

        It may cost the reading of a whole history for each: ask for those alone that matter.
        """
        ...

    def count(self, filter: Filter) -> Sequence[Count]:
        """How many match, by status and workflow name. `sort`, `limit` and `after` do not matter."""
        ...

    def history(self, instance_id: str) -> Sequence[Event]:
        """The committed events, in order. Raises NotFound."""
        ...

    def pause(self, instance_id: str, *, reason: str | None = None) -> Requested | None:
        """Suspend it. Returns None once it is suspended (or has ended), Requested where it is not yet.

        Raises NotFound, and WrongState when it is finished or stalled. Pausing twice is no error."""
        ...

    def resume(self, instance_id: str, *, reason: str | None = None) -> Requested | None:
        """Let it go on. Returns as `pause` does. Raises NotFound, and WrongState when it is not suspended."""
        ...

    def raise_event(self, instance_id: str, name: str, data: str | None = None) -> None:
        """`data` is JSON text. Raises NotFound, and WrongState when it is finished or stalled."""
        ...

    def terminate(
        self, instance_id: str, *, output: str | None = None, reason: str | None = None, recursive: bool = True
    ) -> Requested | None:
        """End it; `output` is JSON text. Returns as `pause` does.

        Raises NotFound, and WrongState when it is stalled or finished."""
        ...

    def purge(self, instance_id: str, *, force: bool = False, recursive: bool = True) -> int:
        """Delete the instance and, if `recursive`, its descendants; returns how many went.

        Raises NotFound, and WrongState when one of them still runs and `force` is not set.
        """
        ...

    def rerun(self, request: RerunRequest) -> str:
        """Raises NotFound (instance, event), WrongState (not finished, a child), Conflict (ID), InvalidInput."""
        ...

    def drive(self, instance_ids: Sequence[str]) -> Driver:
        """See to it that these instances and their descendants are driven, and say by whom.

        Embedded: this process becomes the owner of the store where nobody is and an app is known, and drives in
        the background until `close()`. Any other target drives by itself: `Driver.ELSEWHERE`, at once.
        Raises NotFound.
        """
        ...

    def settled(self, instance_ids: Sequence[str]) -> bool:
        """Whether these instances and their descendants can go no further soon: finished, or waiting for an outside
        event or a timer more than 10 s away. Always true where this process does not drive."""
        ...

    def changed(self, seconds: float) -> None:
        """Block until something may have changed, `seconds` at most (adapters that cannot tell back off)."""
        ...

    def close(self) -> None:
        """Stop driving, after what other processes have left to this one meanwhile, and close all connections."""
        ...

    def abandon(self) -> None:
        """Close at once, as on Ctrl-C. Nothing that was acknowledged is lost."""
        ...
