"""Finish a command that started or continued an instance: execute it, wait for it, report on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from wfctl.cli import exit_codes
from wfctl.cli.parsing.condition import COMPLETED, Condition
from wfctl.cli.quoting import quoted
from wfctl.cli.session import Session
from wfctl.cli.waiting.driving import drive_on, have_driven
from wfctl.cli.waiting.loop import Reader, Wait, wait_for
from wfctl.cli.waiting.options import WaitOptions
from wfctl.cli.waiting.progress import wait_progress
from wfctl.cli.waiting.report import as_raised, tell_driver, tell_end, tell_state, tell_waiting
from wfctl.client.port import Driver, Workflows
from wfctl.errors import TimedOut
from wfctl.model.instance import Instance, Skip
from wfctl.render.printer import Format
from wfctl.render.text import clean
from wfctl.render.times import seconds_text
from wfctl.render.views.instances import instance_view
from wfctl.render.views.waiting import utc_now

MOST_IDS = 5
GO_FURTHER = "wfctl run --skip-time --until +30d goes on"


def shows_record(session: Session, wait: bool) -> bool:
    """Return True if a command that makes an instance prints its record at the end instead of its ID at once."""
    if session.format_given:
        return session.format is not Format.ID
    return wait and session.console.out_tty


def finish(
    session: Session,
    workflows: Workflows,
    instance_id: str,
    options: WaitOptions,
    *,
    show: bool,
    raised: tuple[str, datetime] | None = None,
    skip: Skip | None = None,
) -> int:
    """Drive or wait; print the record if `show`; return the exit status. `raised`: the event that was, and when.
    `skip`: how far its time is skipped."""
    session.recorded = [instance_id]
    status, late = exit_codes.DONE, None
    driver = drive_on(session, workflows, [instance_id], skip) if skip is not None and session.may_drive else None
    held = driver is Driver.HERE and workflows.held(instance_id)
    reader = Reader(session, workflows, options.deadline, known=options.wait)
    instance: Instance | None = None
    if driver is not None and (held or not options.wait):
        tell_state(session, workflows, [instance_id], driver, may_wait=not options.wait)
        if held:
            status, late = _held(session, workflows, instance_id, options.wait, endless=skip == Skip())
    elif options.wait:
        instance, status, late = wait_for_end(session, workflows, reader, instance_id, options, show, raised)
    elif session.may_drive:
        tell_state(session, workflows, [instance_id], drive_on(session, workflows, [instance_id]), may_wait=True)
    else:
        _tell_left(session, workflows, instance_id)
    if show:
        if instance is None or not (instance.status.terminal and session.target.local):
            instance = reader.get(instance_id)
        session.printer.one(instance, instance_view(utc_now()))
    if late is not None:
        raise late
    return status


def _held(
    session: Session, workflows: Workflows, instance_id: str, wait: bool, *, endless: bool
) -> tuple[int, TimedOut | None]:
    """Say that the time of an instance was skipped as far as it was to be; with `wait`, it has not ended in time."""
    now = workflows.get(instance_id, payloads=False).time(utc_now())
    words = f"its time was skipped to {seconds_text(now)}" + (
        ", in very many steps: it may never end" if endless else ""
    )
    if wait:
        error = TimedOut(f"{clean(instance_id)} has not ended: {words}", hint=GO_FURTHER, instance_id=instance_id)
        return exit_codes.TIMED_OUT, error
    session.console.note(f"  {words}; {GO_FURTHER}")
    return exit_codes.DONE, None


def _tell_left(session: Session, workflows: Workflows, instance_id: str) -> None:
    """Say who executes an instance that this command does not."""
    if session.console.quiet:
        return
    who = workflows.driven_by()
    if session.target.local and (who is None or not who.startswith("wfctl serve")):
        tell_state(session, workflows, [instance_id], Driver.NOBODY)
    else:
        tell_driver(session, workflows, instance_id)


def wait_for_end(
    session: Session,
    workflows: Workflows,
    reader: Reader,
    instance_id: str,
    options: WaitOptions,
    payloads: bool = False,
    raised: tuple[str, datetime] | None = None,
) -> tuple[Instance, int, TimedOut | None]:
    """Return the instance, the exit status by the outcome, and the error to raise if the time was over first.

    `payloads`: read the instance with them.
    """
    driver = have_driven(session, workflows, [instance_id], lambda: wait_again([instance_id]))
    if driver is Driver.NOBODY:
        tell_nobody(session)
    elif driver is Driver.ELSEWHERE and session.target.local and session.console.err_tty:
        tell_driver(session, workflows, instance_id)
    # A sidecar is asked for them once, not at every look.
    condition = replace(COMPLETED, payloads=payloads and session.target.local)
    with wait_progress(session, workflows, [instance_id]) as tell:
        state = wait_for(workflows, reader, [instance_id], condition, fail_on_stall=options.fail_on_stall, tell=tell)
    instance = state.instances[instance_id]
    if instance.status.terminal:
        tell_end(session, instance)
    else:
        if raised is not None and not session.target.local:
            instance = as_raised(instance, *raised)
        tell_waiting(session, instance, driver)
    return instance, state.exit_status([instance_id], any_of=False), timed_out(state, [instance_id])


def timed_out(state: Wait, ids: Sequence[str]) -> TimedOut | None:
    """Return the error that names the instances which were not decided in time; None if all were."""
    late = [instance_id for instance_id in ids if instance_id not in state.ended]
    if not late:
        return None
    shown = ", ".join(clean(one) for one in late[:MOST_IDS]) + (
        f" and {len(late) - MOST_IDS} more" if len(late) > MOST_IDS else ""
    )
    return TimedOut(
        f"timed out: {shown} {'is' if len(late) == 1 else 'are'} not {state.condition.label}",
        hint=wait_again(late, state.condition),
        instance_id=late[0] if len(late) == 1 else None,
    )


def wait_again(ids: Sequence[str], condition: Condition = COMPLETED) -> str:
    """Return the command that continues the wait, in words if it would be long."""
    if len(ids) > MOST_IDS:
        return "the same command continues the wait"
    return f"wfctl wait {' '.join(quoted(one) for one in ids)}{condition.option}"


def tell_nobody(session: Session) -> None:
    session.console.note("no process is executing this store; waiting for one: wfctl run --app FILE, or wfctl serve")
