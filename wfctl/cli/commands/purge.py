from dataclasses import replace
from typing import Annotated

import typer

from wfctl.cli.batch.options import Several
from wfctl.cli.batch.run import Batch
from wfctl.cli.batch.verbs import PURGE
from wfctl.cli.command import command, new_app
from wfctl.cli.options import NoRecursive
from wfctl.cli.session import Session

app = new_app()


@command(app)
def purge(
    session: Session,
    which: Several,
    force: Annotated[bool, typer.Option("--force", help="Also purge instances that are still running.")] = False,
    no_recursive: NoRecursive = False,
) -> None:
    """Delete finished instances and their histories.

    $ wfctl purge 12345678
    $ wfctl list --status COMPLETED -o jsonl | wfctl purge -
    $ wfctl purge --finished-before 30d --dry-run
    $ wfctl purge --status COMPLETED --finished-before 30d --yes --max 10000

    Children go with their parents; a filter leaves a child alone as long as its parent is there. The age of a
    finished instance counts from its end: --finished-before.
    """
    children = not no_recursive
    verb = replace(PURGE, able=None if force else PURGE.able, recursive=children, with_parent=children)
    batch = Batch(session, verb, which)
    with session.workflows() as workflows:
        batch.run(workflows, lambda target, one: target.purge(one, force=force, recursive=children))
    batch.finish()
