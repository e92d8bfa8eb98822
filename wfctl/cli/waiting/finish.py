"""What follows when a command has set one instance going: drive it, wait for it, say how it stands."""

from __future__ import annotations

from collections.abc import Sequence

from wfctl.cli import exit_codes
from wfctl.cli.parsing.condition import COMPLETED, Condition
from wfctl.cli.quoting import quoted
from wfctl.cli.session import Session
from wfctl.cli.waiting.loop import Reader, Watch, watch
from wfctl.cli.waiting.options import WaitOptions
from wfctl.cli.waiting.progress import wait_progress
from wfctl.cli.waiting.report import drive_on, tell_end, tell_state, tell_waiting
from wfctl.client.port import Driver, Workflows
from wfctl.errors import TimedOut
from wfctl.render.printer import Format
from wfctl.render.text import clean
from wfctl.render.views.instances import instance_view
from wfctl.render.views.waiting import utc_now

MOST_IDS = 5


def shows_record(session: Session, wait: bool) -> bool:
    """Whether a command that makes an instance shows it, when all is done, rather than its ID at once."""
    if session.format_given:
        return session.format is not Format.ID
    return wait and session.console.out_tty


def finish(session: Session, workflows: Workflows, instance_id: str, options: WaitOptions, *, show: bool) -> int:
    """Drive or wait; print the record if `show`; return the exit status."""
    session.recorded = [instance_id]
    status, late = exit_codes.DONE, None
    reader = Reader(session, workflows, options.deadline, known=options.wait)
    if options.wait:
        status, late = wait_for_end(session, workflows, reader, instance_id, options)
    elif options.drive:
        tell_state(session, workflows, [instance_id], drive_on(session, workflows, [instance_id]))
    if show:
        session.printer.one(reader.get(instance_id), instance_view(utc_now()))
    if late is not None:
        raise late
    return status


def wait_for_end(
    session: Session, workflows: Workflows, reader: Reader, instance_id: str, options: WaitOptions
) -> tuple[int, TimedOut | None]:
    """Return the exit status by the outcome, and the error to raise if the time was over first."""
    driver = workflows.drive([instance_id]) if options.drive else Driver.ELSEWHERE
    session.going_on = lambda: f"wfctl wait {quoted(instance_id)}"
    if driver is Driver.NOBODY:
        tell_nobody(session)
    with wait_progress(session, workflows, [instance_id]) as tell:
        state = watch(workflows, reader, [instance_id], COMPLETED, fail_on_stall=options.fail_on_stall, tell=tell)
    instance = state.instances[instance_id]
    if instance.status.terminal:
        tell_end(session, instance)
    else:
        tell_waiting(session, instance, driver)
    return state.exit_status([instance_id], any_of=False), timed_out(state, [instance_id])


def timed_out(state: Watch, ids: Sequence[str]) -> TimedOut | None:
    """The error that says which instances a wait did not see through."""
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
    """The command that waits for these, as long as it is one to read."""
    if len(ids) > MOST_IDS:
        return "the same command waits on"
    return f"wfctl wait {' '.join(quoted(one) for one in ids)}{condition.option}"


def tell_nobody(session: Session) -> None:
    session.console.note(
        "nobody drives this store now; waiting for somebody who does: wfctl run --app FILE, or wfctl serve"
    )
