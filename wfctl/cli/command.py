"""How a command is declared: a function that takes a `Session` and its own arguments.

    app = new_app()

    @command(app)
    def get(session: Session, instance_id: InstanceID) -> None:
        '''Show one instance.

        $ wfctl get 12345678
        '''

The decorator adds the options of every command, makes the session from them, and hands over the rest. What the
function returns is the exit status; None is 0.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import typer

from wfctl.cli.help_pages import CONTEXT, Command
from wfctl.cli.options import common_parameters, take_flags
from wfctl.cli.session import Session

Run = Callable[..., int | None]


def new_app() -> typer.Typer:
    return typer.Typer(add_completion=False, rich_markup_mode=None)


def command(app: typer.Typer, name: str | None = None) -> Callable[[Run], Run]:
    def declare(run: Run) -> Run:
        _, *own = inspect.signature(run, eval_str=True).parameters.values()
        names = {parameter.name for parameter in own}

        def invoke(ctx: typer.Context, **values: Any) -> int:
            session = ctx.find_root().obj
            assert isinstance(session, Session)
            session.add_flags(take_flags(values, names))
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
