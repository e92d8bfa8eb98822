"""Wait on any target: look, decide, block until something may have changed."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from wfctl.cli import exit_codes
from wfctl.cli.parsing.condition import Condition
from wfctl.cli.session import Session
from wfctl.client.port import Workflows
from wfctl.errors import InvalidInput, NotAuthenticated, NotFound, NotPermitted, TimedOut, WfctlError
from wfctl.model.instance import Instance
from wfctl.model.status import Status
from wfctl.render.text import clean

LOOK_EVERY = 0.5
# What does not pass when a sidecar has come back; everything else may.
_LASTING = (InvalidInput, NotFound, NotAuthenticated, NotPermitted)


def looks(
    workflows: Workflows, left: Callable[[], float] = lambda: math.inf, every: float = LOOK_EVERY
) -> Iterator[None]:
    """Yield each time that something may have changed, at least `every` so many seconds, while seconds are `left`."""
    while True:
        yield
        if left() <= 0:
            return
        workflows.changed(min(left(), every))


def seconds_until(deadline: float | None) -> float:
    """Return the seconds until a moment of `time.monotonic()`."""
    return math.inf if deadline is None else max(0.0, deadline - time.monotonic())


@dataclass(slots=True)
class Wait:
    """Hold the state of a wait: `ended` has an exit status for each instance that is decided."""

    condition: Condition
    instances: dict[str, Instance] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)

    def decided(self, ids: Sequence[str], any_of: bool) -> bool:
        return len(self.ended) == len(set(ids)) or (any_of and exit_codes.DONE in self.ended.values())

    def held(self, instance_id: str) -> bool:
        return self.ended.get(instance_id) == exit_codes.DONE

    def exit_status(self, ids: Sequence[str], any_of: bool) -> int:
        statuses = [self.ended.get(instance_id, exit_codes.TIMED_OUT) for instance_id in ids]
        if any_of and exit_codes.DONE in statuses:
            return exit_codes.DONE
        return exit_codes.combined(statuses)


class Reader:
    """Read instances for a command that waits, through restarts of a sidecar.

    The first look fails as any command does, unless the instances are `known`: then the target has answered already.
    """

    def __init__(self, session: Session, workflows: Workflows, deadline: float | None, *, known: bool = False) -> None:
        self._session = session
        self._workflows = workflows
        self._deadline = deadline
        self._answered = known
        self._told = False

    def get(self, instance_id: str, *, payloads: bool = True) -> Instance:
        """Raises NotFound, and TimedOut where the target does not answer until the deadline."""
        while True:
            try:
                found = self._workflows.get(instance_id, payloads=payloads)
            except WfctlError as error:
                self._bear(error)
            else:
                self._answered, self._told = True, False
                return found
            self._workflows.changed(min(self.left(), LOOK_EVERY))

    def left(self) -> float:
        """Return the seconds until the deadline."""
        return seconds_until(self._deadline)

    def _bear(self, error: WfctlError) -> None:
        """Say that the target does not answer. Raises what no patience mends, and TimedOut."""
        if self._session.target.local or isinstance(error, _LASTING):
            raise error
        if self.left() <= 0 and (self._answered or isinstance(error, TimedOut)):
            raise TimedOut(f"timed out: {error.message}", hint=self._session.going_on()) from error
        if not self._answered:
            raise error
        if not self._told:
            self._session.console.note(f"{clean(error.message)}; trying again")
        self._told = True


def wait_for(
    workflows: Workflows,
    reader: Reader,
    ids: Sequence[str],
    condition: Condition,
    *,
    any_of: bool = False,
    fail_on_stall: bool = False,
    tell: Callable[[Wait], None] | None = None,
) -> Wait:
    """Wait until every instance is decided (with `any_of`: until one holds), or the time is over. Raises NotFound.

    `tell` is called after each look that did not decide it.
    """
    state = Wait(condition)
    for _ in looks(workflows, reader.left):
        for instance_id in ids:
            if instance_id not in state.ended:
                instance, verdict = _look(workflows, reader, instance_id, condition, fail_on_stall)
                state.instances[instance_id] = instance
                if verdict is not None:
                    state.ended[instance_id] = verdict
        if state.decided(ids, any_of):
            break
        if tell is not None:
            tell(state)
    return _told(state, workflows)


def _look(
    workflows: Workflows, reader: Reader, instance_id: str, condition: Condition, fail_on_stall: bool
) -> tuple[Instance, int | None]:
    """Read one instance and judge it."""
    instance = reader.get(instance_id, payloads=condition.payloads)
    if instance.status is Status.STALLED and not condition.holds(instance):
        # This process may have loaded code that fits, and be about to try it: that decides, and not an old stall.
        if not workflows.settled([instance_id]):
            return instance, None
        instance = reader.get(instance_id, payloads=condition.payloads)
    return instance, judge(instance, condition, fail_on_stall)


def _told(state: Wait, workflows: Workflows) -> Wait:
    """Add what those wait for that have not ended, and why others failed: not every target says that at each look."""
    for instance_id, instance in state.instances.items():
        untold = instance.status is Status.FAILED and (instance.failure is None or instance.failure.inner is None)
        if untold or not (instance.status.terminal or instance.waiting_for):
            with contextlib.suppress(WfctlError):
                state.instances[instance_id] = workflows.get(instance_id)
    return state


def judge(instance: Instance, condition: Condition, fail_on_stall: bool) -> int | None:
    """Return the exit status if this instance is decided: the condition is met, or can never be met. Else None."""
    if condition.holds(instance):
        return exit_codes.DONE
    if instance.status.terminal:
        return exit_codes.of_missed(instance.status)
    if instance.status is Status.STALLED or (fail_on_stall and instance.status is Status.SUSPENDED):
        return exit_codes.STALLED
    return None
