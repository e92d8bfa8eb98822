from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Annotated

import typer

from wfctl.cli import exit_codes
from wfctl.cli.command import command, new_app
from wfctl.cli.empty import tell_empty
from wfctl.cli.options.choices import ORDER
from wfctl.cli.options.filters import Conditions, FailIfAny
from wfctl.cli.parsing.filters import parse_count, parse_sort
from wfctl.cli.quoting import quoted
from wfctl.cli.scanning import scanning
from wfctl.cli.session import Session
from wfctl.client.port import Scan, Workflows
from wfctl.errors import Interrupted, InvalidInput
from wfctl.model.instance import Filter, Instance, Sort
from wfctl.render.printer import Format, View
from wfctl.render.text import plural
from wfctl.render.views.instances import Rows, Tally, instance_view
from wfctl.render.views.waiting import utc_now

app = new_app()
SCREEN = 100  # rows that a terminal gets unless --limit says otherwise
PAGES = "Order and pages"
TABLE = "The table"


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
            metavar="N",
            help="At most N rows; 0 for all. At a terminal 100, unless a pager shows all.",
            rich_help_panel=PAGES,
        ),
    ] = None,
    after: Annotated[
        str | None, typer.Option(metavar="ID", help="The page after the row of this instance.", rich_help_panel=PAGES)
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="COLUMNS", help="These columns, as id,status,output.", rich_help_panel=TABLE)
    ] = None,
    no_headers: Annotated[
        bool, typer.Option("--no-headers", help="Leave the column titles out.", rich_help_panel=TABLE)
    ] = False,
    no_pager: Annotated[
        bool, typer.Option("--no-pager", help="Do not page at a terminal.", rich_help_panel=TABLE)
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Keep updating until q or Ctrl-C; JSON lines when piped.")
    ] = False,
    fail_if_any: FailIfAny = False,
) -> int:
    """List instances.

    $ wfctl list --status FAILED --created-after 7d
    $ wfctl list --waiting-event approval -o id
    $ wfctl list --name OrderProcessingWorkflow --sort finished --limit 20 -o wide
    $ wfctl list --sort due --limit 20
    $ wfctl list --watch --status RUNNING
    $ wfctl list --stuck 1h --fail-if-any
    $ wfctl list --columns id,status,completed-at --no-headers

    Newest first; filters combine. --sort due shows what goes on when: by the next timer, time-out, retry or delayed
    start; on a sidecar that reads the history of each live instance.
    Times are RFC 3339 (2026-01-31T09:00:00Z), local (2026-01-31, 08:00, yesterday) or ages (7d, 36h, 90m).
    A Dapr sidecar neither filters nor sorts, so that all of its instances are read: Ctrl-C shows what was found by then
    (exit status 130), and --sort any --limit 20 ends as soon as 20 match.
    --watch keeps a page up to date; n and p turn pages. If stdout is not a terminal, each change is a line of JSON:
    the instance, and `change` (listed, appeared, changed, left, purged).
    A table that is longer than the terminal goes through $WFCTL_PAGER, $PAGER or less, but not in CI. For other shapes
    of the rows: wfctl help json has recipes for jq.
    """
    session.printer.headers = not no_headers
    screen = session.format.text and session.console.out_tty and not watch
    pager = _pager(session) if screen and not no_pager else None
    # All of a sidecar's instances cost a request each: there a pager gets no more than a screen does.
    most = SCREEN if screen and not (pager and session.target.local) else None
    filter = replace(
        conditions,
        sort=parse_sort(sort),
        reverse=reverse,
        limit=parse_count(limit, "--limit", most),
        after=after,
    )
    if columns is not None:
        _view(session, columns, due=False, apps=False)  # refused before anything is asked
    if watch:
        if fail_if_any:
            raise InvalidInput("--fail-if-any is for a list that ends", hint="leave out --watch")
        _watch(session, filter)
        return exit_codes.DONE
    if filter.sort is Sort.ANY and after is not None:
        raise InvalidInput("--after is for a page, and --sort any has no order", hint="leave one of them out")
    with session.workflows() as workflows, scanning(session, partial=True) as scan:
        payloads = session.format is Format.WIDE or columns is not None
        view = _view(session, columns, due=filter.sort is Sort.DUE, apps=workflows.names_apps())
        if screen:
            shown = Shown(workflows.list(_one_more(filter), payloads=payloads, scan=scan), filter.limit)
            found = _screen(session, shown, view, pager)
        else:
            shown = Shown(_rows(session, workflows, filter, scan, any_order=sort is None, payloads=payloads), None)
            session.printer.many(shown, view)
            found = shown.last is not None
        stopped = scan is not None and scan.stopped
        if not found and filter.after is None and not stopped:
            tell_empty(session, workflows, filter)
    if scan is not None and stopped:
        raise Interrupted(
            f"interrupted when {plural(scan.looked_at, 'instance')} had been read: more may match",
            hint="with --sort any --limit N it ends as soon as N match",
        )
    return exit_codes.FOUND if fail_if_any and found else exit_codes.DONE


def _pager(session: Session) -> list[str] | None:
    from wfctl.cli.paging import pager_command

    return pager_command(session, wide=session.format is Format.WIDE)


def _view(session: Session, columns: str | None, *, due: bool, apps: bool) -> View[Instance]:
    view = instance_view(utc_now(), due=due, apps=apps)
    if columns is None:
        return view
    if not session.format.text:
        raise InvalidInput(
            f"--columns is for tables, not for {session.format.value}",
            hint="wfctl list -o jsonl | jq -c '{instanceID, runtimeStatus}'",
        )
    from wfctl.cli.parsing.columns import parse_columns

    return replace(view, columns=parse_columns(columns, view.columns))


def _rows(
    session: Session, workflows: Workflows, filter: Filter, scan: Scan | None, *, any_order: bool, payloads: bool
) -> Iterable[Instance]:
    """Return the rows with no more than is printed: the rest costs a sidecar a call for each row.

    JSON lines come as they are found, unless an order or a part of it was asked for.
    """
    stream = any_order and filter.limit is None and filter.after is None and not filter.reverse
    return workflows.list(
        filter,
        payloads=payloads or session.format not in (Format.TABLE, Format.ID),
        waiting=session.format is not Format.ID,
        in_order=not (stream and session.format is Format.JSONL),
        scan=scan,
    )


def _one_more(filter: Filter) -> Filter:
    """One row more than is shown tells whether there is a next page."""
    return filter if filter.limit is None else replace(filter, limit=filter.limit + 1)


class Shown:
    """Yield the rows as far as the limit, and remember the last one, and whether there are more."""

    def __init__(self, rows: Iterable[Instance], limit: int | None) -> None:
        self._rows = iter(rows)
        self._limit = limit
        self.last: Instance | None = None
        self.more = False

    def __iter__(self) -> Iterator[Instance]:
        for number, row in enumerate(self._rows):
            if self._limit is not None and number >= self._limit:
                self.more = True
                return
            self.last = row
            yield row


def _screen(session: Session, shown: Shown, view: View[Instance], pager: list[str] | None) -> bool:
    """Print a table for a person, and how to get the rest. Returns False if there is nothing."""
    from wfctl.cli.paging import paged

    rows = iter(shown)
    first = next(rows, None)
    if first is None:
        return False
    tally = Tally()
    with paged(session, pager) as page:
        session.printer.many(tally.watch(chain([first], rows)), view)
    if page.whole:
        session.console.note("the first " if shown.more else "", *tally.footer())
    if page.whole and shown.more and shown.last is not None:
        session.console.note(f"there are more: the same command with --after {quoted(shown.last.id)}, or --limit 0")
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
