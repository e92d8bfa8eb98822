from pathlib import Path
from typing import Annotated

import typer

from wfctl.cli.command import command, new_app
from wfctl.cli.session import Session
from wfctl.cli.store_copies import VIEW, describe, embedded_store, record
from wfctl.render.text import clean

app = new_app()


@command(app)
def backup(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to write the backup.", show_default=False)],
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
) -> None:
    """Back up the store to a file, even while it is in use.

    $ wfctl backup orders-2026-01-31.db
    $ wfctl backup --force /var/backups/orders.db -q

    The copy is verified before it gets its name. It is a store of its own: wfctl list --store FILE reads it, and
    wfctl restore FILE puts it in the place of the store. Exit status 4: FILE exists; 5: the store or the place of FILE
    cannot be used.
    """
    store = embedded_store(session, "backed up")
    from wfctl.engine.store.backup import backup as make

    held = make(store, Path(file), replace=force)
    if not session.format.text:
        session.printer.one(record(store, Path(file), held), VIEW)
    session.console.note(f"wrote {clean(file)}: {describe(held)}")
