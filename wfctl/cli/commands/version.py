import platform
import sqlite3
import sys

from wfctl import __version__
from wfctl.cli.command import command, new_app
from wfctl.cli.session import Session
from wfctl.render.printer import View

app = new_app()


@command(app)
def version(session: Session) -> None:
    """Show the versions of wfctl, Python and SQLite.

    $ wfctl version -o json
    """
    found = {
        "wfctl": __version__,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "platform": sys.platform,
    }
    view: View[dict[str, str]] = View(record=dict, id=lambda one: one["wfctl"], block=lambda one, wide: one.items())
    session.printer.one(found, view)
