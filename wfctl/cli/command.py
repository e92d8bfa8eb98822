"""Declare commands: functions that take a `Session` and their own arguments.

    app = new_app()

    @command(app)
    def get(session: Session, instance_id: InstanceID) -> None:
        '''Show one instance.

        $ wfctl get 12345678
        '''

The decorator adds the options of every command, makes the session from them, and hands over the rest. A parameter that
stands for an `OptionGroup` gets what the group makes of its options. The function returns the exit status; None is 0.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from wfctl.cli.help_pages import CONTEXT, Command, Group
from wfctl.cli.options.common import WAITING, common_parameters, take_flags
from wfctl.cli.options.group import OptionGroup, group_of
from wfctl.cli.session import Session

Run = Callable[..., int | None]

NO_DRIVE = inspect.Parameter(
    "no_drive",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[
        bool,
        typer.Option(
            "--no-drive",
            help="Do not run workflow code in this process (embedded).",
            rich_help_panel=WAITING,
            show_default=False,
        ),
    ],
)


def new_app() -> typer.Typer:
    return typer.Typer(add_completion=False, rich_markup_mode=None)


def new_group(help: str) -> typer.Typer:
    """Return an app whose commands are words behind its name: `wfctl config show`."""
    return typer.Typer(
        cls=Group,
        add_completion=False,
        rich_markup_mode=None,
        no_args_is_help=True,
        context_settings=dict(CONTEXT),
        help=help,
    )


def command(app: typer.Typer, name: str | None = None, *, drives: bool = False) -> Callable[[Run], Run]:
    """Declare a command. `drives`: workflow code may run in this process, unless the user says `--no-drive`."""

    def declare(run: Run) -> Run:
        _, *taken = inspect.signature(run, eval_str=True).parameters.values()
        groups = {parameter.name: group for parameter in taken if (group := group_of(parameter)) is not None}
        own = [one for parameter in taken for one in _declared(parameter, groups)]
        if drives:
            own.append(NO_DRIVE)
        names = {parameter.name for parameter in own}

        def invoke(ctx: typer.Context, **values: Any) -> int:
            session = ctx.find_root().obj
            assert isinstance(session, Session)
            session.add_flags(take_flags(values, names))
            for note in [note for group in groups.values() for note in group.told(values)]:
                session.console.note(note)
            if drives:
                session.may_drive = not values.pop(NO_DRIVE.name)
            values |= {name: group.pop(values) for name, group in groups.items()}
            return run(session, **values) or 0

        parameters = [
            inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context),
            *(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own),
            *common_parameters(names),
        ]
        invoke.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        invoke.__annotations__ = {}
        invoke.__doc__ = run.__doc__
        invoke.__name__ = run.__name__
        app.command(name or run.__name__.replace("_", "-"), cls=Command, context_settings=dict(CONTEXT))(invoke)
        return run

    return declare


def _declared(parameter: inspect.Parameter, groups: Mapping[str, OptionGroup]) -> list[inspect.Parameter]:
    return groups[parameter.name].parameters() if parameter.name in groups else [parameter]
