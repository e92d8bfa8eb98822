from dataclasses import replace
from typing import Annotated

import typer

from wfctl.cli.batch.options import Several
from wfctl.cli.batch.run import Batch
from wfctl.cli.batch.verbs import TERMINATE
from wfctl.cli.command import command, new_app
from wfctl.cli.options.common import NoRecursive, Reason
from wfctl.cli.parsing.json_input import checked_json
from wfctl.cli.session import Session
from wfctl.cli.waiting.driving import carry_on

app = new_app()


@command(app, drives=True)
def terminate(
    session: Session,
    which: Several,
    output: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="Output to end the instances with. (The output format is -o.)"),
    ] = None,
    reason: Reason = None,
    no_recursive: NoRecursive = False,
) -> None:
    """Terminate instances and their children.

    $ wfctl terminate 12345678 --reason "ordered twice"
    $ wfctl terminate 12345678 --output '{"cancelled": true}'
    $ wfctl terminate --status RUNNING --name OrderProcessingWorkflow --created-before 7d

    Activities that are already running are not interrupted. A filter asks before it acts: --dry-run, --yes.
    """
    payload = None if output is None else checked_json(output, "--output")
    batch = Batch(session, replace(TERMINATE, recursive=not no_recursive), which)
    with session.workflows() as workflows:
        worked = batch.run(
            workflows,
            lambda target, one: target.terminate(one, output=payload, reason=reason, recursive=not no_recursive),
        )
        carry_on(session, workflows, worked)
    batch.finish()
