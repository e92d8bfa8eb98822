"""One live workflow: its code, kept alive between turns.

A turn feeds the new events to the generator and collects the actions that it asks for. Only a new LiveWorkflow of an
instance with a history replays: it feeds the past events in the same way, and compares each action of the code with
the event that the history has for it (`history_check`). It does not keep the past.

Where the behaviour of Dapr's SDK (dapr 1.19.0, `worker.py`) would lose work, this one is more careful:

* A result that JSON cannot hold fails the workflow (the SDK leaves it running forever).
* What the code asks for after its completion is ignored (the SDK may schedule it).
* A resume of a workflow that is not suspended is ignored (the SDK fails the workflow).
* A suspension does not delay the confirmation of actions (the SDK would ask for the same action twice).
* Code that no longer matches its history stalls (the SDK fails the workflow).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from json import JSONDecodeError
from typing import Any, get_args

from wfctl.model import events as ev
from wfctl.model.events import NO_ID, ActionEvent, Event, Failure, PropagatedEvents, StallReason
from wfctl.model.fit import Difference
from wfctl.model.status import Status
from wfctl.model.turn import ContinueAsNew, Stall, TurnResult
from wfctl.workflow.failures import failure_of
from wfctl.workflow.payloads import optional_from_json, to_json
from wfctl.workflow.registry import Registry, VersionNotAvailable
from wfctl.workflow.replay.generator import WorkflowGenerator
from wfctl.workflow.replay.history_check import confirm, unconfirmed
from wfctl.workflow.sdk.context import DaprWorkflowContext
from wfctl.workflow.sdk.pending_actions import PendingActions
from wfctl.workflow.sdk.tasks import EventTask, FailureDetails, RetryableTask, TaskFailedError
from wfctl.workflow.sdk.unyielded import Unyielded

_ACTIONS = get_args(ActionEvent)


class OrchestratorNotRegisteredError(ValueError):
    """Raised for a workflow that is not registered. The name is that of Dapr's SDK, since histories record it."""


class LiveWorkflow:
    """The code of one instance, run turn by turn.

    After a stall, a continue-as-new or a completion it cannot be used any more.
    """

    __slots__ = ("_generator", "_held", "_pending", "_registry", "_version")

    def __init__(
        self,
        registry: Registry,
        instance_id: str,
        read_propagated: Callable[[], PropagatedEvents | None] = lambda: None,
    ) -> None:
        self._registry = registry
        self._pending = PendingActions(instance_id, registry.app_id, read_propagated)
        self._generator = WorkflowGenerator(self._pending)
        self._held: list[Event] | None = None  # events that arrived while suspended; None if not suspended
        self._version: str | None = None

    @property
    def ended(self) -> bool:
        """Return True if the code completed, continued as new, or was closed."""
        return self._pending.closed

    def is_replaying(self) -> bool:
        """Return True while the code repeats what the history records."""
        return self._pending.replaying

    def turn(self, past: Sequence[Event], new: Sequence[Event]) -> TurnResult:
        """Run one turn over `new`, which begins with WorkflowStarted.

        `past` is the history before it: given to the first call, empty in later ones. A past that records no action has
        never run (the fresh history of a continue-as-new), and counts as new.

        Returns the actions of the turn; an exception of user code is a failure among them. Raises only
        KeyboardInterrupt, on the main thread.
        """
        pending = self._pending
        feed = new
        try:
            if past:
                if any(type(event) in _ACTIONS for event in past):
                    difference = self._replay(past)
                    pending.calls.after_turn(replayed=True)
                    if difference is not None:
                        return TurnResult(stall=self._mismatch(difference.text))
                else:
                    feed = [*past, *new]
            pending.replaying = False
            pending.turn_time = new[0].timestamp
            if pending.actions:
                self._restamp()
            for event in feed:
                self._take(event)
            if not pending.closed and (unyielded := pending.calls.after_turn(replayed=False)):
                pending.warnings += unyielded
        except VersionNotAvailable as missing:
            return TurnResult(stall=self._version_missing(str(missing)))
        if pending.recorded_patches and not pending.patches_match():
            return TurnResult(stall=Stall(StallReason.PATCH_MISMATCH, self._patches()))
        result = TurnResult([], pending.custom_status, self._version, pending.applied_patches)
        if pending.continuation is not None:
            result.continue_as_new = self._continuation(pending.continuation)
        elif pending.actions:
            result.events = list(pending.actions.values())
            pending.actions.clear()
        return result

    def take_warnings(self) -> Sequence[Unyielded]:
        """Return what there is to say of the code since the last time."""
        pending = self._pending
        if not pending.warnings:
            return ()
        warnings, pending.warnings = pending.warnings, []
        return warnings

    def close(self) -> None:
        """Close the generator; its `finally` blocks run."""
        self._generator.close()

    def _replay(self, past: Iterable[Event]) -> Difference | None:
        """Replay the past. Returns None, or the difference if the code does not fit it."""
        pending = self._pending
        pending.replaying = True
        for event in past:
            if type(event) in _ACTIONS:
                difference = confirm(pending, event)  # type: ignore[arg-type]
                if difference is not None:
                    return difference
            else:
                self._take(event)
        return unconfirmed(pending)

    def _restamp(self) -> None:
        """Record the actions that the replay left over, waits that an old history lacks, in this turn."""
        pending = self._pending
        for number, event in pending.actions.items():
            pending.actions[number] = replace(event, timestamp=pending.turn_time)

    def _take(self, event: Event) -> None:
        kind = type(event)
        if self._held is not None and kind is not ev.ExecutionResumed and kind is not ev.ExecutionTerminated:
            if kind is ev.WorkflowStarted:
                self._recall(event)  # type: ignore[arg-type]
            if kind is not ev.ExecutionSuspended:
                self._held.append(event)
            return
        rule = _RULES.get(kind)
        if rule is None or (self._pending.closed and kind not in _AFTER_THE_END):
            return
        try:
            rule(self, event)
        except VersionNotAvailable:
            raise
        except Exception as error:  # a payload that is not JSON, a model that does not validate, ...
            self._generator.fail(failure_of(error))

    def _workflow_started(self, event: ev.WorkflowStarted) -> None:
        self._pending.set_time(event.timestamp)
        if event.version is not None or event.patches:
            self._recall(event)

    def _recall(self, event: ev.WorkflowStarted) -> None:
        if event.version is not None and not self._generator.name:
            self._version = event.version
        new = event.patches
        if new:
            self._pending.recorded_patches += new

    def _execution_started(self, event: ev.ExecutionStarted) -> None:
        if self._generator.name:
            return
        self._generator.name = event.name
        function = self._registry.workflow(event.name, self._version)
        if function is None:
            raise OrchestratorNotRegisteredError(_unregistered(self._registry, event.name))
        self._version = function.version
        value = _decoded(event.input, "the input")
        self._generator.begin(lambda: function(DaprWorkflowContext(self._pending), value))

    def _task_completed(self, event: ev.TaskCompleted | ev.ChildWorkflowInstanceCompleted) -> None:
        task = self._pending.tasks.pop(event.task_scheduled_id, None)
        if task is not None:
            result = event.result
            task._settle(_decoded(result, "a result") if result else None)
            self._generator.advance()

    def _task_failed(self, event: ev.TaskFailed) -> None:
        number = event.task_scheduled_id
        self._failed(number, event.failure, f"{self._pending.instance_id}: Activity task #{number} failed: ")

    def _child_failed(self, event: ev.ChildWorkflowInstanceFailed) -> None:
        number = event.task_scheduled_id
        failure = event.failure or Failure("", "")
        self._failed(number, failure, f"Sub-orchestration task #{number} failed: ")

    def _failed(self, number: int, failure: Failure, prefix: str) -> None:
        pending = self._pending
        task = pending.tasks.pop(number, None)
        if task is None:
            return
        if type(task) is RetryableTask and task.policy.retries(failure.error_type):
            delay = task.policy.next_delay(task.attempt)
            if delay is not None:
                pending.schedule_retry(task, delay)
                return
        task._settle(exception=TaskFailedError(prefix + failure.message, FailureDetails.of(failure)))
        self._generator.advance()

    def _timer_fired(self, event: ev.TimerFired) -> None:
        pending = self._pending
        task = pending.tasks.pop(event.timer_id, None)
        if task is None:
            return
        if type(task) is RetryableTask:
            pending.schedule_attempt(task, pending.next_number())
            return
        if type(task) is EventTask:
            pending.stop_waiting(task)
            task._time_out()
        else:
            task._settle()
        self._generator.advance()

    def _event_raised(self, event: ev.EventRaised) -> None:
        value = _decoded(event.input, f"the payload of event {event.name!r}")
        if self._pending.deliver_event(event.name.casefold(), value):
            self._generator.advance()

    def _suspended(self, event: Event) -> None:
        self._held = []

    def _resumed(self, event: Event) -> None:
        held, self._held = self._held, None
        for later in held or ():
            if type(later) is ev.WorkflowStarted:
                self._pending.set_time(later.timestamp)
            else:
                self._take(later)

    def _terminated(self, event: ev.ExecutionTerminated) -> None:
        pending = self._pending
        if pending.closed and pending.continuation is None:
            return
        pending.continuation = None  # a request to terminate wins over a continue-as-new of the same turn
        self._generator.end(Status.TERMINATED, event.input or None)

    def _continuation(self, again: tuple[str | None, bool]) -> ContinueAsNew:
        pending = self._pending
        text, save_events = again
        carried: tuple[ev.EventRaised, ...] = ()
        if save_events:
            for event in self._held or ():
                if type(event) is ev.EventRaised:
                    pending.deliver_event(event.name.casefold(), _decoded(event.input, event.name))
            carried = tuple(
                ev.EventRaised(NO_ID, pending.turn_time, key, None if value is None else to_json(value))
                for key, values in pending.unconsumed_events.items()
                for value in values
            )
        number = pending.next_number()
        self.close()
        return ContinueAsNew(number, text, carried)

    def _mismatch(self, difference: str) -> Stall:
        pending = self._pending
        self.close()
        if not pending.patches_match():
            return Stall(StallReason.PATCH_MISMATCH, f"{self._patches()}; {difference}")
        return Stall(
            StallReason.NON_DETERMINISTIC,
            f"workflow {self._generator.name!r} no longer matches its history: {difference}",
        )

    def _patches(self) -> str:
        pending = self._pending
        return (
            f"workflow {self._generator.name!r}: the history has the patches {list(pending.recorded_patches)}, "
            f"the code applies {list(pending.applied_patches)}"
        )

    def _version_missing(self, version: str) -> Stall:
        known = ", ".join(self._registry.versions(self._generator.name)) or "none"
        return Stall(
            StallReason.VERSION_NOT_AVAILABLE,
            f"version {version!r} of workflow {self._generator.name!r} is not available: registered: {known}",
        )


def _decoded(text: str | None, what: str) -> Any:
    try:
        return optional_from_json(text)
    except JSONDecodeError as error:
        raise JSONDecodeError(f"{what} is not JSON: {error.msg}", error.doc, error.pos) from None


def _unregistered(registry: Registry, name: str) -> str:
    known = ", ".join(registry.workflow_names()) or "none"
    versions = registry.versions(name)
    if versions:
        return f"workflow {name!r} has versions ({', '.join(versions)}), none of them registered as the latest"
    return f"workflow {name!r} is not registered; registered: {known}"


# The events that still count after a continue-as-new: those that are carried over, and requests.
_AFTER_THE_END = frozenset({ev.EventRaised, ev.ExecutionTerminated, ev.ExecutionSuspended, ev.ExecutionResumed})

_RULES: dict[type[Event], Callable[[LiveWorkflow, Any], None]] = {
    ev.WorkflowStarted: LiveWorkflow._workflow_started,
    ev.ExecutionStarted: LiveWorkflow._execution_started,
    ev.TaskCompleted: LiveWorkflow._task_completed,
    ev.TaskFailed: LiveWorkflow._task_failed,
    ev.ChildWorkflowInstanceCompleted: LiveWorkflow._task_completed,
    ev.ChildWorkflowInstanceFailed: LiveWorkflow._child_failed,
    ev.TimerFired: LiveWorkflow._timer_fired,
    ev.EventRaised: LiveWorkflow._event_raised,
    ev.ExecutionSuspended: LiveWorkflow._suspended,
    ev.ExecutionResumed: LiveWorkflow._resumed,
    ev.ExecutionTerminated: LiveWorkflow._terminated,
}
