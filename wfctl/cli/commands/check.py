from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from wfctl.cli import exit_codes
from wfctl.cli.batch.options import SeveralToRead, Which
from wfctl.cli.command import command, new_app
from wfctl.cli.options.choices import CHECK_FORMAT
from wfctl.cli.options.common import Flags
from wfctl.cli.parsing.duration import parse_duration
from wfctl.cli.quoting import quoted
from wfctl.cli.session import Session
from wfctl.errors import InvalidInput, PartFailed
from wfctl.model.fit import Fit
from wfctl.model.instance import Filter
from wfctl.render.printer import Format
from wfctl.render.text import clean, plural
from wfctl.render.views.fits import Group, Tally, fit_view, group_view

if TYPE_CHECKING:
    from wfctl.cli.checking.sources import Source

app = new_app()
GITHUB = "github"


@command(app)
def check(
    session: Session,
    which: SeveralToRead,
    bundle: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="BUNDLE",
            help="Check the histories of a bundle; - reads it from stdin.",
            show_default=False,
        ),
    ] = None,
    results: Annotated[
        bool, typer.Option("--results", help="Compare the results and messages of finished instances too.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Of the code alone: exit with 9 if there is a warning.")
    ] = False,
    max_time: Annotated[
        str | None,
        typer.Option(
            "--max-time",
            metavar="DURATION",
            help="How long the code may take for one history (default 10s).",
            show_default=False,
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-o",
            metavar=CHECK_FORMAT.metavar,
            help=f"Output format: {CHECK_FORMAT.listed}.",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Check whether the app's code still fits the histories of instances.

    $ wfctl check --status RUNNING --app new.py
    $ wfctl check --status RUNNING --target prod --app new.py
    $ wfctl check --from production.jsonl -o github
    $ wfctl check --app new.py --strict

    Replays histories against the code at hand: no activity runs, and nothing is changed. For each instance that no
    longer fits it names the first step that differs: what was recorded, what the code asks for, and the line. Of
    finished instances the end is compared too: the status, and the type of the error. Exit status 0: all fit; 9:
    something does not.

    Without IDs, filters and a bundle, the code of the app's workflows is read: calls without yield, the clock, random
    numbers, input and output, names that nothing registers. These are warnings; with --strict the exit status is 9.
    A comment at the line silences them: # wfctl: ok, or # wfctl: ok RULE.

    In a table, instances that differ alike are one row; the other formats have one for each instance, -o id those that
    do not fit, and -o github annotations for GitHub Actions.
    """
    github = format is not None and CHECK_FORMAT.parse(format, "-o") == GITHUB
    if not github:
        session.add_flags(Flags(format=format))
    if which.filter is None and not which.words and bundle is None:
        return _check_code(session, github, strict)
    if strict:
        raise InvalidInput("--strict is for the code alone", hint="without IDs, filters and --from")
    seconds = None if max_time is None else parse_duration(max_time, "--max-time").total_seconds()
    tally = Tally()
    session.stopped = lambda: (
        f"interrupted after {plural(tally.checked, 'instance')}, of which {tally.differing:,} do not fit"
    )
    # What nobody has come to is not known to fit.
    session.seen_enough = lambda: exit_codes.FOUND if tally.differing else exit_codes.PART_FAILED
    with session.app_apart(), _source(session, which, bundle) as source:
        spec = _check(session, source, tally, github, results, seconds, bundle)
        unread = len(source.unread)
    session.console.note(tally.summary(clean(spec)))
    if not tally.differing and unread:
        raise PartFailed(f"the histories of {plural(unread, 'instance')} could not be read")
    return exit_codes.FOUND if tally.differing else exit_codes.DONE


def _check_code(session: Session, github: bool, strict: bool) -> int:
    """Read the code alone."""
    from wfctl.cli.checking.code import loaded_app
    from wfctl.engine.execute.checking import code_warnings
    from wfctl.render.views.code_warnings import code_warning_view, github_lines, summary

    with session.app_apart(), loaded_app(session) as app:
        found = code_warnings(app)
        status = exit_codes.FOUND if strict and found else exit_codes.DONE
        session.seen_enough = lambda: status
        if github:
            for line in github_lines(found, strict, session.environ, session.here):
                session.console.line(line)
        elif found or not session.format.text:
            session.printer.many(found, code_warning_view(session.here))
        workflows = len(app.registry.workflow_names())
    session.console.note(summary(found, workflows, clean(app.spec)))
    return status


@contextmanager
def _source(session: Session, which: Which, bundle: str | None) -> Iterator[Source]:
    from wfctl.cli.checking.sources import TargetSource, bundle_source

    ids = which.ids(session, "check") if which.words else None
    if bundle is not None:
        with bundle_source(session, bundle, ids, which.filter) as source:
            yield source
        return
    with session.workflows() as workflows:
        yield TargetSource(session, workflows, ids, which.filter or Filter())


def _check(
    session: Session,
    source: Source,
    tally: Tally,
    github: bool,
    results: bool,
    seconds: float | None,
    bundle: str | None,
) -> str:
    """Check, and print what came of it. Returns the name of the app."""
    from wfctl.cli.checking.code import loaded_app
    from wfctl.engine.execute.checking import fits
    from wfctl.workflow.replay.guard import SECONDS

    with loaded_app(session) as app:
        found = fits(app, source.histories(), propagated=source.propagated, seconds=seconds or SECONDS, results=results)
        _show(session, tally, tally.watch(found), github, bundle)
    return app.spec


def _show(session: Session, tally: Tally, found: Iterator[Fit], github: bool, bundle: str | None) -> None:
    printer, here = session.printer, session.here
    if not github and session.format is Format.ID:
        found = (one for one in found if one.difference is not None)
    if not github and session.format is not Format.TABLE:
        printer.many(found, fit_view(here))
        return
    _finish(session, tally, found)
    groups = tally.groups()
    if not github:
        if groups:
            printer.many(groups, group_view(here, lambda group: _look(session, group, bundle)))
        return
    from wfctl.render.annotations import annotation, workspace
    from wfctl.render.views.fits import verdict

    base = workspace(session.environ, here)
    for group in groups:
        title = f"{group.count:,} of {group.total:,} {group.name} {verdict(group)}"
        text = f"{group.difference.text} (for example in {group.example})"
        session.console.line(annotation("error", title, text, group.difference.place, base))


def _finish(session: Session, tally: Tally, found: Iterator[Fit]) -> None:
    """Check them all, and count at a terminal."""
    from wfctl.render.live import can_move

    console = session.console
    if console.quiet or not can_move(session.environ, console.err_tty):
        for _ in found:
            pass
        return
    from wfctl.render.progress import Progress

    with Progress(console.err, color=console.err_color) as progress:
        for _ in found:
            if progress.due:
                progress.show([f"{plural(tally.checked, 'instance')} checked, {tally.differing:,} do not fit"])


def _look(session: Session, group: Group, bundle: str | None) -> str:
    """Return the command that shows an instance of a group where it differs."""
    words = [
        "wfctl",
        "replay",
        quoted(group.example if bundle in (None, "-") else f"{bundle}:{group.example}"),
        "--pdb",
    ]
    if group.difference.step is not None:
        words += ["--step", str(group.difference.step)]
    for name in ("target", "store", "app", "python"):
        given = getattr(session.flags, name)
        words += [] if given is None else [f"--{name}", quoted(given)]
    return " ".join(words)
