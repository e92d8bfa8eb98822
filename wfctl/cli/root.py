"""Declare the root command. Options of every command may precede its name."""

from __future__ import annotations

import inspect
import sys
from typing import Annotated, Any

import typer
from typer.main import get_command

from wfctl.cli.help_pages import CONTEXT, LazyGroup
from wfctl.cli.options.common import common_parameters, take_flags
from wfctl.cli.session import Session


def _show_version(wanted: bool) -> None:
    if wanted:
        from wfctl import __version__

        sys.stdout.write(f"wfctl {__version__}\n")
        raise typer.Exit()


Version = Annotated[
    bool, typer.Option("--version", "-V", help="Show the version.", is_eager=True, callback=_show_version)
]


def _root(ctx: typer.Context, version: bool = False, **values: Any) -> int:
    """Run and manage Dapr workflows: on a sidecar, or on an embedded engine with one file.

    $ wfctl init
    $ wfctl start OrderProcessingWorkflow --id 12345678 --wait
    $ wfctl list --status FAILED --created-after 24h
    """
    session = ctx.obj
    assert isinstance(session, Session)
    session.add_flags(take_flags(values))
    return 0


def root_command() -> Any:
    parameters = [
        inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context),
        inspect.Parameter("version", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Version),
        *common_parameters(),
    ]
    _root.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    _root.__annotations__ = {}
    app = typer.Typer(
        cls=LazyGroup, add_completion=False, rich_markup_mode=None, no_args_is_help=True, context_settings=dict(CONTEXT)
    )
    app.callback()(_root)
    return get_command(app)
