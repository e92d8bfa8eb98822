"""What can be asked of an instance: each operation checks, then writes, in one unit of work.

Every check comes before the first write, so that an operation that raises has changed nothing. A finished or stalled
instance is refused here (WrongState); the gateway, which speaks Dapr's own API, answers as Dapr does instead.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace

from wfctl.engine.core.decide import encodable
from wfctl.engine.core.rerun import rerun as make_rerun
from wfctl.engine.store.codec import maybe_micros, to_micros
from wfctl.engine.store.instances import Row
from wfctl.engine.transaction import Unit
from wfctl.errors import Conflict, InvalidInput, NotFound, WrongState
from wfctl.model import events as ev
from wfctl.model import ids
from wfctl.model.events import NO_ID
from wfctl.model.instance import IfExists, RerunRequest, StartRequest
from wfctl.model.status import Status


def new_id() -> str:
    return str(uuid.uuid4())


def start(unit: Unit, request: StartRequest) -> str:
    """Create an instance and return its ID.

    Raises InvalidInput for an ID that no instance may have, and Conflict: the ID is taken by a live instance, by a
    finished one where the request does not say that it may be replaced, or by a finished one with a descendant that
    still runs (Dapr's rule since 1.18.2).
    """
    instance_id = request.id or new_id()
    _check_ids(instance_id)
    _check_texts(request.name, request.input)
    existing = unit.find(instance_id)
    if existing is not None:
        if request.if_exists is IfExists.USE:
            return instance_id
        _make_room(unit, existing, request)
    started = ev.ExecutionStarted(
        NO_ID, unit.now, request.name, request.input, instance_id, new_id(), None, request.start_at
    )
    row = new_row(started)
    unit.create(row, started)
    return instance_id


def _make_room(unit: Unit, existing: Row, request: StartRequest) -> None:
    if not existing.status.terminal:
        raise Conflict(
            f"an active workflow with ID '{existing.id}' already exists ({existing.status.name})",
            instance_id=existing.id,
            hint=f"look at it: wfctl get {existing.id}, use another --id, or keep it: --if-exists use",
        )
    if request.if_exists is not IfExists.REPLACE:
        raise Conflict(
            f"a finished workflow with ID '{existing.id}' exists ({existing.status.name})",
            instance_id=existing.id,
            hint="run it anew in its place: --if-exists replace, keep it: --if-exists use, or use another --id",
        )
    below = _descendants(unit, existing)
    running = [row.id for row in below if not row.status.terminal]
    if running:
        raise Conflict(
            _not_yet(existing.id, running),
            instance_id=existing.id,
            hint=f"end it first: wfctl terminate {running[0]}",
        )
    unit.delete([existing.key, *(row.key for row in below)])


def _not_yet(instance_id: str, running: Sequence[str]) -> str:
    """Dapr's words, with every descendant that is in the way."""
    reasons = ", ".join(f"child workflow '{child}' has not yet completed" for child in running)
    return f"cannot recreate workflow with ID '{instance_id}': {reasons}"


def new_row(started: ev.ExecutionStarted, parent: Row | None = None) -> Row:
    """The row of an instance that begins with this event; the unit gives it its key."""
    wake_at = maybe_micros(started.scheduled_start)
    return Row(
        key=0,
        id=started.instance_id,
        name=started.name,
        status=Status.PENDING,
        root=0 if parent is None else parent.root,
        parent=None if parent is None else parent.key,
        parent_id=None if parent is None else parent.id,
        parent_task=None if started.parent is None else started.parent.task_scheduled_id,
        parent_execution=None if parent is None else parent.execution_id,
        execution_id=started.execution_id,
        created_at=to_micros(started.timestamp),
        wake_at=wake_at,
    )


def raise_event(unit: Unit, instance_id: str, name: str, data: str | None) -> None:
    """Raises NotFound, and WrongState (finished or stalled)."""
    row = _live(unit, instance_id, f"event '{name}' was not raised")
    unit.send(row.key, ev.EventRaised(NO_ID, unit.now, name, data))


def pause(unit: Unit, instance_id: str, reason: str | None) -> None:
    """Raises NotFound, and WrongState (finished or stalled). Pausing a suspended instance changes nothing."""
    row = _live(unit, instance_id, "it cannot be paused")
    if not _suspended(unit, row):
        unit.send(row.key, ev.ExecutionSuspended(NO_ID, unit.now, reason))


def resume(unit: Unit, instance_id: str, reason: str | None) -> None:
    """Raises NotFound, and WrongState (finished, stalled, or not suspended)."""
    row = _live(unit, instance_id, "it cannot be resumed")
    if not _suspended(unit, row):
        raise WrongState(
            f"'{instance_id}' is {row.status.name}, not SUSPENDED: there is nothing to resume",
            instance_id=instance_id,
            hint=f"see what it waits for: wfctl get {instance_id}",
        )
    unit.send(row.key, ev.ExecutionResumed(NO_ID, unit.now, reason))


def terminate(unit: Unit, instance_id: str, output: str | None, reason: str | None, recursive: bool) -> None:
    """Raises NotFound, and WrongState (finished or stalled)."""
    _check_texts(output)
    row = _live(unit, instance_id, "it cannot be terminated")
    unit.send(row.key, ev.ExecutionTerminated(NO_ID, unit.now, output, recursive, reason))


def purge(unit: Unit, instance_id: str, force: bool, recursive: bool) -> int:
    """Delete the instance, and its descendants if `recursive`; all or nothing. Returns how many went.

    Raises NotFound, and WrongState (one of them is not finished, and `force` is not set).
    """
    row = _found(unit, instance_id)
    doomed = [row, *(_descendants(unit, row) if recursive else ())]
    for each in doomed:
        if not each.status.terminal and not force:
            whose = "it" if each is row else f"its descendant '{each.id}'"
            raise WrongState(
                f"'{instance_id}' cannot be purged: {whose} is {each.status.name}",
                instance_id=instance_id,
                hint=_how_to_end(unit, each),
            )
    unit.delete([each.key for each in doomed])
    return len(doomed)


def _how_to_end(unit: Unit, row: Row) -> str:
    if row.status is Status.STALLED:
        return "delete it as it is: --force"
    if any(isinstance(event, ev.ExecutionTerminated) for event in unit.pending(row.key)):
        return f"its end is requested already: wfctl wait {row.id} --for terminal, or delete it as it is: --force"
    return f"end it first: wfctl terminate {row.id}, or delete it as it is: --force"


def rerun(unit: Unit, request: RerunRequest) -> str:
    """Raises NotFound, WrongState (not finished, a child), Conflict (the new ID is taken) and InvalidInput."""
    source = _found(unit, request.source)
    if request.new_id == request.source:
        raise InvalidInput(
            "the new instance must have another ID than the one it comes from", hint="leave --new-id out, or change it"
        )
    if source.parent is not None:
        raise WrongState(
            f"'{source.id}' is a child workflow: only topmost instances can be rerun",
            instance_id=source.id,
            hint=f"rerun its parent: wfctl steps {source.parent_id}",
        )
    if not source.status.terminal:
        raise WrongState(
            f"'{source.id}' is {source.status.name}, not in a terminal state: it cannot be rerun",
            instance_id=source.id,
            hint=f"wait for its end: wfctl wait {source.id}, or end it: wfctl terminate {source.id}",
        )
    instance_id = request.new_id or new_id()
    _check_ids(instance_id, request.new_child_id)
    _check_texts(request.input)
    if unit.find(instance_id) is not None:
        raise Conflict(
            f"a workflow with ID '{instance_id}' exists already", instance_id=instance_id, hint="use another --new-id"
        )
    made = make_rerun(unit.history(source.key), request, instance_id, new_id(), unit.now)
    if made.state.started is None:
        raise InvalidInput(f"'{source.id}' has no step yet to rerun from", hint="start it again instead")
    row = new_row(replace(made.state.started, timestamp=unit.now))
    row.status = made.state.status()
    row.started_at = to_micros(unit.now)
    row.wake_at = maybe_micros(made.state.wake_at())
    row.busy = made.state.open_activities()
    row.version = made.state.version
    unit.create(row, None, made.history)
    for operation in made.state.open.values():
        if type(operation) is ev.ChildWorkflowInstanceCreated:
            start_child(unit, row, operation)
    return instance_id


def start_child(unit: Unit, parent: Row, created: ev.ChildWorkflowInstanceCreated) -> None:
    """Start a child in the same transaction as the event that asks for it.

    An ID that somebody else uses fails the parent's task (Dapr since 1.18.2), and so does one that no instance may
    have. A finished instance under that ID is replaced, as in Dapr: a retry uses the ID of its first try again.
    """
    fault = ids.fault(created.instance_id)
    if fault is not None and ids.fault(parent.id) is None:  # a parent from an older store hands its own ID on
        failure = ev.Failure("WorkflowInstanceIdInvalid", fault.text, non_retriable=True)
        unit.send(parent.key, ev.ChildWorkflowInstanceFailed(NO_ID, unit.now, created.event_id, failure))
        return
    existing = unit.find(created.instance_id)
    if existing is not None:
        below = _descendants(unit, existing)
        running = [row.id for row in below if not row.status.terminal]
        if running or not existing.status.terminal:
            of_parent = existing.parent == parent.key and existing.parent_execution == parent.execution_id
            if of_parent and existing.parent_task == created.event_id:
                return
            message = f"an active workflow with ID '{existing.id}' already exists"
            if existing.status.terminal:
                message = _not_yet(existing.id, running)
            failure = ev.Failure("WorkflowInstanceAlreadyExists", message)
            unit.send(parent.key, ev.ChildWorkflowInstanceFailed(NO_ID, unit.now, created.event_id, failure))
            return
        unit.delete([existing.key, *(row.key for row in below)])
    started = ev.ExecutionStarted(
        NO_ID,
        unit.now,
        created.name,
        created.input,
        created.instance_id,
        new_id(),
        ev.Parent(created.event_id, parent.id, parent.name, parent.execution_id),
    )
    unit.create(new_row(started, parent), started)


def _check_ids(*instance_ids: str | None) -> None:
    """Raises InvalidInput for an ID that no new instance may have."""
    for instance_id in instance_ids:
        fault = None if instance_id is None else ids.fault(instance_id)
        if fault is not None:
            raise InvalidInput(fault.text, hint=fault.hint, instance_id=instance_id)


def _check_texts(*texts: str | None) -> None:
    """Raises InvalidInput for what the store cannot hold, so that it does not fail at the commit."""
    for text in texts:
        if not encodable(text):
            raise InvalidInput(
                f"{text!a} is not valid Unicode: it has lone surrogates",
                hint="a shell passes bytes that are no UTF-8 on like this; encode the text as UTF-8",
            )


def _found(unit: Unit, instance_id: str) -> Row:
    _check_texts(instance_id)
    row = unit.find(instance_id)
    if row is None:
        raise missing(instance_id)
    return row


def missing(instance_id: str) -> NotFound:
    return NotFound(
        f"there is no instance '{instance_id}'",
        instance_id=instance_id,
        hint="wfctl list shows the instances of this target",
    )


def _live(unit: Unit, instance_id: str, consequence: str) -> Row:
    row = _found(unit, instance_id)
    if row.status.terminal:
        raise WrongState(
            f"'{instance_id}' is finished ({row.status.name}): {consequence}",
            instance_id=instance_id,
            hint=f"see how it ended: wfctl get {instance_id}",
        )
    if row.status is Status.STALLED:
        raise WrongState(
            f"'{instance_id}' is STALLED ({row.stall}): {consequence}",
            instance_id=instance_id,
            hint="run it with code that fits its history, or delete it: wfctl purge --force",
        )
    return row


def _suspended(unit: Unit, row: Row) -> bool:
    """Whether the instance is suspended once the requests that lie in its inbox have been followed."""
    suspended = row.status is Status.SUSPENDED
    for event in unit.pending(row.key):
        if isinstance(event, (ev.ExecutionSuspended, ev.ExecutionResumed)):
            suspended = isinstance(event, ev.ExecutionSuspended)
    return suspended


def _descendants(unit: Unit, row: Row) -> Sequence[Row]:
    found: list[Row] = []
    level: list[Row] = [row]
    while level:
        level = [child for parent in level for child in unit.children(parent.key)]
        found += level
    return found
