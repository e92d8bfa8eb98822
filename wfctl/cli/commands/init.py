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
FILES = ("orders.py", "wfctl.toml")
ORDER = '{"name":"Paperclips","quantity":10,"totalCost":99.95}'


@command(app)
def init(
    session: Session,
    folder: Annotated[
        str, typer.Argument(metavar="FOLDER", help="Where to write; it is made if need be.", show_default=False)
    ] = ".",
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
) -> None:
    """Write a sample app and a wfctl.toml.

    $ wfctl init
    $ wfctl init shop && cd shop

    The app is orders.py: order processing, as in Dapr's tutorial. Nothing that exists is replaced without --force.
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
