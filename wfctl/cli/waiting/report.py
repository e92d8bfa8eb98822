"""Tell a person on stderr how an instance ended, what it waits for, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from wfctl.cli.exit_codes import of_end
from wfctl.cli.quoting import quoted
from wfctl.cli.session import Session
from wfctl.client.port import Driver, Workflows
from wfctl.errors import DiskFull, NotFound, StoreError
from wfctl.model.failure import root
from wfctl.model.failure_advice import advice
from wfctl.model.instance import Instance, Waiting
from wfctl.model.status import Status
from wfctl.render.text import clean
from wfctl.render.times import span
from wfctl.render.views.failure import failure_lines
from wfctl.render.views.instances import lifetime, status_cell
from wfctl.render.views.waiting import utc_now, waiting_text

MOST_WAITS = 5  # lines about one instance; a fan-out may wait for thousands


def none_lost(error: StoreError, ids: Sequence[str]) -> StoreError:
    """Return the error to show when the store failed only after the command had done its part: these instances have got
    what was asked for, and asking again would be another request."""
    names = ", ".join(clean(one) for one in ids[:MOST_WAITS])
    if len(ids) > MOST_WAITS:
        names += f" and {len(ids) - MOST_WAITS:,} more"
    recorded = f"{names} {'is' if len(ids) == 1 else 'are'} recorded"
    message, hint = f"{error.message}; {recorded}", error.hint
    if isinstance(error, DiskFull):
        message += ", and can go no further until there is room"
        wait = f", or wfctl wait {' '.join(map(quoted, ids))}" if len(ids) <= MOST_WAITS else ""
        hint = f"free some space, then wfctl run{wait}; the same command again would ask for it twice"
    return type(error)(message, hint=hint, instance_id=ids[0] if len(ids) == 1 else None)


def tell_end(session: Session, instance: Instance) -> None:
    """`12345678 COMPLETED, took 1.2s`, or why it failed."""
    console = session.console
    took = lifetime(instance)
    words = f", took {span(took)}" if took is not None else ""
    if instance.status is Status.FAILED and instance.failure is not None:
        first, *more = failure_lines(instance)
        console.note(clean(instance.id) + " ", status_cell(instance.status), f"{words}: {first}")
        for line in more:
            console.note("  " + line)
    else:
        console.note(clean(instance.id) + " ", status_cell(instance.status), words)
    if instance.failure is not None and (hint := advice(root(instance.failure))) is not None:
        console.note(f"  try: {clean(hint)}")


def tell_waiting(session: Session, instance: Instance, driver: Driver, *, hints: bool = True) -> None:
    """Say what a live instance waits for, and which command continues it."""
    now = instance.time(utc_now())
    console = session.console
    head = (clean(instance.id) + " ", status_cell(instance.status))
    if not instance.waiting_for:
        console.note(*head)
    for waiting in sorted(instance.waiting_for[:MOST_WAITS], key=lambda one: one.kind == "driver"):
        if waiting.received:
            console.note(*head, f": {clean(waiting.name or '')} received, waiting for a worker")
            continue
        waits = ": " if waiting.kind == "driver" else ", waits for "
        console.note(*head, waits + waiting_text(waiting, now))
    if len(instance.waiting_for) > MOST_WAITS:
        more = len(instance.waiting_for) - MOST_WAITS
        console.note(*head, f", and for {more:,} more: wfctl get {quoted(instance.id)}")
    if hints:
        for hint in how_to_go_on(instance, driver):
            console.note(f"  next: {hint}")


def how_to_go_on(instance: Instance, driver: Driver) -> Iterator[str]:
    kinds = {waiting.kind for waiting in instance.waiting_for}
    for waiting in instance.waiting_for[:MOST_WAITS]:
        yield from _command(instance, waiting)
    if driver is not Driver.ELSEWHERE and kinds & {"timer", "start", "activity"} and "driver" not in kinds:
        yield "wfctl run continues what is due" if instance.own_time is None else "wfctl run --skip-time goes on"


def _command(instance: Instance, waiting: Waiting) -> Iterator[str]:
    name = quoted(instance.id)
    if waiting.kind == "event" and not waiting.received:
        yield f"wfctl raise-event {name} {quoted(waiting.name or '')} --data true"
    elif waiting.kind == "resume":
        yield f"wfctl resume {name}"
    elif waiting.kind == "child":
        yield f"wfctl get {quoted(waiting.instance_id or '')} says what the child waits for"
    elif waiting.kind == "code":
        yield f"fix the workflow code, then: wfctl run (its steps: wfctl steps {name})"


def tell_if_stopped(session: Session, driver: Driver, hint: Callable[[], str]) -> None:
    """Set what is said when the command is interrupted: whether the workflow goes on, and how to wait for it again."""
    session.going_on = hint
    session.stopped = lambda: f"interrupted; {_what_goes_on(session, driver)}"


def _what_goes_on(session: Session, driver: Driver) -> str:
    if driver is Driver.HERE or not session.target.executed():
        return "nothing is lost, and nobody executes the workflow now"
    return "the workflow goes on"


def tell_driver(session: Session, workflows: Workflows, instance_id: str) -> None:
    """Say who executes an instance that this command leaves to others."""
    who = workflows.driven_by()
    if who is not None:
        session.console.note(f"{clean(instance_id)} is executed by {who}")


def as_raised(instance: Instance, event: str, at: datetime) -> Instance:
    """Return the instance with the wait for this event marked as received, unless it began after the event was raised.

    For a target that does not tell of events that no worker has taken in.
    """

    def marked(waiting: Waiting) -> Waiting:
        same = waiting.kind == "event" and (waiting.name or "").casefold() == event.casefold()
        return replace(waiting, received=True) if same and (waiting.since is None or waiting.since < at) else waiting

    return replace(instance, waiting_for=tuple(map(marked, instance.waiting_for)))


def tell_state(
    session: Session, workflows: Workflows, ids: list[str], driver: Driver, *, may_wait: bool = False
) -> None:
    """Say how each instance ended, or what it waits for, if this command was to execute it; else who executes it.

    `may_wait`: the command has --wait, and was not given it.
    """
    if session.console.quiet:
        return
    if driver is Driver.ELSEWHERE:
        if len(ids) == 1:
            tell_driver(session, workflows, ids[0])
        return
    for instance_id in ids:
        try:
            instance = workflows.get(instance_id, payloads=False)
        except NotFound:  # what was asked for was done all the same: an error would say otherwise
            session.console.note(f"{clean(instance_id)} is gone: it was purged, or an older store was restored")
            continue
        if instance.status.terminal:
            tell_end(session, instance)
            if may_wait and (status := of_end(instance.status)):
                session.console.note(f"  exit status 0 all the same: with --wait it is the workflow's, {status}")
        else:
            tell_waiting(session, instance, driver)
