"""The operations on an instance: each checks, then writes, in one transaction.

Every check comes before the first write, so that an operation that raises has changed nothing. A finished or stalled
instance is refused here (WrongState); the gateway, which speaks Dapr's own API, answers as Dapr does instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from wfctl.engine.core.decide import encodable
from wfctl.engine.core.rerun import rerun as make_rerun
from wfctl.engine.random_id import new_id
from wfctl.engine.store import clocks, reruns
from wfctl.engine.store.clocks import TreeClock
from wfctl.engine.store.instances import Row
from wfctl.engine.store.values import maybe_micros, to_micros
from wfctl.engine.transaction import Unit
from wfctl.errors import InvalidInput
from wfctl.model import events as ev
from wfctl.model import ids, refusals, rerun_ids
from wfctl.model.apps import Apps, app_of_call, stored, told
from wfctl.model.events import NO_ID
from wfctl.model.instance import IfExists, RerunRequest, StartRequest
from wfctl.model.status import Status


def start(unit: Unit, request: StartRequest, apps: Apps = None) -> str:
    """Create an instance and return its ID. `apps`: the ID must be free in all of these, not only in the request's app.

    Raises InvalidInput for an ID that no instance may have, and Conflict: the ID is taken by a live instance, by a
    finished one where the request does not say that it may be replaced, or by a finished one with a descendant that
    still runs (Dapr's rule since 1.18.2).
    """
    instance_id = request.id or new_id()
    _check_ids(instance_id)
    _check_texts(request.name, request.input)
    app = stored(request.app_id)
    existing = unit.find(instance_id, apps or (app,)) if request.id else None  # a random ID is nobody's
    if existing is not None:
        if request.if_exists is IfExists.USE:
            return instance_id
        _make_room(unit, existing, request)
    clock = None
    if request.own_clock or unit.whole_store():
        clock = clocks.beginning_at(request.now, unit.now)
    started = ev.ExecutionStarted(
        NO_ID,
        unit.now if clock is None else clock.time(unit.now),
        request.name,
        request.input,
        instance_id,
        new_id(),
        scheduled_start=request.start_at,
        app_id=told(app),
    )
    unit.create(new_row(started, app, clock=clock), [started], clock=clock)
    return instance_id


def _make_room(unit: Unit, existing: Row, request: StartRequest) -> None:
    if not existing.status.terminal:
        raise refusals.id_of_live_instance(existing.id, existing.status)
    if request.if_exists is not IfExists.REPLACE:
        raise refusals.id_of_finished_instance(existing.id, existing.status)
    below = _descendants(unit, existing)
    running = [row.id for row in below if not row.status.terminal]
    if running:
        raise refusals.children_still_running(existing.id, running)
    unit.delete([existing.key, *(row.key for row in below)])


def new_row(started: ev.ExecutionStarted, app: str, parent: Row | None = None, clock: TreeClock | None = None) -> Row:
    """Return the row of an instance that begins with this event; the unit gives it its key."""
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
        wake_at=_wake_at(started.scheduled_start, clock),
        app=app,
    )


def _wake_at(when: datetime | None, clock: TreeClock | None) -> int | None:
    """Return the real time at which it is `when` by the clock of the tree."""
    micros = maybe_micros(when)
    return micros if micros is None or clock is None else clock.real(micros)


def _time(unit: Unit, row: Row) -> datetime:
    """Return the time by the clock of the instance's tree."""
    clock = unit.clock(row.root)
    return unit.now if clock is None else clock.time(unit.now)


def raise_event(unit: Unit, instance_id: str, name: str, data: str | None, apps: Apps = None) -> None:
    """Raise an event. Raises NotFound, and WrongState (finished or stalled)."""
    row = _live(unit, instance_id, apps, refusals.event_not_raised(name))
    unit.send(row.key, ev.EventRaised(NO_ID, _time(unit, row), name, data))


def pause(unit: Unit, instance_id: str, reason: str | None, apps: Apps = None) -> None:
    """Suspend the instance; a suspended one stays as it is. Raises NotFound, and WrongState (finished or stalled)."""
    row = _live(unit, instance_id, apps, refusals.NOT_PAUSED)
    if not _suspended(unit, row):
        unit.suspend(row, ev.ExecutionSuspended(NO_ID, _time(unit, row), reason))


def resume(unit: Unit, instance_id: str, reason: str | None, apps: Apps = None) -> None:
    """Resume the instance. Raises NotFound, and WrongState (finished, stalled, or not suspended)."""
    row = _live(unit, instance_id, apps, refusals.NOT_RESUMED)
    if not _suspended(unit, row):
        raise refusals.not_suspended(instance_id, row.status)
    unit.send(row.key, ev.ExecutionResumed(NO_ID, _time(unit, row), reason))


def terminate(
    unit: Unit, instance_id: str, output: str | None, reason: str | None, recursive: bool, apps: Apps = None
) -> None:
    """Terminate the instance. Raises NotFound, and WrongState (finished or stalled)."""
    _check_texts(output)
    row = _live(unit, instance_id, apps, refusals.NOT_TERMINATED)
    unit.send(row.key, ev.ExecutionTerminated(NO_ID, _time(unit, row), output, recursive, reason))


def purge(unit: Unit, instance_id: str, force: bool, recursive: bool, apps: Apps = None) -> int:
    """Delete the instance, and its descendants if `recursive`; all or nothing. Returns the number deleted.

    Raises NotFound, and WrongState (one of them is not finished, and `force` is not set).
    """
    row = _found(unit, instance_id, apps)
    doomed = [row, *(_descendants(unit, row) if recursive else ())]
    for each in doomed:
        if not each.status.terminal and not force:
            raise refusals.not_purgeable(
                instance_id,
                each.status,
                descendant=None if each is row else each.id,
                terminating=any(isinstance(event, ev.ExecutionTerminated) for event in unit.pending(each.key)),
            )
    unit.delete([each.key for each in doomed])
    return len(doomed)


def rerun(unit: Unit, request: RerunRequest, apps: Apps = None) -> str:
    """Create an instance from a step of a finished one, and return its ID.

    Raises NotFound, WrongState (not finished, a child), Conflict (the new ID is taken) and InvalidInput. Dapr's task
    hub checks in the same order.
    """
    _check_ids(request.new_id, request.new_child_id)
    source = _found(unit, request.source, apps)
    if request.new_id == request.source:
        raise refusals.rerun_under_same_id()
    if not source.status.terminal:
        raise refusals.rerun_of_live_instance(source.id, source.status)
    if source.parent is not None:
        raise refusals.rerun_of_child(source.id, source.parent_id)
    if request.once:
        _check_first(unit, source)
    instance_id = request.new_id or _next_rerun_id(unit, source)
    _check_ids(instance_id)
    _check_texts(request.input, *(result for _, result in request.results))
    if unit.find(instance_id, (source.app,)) is not None or reruns.used(unit.store, source.key, instance_id):
        raise refusals.new_id_taken(instance_id)
    of_source = unit.clock(source.root)
    clock = None if of_source is None else of_source.again()
    now = unit.now if clock is None else clock.time(unit.now)
    made = make_rerun(unit.history(source.key), request, instance_id, new_id(), now)
    if made.state.started is None:
        raise InvalidInput(f"'{source.id}' has no step yet to rerun from", hint="start it again instead")
    row = new_row(replace(made.state.started, timestamp=now), source.app, clock=clock)
    row.status = made.state.status()
    row.started_at = to_micros(now)
    row.wake_at = _wake_at(made.state.wake_at(), clock)
    row.busy = made.state.open_activities()
    row.version = made.state.version
    unit.create(row, made.supplied, made.history, clock)
    reruns.record(unit.store, row.key, row.id, source.key, source.id)
    for operation in made.state.open.values():
        if type(operation) is ev.ChildWorkflowInstanceCreated and operation.event_id not in dict(request.results):
            start_child(unit, row, operation)
    return instance_id


def _check_first(unit: Unit, source: Row) -> None:
    """Check that the source was not rerun yet. Raises AlreadyRerun."""
    since = reruns.later(unit.store, source.key)
    if since:
        last = unit.find(since[-1], (source.app,))
        raise refusals.already_rerun(source.id, since[-1], None if last is None else last.status)


def _next_rerun_id(unit: Unit, source: Row) -> str:
    """Return the first ID of a rerun, counted from the source's own number, that is and was not in use."""
    number = rerun_ids.number(source.id)
    while True:
        number += 1
        instance_id = rerun_ids.rerun_id(source.id, number)
        if unit.find(instance_id, (source.app,)) is None and not reruns.used(unit.store, source.key, instance_id):
            return instance_id


def start_child(unit: Unit, parent: Row, created: ev.ChildWorkflowInstanceCreated) -> None:
    """Start a child in the same transaction as the event that asks for it, in the parent's app if it names none.

    An ID that somebody else uses fails the parent's task (Dapr since 1.18.2), and so does one that no instance may
    have. A finished instance under that ID is replaced, as in Dapr: a retry uses the ID of its first try again.
    """
    now = _time(unit, parent)
    fault = ids.fault(created.instance_id)
    if fault is not None and ids.fault(parent.id) is None:  # a parent from an older store hands its own ID on
        failure = ev.Failure("WorkflowInstanceIdInvalid", fault.text, non_retriable=True)
        unit.send(parent.key, ev.ChildWorkflowInstanceFailed(NO_ID, now, created.event_id, failure))
        return
    app = app_of_call(created.app_id, parent.app)
    existing = unit.find(created.instance_id, (app,))
    if existing is not None:
        below = _descendants(unit, existing)
        running = [row.id for row in below if not row.status.terminal]
        if running or not existing.status.terminal:
            of_parent = existing.parent == parent.key and existing.parent_execution == parent.execution_id
            if of_parent and existing.parent_task == created.event_id:
                return
            message = refusals.id_of_live_instance(existing.id).message
            if existing.status.terminal:
                message = refusals.children_running_text(existing.id, running)
            failure = ev.Failure("WorkflowInstanceAlreadyExists", message)
            unit.send(parent.key, ev.ChildWorkflowInstanceFailed(NO_ID, now, created.event_id, failure))
            return
        unit.delete([existing.key, *(row.key for row in below)])
    started = ev.ExecutionStarted(
        NO_ID,
        now,
        created.name,
        created.input,
        created.instance_id,
        new_id(),
        ev.Parent(created.event_id, parent.id, parent.name, parent.execution_id, told(parent.app)),
        app_id=told(app),
    )
    unit.create(new_row(started, app, parent), [started])


def _check_ids(*instance_ids: str | None) -> None:
    """Check the IDs of new instances. Raises InvalidInput for one that none may have."""
    for instance_id in instance_ids:
        fault = None if instance_id is None else ids.fault(instance_id)
        if instance_id is not None and fault is not None:
            raise refusals.bad_id(fault, instance_id)


def _check_texts(*texts: str | None) -> None:
    """Check texts. Raises InvalidInput for what the store cannot hold, so that it does not fail at the commit."""
    for text in texts:
        if not encodable(text):
            raise InvalidInput(
                f"{text!a} is not valid Unicode: it has lone surrogates",
                hint="a shell passes bytes that are no UTF-8 on like this; encode the text as UTF-8",
            )


def _found(unit: Unit, instance_id: str, apps: Apps) -> Row:
    _check_texts(instance_id)
    row = unit.find(instance_id, apps)
    if row is None:
        raise refusals.not_found(instance_id)
    return row


def _live(unit: Unit, instance_id: str, apps: Apps, consequence: str) -> Row:
    row = _found(unit, instance_id, apps)
    if row.status.terminal:
        raise refusals.finished(instance_id, row.status, consequence)
    if row.status is Status.STALLED:
        raise refusals.stalled(instance_id, consequence, row.stall)
    return row


def _suspended(unit: Unit, row: Row) -> bool:
    """Return True if the instance is suspended once the requests that lie in its inbox have been followed."""
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
