from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from wfctl.cli.batch.options import Several
from wfctl.cli.batch.run import Batch
from wfctl.cli.batch.verbs import PURGE
from wfctl.cli.command import command, new_app
from wfctl.cli.options.common import NoRecursive
from wfctl.cli.session import Session
from wfctl.client.port import Workflows
from wfctl.errors import InvalidInput

app = new_app()


@command(app)
def purge(
    session: Session,
    which: Several,
    force: Annotated[bool, typer.Option("--force", help="Also purge instances that are still running.")] = False,
    no_recursive: NoRecursive = False,
    export: Annotated[
        str | None,
        typer.Option("--export", metavar="FILE", help="First write them into this bundle.", show_default=False),
    ] = None,
) -> None:
    """Delete finished instances and their histories.

    $ wfctl purge 12345678
    $ wfctl list --status COMPLETED -o jsonl | wfctl purge -
    $ wfctl purge --finished-before 30d --dry-run
    $ wfctl purge --status COMPLETED --finished-before 30d --yes --max 10000
    $ wfctl purge --finished-before 30d --yes --export orders-2026-01.jsonl

    Children go with their parents; a filter leaves a child alone as long as its parent is there. The age of a
    finished instance counts from its end: --finished-before. With --export, nothing is purged that does not lie on the
    disk as it is; wfctl import brings it back.
    """
    if export is not None and (force or not export):
        raise _not_exported(force)
    children = not no_recursive
    verb = replace(PURGE, able=None if force else PURGE.able, recursive=children, with_parent=children)
    batch = Batch(session, verb, which)
    with session.workflows() as workflows:
        if export is None:
            batch.run(workflows, lambda target, one: target.purge(one, force=force, recursive=children))
        else:
            from wfctl.cli.exporting import Kept

            kept = Kept(session, Path(export), recursive=children)

            def act(target: Workflows, one: str) -> int:
                kept.check(target, one)
                return target.purge(one, recursive=children)

            batch.run(workflows, act, before=lambda ids: kept.write(workflows, ids))
    batch.finish()


def _not_exported(force: bool) -> InvalidInput:
    if force:
        return InvalidInput(
            "--export keeps what has ended: what still runs would go on after it was written",
            hint="wfctl terminate first, or leave --force out",
        )
    return InvalidInput("--export is empty", hint="--export orders.jsonl")
