import os
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from wfctl.cli.command import command, new_app
from wfctl.cli.session import Session
from wfctl.config.trust import trust
from wfctl.errors import Conflict, InvalidInput, NotPermitted
from wfctl.render.printer import View
from wfctl.render.text import clean

app = new_app()
FILES = ("orders.py", "test_orders.py", "wfctl.toml")
STORE = ".wfctl/store.db"  # as the template of wfctl.toml has it
ORDER = '{"name":"Paperclips","quantity":10,"totalCost":99.95}'


@command(app)
def init(
    session: Session,
    folder: Annotated[
        str, typer.Argument(metavar="FOLDER", help="Where to write; it is made if need be.", show_default=False)
    ] = ".",
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    skip_time: Annotated[
        bool, typer.Option("--skip-time", help="Make a store for trials: the time of everything in it is skipped.")
    ] = False,
) -> None:
    """Write a sample app, tests of it, and a wfctl.toml.

    $ wfctl init
    $ wfctl init shop && cd shop
    $ wfctl init trial --skip-time

    The app is orders.py: order processing, as in Dapr's tutorial; test_orders.py has tests of it for pytest (see
    docs/testing.md). Nothing that exists is replaced without --force.
    With --skip-time the store is made too, so that each command skips the time of what it executes, as wfctl start
    --skip-time does; wfctl serve refuses such a store.
    """
    target = Path(folder)
    taken = [name for name in FILES if os.path.lexists(target / name)]
    if taken and not force:
        raise Conflict(
            f"{' and '.join(taken)} would be replaced in {clean(str(target.resolve()))}",
            hint="wfctl init --force replaces, wfctl init FOLDER writes elsewhere",
        )
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            _put(target / name, template(name))
        if skip_time:
            _make_store(session, target / STORE)
        with suppress(NotPermitted):  # nothing in it needs trust
            trust((target / "wfctl.toml").absolute(), template("wfctl.toml").encode(), session.environ)
    except OSError as error:
        raise InvalidInput(f"{clean(str(target))} cannot be written: {error.strerror or error}") from error
    view: View[str] = View(
        record=lambda path: {"file": path}, id=lambda path: path, block=lambda path, wide: [("wrote", clean(path))]
    )
    for name in FILES:
        if session.format.text:
            session.console.note(f"wrote {clean(str(target / name))}")
    if not session.format.text:
        session.printer.many([str(target / name) for name in FILES], view)
    step = "" if target.resolve() == Path.cwd() else f"cd {clean(folder)} && "
    session.console.note(f"next: {step}wfctl start OrderProcessingWorkflow --id 12345678 --input '{ORDER}'")


def _make_store(session: Session, store: Path) -> None:
    """Make a store in which all time is skipped. Raises Conflict if it has instances already, and StoreError."""
    from wfctl.engine.store import clocks, database

    db = database.open_store(store, tell=session.console.note)
    try:
        if not clocks.make_whole_store(db):
            raise Conflict(
                f"the store {clean(str(store))} has instances: their time was not skipped from the beginning",
                hint="wfctl init FOLDER --skip-time makes another one",
            )
    finally:
        db.close()


def _put(file: Path, text: str) -> None:
    """Write a file, or replace one by another at once: a link is replaced, and not what it leads to. Raises OSError."""
    part = file.with_name(f".{file.name}.{os.getpid()}")
    part.unlink(missing_ok=True)
    try:
        with part.open("x", encoding="utf-8", newline="\n") as out:
            out.write(text)
        os.replace(part, file)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def template(name: str) -> str:
    return (files("wfctl.cli") / "templates" / f"{name}.txt").read_text(encoding="utf-8")
