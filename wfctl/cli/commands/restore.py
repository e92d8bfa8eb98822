from pathlib import Path
from typing import Annotated

import typer

from wfctl.cli.batch.confirm import answer
from wfctl.cli.command import command, new_app
from wfctl.cli.session import Session
from wfctl.cli.store_copies import VIEW, describe, embedded_store, record
from wfctl.errors import Refused, StoreError
from wfctl.render.console import is_tty
from wfctl.render.text import clean

app = new_app()


@command(app)
def restore(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The backup.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Skip the confirmation.")] = False,
) -> None:
    """Restore the store from a backup.

    $ wfctl restore orders-2026-01-31.db
    $ wfctl restore /var/backups/orders.db --store /srv/orders/store.db --yes

    FILE is verified first. The store as it was is kept beside it. All that happened since the backup is undone in the
    store, not in the world: activities that ran since may run again. Exit status 5: a process is executing the store,
    or FILE or the store cannot be used; 8: nobody said yes.
    """
    store = embedded_store(session, "restored")
    from wfctl.engine.store.backup import opened

    with opened(Path(file)) as backup:
        if not yes:
            _confirm(session, store, Path(file), describe(backup.contents))
        kept = backup.put(store)
    if not session.format.text:
        session.printer.one(record(store, Path(file), backup.contents, kept), VIEW)
    session.console.note(f"restored {clean(str(store))}: {describe(backup.contents)}")
    if kept is not None:
        session.console.note(f"as it was before: {clean(str(kept))}")
    if backup.contents.live:
        session.console.note("wfctl run continues the live ones; activities that ran since the backup run again")


def _confirm(session: Session, store: Path, file: Path, what: str) -> None:
    """Raises Refused where the answer is no, or where nobody can be asked."""
    now = _now(store)
    if now is None:
        return
    question = f"Replace {clean(str(store))} ({now}) by {clean(str(file))} ({what})?"
    if not (is_tty(session.stdin) and session.console.err_tty):
        raise Refused(f"there is no terminal to ask: {question}", hint="--yes goes ahead; the former store is kept")
    if answer(session, f"{question} [y/N] ").lower() not in ("y", "yes"):
        raise Refused("nothing was changed")


def _now(store: Path) -> str | None:
    """Describe the contents of the store; None if there is no store."""
    from wfctl.engine.store.backup import contents
    from wfctl.engine.store.reading import NoStore, open_reader

    try:
        db = open_reader(store)
    except NoStore:
        return None
    except StoreError as error:
        return error.message
    try:
        return describe(contents(db, store))
    finally:
        db.close()
