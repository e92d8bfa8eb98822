"""The wait loop: look, decide, block until something may have changed. The same on every target."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from wfctl.cli import outcome
from wfctl.cli.conditions import Condition
from wfctl.client.port import Workflows
from wfctl.errors import WfctlError
from wfctl.model.instance import Instance
from wfctl.model.status import Status

LOOK_EVERY = 0.5


@dataclass(slots=True)
class Watch:
    """Where a wait stands: `ended` has an exit status for each instance that is decided."""

    condition: Condition
    instances: dict[str, Instance] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)

    def held(self, instance_id: str) -> bool:
        return self.ended.get(instance_id) == outcome.DONE

    def exit_status(self, ids: Sequence[str], any_of: bool) -> int:
        statuses = [self.ended.get(instance_id, outcome.TIMED_OUT) for instance_id in ids]
        if any_of and outcome.DONE in statuses:
            return outcome.DONE
        return outcome.combined(statuses)


def watch(
    workflows: Workflows,
    ids: Sequence[str],
    condition: Condition,
    *,
    any_of: bool = False,
    timeout: timedelta | None = None,
    fail_on_stall: bool = False,
    tell: Callable[[Watch], None] | None = None,
) -> Watch:
    """Wait until every instance is decided (with `any_of`: until one holds), or the time is over. Raises NotFound.

    `tell` is called after each look that did not decide it.
    """
    state = Watch(condition)
    deadline = None if timeout is None else time.monotonic() + timeout.total_seconds()
    while True:
        for instance_id in ids:
            if instance_id not in state.ended:
                instance = workflows.get(instance_id, payloads=condition.payloads)
                state.instances[instance_id] = instance
                verdict = judge(instance, condition, fail_on_stall)
                if verdict is not None:
                    state.ended[instance_id] = verdict
        if len(state.ended) == len(set(ids)) or (any_of and outcome.DONE in state.ended.values()):
            return _told(state, workflows)
        if tell is not None:
            tell(state)
        left = LOOK_EVERY if deadline is None else deadline - time.monotonic()
        if left <= 0:
            return _told(state, workflows)
        workflows.changed(min(left, LOOK_EVERY))


def _told(state: Watch, workflows: Workflows) -> Watch:
    """With what those wait for that have not ended: not every target says that at each look."""
    for instance_id, instance in state.instances.items():
        if not instance.status.terminal and not instance.waiting_for:
            with contextlib.suppress(WfctlError):
                state.instances[instance_id] = workflows.get(instance_id)
    return state


def judge(instance: Instance, condition: Condition, fail_on_stall: bool) -> int | None:
    """The exit status if this instance is decided: the condition holds, or can never hold any more."""
    if condition.holds(instance):
        return outcome.DONE
    if instance.status.terminal:
        return outcome.of_missed(instance.status)
    if fail_on_stall and instance.status in (Status.SUSPENDED, Status.STALLED):
        return outcome.STALLED
    return None
