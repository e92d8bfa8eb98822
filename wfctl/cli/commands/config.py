import platform
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from wfctl.cli.command import command
from wfctl.cli.help_pages import CONTEXT, Group
from wfctl.cli.session import Session
from wfctl.cli.target import effective_target
from wfctl.config.keys import KEYS
from wfctl.config.permissions import trusted_by_environment
from wfctl.config.settings import Settings, Value
from wfctl.errors import InvalidInput, WfctlError
from wfctl.render.printer import View
from wfctl.render.table import Cell, Column
from wfctl.render.text import clean
from wfctl.render.theme import QUIET

app = typer.Typer(
    cls=Group,
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings=dict(CONTEXT),
    help="Show and change settings; trust a project's file.\n\n$ wfctl config show\n$ wfctl config trust",
)

HIDDEN = "(set, not shown)"
WITHHELD = "(set, not sent)"
Row = tuple[str, Value]


@app.callback()
def _config() -> None:
    pass


@command(app)
def show(session: Session) -> None:
    """Print each effective setting and where it came from. Tokens are never shown.

    $ wfctl config show
    $ wfctl --target prod config show -o json

    A flag overrides a WFCTL_ variable, that the profile, the project's file (wfctl.toml, or [tool.wfctl] in
    pyproject.toml), the user's file, and Dapr's own DAPR_ variables. The row `trust` says whether the project's file
    needs your consent: see `wfctl config trust`.
    """
    session.printer.many(list(rows(session.surveyed)), VIEW)


@command(app)
def trust(
    session: Session,
    revoke: Annotated[bool, typer.Option("--revoke", help="Withdraw your consent.")] = False,
) -> None:
    """Let the project's file say what needs your consent; say which settings these are.

    $ wfctl config trust
    $ wfctl config trust --revoke

    A wfctl.toml (or [tool.wfctl] in pyproject.toml) comes with its folder, whoever wrote it. Until you trust it, it may
    name the app, a store inside its folder, formats, and targets on this machine. Read it, then trust it:
    your consent ends when the file changes. WFCTL_TRUST=1 trusts without a record, for CI. See `wfctl help trust`.
    """
    from wfctl.config import trust as trusting
    from wfctl.config.files import project_file

    file = project_file(session.here, session.environ)
    if file is None:
        raise InvalidInput(
            "there is no wfctl.toml here or in a folder above, and no pyproject.toml with [tool.wfctl]",
            hint="cd to the project",
        )
    if revoke:
        was = trusting.revoke(file.path, session.environ)
        session.console.note(f"{clean(file.label)} {'is not trusted any more' if was else 'was not trusted'}")
        _entries(session, [])
        return
    found = [(entry.name, Value(entry.value, file.label)) for entry in trusting.entries(file)]
    trusting.trust(file.path, file.content, session.environ)
    session.console.note(f"{clean(file.label)} is trusted until it changes")
    if not found:
        session.console.note("nothing in it needs that")
    _entries(session, found)


def _entries(session: Session, found: list[Row]) -> None:
    if found or not session.format.text:
        session.printer.many(found, VIEW)


def rows(settings: Settings) -> Iterator[Row]:
    yield "target", effective_target(settings)
    yield "store", settings.store
    doubtful = bool(settings.needs_trust) and not settings.trusted
    token = None if doubtful else settings.token()
    for key in KEYS:
        if key.name in ("target", "store", "token"):
            continue
        if key.name == "python":
            yield from _python(settings)
            continue
        value = settings.values.get(key.name)
        if value is not None:
            yield key.name, value
    if token is not None:
        yield "token", Value(HIDDEN, token.origin)
    elif not doubtful and (withheld := settings.withheld):
        yield "token", Value(WITHHELD, withheld)
    if settings.profile is not None:
        yield "profile", Value(settings.profile, settings.target.origin)
    if settings.project is not None:
        yield "project_file", Value(str(settings.project.path), "found from here upwards")
        yield "trust", _trust(settings)
    if settings.user is not None:
        yield "user_file", Value(str(settings.user.path), "WFCTL_CONFIG or the default place")


def _python(settings: Settings) -> Iterator[Row]:
    """Yield the environment that the app runs in, found or named."""
    named = settings.values.get("python")
    try:
        found = settings.environment
    except WfctlError as error:
        yield "python", Value("" if named is None else named.value, error.message)
        return
    if found is not None:
        yield "python", Value(found.describe(), found.origin)
    elif settings.app is not None:
        yield "python", Value(f"{sys.prefix} (Python {platform.python_version()})", "wfctl's own")


def _trust(settings: Settings) -> Value:
    if not settings.needs_trust:
        return Value("trusted" if settings.trusted else "not needed", "no effective setting needs it")
    needed = ", ".join(settings.needs_trust)
    if settings.trusted:
        by = "WFCTL_TRUST" if trusted_by_environment(settings.environ) else "wfctl config trust"
        return Value("trusted", f"{by}, with {needed}")
    return Value("needed", f"{needed}: commands refuse to run until wfctl config trust")


VIEW: View[Row] = View(
    record=lambda row: {"name": row[0], "value": row[1].value, "origin": row[1].origin},
    id=lambda row: row[0],
    columns=(
        Column("SETTING", lambda row: row[0]),
        Column("VALUE", lambda row: clean(row[1].value), fold=True),
        Column("ORIGIN", lambda row: Cell(clean(row[1].origin), QUIET), fold=True),
    ),
)
