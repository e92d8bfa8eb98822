from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from wfctl.cli.batch.options import SeveralToRead
from wfctl.cli.command import command, new_app
from wfctl.cli.empty import tell_empty
from wfctl.cli.exporting import VIEW, header_of, redaction, write_file, write_stdout
from wfctl.cli.session import Session
from wfctl.errors import InvalidInput
from wfctl.model.choices import Reach
from wfctl.model.instance import Filter
from wfctl.render.text import clean, plural

app = new_app()
TAKEN_OUT = "What is left out"


@command(app)
def export(
    session: Session,
    which: SeveralToRead,
    to: Annotated[
        str | None, typer.Option("--to", metavar="FILE", help="Write to this file, not to stdout.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an export to FILE that was interrupted.")] = False,
    no_recursive: Annotated[
        bool, typer.Option("--no-recursive", help="Only the instances themselves, without their trees.")
    ] = False,
    redact: Annotated[
        list[str] | None,
        typer.Option(
            metavar="JSONPATH",
            help="Take out what payloads have at this JSON path: $.card.number (repeatable).",
            rich_help_panel=TAKEN_OUT,
            show_default=False,
        ),
    ] = None,
    redact_all: Annotated[
        bool,
        typer.Option(
            "--redact-all", help="Take out all payloads, messages, stack traces and logs.", rich_help_panel=TAKEN_OUT
        ),
    ] = False,
) -> None:
    """Write instances with their histories into a bundle.

    $ wfctl export --to all.jsonl
    $ wfctl export 12345678 --redact '$.card.number' > order.jsonl
    $ wfctl export --target prod --status FAILED --created-after 1d --to failed.jsonl

    A bundle is JSON lines: wfctl import reads it into another store, wfctl check holds it against code, wfctl diff
    against other runs. An instance comes with its whole tree: its parents, and its children. Without IDs and filters,
    all instances are written. FILE is readable to you alone.
    """
    ids = which.ids(session, "export") if which.words or which.filter is not None else None
    to = None if to == "-" else to
    if to is None and session.flags.format not in (None, "json", "jsonl"):
        raise InvalidInput("a bundle is JSON lines, whatever -o says", hint="leave -o out; it is for --to FILE")
    if to is None and (force or resume):
        raise InvalidInput(f"{'--resume' if resume else '--force'} is for --to", hint="--to orders.jsonl")
    if to == "":
        raise InvalidInput("--to is empty", hint="--to orders.jsonl")
    taken_out = redaction(redact, redact_all)
    filter = which.filter or Filter()
    with session.workflows() as workflows:
        header = header_of(session, workflows, taken_out)
        reach = Reach.ALONE if no_recursive else Reach.TREE
        with closing(workflows.export(ids, filter, reach)) as found:
            exported = found if taken_out is None else map(taken_out, found)
            if to is None:
                count = write_stdout(session, header, exported)
            else:
                written = write_file(session, Path(to), header, exported, force=force, resume=resume)
                count = written.instances
        if not count:
            tell_empty(session, workflows, filter)
    for path in taken_out.unmatched if taken_out is not None and count else ():
        session.console.note(f"warning: no payload has anything at {clean(path)}")
    if to is None:
        return
    if not session.format.text:
        session.printer.one(written, VIEW)
    kept = f", {written.kept:,} of them from before" if written.kept else ""
    session.console.note(f"wrote {clean(to)}: {plural(count, 'instance')}{kept}")
