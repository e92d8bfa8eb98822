from typing import Annotated

import typer

from wfctl.cli import exit_codes
from wfctl.cli.command import command, new_app
from wfctl.cli.runs import two_runs
from wfctl.cli.session import Session
from wfctl.errors import InvalidInput
from wfctl.model.comparison import compare
from wfctl.render.printer import Format
from wfctl.render.views.comparison import comparison_record, comparison_view, lines, summary

app = new_app()


@command(app)
def diff(
    session: Session,
    a: Annotated[str, typer.Argument(metavar="A", help="An instance's ID, a bundle, or FILE:ID.", show_default=False)],
    b: Annotated[
        str | None,
        typer.Argument(metavar="B", help="Another one; left out, the original or the rerun of A.", show_default=False),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Also show the steps that are the same.")] = False,
) -> int:
    """Compare two runs step by step: what is the same, what differs, and how long each took.

    $ wfctl diff 12345678 87654321
    $ wfctl diff 12345678-rerun-1
    $ wfctl diff good.jsonl bad.jsonl:12345678 --all
    $ wfctl diff 12345678 prod.jsonl -o json

    A step differs by its input, result, failure or status; a bundle's instance is that with the ID of the other side,
    or the only one. A word with a dot or a slash in it is a file. Exit status 0: the runs are the same; 9: they differ.
    """
    if session.format is Format.ID:
        raise InvalidInput("-o id does not fit here: steps have no ID", hint="-o table, json, jsonl or yaml")
    found = compare(*two_runs(session, a, b))
    status = exit_codes.DONE if found.same else exit_codes.FOUND
    session.seen_enough = lambda: status
    if not session.format.text:
        session.printer.record(comparison_record(found))
    else:
        shown = [line for at, line in enumerate(lines(found)) if all_ or not at or line.change != "same"]
        session.printer.many(shown, comparison_view(found))
        session.console.note(summary(found))
    return status
