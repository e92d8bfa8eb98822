from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Annotated

import typer

from wfctl.cli.choices import ORDER
from wfctl.cli.command import command, new_app
from wfctl.cli.empty import tell_empty
from wfctl.cli.filter_options import Conditions
from wfctl.cli.parsing.filters import parse_count, parse_sort
from wfctl.cli.quoting import quoted
from wfctl.cli.session import Session
from wfctl.client.port import Workflows
from wfctl.errors import InvalidInput
from wfctl.model.instance import Filter, Instance
from wfctl.render.printer import Format
from wfctl.render.views.instances import Rows, Tally, instance_view
from wfctl.render.views.waiting import utc_now

app = new_app()
SCREEN = 100  # rows that a terminal gets unless --limit says otherwise
PAGES = "Order and pages"


@command(app, "list")
def list_(
    session: Session,
    conditions: Conditions,
    sort: Annotated[
        str | None,
        typer.Option(metavar=ORDER.metavar, help=f"Sort by {ORDER.listed}.", rich_help_panel=PAGES),
    ] = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="Reverse the order.", rich_help_panel=PAGES)] = False,
    limit: Annotated[
        str | None,
        typer.Option(
            metavar="N", help="At most N rows; 0 for all. A table at a terminal has 100.", rich_help_panel=PAGES
        ),
    ] = None,
    after: Annotated[
        str | None, typer.Option(metavar="ID", help="The page after the row of this instance.", rich_help_panel=PAGES)
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Keep updating until q or Ctrl-C; JSON lines when piped.")
    ] = False,
) -> None:
    """List instances.

    $ wfctl list --status FAILED --created-after 7d
    $ wfctl list --waiting-event approval -o id
    $ wfctl list --name OrderProcessingWorkflow --sort finished --limit 20 -o wide
    $ wfctl list --watch --status RUNNING

    Newest first; filters combine. Times are RFC 3339 (2026-01-31T09:00:00Z) or ages (7d, 36h, 90m).
    --watch keeps a page up to date; n and p turn pages. If stdout is not a terminal, each change is a line of JSON:
    the instance, and `change` (listed, appeared, changed, left, purged).
    """
    now = utc_now()
    screen = SCREEN if session.format.text and session.console.out_tty and not watch else None
    filter = replace(
        conditions,
        sort=parse_sort(sort),
        reverse=reverse,
        limit=parse_count(limit, "--limit", screen),
        after=after,
    )
    if watch:
        _watch(session, filter)
        return
    with session.workflows() as workflows:
        if session.format.text and session.console.out_tty:
            wide = session.format is Format.WIDE
            found = _screen(session, workflows.list(_one_more(filter), payloads=wide), filter)
        else:
            rows = Counted(_rows(session, workflows, filter, any_order=sort is None))
            session.printer.many(rows, instance_view(now))
            found = rows.count > 0
        if not found and filter.after is None:
            tell_empty(session, workflows, filter)


def _rows(session: Session, workflows: Workflows, filter: Filter, *, any_order: bool) -> Iterable[Instance]:
    """No more than is printed: the rest costs a sidecar a call for each row. JSON lines come as they are found,
    unless an order or a part of it was asked for."""
    stream = any_order and filter.limit is None and filter.after is None and not filter.reverse
    return workflows.list(
        filter,
        payloads=session.format not in (Format.TABLE, Format.ID),
        waiting=session.format is not Format.ID,
        in_order=not (stream and session.format is Format.JSONL),
    )


def _one_more(filter: Filter) -> Filter:
    """One row more than is shown tells whether there is a next page."""
    return filter if filter.limit is None else replace(filter, limit=filter.limit + 1)


class Counted:
    """Count what is iterated over."""

    def __init__(self, rows: Iterable[Instance]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Instance]:
        for row in self._rows:
            self.count += 1
            yield row


def _screen(session: Session, found: Iterable[Instance], filter: Filter) -> bool:
    """Print what fits, and how to get the rest. Returns False if there is nothing."""
    rows = list(found)
    more = filter.limit is not None and len(rows) > filter.limit
    rows = rows[: filter.limit]
    if not rows:
        return False
    tally = Tally()
    session.printer.many(tally.watch(rows), instance_view(utc_now()))
    session.console.note("the first " if more else "", *tally.footer())
    if more:
        session.console.note(f"there are more: the same command with --after {quoted(rows[-1].id)}, or --limit 0")
    return True


def _watch(session: Session, filter: Filter) -> None:
    from wfctl.cli.watching.loop import check_stream, is_live, watch_live

    check_stream(session)
    if is_live(session):
        from wfctl.cli.watching.list_screen import Page

        rows = Rows(wide=session.format is Format.WIDE)
        with session.workflows() as workflows:
            watch_live(session, workflows, Page(workflows, filter, rows))
        return
    from wfctl.cli.watching.change_feed import ListChanges
    from wfctl.cli.watching.change_lines import watch_stream

    if filter.limit is not None or filter.after is not None:
        raise InvalidInput("--limit and --after are for a page, and each change is a line here", hint="filters of list")
    with session.workflows() as workflows:
        watch_stream(session, workflows, ListChanges(workflows, filter))
