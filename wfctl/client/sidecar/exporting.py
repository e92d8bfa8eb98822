"""Read whole instances from a sidecar: each with its history, many at a time, a parent before its children."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wfctl.bundle import Exported
from wfctl.client.sidecar.failures import with_cause
from wfctl.client.sidecar.listing import IN_FLIGHT
from wfctl.engine.core.folded_state import folded
from wfctl.errors import Unreachable
from wfctl.model import events as ev
from wfctl.model import rerun_ids
from wfctl.model.choices import Reach
from wfctl.model.events import Event
from wfctl.model.instance import Instance
from wfctl.model.logs import LogLine
from wfctl.model.status import Status

if TYPE_CHECKING:
    from wfctl.client.sidecar.grpc_api import HubApi, Later

# An instance that ends between the two questions about it is asked for again.
MOST_LOOKS = 5


@dataclass(frozen=True, slots=True)
class _Asked:
    """The two questions about an instance, in flight."""

    instance: Later[Instance]
    history: Later[list[Event]]


class Exporting:
    """One export. `reruns` are asked for the reruns of an instance, `logs` for its log lines, if the server has any."""

    def __init__(
        self,
        hub: HubApi,
        reruns: Callable[[Instance], tuple[str, ...]],
        logs: Callable[[str], Sequence[LogLine]] | None,
        app_id: str | None,
    ) -> None:
        self._hub = hub
        self._reruns = reruns
        self._logs = logs
        self._app_id = app_id
        self._asked: dict[str, _Asked] = {}
        self._found: dict[str, Exported | None] = {}  # read on the way up, and not written yet
        self._written: set[str] = set()

    def export(self, instance_ids: Sequence[str], reach: Reach) -> Iterator[Exported]:
        """Yield these instances, in this order, with what else they reach. One that is gone is left out."""
        try:
            for one in _ahead(instance_ids, self._ask):
                if one not in self._written:
                    yield from self._walk(self._root(one) if reach is Reach.TREE else one, reach)
        finally:
            for asked in self._asked.values():
                asked.instance.cancel()
                asked.history.cancel()

    def _walk(self, instance_id: str, reach: Reach) -> Iterator[Exported]:
        """Yield an instance and, unless it is meant alone, its descendants, level by level."""
        level = [instance_id]
        while level:
            below: list[str] = []
            for one in _ahead(level, self._ask):
                found = None if one in self._written else self._whole(one)
                if found is None:
                    continue
                self._found.pop(one, None)
                self._written.add(one)
                yield found
                below += _children(found)
            level = [] if reach is Reach.ALONE else list(dict.fromkeys(below))

    def _root(self, instance_id: str) -> str:
        """Return the topmost ancestor that is there and not written yet."""
        seen = {instance_id}
        while True:
            found = self._whole(instance_id)
            parent = None if found is None else found.instance.parent_id
            if parent is None or parent in seen or parent in self._written or self._whole(parent) is None:
                return instance_id
            seen.add(parent)
            instance_id = parent

    def _ask(self, instance_id: str) -> None:
        if instance_id not in self._asked and instance_id not in self._found and instance_id not in self._written:
            hub = self._hub
            self._asked[instance_id] = _Asked(hub.later(instance_id, payloads=True), hub.history_later(instance_id))

    def _whole(self, instance_id: str) -> Exported | None:
        """Return an instance with its history; None if it is gone."""
        if instance_id not in self._found:
            self._found[instance_id] = self._read(instance_id)
        return self._found[instance_id]

    def _read(self, instance_id: str) -> Exported | None:
        for _ in range(MOST_LOOKS):
            self._ask(instance_id)
            asked = self._asked.pop(instance_id)
            instance, history = asked.instance.result(), asked.history.result()
            if instance is None or history is None:
                return None
            ended = any(isinstance(event, ev.ExecutionCompleted) for event in history)
            if ended is instance.status.terminal:
                return self._exported(instance, history)
        raise Unreachable(
            f"the status of '{instance_id}' and its history do not agree: one says that it has ended",
            hint=f"look at it: wfctl history {instance_id}",
            instance_id=instance_id,
        )

    def _exported(self, instance: Instance, history: Sequence[Event]) -> Exported:
        started = next((event for event in history if isinstance(event, ev.ExecutionStarted)), None)
        begun = next((event for event in history if isinstance(event, ev.WorkflowStarted)), None)
        ended = next((event for event in history if isinstance(event, ev.ExecutionCompleted)), None)
        if instance.status is Status.FAILED:
            instance = with_cause(instance, self._hub, history)
        instance = replace(
            instance,
            parent_id=None if started is None or started.parent is None else started.parent.instance_id,
            started_at=None if begun is None else begun.timestamp,
            completed_at=None if ended is None else ended.timestamp,
            version=folded(history).version or instance.version,
            waiting_for=(),
            received=(),
            rerun_of=rerun_ids.original(instance.id),
            rerun_as=self._reruns(instance),
            app_id=self._app_id,
        )
        logs = None if self._logs is None else tuple(replace(line, row=0) for line in self._logs(instance.id))
        return Exported(instance, tuple(history), None, logs)


def _children(one: Exported) -> Iterable[str]:
    created = (event for event in one.history if isinstance(event, ev.ChildWorkflowInstanceCreated))
    return (event.instance_id for event in created)


def _ahead(instance_ids: Sequence[str], ask: Callable[[str], None]) -> Iterator[str]:
    """Yield the IDs, with the next ones asked for already."""
    waiting: deque[str] = deque()
    for one in instance_ids:
        ask(one)
        waiting.append(one)
        if len(waiting) >= IN_FLIGHT:
            yield waiting.popleft()
    while waiting:
        yield waiting.popleft()
