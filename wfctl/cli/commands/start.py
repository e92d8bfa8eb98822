from typing import Annotated

import typer

from wfctl.cli.choices import IF_EXISTS
from wfctl.cli.command import command, new_app
from wfctl.cli.parsing.duration import parse_start
from wfctl.cli.parsing.instance_id import check_name, check_new_id
from wfctl.cli.payload_options import Input
from wfctl.cli.session import Session
from wfctl.cli.waiting.finish import finish, shows_record
from wfctl.cli.waiting.options import MayWait
from wfctl.model.instance import IfExists, StartRequest
from wfctl.render.printer import Format
from wfctl.render.views.waiting import utc_now

app = new_app()


@command(app)
def start(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="WORKFLOW", help="The workflow's name.", show_default=False)],
    input: Input,
    waiting: MayWait,
    id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="ID of the new instance (default: a UUID).")
    ] = None,
    if_exists: Annotated[
        str,
        typer.Option(
            metavar=IF_EXISTS.metavar,
            help="If the ID exists: fail (the default), use that instance, or replace a finished one.",
            show_default=False,
        ),
    ] = "fail",
    start_at: Annotated[
        str | None, typer.Option(metavar="TIME|+DURATION", help="Start at this time: RFC 3339, or +5m from now.")
    ] = None,
) -> int:
    """Start a workflow instance.

    $ wfctl start OrderProcessingWorkflow --id 12345678 --input '{"name":"Paperclips","quantity":10,"totalCost":99.95}'
    $ ID=$(wfctl start OrderProcessingWorkflow --input-file order.json)
    $ wfctl start OrderProcessingWorkflow --input - --wait --timeout 5m -o json < order.json

    The instance's ID is printed. On the embedded target the command executes the instance until it ends, or waits
    for an event or a distant timer; then it tells you and returns. With --wait the exit status is that of the
    outcome: wfctl help exit-codes.
    """
    request = StartRequest(
        name=check_name(name, "workflow's name"),
        id=None if id is None else check_new_id(id),
        input=input.read(session),
        start_at=None if start_at is None else parse_start(start_at, utc_now()),
        if_exists=IfExists(IF_EXISTS.parse(if_exists, "--if-exists")),
    )
    session.format_or(Format.ID)  # a wrong one is an error before anything is started
    with session.workflows(drive=waiting.drive, deadline=waiting.deadline) as workflows:
        instance_id = workflows.start(request)
        show = shows_record(session, waiting.wait)
        if not show:
            session.console.word(instance_id)
            session.console.flush()
        return finish(session, workflows, instance_id, waiting, show=show)
