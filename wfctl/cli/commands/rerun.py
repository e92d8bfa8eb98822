from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import typer

from wfctl.cli.batch.confirm import confirm_one
from wfctl.cli.batch.options import Several, Which
from wfctl.cli.batch.run import Batch
from wfctl.cli.batch.select import Verb
from wfctl.cli.command import command, new_app
from wfctl.cli.parsing.instance_id import check_id, check_new_id
from wfctl.cli.parsing.json_input import read_payload
from wfctl.cli.payload_options import Input
from wfctl.cli.rerun_plan import Beginning, Results, event_number, parse_result, plan, plan_view, supplied
from wfctl.cli.session import Session
from wfctl.cli.waiting.driving import carry_on
from wfctl.cli.waiting.finish import finish, shows_record
from wfctl.cli.waiting.options import MayWait
from wfctl.client.port import Workflows
from wfctl.errors import InvalidInput, NotFound, WfctlError
from wfctl.model import refusals
from wfctl.model.instance import Instance, RerunRequest
from wfctl.model.status import TERMINAL
from wfctl.model.steps import steps_of
from wfctl.render.text import clean, plural

app = new_app()
FROM = "Where to begin"
VERB = Verb(
    "rerun",
    "reran",
    able=TERMINAL,
    with_parent=True,
    once=True,
    counted=lambda count: f"started {plural(count, 'rerun')}",
)


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
    what = _What(Beginning(from_step, from_failed, event_id), input.read(session), again, results)
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


@dataclass(frozen=True, slots=True)
class _What:
    """Hold what is to be done with each instance."""

    beginning: Beginning
    input: str | None
    again: bool
    results: Sequence[tuple[str, str]] = ()

    @property
    def verb(self) -> Verb:
        given = f" (with the result of {', '.join(clean(step) for step, _ in self.results)})" if self.results else ""
        return replace(
            VERB,
            once=not self.again,
            repeatable=not self.again,
            continues=not self.again,
            beginning=self.beginning.words + given,
        )

    def begin(self, workflows: Workflows, instance_id: str, new_id: str | None = None) -> str:
        """Make the new instance. Returns its ID. Raises AlreadyRerun, unless it is to be done again."""
        source = workflows.get(instance_id, payloads=False)
        event_id = self.beginning.event_id
        results: Results = ()
        if self.results:
            history = workflows.history(instance_id)
            step = self.beginning.step(source, steps_of(history))
            number, results = step.event_id, supplied(source, history, step, self.results)
        elif event_id is not None:  # said already: no history is needed, which a Dapr before 1.17 does not hand out
            number = event_number(event_id)
        else:
            number = self.beginning.step(source, steps_of(workflows.history(instance_id))).event_id
        if not source.status.terminal:
            raise refusals.rerun_of_live_instance(instance_id, source.status)
        request = RerunRequest(
            instance_id,
            number,
            new_id,
            self.input,
            overwrite_input=self.input is not None,
            once=not self.again and new_id is None,
            results=tuple(results),
        )
        try:
            return workflows.rerun(request)
        except NotFound:
            if event_id is not None:
                self._say_which_numbers(workflows, source)
            raise

    def _say_which_numbers(self, workflows: Workflows, source: Instance) -> None:
        """Raises InvalidInput with the numbers that there are, where the target tells them."""
        try:
            history = workflows.history(source.id)
        except WfctlError:
            return
        self.beginning.step(source, steps_of(history))


def _several(session: Session, which: Which, what: _What) -> None:
    batch = Batch(session, what.verb, which)
    with session.workflows() as workflows:
        worked = batch.run(workflows, what.begin)
        carry_on(session, workflows, worked, tell=which.filter is None)
    batch.finish()
