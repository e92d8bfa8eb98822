from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from wfctl.cli import exit_codes
from wfctl.cli.command import command, new_app
from wfctl.cli.runs import Named, named
from wfctl.cli.session import Session
from wfctl.errors import InvalidInput
from wfctl.model.fit import Fit, Recorded, Retraced, Told
from wfctl.model.instance import Filter
from wfctl.render.console import is_tty, styled
from wfctl.render.text import clean, plural
from wfctl.render.views.fits import fit_view, place_text
from wfctl.render.views.retraced import told_line

if TYPE_CHECKING:
    from wfctl.cli.checking.sources import Source
    from wfctl.workflow.replay.retrace import Wish

app = new_app()


@command(app)
def replay(
    session: Session,
    instance_id: Annotated[str, typer.Argument(metavar="ID|BUNDLE", help="The instance's ID, a bundle, or FILE:ID.")],
    pdb: Annotated[bool, typer.Option("--pdb", help="Stop in Python's debugger, in the workflow's code.")] = False,
    step: Annotated[
        str | None,
        typer.Option(
            "--step",
            metavar="STEP",
            help="With --pdb: stop where the code asks for this step, by its name or number.",
            show_default=False,
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="STEP", help="Replay no further than to this step.", show_default=False),
    ] = None,
) -> int:
    """Replay the history of an instance in the app's code, and see what that prints.

    $ wfctl replay 12345678
    $ wfctl replay 12345678 --pdb --step ChargeCard
    $ wfctl replay production.jsonl:12345678 --app new.py --until 3

    Shows the steps as the code asks for them, and what it was given, with all that it prints and logs. No activity
    runs: results are those of the history, and ctx.is_replaying is true. Nothing is changed. With --pdb you are in
    Python's debugger at a step, with the values of then: n goes on to the next line, with the recorded result. Without
    --step it stops at the first line of the workflow. Exit status 9: the code differs from the history, and the first
    thing that differs is told, with its line.
    """
    from wfctl.workflow.replay.retrace import Wish

    if step is not None and not pdb:
        raise InvalidInput("--step is where --pdb stops", hint=f"--pdb --step {clean(step)}, or --until {clean(step)}")
    if pdb and not (is_tty(session.stdin) and is_tty(session.stdout)):
        raise InvalidInput("--pdb needs a terminal", hint="without --pdb it shows the steps and what the code prints")
    if pdb and not session.format.text:
        raise InvalidInput("--pdb is for people", hint="without -o")
    what = named(instance_id)
    wish = Wish(pdb, step, until)
    with nullcontext() if session.format.text else session.app_apart(), _source(session, what) as source:
        recorded = _one(source, what)
        done = _retrace(session, source, recorded, wish)
    if not done.reached:
        known = ", ".join(dict.fromkeys(done.asked)) or "nothing"
        missing = until if until is not None else step
        raise InvalidInput(
            f"the code does not ask for a step {clean(missing or '')!r} there", hint=f"it asks for: {clean(known)}"
        )
    return _end(session, recorded, done, stopped=until is not None)


@contextmanager
def _source(session: Session, what: Named) -> Iterator[Source]:
    from wfctl.cli.checking.sources import TargetSource, bundle_source

    ids = None if what.instance_id is None else [what.instance_id]
    if what.file is not None:
        with bundle_source(session, what.file, ids) as found:
            yield found
        return
    with session.workflows() as workflows:
        yield TargetSource(session, workflows, ids, Filter())


def _one(source: Source, what: Named) -> Recorded:
    """Return the history that is meant: of a bundle without an ID, that of the only instance with all below it."""
    ids: set[str] = set()
    roots: list[Recorded] = []
    for one in source.histories():
        if one.parent is None or one.parent.instance_id not in ids:
            roots.append(one)
        ids.add(one.id)
    if len(roots) == 1:
        return roots[0]
    name = clean(what.file or "")
    raise InvalidInput(f"{name} has {plural(len(roots), 'instance')}: which?", hint=f"wfctl replay {name}:ID")


def _retrace(session: Session, source: Source, recorded: Recorded, wish: Wish) -> Retraced:
    from wfctl.cli.checking.code import loaded_app
    from wfctl.engine.execute.checking import retraced

    console, here = session.console, session.here

    def tell(told: Told) -> None:
        if session.format.text:
            console.line(styled(told_line(told, here), console.out_color))
            console.flush()

    from wfctl.workflow.loading.app import App

    with loaded_app(session) as loaded, nullcontext() if type(loaded) is App else _ctrl_c_left_alone(wish.debug):
        console.flush()
        return retraced(loaded, recorded, wish, tell, source.propagated)


@contextmanager
def _ctrl_c_left_alone(debug: bool) -> Iterator[None]:
    """An app in a process of its own has the debugger there. Ctrl-C comes to both processes, and is the debugger's."""
    if not debug:
        yield
        return
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end(session: Session, recorded: Recorded, done: Retraced, *, stopped: bool) -> int:
    found = done.difference
    if not session.format.text:
        session.printer.one(Fit(recorded.id, recorded.workflow, recorded.status, found), fit_view(session.here))
    if done.left:
        session.console.note("left the debugger")
        return exit_codes.DONE
    if found is not None:
        where = place_text(found.place, session.here)
        session.console.note(f"differs: {clean(found.text)}" + (f", {where}" if where else ""))
        return exit_codes.FOUND
    steps = plural(len(done.asked), "step")
    session.console.note(f"replayed {steps}" if stopped else f"the code fits: {steps} replayed")
    return exit_codes.DONE
