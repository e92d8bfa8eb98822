from typing import Annotated

import typer

from wfctl.cli.bundles import opened_bundle
from wfctl.cli.command import command, new_app
from wfctl.cli.session import Session
from wfctl.errors import InvalidInput
from wfctl.model import ids
from wfctl.render.printer import View
from wfctl.render.text import plural

app = new_app()
VIEW: View[dict[str, object]] = View(record=dict, id=lambda one: str(one["file"]))


@command(app, name="import")
def import_bundle(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="The bundle; - reads stdin.", show_default=False)],
    prefix: Annotated[
        str, typer.Option("--prefix", metavar="TEXT", help="Put this before each instance ID.", show_default=False)
    ] = "",
) -> None:
    """Import a bundle: ended instances as they were, live ones paused.

    $ wfctl import failed.jsonl
    $ wfctl export --target prod 12345678 | wfctl import - --store desk.db
    $ wfctl import failed.jsonl --prefix desk-

    All or nothing: if the bundle is cut off, or the store already has one of its IDs, nothing is imported. Nothing of a
    live instance runs, not even an activity, before wfctl resume. Exit status 2: FILE is not a whole bundle (the error
    names the line); 4: an ID is in use.
    """
    store = session.embedded_target(
        "a bundle is imported into the store of the embedded engine only; a sidecar has no way to take histories",
        "--target embedded --store FILE; the store of wfctl serve can be named there while it runs",
    ).store
    fault = ids.fault(f"{prefix}x") if prefix else None
    if fault is not None:
        raise InvalidInput(f"--prefix {prefix!r} cannot begin an instance ID", hint=fault.hint)
    from wfctl.cli.exporting import counting
    from wfctl.engine.store.importing import import_bundle as take

    with opened_bundle(session, file) as bundle, counting(session, "read") as tell:
        redacted = bundle.header.redacted
        imported = take(
            store,
            bundle,
            bundle.name,
            prefix=prefix,
            as_own=bundle.header.target == "sidecar",
            tell=session.console.note,
            progress=tell,
        )
    if not session.format.text:
        session.printer.one(
            {"file": file, "store": str(store), "instances": imported.instances, "paused": imported.paused}, VIEW
        )
    session.console.note(f"imported {plural(imported.instances, 'instance')}")
    if imported.paused and redacted:
        session.console.note("warning: their payloads are redacted: code that is resumed on them may go another way")
    if imported.paused:
        session.console.note(
            f"{imported.paused:,} of them had not ended: they are paused, and wfctl resume continues them"
        )
