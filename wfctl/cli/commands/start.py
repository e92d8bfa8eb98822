from typing import Annotated

import typer

from wfctl.cli.command import command, new_app
from wfctl.cli.options import FailOnStall, Input, InputFile, InputString, NoDrive, Timeout, Wait
from wfctl.cli.parsing.duration import parse_start
from wfctl.cli.parsing.instance_id import check_name, check_new_id
from wfctl.cli.parsing.json_input import read_payload
from wfctl.cli.session import Session
from wfctl.cli.waiting.finish import finish, parse_deadline, shows_record
from wfctl.errors import InvalidInput
from wfctl.model.instance import IfExists, StartRequest
from wfctl.render.printer import Format
from wfctl.render.text import clean
from wfctl.render.views.waiting import utc_now

app = new_app()


@command(app)
def start(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="WORKFLOW", help="The workflow's name.", show_default=False)],
    id: Annotated[str | None, typer.Option("--id", metavar="ID", help="The new instance's ID; else a UUID.")] = None,
    if_exists: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="If the ID exists: fail (the default), use it as it is, or replace a finished one.",
        ),
    ] = None,
    start_at: Annotated[
        str | None, typer.Option(metavar="TIME|+DURATION", help="Start it then, not now: an RFC 3339 time, or +5m.")
    ] = None,
    input: Input = None,
    input_file: InputFile = None,
    input_string: InputString = None,
    wait: Wait = False,
    timeout: Timeout = None,
    fail_on_stall: FailOnStall = False,
    no_drive: NoDrive = False,
) -> int:
    """Start a workflow instance.

    $ wfctl start OrderProcessingWorkflow --id 12345678 --input '{"name":"Paperclips","quantity":10,"totalCost":99.95}'
    $ ID=$(wfctl start OrderProcessingWorkflow --input-file order.json)
    $ wfctl start OrderProcessingWorkflow --input - --wait --timeout 5m -o json < order.json

    The instance's ID is printed. On the embedded target the command drives the instance until it ends, or can only
    wait for an event or a distant timer, and says what it waits for. With --wait the exit status is that of the
    outcome: wfctl help exit-codes.
    """
    request = StartRequest(
        name=check_name(name, "workflow's name"),
        id=None if id is None else check_new_id(id),
        input=read_payload(session, input, input_file, input_string),
        start_at=None if start_at is None else parse_start(start_at, utc_now()),
        if_exists=_if_exists(if_exists),
    )
    deadline = parse_deadline(timeout, wait, fail_on_stall)
    session.format_or(Format.ID)  # a wrong one is an error before anything is started
    with session.workflows(drive=not no_drive, deadline=deadline) as workflows:
        instance_id = workflows.start(request)
        show = shows_record(session, wait)
        if not show:
            session.console.word(instance_id)
            session.console.flush()
        return finish(
            session,
            workflows,
            instance_id,
            wait=wait,
            deadline=deadline,
            fail_on_stall=fail_on_stall,
            drive=not no_drive,
            show=show,
        )


def _if_exists(text: str | None) -> IfExists:
    try:
        return IfExists((text or "fail").lower())
    except ValueError:
        raise InvalidInput(
            f"--if-exists {clean(text or '')!r} is not one of them", hint="fail, use or replace"
        ) from None
