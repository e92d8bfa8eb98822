from typing import Annotated

import typer

from wfctl.cli import exit_codes
from wfctl.cli.command import command, new_app
from wfctl.cli.group_commands import rerun_command
from wfctl.cli.options.filters import Conditions, FailIfAny
from wfctl.cli.parsing.filters import parse_count
from wfctl.cli.session import Session
from wfctl.errors import InvalidInput
from wfctl.model.failure_groups import grouped
from wfctl.model.status import Status
from wfctl.render.views.failure_groups import Shown, failures_view, summary
from wfctl.render.views.waiting import utc_now

app = new_app()
SCREEN = 20  # groups that a terminal gets unless --limit says otherwise


@command(app)
def failures(
    session: Session,
    conditions: Conditions,
    children: Annotated[bool, typer.Option("--children", help="Also count children whose parents failed too.")] = False,
    limit: Annotated[
        str | None, typer.Option(metavar="N", help="At most N groups; 0 for all. A terminal gets 20.")
    ] = None,
    fail_if_any: FailIfAny = False,
) -> int:
    """Group failed instances by what went wrong.

    $ wfctl failures
    $ wfctl failures --finished-after 1h --name 'Checkout*'
    $ wfctl failures -o json | jq -r '.[0].rerun'
    $ wfctl failures --finished-after 10m --fail-if-any

    One group for each workflow, step, error type and message, largest first. IDs, numbers, times, addresses and quoted
    values that vary are taken out of the message. Each group shows the command that reruns it. A child whose parent
    failed with it counts with its parent. On a sidecar this takes three calls for each failed instance.
    """
    if conditions.statuses and Status.FAILED not in conditions.statuses:
        raise InvalidInput("failures are of instances that are FAILED", hint="leave out --status")
    most = parse_count(limit, "--limit", SCREEN if session.format.text and session.console.out_tty else None)
    if not session.target.local:
        session.console.note("a sidecar is asked for each instance, and twice more for each that failed")
    with session.workflows() as workflows:
        found = [
            one
            for one in workflows.failures(conditions)
            if children or conditions.parent_id is not None or not one.below
        ]
    groups = grouped(found)
    shown = [Shown(group, rerun_command(group, conditions)) for group in groups[:most]]
    session.printer.many(shown, failures_view(utc_now()))
    words = summary(len(found), len(groups))
    if len(shown) < len(groups):
        words += f"; the largest {len(shown)} are shown, --limit 0 shows all"
    session.console.note(words)
    return exit_codes.FOUND if fail_if_any and found else exit_codes.DONE
