from typing import Annotated

import typer

from wfctl.cli.command import command, new_app
from wfctl.cli.session import Session
from wfctl.client.port import Workflows
from wfctl.errors import InvalidInput
from wfctl.render.printer import Format
from wfctl.render.views.waiting import utc_now
from wfctl.render.views.workers import advice, apps_view, rows, rows_view

app = new_app()


@command(app)
def workers(
    session: Session,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep the screen up to date until q or Ctrl-C.")] = False,
) -> None:
    """Show the workers, what they hold, and what waits for one.

    $ wfctl workers --target http://127.0.0.1:3500
    $ wfctl workers --watch
    $ wfctl workers -o json | jq '.[].backlog'

    On wfctl serve: each attached worker, app by app, the workflows and activities in its hands and since when, and what
    no worker has been given. In -o json a worker `holds` its hundred oldest. Of a store on this machine: the process
    that executes it, and what is to be done. A Dapr sidecar tells how many workers are connected, and no more.
    """
    with session.workflows() as workflows:
        if watch:
            _watch(session, workflows)
            return
        found = workflows.workers()
    drawn = session.console.out_tty and session.format is Format.TABLE
    if drawn or not session.format.text:
        session.printer.many(found, apps_view(utc_now()))
    else:
        session.printer.many(rows(found), rows_view(utc_now()))
    for line in dict.fromkeys(advice(session.target.local, found)):
        session.console.note(line)


def _watch(session: Session, workflows: Workflows) -> None:
    from wfctl.cli.watching.loop import is_live, watch_live
    from wfctl.cli.watching.picture_screen import Picture

    if not is_live(session):
        raise InvalidInput("workers --watch needs a terminal", hint="ask again and again: wfctl workers -o json")
    watch_live(session, workflows, Picture(workflows.workers, lambda: apps_view(utc_now())))
