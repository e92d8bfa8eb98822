"""Define the ports `Target`, where a command goes, and `Workflows`: everything that it can ask of any target.

Two adapters implement each: the embedded engine (`wfctl.client.connect`, `wfctl.client.embedded.workflows`) and a Dapr
sidecar (`wfctl.client.sidecar.endpoint`, `wfctl.client.sidecar.workflows`). One contract suite runs on both.
Every method may raise `Unreachable`, `Unsupported`, `NotAuthenticated`, `NotPermitted` or `StoreError`, besides the
errors that it names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol, TypeVar

from wfctl.errors import WfctlError
from wfctl.model.choices import Reach
from wfctl.model.instance import Count, Failed, Filter, Instance, RerunRequest, Skip, StartRequest

if TYPE_CHECKING:
    from wfctl.bundle import Exports
    from wfctl.client.connect import Embedded
    from wfctl.client.doctor.check import Check
    from wfctl.client.embedded.app_host import AppLogs, AppSidecar
    from wfctl.model.awaited import AwaitedEvent, EventGroup
    from wfctl.model.events import Event
    from wfctl.model.logs import LogLine
    from wfctl.model.workers import AppWorkers

R = TypeVar("R")


class Driver(str, Enum):
    """Name the process that drives the instances of a target: this one, another one, or none."""

    HERE = "here"
    ELSEWHERE = "elsewhere"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Requested:
    """Report a request that is recorded and has not taken effect yet.

    `waits_for` ends a sentence that says who must act: "no process is executing this store: ..."."""

    waits_for: str


@dataclass(slots=True)
class Scan:
    """Follow a `list` on a target that must look at each of its instances to find those that match.

    `tell` is called after each with the numbers so far: looked at, and matching; `end` when the search is over.
    Where `stopped` is set meanwhile, what was found by then is yielded.
    """

    tell: Callable[[int, int], None]
    end: Callable[[], None] = lambda: None
    looked_at: int = 0
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Host:
    """Hold what this process offers to a target that it opens.

    note       receives lines for the user
    may_drive  the app's code may run in this process
    deadline   the `time.monotonic()` at which the command gives up; no request to a sidecar outlasts it by much
    logs       what to do with what the app logs here, besides keeping it
    sidecar    serves an embedded app that uses `DaprClient`
    """

    note: Callable[[str], None]
    may_drive: bool = False
    deadline: float | None = None
    logs: AppLogs | None = None
    sidecar: AppSidecar | None = None


class Target(Protocol):
    """Describe where a command goes. Making one, and asking it for these properties, connects to nothing."""

    @property
    def local(self) -> bool:
        """Return True for a store on this machine: reads are cheap, and a failure is not worth waiting out."""
        ...

    @property
    def connections(self) -> int:
        """Return how many connections at a time are of use."""
        ...

    @property
    def name(self) -> str | None:
        """Return the word for a target of this kind that has no name of its own; None if its address says enough."""
        ...

    @property
    def address(self) -> str:
        """Return the path of the store, or the address of the sidecar."""
        ...

    @property
    def embedded(self) -> Embedded | None:
        """Return the target itself if it is embedded, for what no sidecar offers: its file, its app, `wfctl run`."""
        ...

    def open(self, host: Host) -> Workflows:
        """Return the target's `Workflows`, which connects when it is first asked for something.

        Raises InvalidInput for an invalid address, Unsupported if a library is missing, and Unreachable where a tunnel
        into a cluster cannot be opened.
        """
        ...

    def checked(self, host: Host, seconds: float | None) -> AbstractContextManager[Callable[[], Sequence[Check]]]:
        """Return a function that runs the checks of `wfctl doctor`, as often as it is called, until the context ends.

        `seconds` is how long one request of a check may take; None: as long as any request. Raises as `open` does;
        every other problem is a failed check.
        """
        ...

    def executed(self) -> bool:
        """Return True if another process executes the instances now. A sidecar always does, as far as can be told."""
        ...


class Workflows(Protocol):
    """Read, change and follow the workflow instances of an open target.

    Everywhere: `instance_id` is the ID of one instance; `filter` selects instances; seconds are floats of seconds;
    payloads (inputs, outputs, data of events) are JSON text, None for none; a `reason` is recorded in the history.
    """

    def start(self, request: StartRequest) -> str:
        """Create an instance. It is durable when this returns; it has not necessarily begun.

        Returns its ID, which is made up where `request` has none. Raises InvalidInput (bad ID, unknown workflow) and
        Conflict (the ID is taken, and `request.if_exists` does not allow for it).
        """
        ...

    def get(self, instance_id: str, *, payloads: bool = True) -> Instance:
        """Return one instance, with what it waits for and, if `payloads`, its input, output and custom status.

        Raises NotFound.
        """
        ...

    def list(
        self,
        filter: Filter,
        *,
        payloads: bool = True,
        waiting: bool = True,
        in_order: bool = True,
        scan: Scan | None = None,
    ) -> Iterator[Instance]:
        """Yield the instances that match. Raises NotFound if `filter.after` does not exist.

        A target may leave out what the caller does not ask for: `payloads`; what live instances wait for and why
        failed ones failed (`waiting`); the order (`in_order`), without which `limit` and `after` are ignored. It
        uses `scan` if it has to look at all of its instances.
        """
        ...

    def names_apps(self) -> bool:
        """Return True if the instances of this target are of several apps. A sidecar has those of one."""
        ...

    def parents(self, instance_ids: Sequence[str]) -> Mapping[str, str]:
        """Return the parent's ID, by the child's ID, for each of these instances that exists and is a child.

        The parent itself may be gone. On a sidecar this reads the whole history of each instance.
        """
        ...

    def count(self, filter: Filter) -> Sequence[Count]:
        """Return how many match, by status and workflow name. Ignores `sort`, `limit` and `after`."""
        ...

    def failures(self, filter: Filter) -> Iterator[Failed]:
        """Yield the failed instances that match, in no order, with their causes in short.

        Ignores `sort`, `limit` and `after`. On a sidecar this costs three calls for each instance that failed.
        """
        ...

    def events(self, filter: Filter) -> Sequence[AwaitedEvent]:
        """Return the external events of the live instances that match, the oldest first; at most `filter.limit`.

        With `waiting_event`, of the waits only those for that event. Ignores `sort` and `after`. On a Dapr sidecar this
        reads the history of each live instance.
        """
        ...

    def event_groups(self, filter: Filter) -> Sequence[EventGroup]:
        """Return how many there are of what `events` returns, by event and workflow, the largest group first.

        Ignores `limit` too.
        """
        ...

    def history(self, instance_id: str) -> Sequence[Event]:
        """Return the committed events of an instance, in order. Raises NotFound, and Unsupported without gRPC."""
        ...

    def logs(
        self, instance_id: str, *, after: int = 0, step: str | None = None, level: int = 0, limit: int | None = None
    ) -> Sequence[LogLine]:
        """Return what the instance's code logged, behind the row `after`, oldest first.

        `step` is an activity's name, or `workflow` for the workflow's own code; `level` the lowest to return; of more
        than `limit` lines the latest are returned. Raises NotFound, and Unsupported: Dapr keeps no logs.
        """
        ...

    def export(self, instance_ids: Sequence[str] | None, filter: Filter, reach: Reach) -> Exports:
        """Yield the instances with these IDs or, with None, those that match, whole, for a bundle.

        They come in the order of their creation, as far as that is known, and a parent before its children. Ignores
        `sort`, `limit` and `after`. Raises NotFound before anything is yielded.
        """
        ...

    def untold(self) -> Sequence[str]:
        """Return the keys of a bundle that this target cannot fill."""
        ...

    def pause(self, instance_id: str, *, reason: str | None = None) -> Requested | None:
        """Suspend an instance: its workflow code runs no further; running activities finish.

        Returns None once it is suspended or has ended, else Requested: the request is recorded. Raises NotFound, and
        WrongState if it is finished or stalled. Pausing a suspended instance is no error.
        """
        ...

    def resume(self, instance_id: str, *, reason: str | None = None) -> Requested | None:
        """Continue a suspended instance.

        Returns as `pause` does. Raises NotFound, and WrongState if it is not suspended.
        """
        ...

    def raise_event(self, instance_id: str, name: str, data: str | None = None) -> None:
        """Send the event `name` to an instance, which keeps it until its code waits for an event of that name.

        Raises NotFound, and WrongState if the instance is finished or stalled.
        """
        ...

    def terminate(
        self, instance_id: str, *, output: str | None = None, reason: str | None = None, recursive: bool = True
    ) -> Requested | None:
        """End an instance and, if `recursive`, its descendants. `output` becomes the output of the instance.

        Returns as `pause` does. Raises NotFound, and WrongState if it is stalled or finished.
        """
        ...

    def purge(self, instance_id: str, *, force: bool = False, recursive: bool = True) -> int:
        """Delete an instance and, if `recursive`, its descendants. Returns the number deleted.

        Raises NotFound, and WrongState if one of them still runs and `force` is not set.
        """
        ...

    def rerun(self, request: RerunRequest) -> str:
        """Start a new instance from a step of a finished one, with the history before that step.

        Returns its ID, which is made up where `request` has none.
        Raises NotFound (instance, event), WrongState (not finished, a child), Conflict (ID) and InvalidInput.
        """
        ...

    def several(self, instance_ids: Sequence[str], *, payloads: bool, waiting: bool) -> Mapping[str, Instance]:
        """Return those of these instances that are there, by ID; `waiting` as in `list`. Raises as `get` does."""
        ...

    def still_match(self, instance_ids: Sequence[str], filter: Filter) -> Collection[str]:
        """Return those of these instances that match the filter, as far as the target can tell at little cost."""
        ...

    def for_each(
        self,
        instance_ids: Sequence[str],
        act: Callable[[str], R],
        stop: Callable[[WfctlError], bool],
        look: Callable[[Sequence[str]], None] = lambda ids: None,
    ) -> Iterator[R | WfctlError]:
        """Call `act` for each ID; yield what it returns, or the error it raises, once that is durable, in order.

        `act` does no more than call this port for its instance, at most once to change something, and return what that
        call returned. It may run in another thread, with what earlier calls wrote still invisible to reads, and again
        where a commit failed. After an error for which `stop` is true nothing more is tried or yielded.

        `look` is called, under the same conditions, with the IDs of those that are about to be acted on.
        """
        ...

    def drive(self, instance_ids: Sequence[str], *, skip: Skip | None = None) -> Driver:
        """Have these instances and their descendants driven. Returns the process that does it.

        `skip`: the time of those that were started with clocks of their own is skipped. Raises Unsupported where it
        cannot be: on a sidecar, and where wfctl serve drives.

        Embedded: if nobody owns the store and an app is known, this process becomes the owner and drives in the
        background until `close()`. A sidecar drives by itself: `Driver.ELSEWHERE`. Raises NotFound.
        """
        ...

    def driven_by(self) -> str | None:
        """Return who executes the instances of this target, in words; None if nobody does.

        "this command", "wfctl serve (PID 4711)", "another wfctl command (PID 4711)", "the sidecar at http://…".
        """
        ...

    def workers(self) -> Sequence[AppWorkers]:
        """Return who executes turns and activities, what they hold and what waits for one, app by app.

        `wfctl serve` tells all of it, a store who drives it and what is to be done, Dapr how many are connected.
        """
        ...

    def settled(self, instance_ids: Sequence[str]) -> bool:
        """Return True if nothing is due soon for these instances and their descendants.

        Each is finished, or waits for an event or for a timer more than 10 s away. Always True if this process does
        not drive. Raises NotFound.
        """
        ...

    def held(self, instance_id: str) -> bool:
        """Return True if this process has skipped the instance's time as far as it was to, and it waits for more."""
        ...

    def changed(self, seconds: float) -> None:
        """Block until something may have changed, at most `seconds`. On a sidecar, sleep a little longer each time."""
        ...

    def close(self) -> None:
        """Drive what other processes have asked this one to drive, then stop driving and close all connections."""
        ...

    def abandon(self) -> None:
        """Close at once, as on Ctrl-C. Nothing that was acknowledged is lost."""
        ...


def one_by_one(
    instance_ids: Sequence[str],
    act: Callable[[str], R],
    stop: Callable[[WfctlError], bool],
    look: Callable[[Sequence[str]], None],
) -> Iterator[R | WfctlError]:
    """Do `Workflows.for_each` on a target that has no transaction of several requests.

    Yields the result of `act` or its error for each ID, in order; ends after an error for which `stop` is true.
    """
    for instance_id in instance_ids:
        try:
            look([instance_id])
            result = act(instance_id)
        except WfctlError as error:
            yield error
            if stop(error):
                return
        else:
            yield result
