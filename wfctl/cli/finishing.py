"""What follows when a command has set one instance going: drive it, wait for it, say how it stands."""

from __future__ import annotations

from datetime import timedelta

from wfctl.cli import outcome
from wfctl.cli.conditions import COMPLETED
from wfctl.cli.durations import parse_duration
from wfctl.cli.session import Session
from wfctl.cli.telling import drive_on, quoted, tell_end, tell_state, tell_waiting
from wfctl.cli.watching import watch
from wfctl.client.port import Driver, Workflows
from wfctl.errors import InvalidInput
from wfctl.render.instances import instance_view
from wfctl.render.text import clean
from wfctl.render.waiting import utc_now


def parse_timeout(timeout: str | None, wait: bool = True) -> timedelta | None:
    if timeout is None:
        return None
    if not wait:
        raise InvalidInput("--timeout is for --wait", hint=f"--wait --timeout {clean(timeout)}")
    return parse_duration(timeout, "--timeout")


def finish(
    session: Session,
    workflows: Workflows,
    instance_id: str,
    *,
    wait: bool,
    timeout: str | None,
    fail_on_stall: bool,
    drive: bool,
    show: bool = False,
) -> int:
    """Drive or wait; print the record where a format asks for one, or `show`; return the exit status."""
    limit = parse_timeout(timeout, wait)
    status = outcome.DONE
    if wait:
        status = wait_for_end(session, workflows, instance_id, limit, fail_on_stall, drive)
    elif drive:
        tell_state(session, workflows, [instance_id], drive_on(session, workflows, [instance_id]))
    if show or (session.format_given and not session.format.text):
        session.printer.one(workflows.get(instance_id), instance_view(utc_now()))
    return status


def wait_for_end(
    session: Session,
    workflows: Workflows,
    instance_id: str,
    timeout: timedelta | None,
    fail_on_stall: bool,
    drive: bool,
) -> int:
    driver = workflows.drive([instance_id]) if drive else Driver.ELSEWHERE
    session.going_on = lambda: f"wfctl wait {quoted(instance_id)}"
    if driver is Driver.NOBODY:
        tell_nobody(session)
    state = watch(workflows, [instance_id], COMPLETED, timeout=timeout, fail_on_stall=fail_on_stall)
    instance = state.instances[instance_id]
    if instance.status.terminal:
        tell_end(session, instance)
    else:
        if instance_id not in state.ended:
            session.console.error(f"wfctl: timed out waiting for {clean(instance_id)}")
        tell_waiting(session, instance, driver)
    return state.exit_status([instance_id], any_of=False)


def tell_nobody(session: Session) -> None:
    session.console.note("nobody drives this store, and no app is known here: wfctl run --app FILE would")
