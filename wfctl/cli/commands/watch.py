import time
from typing import Annotated

import typer

from wfctl.cli import exit_codes
from wfctl.cli.batch.stdin_ids import named_ids
from wfctl.cli.command import command, new_app
from wfctl.cli.options.common import InstanceIDs
from wfctl.cli.parsing.duration import parse_deadline
from wfctl.cli.quoting import quoted
from wfctl.cli.session import Session
from wfctl.cli.waiting.report import tell_if_stopped
from wfctl.cli.watching.loop import check_stream, is_live, watch_live
from wfctl.client.port import Driver
from wfctl.errors import TimedOut
from wfctl.model.instance import Instance
from wfctl.render.printer import Format

app = new_app()


@command(app)
def watch(
    session: Session,
    instance_ids: InstanceIDs,
    exit_status: Annotated[
        bool, typer.Option("--exit-status", help="Exit with the outcome's status, as wait does.")
    ] = False,
    timeout: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Stop watching after this long (exit status 124).")
    ] = None,
) -> int:
    """Watch instances until they end: status, steps, what they wait for.

    $ wfctl watch 12345678
    $ wfctl watch order-1 order-2 --exit-status
    $ wfctl watch 12345678 -o jsonl | jq -r .runtimeStatus

    At a terminal the screen is kept up to date; q or Ctrl-C leaves it, and the instances continue. Elsewhere each
    change is a line of JSON. Watching executes nothing: wait, run and serve do.
    """
    ids = named_ids(session, instance_ids)
    deadline = parse_deadline(timeout)
    check_stream(session)
    tell_if_stopped(session, Driver.ELSEWHERE, lambda: f"wfctl watch {' '.join(quoted(one) for one in ids)}")
    with session.workflows(deadline=deadline) as workflows:
        if is_live(session):
            from wfctl.cli.watching.instance_screen import Alone, Several
            from wfctl.render.views.instances import Rows

            rows = Rows(wide=session.format is Format.WIDE)
            scene = Alone(workflows, ids[0]) if len(ids) == 1 else Several(workflows, ids, rows)
            ended = watch_live(session, workflows, scene, deadline)
            changes = scene.changes
        else:
            from wfctl.cli.watching.change_feed import IDChanges
            from wfctl.cli.watching.change_lines import watch_stream

            changes = IDChanges(workflows, ids)
            ended = watch_stream(session, workflows, changes, deadline)
    if not ended and deadline is not None and time.monotonic() >= deadline:
        raise TimedOut("timed out: not all of them have ended", hint=session.going_on())
    return _outcome(changes.instances) if exit_status and ended else exit_codes.DONE


def _outcome(instances: list[Instance]) -> int:
    """One that was purged before it ended has no outcome."""
    return exit_codes.combined([exit_codes.of_end(one.status) for one in instances if one.status.terminal])
