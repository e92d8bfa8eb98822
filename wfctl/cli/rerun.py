from typing import Annotated

import typer

from wfctl.cli.declare import command, new_app
from wfctl.cli.finishing import finish, parse_timeout, shows_record
from wfctl.cli.ids import check_id, check_new_id
from wfctl.cli.options import FailOnStall, Input, InputFile, InputString, InstanceID, NoDrive, Timeout, Wait
from wfctl.cli.payloads import read_payload
from wfctl.cli.reruns import choose, plan, plan_view
from wfctl.cli.session import Session
from wfctl.errors import WrongState
from wfctl.model.instance import RerunRequest
from wfctl.model.steps import steps_of
from wfctl.render.text import clean

app = new_app()
FROM = "Where to begin"


@command(app)
def rerun(
    session: Session,
    instance_id: InstanceID,
    from_step: Annotated[
        str | None,
        typer.Option("--from", metavar="STEP", help="The step with this name.", rich_help_panel=FROM),
    ] = None,
    from_failed: Annotated[
        bool, typer.Option("--from-failed", help="The step that failed.", rich_help_panel=FROM)
    ] = False,
    event_id: Annotated[
        str | None,
        typer.Option("--event-id", "-e", metavar="N", help="The step with this event number.", rich_help_panel=FROM),
    ] = None,
    new_id: Annotated[str | None, typer.Option(metavar="ID", help="The new instance's ID; else a UUID.")] = None,
    show_plan: Annotated[
        bool, typer.Option("--plan", help="Only show which steps are kept and which run again.")
    ] = False,
    input: Input = None,
    input_file: InputFile = None,
    input_string: InputString = None,
    wait: Wait = False,
    timeout: Timeout = None,
    fail_on_stall: FailOnStall = False,
    no_drive: NoDrive = False,
) -> int:
    """Run a finished instance again from one of its steps.

    $ wfctl rerun 12345678 --from-failed
    $ wfctl rerun 12345678 --from ProcessPayment --plan
    $ wfctl rerun 12345678 --from ProcessPayment --input '{"amount": 90}' --wait

    It is a new instance, whose ID is printed; steps before that one keep their results.
    Without --from, --from-failed or --event-id it is the first step. --input replaces that step's input.
    """
    check_id(instance_id)
    payload = read_payload(session, input, input_file, input_string)
    parse_timeout(timeout, wait)
    identifier = None if new_id is None else check_new_id(new_id)
    with session.workflows(drive=not (no_drive or show_plan)) as workflows:
        source = workflows.get(instance_id, payloads=False)
        history = workflows.history(instance_id)
        step = choose(source, steps_of(history), from_step, from_failed, event_id)
        if show_plan:
            session.printer.many(plan(history, step), plan_view())
            return 0
        if not source.status.terminal:
            raise WrongState(
                f"{clean(instance_id)} is {source.status.name}: only a finished instance can run again",
                hint=f"wfctl wait {clean(instance_id)}, or wfctl terminate {clean(instance_id)}",
                instance_id=instance_id,
            )
        new = workflows.rerun(
            RerunRequest(instance_id, step.event_id, identifier, payload, overwrite_input=payload is not None)
        )
        show = shows_record(session, wait)
        if not show:
            session.console.word(new)
            session.console.flush()
        return finish(
            session,
            workflows,
            new,
            wait=wait,
            timeout=timeout,
            fail_on_stall=fail_on_stall,
            drive=not no_drive,
            show=show,
        )
