from typing import Annotated

import typer

from wfctl.cli.batch import Batch
from wfctl.cli.declare import command, new_app
from wfctl.cli.ids import check_ids
from wfctl.cli.options import InstanceIDs, NoDrive, NoRecursive, Reason, Yes
from wfctl.cli.payloads import checked_json
from wfctl.cli.session import Session
from wfctl.cli.telling import drive_on

app = new_app()


@command(app)
def terminate(
    session: Session,
    instance_ids: InstanceIDs,
    output: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="The output that the instances end with. (The format is -o, --format.)"),
    ] = None,
    reason: Reason = None,
    no_recursive: NoRecursive = False,
    yes: Yes = False,
    no_drive: NoDrive = False,
) -> None:
    """End instances now, with their children.

    $ wfctl terminate 12345678 --reason "ordered twice"
    $ wfctl terminate 12345678 --output '{"cancelled": true}'

    Activities that run already are not interrupted.
    """
    ids = check_ids(instance_ids)
    payload = None if output is None else checked_json(output, "--output")
    batch = Batch(session, ids, "terminated")
    with session.workflows(drive=not no_drive) as workflows:
        worked = batch.run(
            lambda one: workflows.terminate(one, output=payload, reason=reason, recursive=not no_recursive)
        )
        if worked and not no_drive:
            drive_on(session, workflows, worked)
    batch.finish()
