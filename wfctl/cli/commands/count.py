from collections import Counter
from typing import Annotated

import typer

from wfctl.cli.choices import GROUPS
from wfctl.cli.command import command, new_app
from wfctl.cli.empty import tell_empty
from wfctl.cli.filter_options import Conditions
from wfctl.cli.session import Session
from wfctl.model.instance import Count
from wfctl.model.status import Status
from wfctl.render.json_records import count_record
from wfctl.render.printer import View
from wfctl.render.table import Column
from wfctl.render.text import clean
from wfctl.render.views.instances import status_cell

app = new_app()


@command(app)
def count(
    session: Session,
    conditions: Conditions,
    by: Annotated[
        str,
        typer.Option(
            metavar=GROUPS.metavar, help="Group by status (the default), name, or status,name.", show_default=False
        ),
    ] = "status",
) -> None:
    """Count instances by status and workflow.

    $ wfctl count
    $ wfctl count --by status,name --created-after 24h -o json

    The filters are those of list.
    """
    groups = _groups(by)
    with session.workflows() as workflows:
        rows = grouped(list(workflows.count(conditions)), groups)
        if not rows:
            tell_empty(session, workflows, conditions)
    session.printer.many(rows, count_view(groups))


def _groups(text: str) -> frozenset[str]:
    """Parse the names of groups, in any order."""
    words = {word.strip().lower() for word in text.split(",")}
    return frozenset(GROUPS.parse(",".join(sorted(words, reverse=True)) or text, "--by").split(","))


def grouped(counts: list[Count], groups: frozenset[str]) -> list[Count]:
    """Summed over what is not asked for, in the order of statuses, then the largest first."""
    totals: Counter[tuple[Status, str | None]] = Counter()
    for one in counts:
        status = one.status if "status" in groups else Status.RUNNING
        totals[status, one.name if "name" in groups else None] += one.count
    ordered = sorted(totals.items(), key=lambda item: (item[0][0], -item[1], item[0][1] or ""))
    return [Count(status, name, number) for (status, name), number in ordered]


def count_view(groups: frozenset[str]) -> View[Count]:
    columns: list[Column[Count]] = []
    if "status" in groups:
        columns.append(Column("STATUS", lambda one: status_cell(one.status)))
    if "name" in groups:
        columns.append(Column("WORKFLOW", lambda one: clean(one.name or "")))
    columns.append(Column("COUNT", lambda one: f"{one.count}", right=True))
    return View(record=lambda one: count_record(one, groups), columns=columns)
