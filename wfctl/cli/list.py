from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated

import typer

from wfctl.cli.declare import command, new_app
from wfctl.cli.filters import build_filter, parse_count, parse_sort
from wfctl.cli.options import (
    CreatedAfter,
    CreatedBefore,
    FinishedAfter,
    FinishedBefore,
    IDPrefix,
    Name,
    ParentID,
    Statuses,
    WaitingEvent,
)
from wfctl.cli.session import Session
from wfctl.cli.telling import quoted
from wfctl.model.instance import Filter, Instance
from wfctl.render.instances import Tally, instance_view
from wfctl.render.waiting import utc_now

app = new_app()
SCREEN = 100  # rows that a terminal gets unless --limit says otherwise
PAGES = "Order and pages"


@command(app, "list")
def list_(
    session: Session,
    status: Statuses = None,
    name: Name = None,
    id_prefix: IDPrefix = None,
    created_after: CreatedAfter = None,
    created_before: CreatedBefore = None,
    finished_after: FinishedAfter = None,
    finished_before: FinishedBefore = None,
    parent: ParentID = None,
    waiting_event: WaitingEvent = None,
    sort: Annotated[
        str | None,
        typer.Option(metavar="ORDER", help="created, updated, finished, name or id.", rich_help_panel=PAGES),
    ] = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="The other way round.", rich_help_panel=PAGES)] = False,
    limit: Annotated[
        str | None,
        typer.Option(
            metavar="N", help="At most N rows; 0 for all. A table at a terminal has 100.", rich_help_panel=PAGES
        ),
    ] = None,
    after: Annotated[
        str | None, typer.Option(metavar="ID", help="The page that begins behind this row.", rich_help_panel=PAGES)
    ] = None,
) -> None:
    """List instances.

    $ wfctl list --status FAILED --created-after 7d
    $ wfctl list --waiting-event approval -o id
    $ wfctl list --name OrderProcessingWorkflow --sort finished --limit 20 -o wide

    The newest come first, and filters combine. Times are RFC 3339 (2026-01-31T09:00:00Z) or ages (7d, 36h, 90m).
    """
    now = utc_now()
    screen = SCREEN if session.format.text and session.console.out_tty else None
    filter = build_filter(
        now,
        statuses=status,
        name=name,
        id_prefix=id_prefix,
        created_after=created_after,
        created_before=created_before,
        finished_after=finished_after,
        finished_before=finished_before,
        parent=parent,
        waiting_event=waiting_event,
        sort=parse_sort(sort),
        reverse=reverse,
        limit=parse_count(limit, "--limit", screen),
        after=after,
    )
    with session.workflows() as workflows:
        if session.format.text and session.console.out_tty:
            _screen(session, workflows.list(_one_more(filter)), filter)
        else:
            session.printer.many(workflows.list(filter), instance_view(now))


def _one_more(filter: Filter) -> Filter:
    """One row more than is shown tells whether there is a next page."""
    return filter if filter.limit is None else replace(filter, limit=filter.limit + 1)


def _screen(session: Session, found: Iterable[Instance], filter: Filter) -> None:
    rows = list(found)
    more = filter.limit is not None and len(rows) > filter.limit
    rows = rows[: filter.limit]
    if not rows:
        session.console.note("no instances")
        return
    tally = Tally()
    session.printer.many(tally.watch(rows), instance_view(utc_now()))
    session.console.note(tally.footer(session.console.err_color))
    if more:
        session.console.note(f"there are more: the same command with --after {quoted(rows[-1].id)}, or --limit 0")
