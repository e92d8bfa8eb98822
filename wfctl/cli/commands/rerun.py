from collections.abc import Sequence
from typing import Annotated

import typer

from wfctl.cli.batch.confirm import confirm_one
from wfctl.cli.batch.options import Several, Which
from wfctl.cli.batch.rerun import Rerun
from wfctl.cli.batch.run import Batch
from wfctl.cli.command import command, new_app
from wfctl.cli.options.payloads import Input
from wfctl.cli.parsing.instance_id import check_id, check_new_id
from wfctl.cli.parsing.json_input import read_payload
from wfctl.cli.rerun_plan import Beginning, parse_result, plan, plan_view, supplied
from wfctl.cli.session import Session
from wfctl.cli.waiting.driving import carry_on
from wfctl.cli.waiting.finish import finish, shows_record
from wfctl.cli.waiting.options import MayWait
from wfctl.errors import InvalidInput
from wfctl.model.steps import steps_of

app = new_app()
FROM = "Where to begin"


@command(app, drives=True)
def rerun(
    session: Session,
    which: Several,
    input: Input,
    waiting: MayWait,
    from_step: Annotated[
        str | None,
        typer.Option("--from", metavar="STEP", help="The step with this name.", rich_help_panel=FROM),
    ] = None,
    from_failed: Annotated[
        bool, typer.Option("--from-failed", help="The step that failed.", rich_help_panel=FROM)
    ] = False,
    event_id: Annotated[
        str | None,
        typer.Option(
            "--event-id",
            "-e",
            metavar="N",
            help="The step, or the attempt, with this event number.",
            rich_help_panel=FROM,
        ),
    ] = None,
    new_id: Annotated[
        str | None, typer.Option(metavar="ID", help="The new instance's ID; else ID-rerun-1, and so on.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also one that was rerun already: make another rerun.")
    ] = False,
    result: Annotated[
        list[str] | None,
        typer.Option(
            "--result",
            metavar="STEP=JSON",
            help="Do not run this step: it has this result. Repeatable; @FILE reads the JSON.",
        ),
    ] = None,
    show_plan: Annotated[
        bool, typer.Option("--plan", help="Show which steps are kept and which run again; change nothing.")
    ] = False,
) -> int:
    """Run a finished instance again from one of its steps.

    $ wfctl rerun 12345678 --from-failed
    $ wfctl rerun 12345678 --from ProcessPayment --plan
    $ wfctl rerun 12345678 --from ProcessPayment --input '{"amount": 90}' --wait
    $ wfctl rerun 12345678 --from ProcessPayment --result ProcessPayment='{"paid": true}'
    $ wfctl rerun --status FAILED --finished-after 1h --from-failed --dry-run

    It is a new instance, ID-rerun-1, whose ID is printed; steps before that one keep their results.
    Without --from, --from-failed or --event-id it is the first step. --input replaces that step's input. --result is
    for a step that was done by hand: it does not run, and the history says that its result was supplied. The embedded
    engine and wfctl serve can; a Dapr sidecar cannot (exit status 5).

    An instance is rerun once: the same command again is refused, and a batch leaves out what was rerun already. Of an
    original and its reruns, only the latest can be rerun. --again and --new-id make a rerun in any case.
    """
    results = _read_results(session, result or [])
    if results and not (from_step or from_failed or event_id):
        first = results[0][0]
        from_step, event_id = (None, first) if first.isdigit() else (first, None)
    what = Rerun(Beginning(from_step, from_failed, event_id), input.read(session), again, results)
    identifier = None if new_id is None else check_new_id(new_id)
    if which.one is None or which.dry_run:
        for flag, given in (("--wait", waiting.wait), ("--new-id", new_id), ("--plan", show_plan)):
            if given:
                raise InvalidInput(f"{flag} is for one instance, named by its ID")
        _several(session, which, what)
        return 0
    instance_id = check_id(which.one)
    if not show_plan:
        confirm_one(session, what.verb, instance_id, which)
    with session.workflows(deadline=waiting.deadline) as workflows:
        if show_plan:
            history = workflows.history(instance_id)
            source = workflows.get(instance_id, payloads=False)
            step = what.beginning.step(source, steps_of(history))
            session.printer.many(plan(history, step, supplied(source, history, step, results)), plan_view())
            return 0
        new = what.begin(workflows, instance_id, identifier)
        show = shows_record(session, waiting.wait)
        if not show:
            session.console.word(new)
            session.console.flush()
        return finish(session, workflows, new, waiting, show=show)


def _read_results(session: Session, given: Sequence[str]) -> list[tuple[str, str]]:
    """Raises InvalidInput."""
    found = []
    for text in given:
        step, result = parse_result(text)
        found.append((step, read_payload(session, result, None, None, f"--result {step}") or "null"))
    return found


def _several(session: Session, which: Which, what: Rerun) -> None:
    batch = Batch(session, what.verb, which)
    with session.workflows() as workflows:
        worked = batch.run(workflows, what.begin)
        carry_on(session, workflows, worked, tell=which.filter is None)
    batch.finish()
