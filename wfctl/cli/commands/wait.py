from typing import Annotated

import typer

from wfctl.cli import exit_codes
from wfctl.cli.batch.options import SeveralToRead
from wfctl.cli.command import command, new_app
from wfctl.cli.empty import tell_empty
from wfctl.cli.parsing.condition import Condition, parse_condition
from wfctl.cli.session import Session
from wfctl.cli.waiting.driving import have_driven
from wfctl.cli.waiting.finish import tell_nobody, timed_out, wait_again
from wfctl.cli.waiting.loop import Reader, Wait, wait_for
from wfctl.cli.waiting.options import Waits
from wfctl.cli.waiting.progress import wait_progress
from wfctl.cli.waiting.report import tell_end, tell_waiting
from wfctl.client.port import Driver
from wfctl.errors import InvalidInput, WrongState
from wfctl.model.instance import Filter
from wfctl.render.text import clean
from wfctl.render.views.instances import instance_view
from wfctl.render.views.waiting import utc_now

app = new_app()


@command(app, drives=True)
def wait(
    session: Session,
    which: SeveralToRead,
    waiting: Waits,
    condition: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="CONDITION",
            help="completed (the default), another status, terminal (any end), event=NAME (it waits for that event) "
            "or custom-status=TEXT (part of it, or a glob for all of it; no regular expression).",
        ),
    ] = None,
    any_of: Annotated[bool, typer.Option("--any", help="Wait until one of the instances meets the condition.")] = False,
    all_of: Annotated[bool, typer.Option("--all", help="Wait until all of them do (the default).")] = False,
) -> int:
    """Wait until instances finish, or until a condition holds.

    $ wfctl wait 12345678 --timeout 5m
    $ wfctl wait 12345678 --for event=approval
    $ wfctl wait 12345678 --for 'custom-status=shipped *'
    $ wfctl wait order-1 order-2 --for terminal --any
    $ wfctl wait --name OrderProcessingWorkflow --created-after 1h --for terminal

    Exit status 0: the condition is met. An instance that ended otherwise never meets it: 10 if it FAILED, 11 if it
    was TERMINATED, 4 if it COMPLETED. 12: it is STALLED. 124: timed out.
    """
    given = which.ids(session, "wait")
    awaited = parse_condition(condition)
    if any_of and all_of:
        raise InvalidInput("--any and --all exclude each other")
    if awaited.advice:
        session.console.note(awaited.advice)
    with session.workflows(deadline=waiting.deadline) as workflows:
        ids = given if given is not None else [one.id for one in workflows.list(which.filter or Filter())]
        if not ids and given is None:
            tell_empty(session, workflows, which.filter or Filter())
        elif not ids:
            session.console.note("no IDs, nothing to wait for")
        driver = have_driven(session, workflows, ids, lambda: wait_again(ids, awaited))
        if driver is Driver.NOBODY:
            tell_nobody(session)
        reader = Reader(session, workflows, waiting.deadline)
        with wait_progress(session, workflows, ids) as tell:
            state = wait_for(
                workflows, reader, ids, awaited, any_of=any_of, fail_on_stall=waiting.fail_on_stall, tell=tell
            )
        _tell(session, state, ids, awaited, driver, any_of)
        if session.format_given:
            view = instance_view(utc_now())
            if which.one is not None:
                session.printer.one(reader.get(ids[0]), view)
            else:
                session.printer.many((reader.get(one) for one in ids), view)
    met = any_of and any(state.held(one) for one in ids)
    late = None if met else timed_out(state, ids)
    if late is not None:
        raise late
    status = state.exit_status(ids, any_of)
    if status == exit_codes.WRONG_STATE:
        raise _never(ids, awaited)
    return status


def _never(ids: list[str], awaited: Condition) -> WrongState:
    """Return the error for instances that have all COMPLETED while something else was awaited."""
    one = ids[0] if len(ids) == 1 else None
    who = f"{clean(one)} has" if one is not None else "they have"
    return WrongState(f"{who} COMPLETED, so it can never be {awaited.label}", instance_id=one)


def _tell(session: Session, state: Wait, ids: list[str], awaited: Condition, driver: Driver, any_of: bool) -> None:
    met = any_of and any(state.held(one) for one in ids)
    for instance_id in ids:
        instance = state.instances[instance_id]
        verdict = state.ended.get(instance_id)
        if instance.status.terminal:
            tell_end(session, instance)
        elif verdict == exit_codes.DONE:
            session.console.note(f"{clean(instance_id)} is {awaited.label}")
        elif not met:
            tell_waiting(session, instance, driver)
