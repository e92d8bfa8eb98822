import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from wfctl.cli.command import command, new_group
from wfctl.cli.quoting import quoted
from wfctl.cli.session import Session
from wfctl.cli.target import effective_target
from wfctl.config.files import ConfigFile
from wfctl.config.keys import KEYS
from wfctl.config.permissions import trusted_by_environment
from wfctl.config.settings import Settings, Value
from wfctl.errors import InvalidInput, WfctlError
from wfctl.render.printer import View
from wfctl.render.table import Cell, Column
from wfctl.render.text import clean
from wfctl.render.theme import QUIET

app = new_group(
    "Show and change settings; trust a project's file.\n\n$ wfctl config show\n$ wfctl config set format json"
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


Name = Annotated[
    str, typer.Argument(metavar="SETTING", help="The setting, or profiles.PROFILE.SETTING.", show_default=False)
]
InProject = Annotated[
    bool, typer.Option("--project", help="In the project's file (wfctl.toml), not in your own settings.")
]


@command(app, "set")
def set_(
    session: Session,
    name: Name,
    value: Annotated[str, typer.Argument(metavar="TEXT", help="The value.", show_default=False)],
    project: InProject = False,
) -> None:
    """Change a setting in your own settings, or in the project's.

    $ wfctl config set format json
    $ wfctl config set app orders.py --project
    $ wfctl config set profiles.prod.target https://dapr.example.com

    Comments and the rest of the file stay as they are. A path counts from the current folder. A project's file that you
    trust stays trusted.
    """
    from wfctl.config.editing import set_value

    if clean(value) != value or not value:
        raise InvalidInput(f"{clean(value)!r} is no value of a setting", hint=f"wfctl config unset {quoted(name)}")
    if name == "target":
        _check_target(session, value, project)
    changed = set_value(_file(session, project), name, value, session.environ, session.here)
    _tell_change(session, changed, name)


@command(app)
def unset(session: Session, name: Name, project: InProject = False) -> None:
    """Remove a setting, or with profiles.PROFILE a whole profile.

    $ wfctl config unset format
    $ wfctl config unset store --project
    $ wfctl config unset profiles.prod
    """
    from wfctl.config.editing import unset_value

    file = _file(session, project)
    if name.startswith("profiles.") and _chosen(session, project) == name.removeprefix("profiles."):
        raise InvalidInput(
            f"{clean(name)} is the target that {clean(str(file))} chooses",
            hint=f"wfctl config unset target{' --project' if project else ''}",
        )
    changed = unset_value(file, name, session.environ)
    _tell_change(session, changed, name)


@command(app)
def use(
    session: Session,
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="A profile, embedded, sidecar or a URL.", show_default=False)
    ],
    project: InProject = False,
) -> None:
    """Choose the target of commands that name none.

    $ wfctl config use prod
    $ wfctl config use embedded --project

    As wfctl config set target. With wfctl config unset target it is automatic again.
    """
    from wfctl.config.editing import set_value

    _check_target(session, target, project)
    changed = set_value(_file(session, project), "target", target, session.environ, session.here)
    _tell_change(session, changed, "target")


@command(app)
def path(session: Session, project: InProject = False) -> None:
    """Print the path of your own settings, or of the project's.

    $ $EDITOR "$(wfctl config path)"
    $ wfctl config path --project
    """
    file = _file(session, project)
    if session.format.text:
        session.console.word(str(file))
        if not file.exists():
            session.console.note("it does not exist yet: wfctl config set makes it")
    else:
        session.printer.one(file, View(record=lambda one: {"file": str(one)}, id=str))


def _file(session: Session, project: bool) -> Path:
    """Return the file to change. A project that has none gets a wfctl.toml in the current folder."""
    from wfctl.config.editing import refuse_link
    from wfctl.config.files import PROJECT_FILE, project_file, user_path

    if not project:
        return user_path(session.environ)
    found = project_file(session.here, session.environ)
    file = session.here / PROJECT_FILE if found is None else found.path
    refuse_link(file)
    return file


def _chosen(session: Session, project: bool) -> str | None:
    """Return the target that the file itself chooses."""
    from wfctl.config.files import project_file, user_file

    file = project_file(session.here, session.environ) if project else user_file(session.environ)
    return None if file is None else file.values.get("target")


def _check_target(session: Session, target: str, project: bool) -> None:
    """Raise InvalidInput for a target that is not there, which would stop every command."""
    from wfctl.config.files import project_file, user_file
    from wfctl.config.settings import is_target

    user, found = user_file(session.environ), project_file(session.here, session.environ)
    # A project's profiles exist in that project alone: your own settings choose among your own.
    profiles = sorted({name for file in ((user, found) if project else (user,)) if file for name in file.profiles})
    if is_target(target) or target in profiles:
        return
    if found is not None and target in found.profiles:
        raise InvalidInput(
            f"the profile {clean(target)!r} is in {clean(found.label)} alone",
            hint=f"wfctl config use {quoted(target)} --project",
        )
    known = ", ".join([*profiles, "embedded", "sidecar", "grpc or a URL"])
    raise InvalidInput(f"there is no target {clean(target)!r}", hint=f"wfctl config use {known}")


def _tell_change(session: Session, changed: ConfigFile, name: str) -> None:
    """Say what the file says now, and what overrides it."""
    from wfctl.config.editing import split_name

    table, key = split_name(name)
    if table[:1] == ("apps",):
        value = changed.apps.get(table[-1]) if len(table) > 1 else None
    else:
        values = changed.profiles.get(table[-1], {}) if len(table) > 1 else {} if table else changed.values
        value = values.get(key)
    told = f"{clean(name)} = {clean(value)}" if value is not None else f"{clean(name)} is not set"
    session.console.note(f"{told} in {clean(changed.label)}")
    if not session.format.text:
        record = {"file": str(changed.path), "name": name, "value": value}
        session.printer.one(record, View(record=dict, id=lambda one: str(one["name"])))
    now = Session(session.stdin, session.stdout, session.stderr, session.environ).surveyed
    given = now.target if key == "target" else now.values.get(key)
    in_effect = now.profile if key == "target" and now.profile is not None else given and given.value
    if not table and value is not None and given is not None and in_effect != value:
        session.console.note(f"it has no effect here: {clean(given.origin)} says {clean(in_effect or '')}")
    if now.needs_trust and not now.trusted and now.project is not None:
        session.console.note(f"{clean(now.project.label)} needs your trust: wfctl config trust")


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
        if key.name == "app":
            for app_id, app in settings.apps.items():
                yield f"apps.{app_id}.app", app
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
