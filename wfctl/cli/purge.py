from typing import Annotated

import typer

from wfctl.cli.batch import Batch
from wfctl.cli.declare import command, new_app
from wfctl.cli.ids import check_ids
from wfctl.cli.options import InstanceIDs, NoRecursive, Yes
from wfctl.cli.session import Session

app = new_app()


@command(app)
def purge(
    session: Session,
    instance_ids: InstanceIDs,
    force: Annotated[bool, typer.Option("--force", help="Delete it even while it runs.")] = False,
    no_recursive: NoRecursive = False,
    yes: Yes = False,
) -> None:
    """Delete finished instances and their histories.

    $ wfctl purge 12345678
    $ wfctl list --status COMPLETED --finished-before 30d -o id | xargs wfctl purge

    Their children go with them.
    """
    batch = Batch(session, check_ids(instance_ids), "purged")
    with session.workflows() as workflows:
        batch.run(lambda one: workflows.purge(one, force=force, recursive=not no_recursive))
    batch.finish()
