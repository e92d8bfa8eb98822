from collections.abc import Iterator

import typer

from wfctl.cli.command import command
from wfctl.cli.help_pages import CONTEXT, Group
from wfctl.cli.session import Session
from wfctl.cli.target import settle
from wfctl.config.keys import KEYS
from wfctl.config.settings import Settings, Value
from wfctl.render.printer import View
from wfctl.render.table import Column
from wfctl.render.text import clean

app = typer.Typer(
    cls=Group,
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings=dict(CONTEXT),
    help="Show the settings and where each of them came from.\n\n$ wfctl config show",
)

HIDDEN = "(set, not shown)"
Row = tuple[str, Value]


@app.callback()
def _config() -> None:
    pass


@command(app)
def show(session: Session) -> None:
    """Show every setting that holds, and where it came from. Tokens are never shown.

    $ wfctl config show
    $ wfctl --target prod config show -o json

    A flag holds over a WFCTL_ variable, that over the profile, the project's file (wfctl.toml, or [tool.wfctl] in
    pyproject.toml), the user's file, and Dapr's own DAPR_ variables.
    """
    session.printer.many(list(rows(session.settings)), VIEW)


def rows(settings: Settings) -> Iterator[Row]:
    yield "target", settle(settings)
    yield "store", settings.store
    token = settings.token()
    for key in KEYS:
        if key.name in ("target", "store", "token"):
            continue
        value = settings.values.get(key.name)
        if value is not None:
            yield key.name, value
    if token is not None:
        yield "token", Value(HIDDEN, token.origin)
    if settings.profile is not None:
        yield "profile", Value(settings.profile, settings.target.origin)
    if settings.project is not None:
        yield "project_file", Value(str(settings.project.path), "found from here upwards")
    if settings.user is not None:
        yield "user_file", Value(str(settings.user.path), "WFCTL_CONFIG or the default place")


VIEW: View[Row] = View(
    record=lambda row: {"name": row[0], "value": row[1].value, "origin": row[1].origin},
    id=lambda row: row[0],
    columns=(
        Column("SETTING", lambda row: row[0]),
        Column("VALUE", lambda row: clean(row[1].value)),
        Column("ORIGIN", lambda row: clean(row[1].origin)),
    ),
)
