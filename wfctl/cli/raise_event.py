from typing import Annotated

import typer

from wfctl.cli.declare import command, new_app
from wfctl.cli.finishing import finish
from wfctl.cli.ids import check_id, check_name
from wfctl.cli.options import Data, DataFile, DataString, FailOnStall, InstanceID, NoDrive, Timeout, Wait
from wfctl.cli.payloads import read_payload
from wfctl.cli.session import Session
from wfctl.errors import InvalidInput
from wfctl.render.text import clean

app = new_app()


@command(app, "raise-event")
def raise_event(
    session: Session,
    instance_id: InstanceID,
    event: Annotated[
        str | None, typer.Argument(metavar="EVENT", help="The event's name, in any case.", show_default=False)
    ] = None,
    data: Data = None,
    data_file: DataFile = None,
    data_string: DataString = None,
    wait: Wait = False,
    timeout: Timeout = None,
    fail_on_stall: FailOnStall = False,
    no_drive: NoDrive = False,
) -> int:
    """Send an external event to an instance.

    $ wfctl raise-event 12345678 approval --data '{"approved": true}'
    $ wfctl raise-event 12345678 approval --data-string yes --wait

    The event is kept until the workflow waits for it. ID/EVENT in one word will do too.
    """
    if event is None and "/" in instance_id:  # ID/EVENT, as `dapr workflow` has it
        instance_id, _, event = instance_id.partition("/")
    if event is None:
        raise InvalidInput("the event's name is missing", hint=f"wfctl raise-event {clean(instance_id)} EVENT")
    check_id(instance_id)
    check_name(event, "event's name")
    payload = read_payload(session, data, data_file, data_string, "--data")
    with session.workflows(drive=not no_drive) as workflows:
        workflows.raise_event(instance_id, event, payload)
        session.console.note(f"raised {clean(event)} for {clean(instance_id)}")
        return finish(
            session,
            workflows,
            instance_id,
            wait=wait,
            timeout=timeout,
            fail_on_stall=fail_on_stall,
            drive=not no_drive,
            show=session.format_given,
        )
