from typing import Annotated

import typer

from wfctl.cli.command import command, new_app
from wfctl.cli.options.choices import IF_EXISTS
from wfctl.cli.options.logs import LogLevel
from wfctl.cli.options.payloads import Input
from wfctl.cli.options.skip import StartSkips
from wfctl.cli.parsing.duration import parse_start
from wfctl.cli.parsing.instance_id import check_name, check_new_id
from wfctl.cli.session import Session
from wfctl.cli.waiting.finish import finish, shows_record
from wfctl.cli.waiting.options import MayWait
from wfctl.errors import InvalidInput
from wfctl.model import refusals
from wfctl.model.instance import IfExists, StartRequest
from wfctl.render.printer import Format

app = new_app()
SEVERAL = {"--wait": "... --each - -o id | wfctl wait -", "--id": 'each line has its "id"'}


@command(app, drives=True)
def start(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="WORKFLOW", help="The workflow's name.", show_default=False)],
    input: Input,
    waiting: MayWait,
    skip: StartSkips,
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
    each: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help='Start one instance for each line: {"id": "order-1", "input": ...}.'),
    ] = None,
    log_level: LogLevel = None,
) -> int:
    """Start a workflow instance.

    $ wfctl start OrderProcessingWorkflow --id 12345678 --input '{"name":"Paperclips","quantity":10,"totalCost":99.95}'
    $ ID=$(wfctl start OrderProcessingWorkflow --input-file order.json)
    $ wfctl start OrderProcessingWorkflow --input @order.json --wait --timeout 5m -o json
    $ wfctl start OrderProcessingWorkflow --each - < orders.jsonl
    $ wfctl start ReminderWorkflow --skip-time --until +3d

    The instance's ID is printed. On the embedded target the command executes the instance until it ends, or waits
    for an event or a distant timer; then it tells you and returns. Without --wait the exit status is 0 even if
    the workflow has FAILED by then; with --wait it is that of the outcome: wfctl help exit-codes.

    --skip-time tries in a second what takes days: timers, time-outs and the pauses between retries of the instance
    and its children pass at once, in their order; activities take the time that they take. Embedded only. What was
    started so stays so: wfctl run --skip-time goes on with it.

    --each starts many: each is committed before its ID is printed. An ID that exists is left as it is, and that is
    said, so that the same command continues after an interruption. jq makes the lines:
    jq -c '{id: .orderId, input: .}' orders.jsonl
    """
    if each is not None:
        for flag, given in (("--id", id), ("--input", input.given), ("--wait", waiting.wait)):
            if given:
                raise InvalidInput(f"--each and {flag} exclude each other", hint=SEVERAL.get(flag))
        if if_exists.lower() != IfExists.FAIL.value:
            raise InvalidInput("--each leaves instances that exist as they are", hint="leave --if-exists out")
        at = None if start_at is None else parse_start(start_at, skip.begin)
        request = StartRequest(check_name(name, "workflow's name"), start_at=at, own_clock=skip.given, now=skip.now)
        from wfctl.cli.batch.start_lines import start_each  # one instance takes nothing of a batch

        start_each(session, request, each, skip.how)
        return 0
    request = StartRequest(
        name=check_name(name, "workflow's name"),
        id=None if id is None else check_new_id(id),
        input=input.read(session),
        start_at=None if start_at is None else parse_start(start_at, skip.begin),
        if_exists=IfExists(IF_EXISTS.parse(if_exists, "--if-exists")),
        own_clock=skip.given,
        now=skip.now,
    )
    if skip.given and not session.target.local:
        raise refusals.no_skipping_on_sidecar()
    session.log_level = log_level
    session.format_or(Format.ID)  # a wrong one is an error before anything is started
    with session.workflows(deadline=waiting.deadline) as workflows:
        instance_id = workflows.start(request)
        show = shows_record(session, waiting.wait)
        if not show:
            session.console.word(instance_id)
            session.console.flush()
        return finish(session, workflows, instance_id, waiting, show=show, skip=skip.how)
