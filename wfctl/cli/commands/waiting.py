from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from wfctl.cli import exit_codes
from wfctl.cli.command import command, new_app
from wfctl.cli.empty import tell_empty
from wfctl.cli.group_commands import raise_command
from wfctl.cli.options.choices import EVENT_GROUPS
from wfctl.cli.options.filters import Conditions, FailIfAny
from wfctl.cli.parsing.filters import parse_count
from wfctl.cli.session import Session
from wfctl.client.port import Workflows
from wfctl.model.awaited import AwaitedEvent, EventGroup, merged
from wfctl.model.instance import Filter
from wfctl.render.printer import Format
from wfctl.render.text import plural
from wfctl.render.views.awaited import NONE, ShownGroup, events_view, groups_view
from wfctl.render.views.waiting import utc_now

app = new_app()
SCREEN = 100  # rows that a terminal gets unless --limit says otherwise


@command(app)
def waiting(
    session: Session,
    conditions: Conditions,
    by: Annotated[
        str | None,
        typer.Option(metavar=EVENT_GROUPS.metavar, help="Count by event, or by event,name (that of the workflow)."),
    ] = None,
    limit: Annotated[
        str | None, typer.Option(metavar="N", help="At most N rows; 0 for all. A terminal gets 100.")
    ] = None,
    fail_if_any: FailIfAny = False,
) -> int:
    """Show who waits for which event, and what has arrived unread.

    $ wfctl waiting
    $ wfctl waiting --by event
    $ wfctl waiting --waiting-event approval -o id | wfctl raise-event - approval --data true --yes
    $ wfctl waiting --waiting-event approval --updated-before 1d --fail-if-any

    The longest wait comes first. An event is unread if it arrived while the workflow was not waiting for it; it is kept
    until the code asks for it. A misspelt name shows here. A history does not record whether the code has since taken
    such an event without having to wait.

    The filters are those of list; --waiting-event leaves only the waits for that event. raise-event takes the same
    filters: --by event -o wide shows the command for each group. A Dapr sidecar is asked for the history of each live
    instance.
    """
    most = parse_count(limit, "--limit", SCREEN if session.format.text and session.console.out_tty else None)
    with session.workflows() as workflows:
        if by is None:
            found = _rows(session, workflows, replace(conditions, limit=most))
        else:
            found = _groups(session, workflows, conditions, by, most)
        if not found and not fail_if_any:
            _tell_none(session, workflows, conditions)
    return exit_codes.FOUND if fail_if_any and found else exit_codes.DONE


def _tell_none(session: Session, workflows: Workflows, conditions: Filter) -> None:
    """Say whether there is no such instance, or none of them has to do with an event."""
    if session.target.local and not workflows.count(conditions):
        tell_empty(session, workflows, conditions)
    else:
        session.console.note(NONE)


def _rows(session: Session, workflows: Workflows, filter: Filter) -> bool:
    found: Sequence[AwaitedEvent] = workflows.events(filter)
    shown = list({one.id: one for one in found}.values()) if session.format is Format.ID else found
    session.printer.many(shown, events_view(utc_now()))
    if filter.limit is not None and len(found) == filter.limit:
        session.console.note(f"the oldest {len(found):,} are shown: --limit 0 shows all, --by event counts them")
    return bool(found)


def _groups(session: Session, workflows: Workflows, filter: Filter, by: str, most: int | None) -> bool:
    by_name = "name" in [EVENT_GROUPS.parse(word, "--by") for word in by.split(",")]
    groups: list[EventGroup] = merged(workflows.event_groups(filter), by_name=by_name)
    shown = [ShownGroup(group, raise_command(group, filter)) for group in groups[:most]]
    session.printer.many(shown, groups_view(utc_now(), by_name=by_name))
    waits, unread = sum(one.waiting + one.received for one in groups), sum(one.unread for one in groups)
    if groups:
        session.console.note(f"{plural(waits, 'wait')}, {plural(unread, 'unread event')}")
    return bool(groups)
