from collections.abc import Iterator, Sequence
from itertools import chain, count
from typing import Annotated

import typer

from wfctl.cli.command import command, new_app
from wfctl.cli.options.choices import LEVEL
from wfctl.cli.options.common import InstanceID
from wfctl.cli.options.logs import parse_level
from wfctl.cli.parsing.duration import parse_deadline
from wfctl.cli.parsing.instance_id import check_id
from wfctl.cli.quoting import quoted
from wfctl.cli.session import Session
from wfctl.cli.waiting.loop import looks, seconds_until
from wfctl.client.port import Workflows
from wfctl.errors import InvalidInput, TimedOut
from wfctl.model.logs import WORKFLOW, LogLine
from wfctl.render.console import styled
from wfctl.render.printer import Format
from wfctl.render.text import clean
from wfctl.render.views.logs import log_record, stored_parts

app = new_app()

LOOK_SECONDS = 0.5
MOST_WIDTH = 24  # of the column of steps


@command(app)
def logs(
    session: Session,
    instance_id: InstanceID,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Show new lines until the instance ends.")] = False,
    step: Annotated[
        str | None,
        typer.Option(
            "--step", metavar="NAME", help="Only lines of this activity; workflow: of the workflow's own code."
        ),
    ] = None,
    level: Annotated[
        str | None, typer.Option("--level", metavar=LEVEL.metavar, help="Only lines from this level on.")
    ] = None,
    tail: Annotated[int | None, typer.Option("--tail", metavar="N", help="Only the latest N lines.", min=0)] = None,
    timeout: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Stop following after this long (exit status 124).")
    ] = None,
) -> None:
    """Show what an instance's code logged.

    $ wfctl logs 12345678
    $ wfctl logs 12345678 --step ChargeCard --level warning
    $ wfctl logs 12345678 --follow -o jsonl | jq -r .message

    Whatever the app logs by Python's logging in an activity or in workflow code is kept with the instance, the latest
    1,000 lines of it, on the embedded target and by wfctl serve --app. A replay does not log again. Workers that are
    attached to wfctl serve, and apps beside a Dapr sidecar, write to their own output.
    """
    check_id(instance_id)
    if timeout is not None and not follow:
        raise InvalidInput("--timeout is for --follow", hint=f"--follow --timeout {clean(timeout)}")
    deadline = parse_deadline(timeout)
    lowest = parse_level(level)
    if session.format is Format.ID:
        raise InvalidInput("-o id is for instances", hint=f"wfctl logs {quoted(instance_id)} -o jsonl | jq -r .message")
    session.going_on = lambda: f"wfctl logs {quoted(instance_id)} --follow" if follow else None
    with session.workflows(deadline=deadline) as workflows:
        # One at least: what follows is what comes behind it.
        found = workflows.logs(instance_id, step=step, level=lowest, limit=None if tail is None else max(1, tail))
        last = found[-1].row if found else 0
        found = [] if tail == 0 else found
        lines = iter(found)
        if follow:
            lines = chain(found, _followed(workflows, instance_id, last, step, lowest, deadline))
        number = _print(session, instance_id, lines, found)
    if not number and tail != 0:
        session.console.note(f"{clean(instance_id)} has logged nothing" + (" of that kind" if step or level else ""))
        if not session.target.local:
            session.console.note("  workers that are attached to wfctl serve write to their own output")


def _followed(
    workflows: Workflows,
    instance_id: str,
    last: int,
    step: str | None,
    level: int,
    deadline: float | None,
) -> Iterator[LogLine]:
    """Yield what comes behind the line in row `last`, until the instance has ended. Raises TimedOut."""
    for _ in looks(workflows, lambda: seconds_until(deadline), LOOK_SECONDS):
        # Looked at before the lines: what an instance logs is there when its end is.
        ended = workflows.get(instance_id, payloads=False).status.terminal
        lines = workflows.logs(instance_id, after=last, step=step, level=level)
        yield from lines
        last = lines[-1].row if lines else last
        if ended:
            return
    raise TimedOut(
        f"timed out: {clean(instance_id)} has not ended",
        hint=f"wfctl logs {quoted(instance_id)} --follow",
        instance_id=instance_id,
    )


def _print(session: Session, instance_id: str, lines: Iterator[LogLine], known: Sequence[LogLine]) -> int:
    """Write the lines as they come. Returns their number."""
    console, numbers = session.console, count()
    if session.format.text:
        width = min(MOST_WIDTH, max([len(WORKFLOW), *(len(clean(line.step or "")) for line in known)]))
        for line in lines:
            next(numbers)
            console.line(styled(stored_parts(line, width), console.out_color))
            console.flush()
    else:
        session.printer.records(log_record(instance_id, line) for line in lines if next(numbers) >= 0)
    return next(numbers)
