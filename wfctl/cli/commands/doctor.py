from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from wfctl.cli.command import command, new_app
from wfctl.cli.parsing.duration import parse_duration
from wfctl.cli.session import Session
from wfctl.cli.target import effective_target
from wfctl.client.doctor.check import Check, NotReady, Result, wait_until_ready
from wfctl.errors import WfctlError
from wfctl.render.printer import View
from wfctl.render.table import Cell, Column, Layout, cells_of
from wfctl.render.text import clean, plural
from wfctl.render.theme import HINT

if TYPE_CHECKING:
    from rich.console import RenderableType

app = new_app()
CHECK_SECONDS = 5.0  # for one request, unless --request-timeout says otherwise: doctor is asked when something hangs


@command(app)
def doctor(
    session: Session,
    wait_ready: Annotated[
        str | None,
        typer.Option(
            "--wait-ready",
            metavar="DURATION",
            help="Wait until nothing fails and a worker is connected; 124 when this long was not enough.",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Check the target: what works, what does not, what to do.

    $ wfctl doctor
    $ wfctl doctor --target http://127.0.0.1:3500 --wait-ready 60s
    $ wfctl doctor -o json | jq '.[] | select(.level != "ok")'

    A sidecar: its address, token, version, store, placement, scheduler, workers, gRPC and clock. The embedded engine:
    the disk, the store and its integrity, the process that executes it, and the app, which is imported. Exit status
    0: nothing fails (there may be warnings), 6: the token is not accepted, 5: something else fails.
    """
    seconds = None if wait_ready is None else parse_duration(wait_ready, "--wait-ready").total_seconds()
    target = effective_target(session.settings)
    session.console.note(f"target: {clean(target.value)} ({clean(target.origin)})")
    late: WfctlError | None = None
    try:
        checks = _look(session, seconds)
    except NotReady as error:
        checks, late = error.checks, error
    session.printer.many(checks, VIEW)
    if late is not None:
        raise late
    status = next((check.status for check in checks if check.level is Result.FAIL), 0)
    session.console.note(_summary(checks, status))
    return status


def _summary(checks: Sequence[Check], status: int) -> str:
    """Return the last line: how many checks came to which result, and the exit status."""
    counts = Counter(check.level for check in checks)
    results = ", ".join(f"{counts[level]} {level.value}" for level in Result if counts[level])
    return f"{plural(len(checks), 'check')}: {results}; exit status {status}"


def _look(session: Session, seconds: float | None) -> Sequence[Check]:
    within = None if "request_timeout" in session.settings.values else CHECK_SECONDS
    session.may_drive = True  # the app is imported
    with session.host() as host, session.target.checked(host, within) as look:
        checks = look() if seconds is None else wait_until_ready(look, seconds, session.console.note)
    withheld = session.settings.withheld
    return [replace(one, fix=withheld) if withheld and one.name == "token" and one.fix else one for one in checks]


def _record(check: Check) -> dict[str, object]:
    return {"check": check.name, "level": check.level.value, "detail": check.detail, "fix": check.fix}


VIEW: View[Check] = View(
    record=_record,
    id=lambda check: check.name,
    columns=(
        Column("CHECK", lambda check: check.name),
        Column("RESULT", lambda check: Cell(check.level.value, f"check.{check.level.value}")),
        Column("DETAIL", lambda check: clean(check.detail), shrink=True),
        Column("WHAT TO DO", lambda check: clean(check.fix or "")),
    ),
    picture=lambda checks, room: _picture(list(checks), room),
)

# At a terminal, what to do stands below what is the matter.
COLUMNS: tuple[Column[Check], ...] = (
    *VIEW.columns[1::-1],
    Column("DETAIL", lambda check: _detail(check), fold=True),
)


def _detail(check: Check) -> Cell:
    detail = clean(check.detail)
    if not check.fix:
        return Cell(detail)
    return Cell(f"{detail}\ntry: {clean(check.fix)}", marks=((len(detail), len(detail) + 5, HINT),))


def _picture(checks: Sequence[Check], room: int) -> "RenderableType":
    from wfctl.render.drawing import table

    rows = [cells_of(COLUMNS, check) for check in checks]
    return table(Layout(COLUMNS, rows, room), rows)
