from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Annotated

import typer

from wfctl.cli.command import command, new_app
from wfctl.cli.options.common import InstanceID
from wfctl.cli.parsing.instance_id import check_id
from wfctl.cli.session import Session
from wfctl.cli.text_file import write_text
from wfctl.cli.waiting.report import tell_end
from wfctl.client.port import Workflows
from wfctl.errors import InvalidInput, NotFound
from wfctl.model.cause import failed_with
from wfctl.model.events import Event
from wfctl.model.logs import OWN_LOGGER
from wfctl.model.steps import Step, steps_of
from wfctl.render.printer import Format
from wfctl.render.text import clean
from wfctl.render.times import span
from wfctl.render.views.instances import status_cell
from wfctl.render.views.steps import step_view
from wfctl.render.views.waiting import utc_now

app = new_app()
TIMELINE = "As a timeline"
MOST_CHILDREN = 100  # failed ones that are asked for their causes


@command(app)
def steps(
    session: Session,
    instance_id: InstanceID,
    timeline: Annotated[
        bool,
        typer.Option("--timeline", help="Draw when each step began and how long it took.", rich_help_panel=TIMELINE),
    ] = False,
    children: Annotated[
        bool,
        typer.Option("--children", help="Include the steps of child workflows.", rich_help_panel=TIMELINE),
    ] = False,
    svg: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="Write the timeline as an SVG image.", rich_help_panel=TIMELINE),
    ] = None,
) -> None:
    """Show the steps of an instance, with their times and attempts.

    $ wfctl steps 12345678
    $ wfctl steps 12345678 --timeline --children
    $ wfctl steps 12345678 --svg order.svg
    $ wfctl steps 12345678 -o json | jq '.[] | {name, status, durationMs}'

    A step pairs scheduled with completed, and joins the attempts of one call.
    """
    check_id(instance_id)
    if children and not timeline and svg is None:
        raise InvalidInput("--children is for --timeline", hint="--timeline --children")
    if svg == "":
        raise InvalidInput("--svg is empty", hint="--svg order.svg, or - for stdout")
    with session.workflows() as workflows:
        if timeline or svg is not None:
            _timeline(session, workflows, instance_id, children, svg, shown=timeline)
            return
        history = workflows.history(instance_id)
        found = _with_causes(workflows, steps_of(history))
        warned = _warnings(session, workflows, instance_id)
        failed = workflows.get(instance_id) if session.format.text and failed_with(history) is not None else None
    begun = min((step.scheduled_at for step in found), default=None)
    apps = any(step.app_id is not None for step in found)
    session.printer.many(found, step_view(utc_now(), begun, apps=apps))
    for warning in warned:
        session.console.note(f"warning: {clean(warning)}")
    if failed is not None:
        tell_end(session, failed)


def _warnings(session: Session, workflows: Workflows, instance_id: str) -> list[str]:
    """Return what wfctl has to say of the workflow's code. A sidecar is not asked: it keeps no logs."""
    if not session.target.local:
        return []
    return [line.message for line in workflows.logs(instance_id) if line.logger == OWN_LOGGER]


def _with_causes(workflows: Workflows, steps: Sequence[Step]) -> list[Step]:
    """Return the steps, those of failed children with what their failures wrap."""
    found: list[Step] = []
    asked = 0
    for step in steps:
        if step.kind == "child" and step.child_id is not None and step.failure is not None and asked < MOST_CHILDREN:
            asked += 1
            with suppress(NotFound):
                failure = workflows.get(step.child_id).failure
                if failure is not None and failure.message == step.failure.message:
                    step = replace(step, failure=failure)
        found.append(step)
    return found


def _timeline(
    session: Session, workflows: Workflows, instance_id: str, children: bool, svg: str | None, *, shown: bool
) -> None:
    from wfctl.render.views.timeline import timeline_of, timeline_record, timeline_view

    if session.format is Format.ID:
        raise InvalidInput("-o id does not fit here: steps have no ID", hint="-o table, json, jsonl or yaml")

    def history(child_id: str) -> Sequence[Event]:
        try:
            return workflows.history(child_id)
        except NotFound:  # purged
            return ()

    instance = workflows.get(instance_id, payloads=True)
    now = instance.time(utc_now())
    found = timeline_of(instance, workflows.history(instance_id), now, history if children else None)
    console = session.console
    if svg is not None:
        from wfctl.render.views.timeline_svg import timeline_svg

        write_text(session, svg, timeline_svg(found))
    if not shown:
        return
    if not session.format.text:
        session.printer.record(timeline_record(found))
        return
    session.printer.many(found.bars, timeline_view(found, console.room))
    folded = ", drawn shorter where no activity ran" if found.scale().folded else ""
    console.note(clean(instance.id) + " ", status_cell(instance.status), f", {span(found.length)}{folded}")
