from collections import Counter
from dataclasses import replace
from typing import Annotated

import typer

from wfctl.cli import exit_codes
from wfctl.cli.command import command, new_app
from wfctl.cli.empty import tell_empty
from wfctl.cli.options.choices import GROUPS
from wfctl.cli.options.filters import Conditions, FailIfAny
from wfctl.cli.session import Session
from wfctl.client.port import Workflows
from wfctl.model.failure_groups import grouped as by_failure
from wfctl.model.instance import Count, Filter, Instance
from wfctl.model.matching import STEPS
from wfctl.model.status import LIVE, Status
from wfctl.render.json_records import count_record
from wfctl.render.printer import View
from wfctl.render.table import Column
from wfctl.render.text import clean, shorten
from wfctl.render.views.instances import status_cell

app = new_app()
MOST_ERROR = 120  # characters of an error in a table


@command(app)
def count(
    session: Session,
    conditions: Conditions,
    by: Annotated[
        str,
        typer.Option(
            metavar=GROUPS.metavar,
            help="Group by status (the default), name, step or error, or by several: status,name.",
            show_default=False,
        ),
    ] = "status",
    fail_if_any: FailIfAny = False,
) -> int:
    """Count instances by status, workflow, step or error.

    $ wfctl count
    $ wfctl count --by status,name --created-after 24h -o json
    $ wfctl count --by error --finished-after today
    $ wfctl count --stuck 1h --fail-if-any

    The filters are those of list. The step is where an instance failed, or the first that a live one waits for. The
    error is that of a failed instance, as failures groups it.
    """
    groups = _groups(by)
    with session.workflows() as workflows:
        rows = grouped(_counted(workflows, conditions, groups), groups)
        if not rows and not fail_if_any:  # where one looks for trouble, nothing is what one hopes for
            tell_empty(session, workflows, conditions)
    session.printer.many(rows, count_view(groups))
    return exit_codes.FOUND if fail_if_any and rows else exit_codes.DONE


def _counted(workflows: Workflows, conditions: Filter, groups: frozenset[str]) -> list[Count]:
    """Count by status and name, and where it is asked for by step and error."""
    counts = list(workflows.count(conditions))
    if not groups & {"step", "error"}:
        return counts
    failed: Counter[tuple[str | None, str | None, str]] = Counter()
    for group in by_failure(workflows.failures(conditions)):
        failed[group.name, group.step, group.error] += group.count
    found = [Count(Status.FAILED, name, n, step, error) for (name, step, error), n in failed.items()]
    rest = [one for one in counts if one.status is not Status.FAILED]
    if "step" in groups and any(not one.status.terminal for one in rest):
        live = replace(conditions, statuses=(conditions.statuses or LIVE) & LIVE)
        steps = Counter((one.status, one.name, _step(one)) for one in workflows.list(live, payloads=False))
        found += [Count(status, name, n, step) for (status, name, step), n in steps.items()]
        rest = [one for one in rest if one.status.terminal]
    return found + rest


def _step(one: Instance) -> str | None:
    return next((waiting.name for waiting in one.waiting_for if waiting.kind in STEPS), None)


def _groups(text: str) -> frozenset[str]:
    """Parse the names of groups, in any order."""
    words = [word for word in text.split(",") if word.strip()]
    return frozenset(GROUPS.parse(word, "--by") for word in words or [text])


def grouped(counts: list[Count], groups: frozenset[str]) -> list[Count]:
    """Summed over what is not asked for, in the order of statuses, then the largest first."""
    totals: Counter[tuple[Status, str | None, str | None, str | None]] = Counter()
    for one in counts:
        status = one.status if "status" in groups else Status.RUNNING
        name, step = one.name if "name" in groups else None, one.step if "step" in groups else None
        totals[status, name, step, one.error if "error" in groups else None] += one.count
    ordered = sorted(totals.items(), key=lambda item: (item[0][0], -item[1], *(word or "" for word in item[0][1:])))
    return [Count(status, name, number, step, error) for (status, name, step, error), number in ordered]


def count_view(groups: frozenset[str]) -> View[Count]:
    columns: list[Column[Count]] = []
    if "status" in groups:
        columns.append(Column("STATUS", lambda one: status_cell(one.status)))
    if "name" in groups:
        columns.append(Column("WORKFLOW", lambda one: clean(one.name or "")))
    if "step" in groups:
        columns.append(Column("STEP", lambda one: clean(one.step or "")))
    if "error" in groups:
        columns.append(
            Column("ERROR", lambda one: shorten(clean(" ".join((one.error or "").split())), MOST_ERROR), shrink=True)
        )
    columns.append(Column("COUNT", lambda one: f"{one.count}", right=True))
    return View(record=lambda one: count_record(one, groups), columns=columns)
