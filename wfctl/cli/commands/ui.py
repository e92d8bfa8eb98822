from typing import Annotated

import typer

from wfctl.cli.choices import THEME
from wfctl.cli.command import command, new_app
from wfctl.cli.session import Session
from wfctl.errors import InvalidInput, Unsupported
from wfctl.render.console import is_tty

app = new_app()


@command(app)
def ui(
    session: Session,
    read_only: Annotated[bool, typer.Option("--read-only", help="Only look: offer nothing that changes.")] = False,
    theme: Annotated[
        str | None, typer.Option(metavar=THEME.metavar, help=f"Colours of the screen: {THEME.listed}.")
    ] = None,
) -> None:
    """Look at instances and act on them, on one screen.

    $ wfctl ui
    $ wfctl ui --target prod --read-only

    ? shows the keys of where you are, : everything that can be done there. Y copies the command that does the same in
    a script. The colours are the terminal's own unless --theme says otherwise; NO_COLOR has none.
    It needs the extra: pip install 'wfctl-dapr[ui]'
    """
    chosen = "terminal" if theme is None else THEME.parse(theme, "--theme")
    try:
        from wfctl.cli.ui.start import start
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "textual":
            raise
        raise Unsupported("wfctl ui needs Textual", hint="pip install 'wfctl-dapr[ui]'") from None
    frame = start(session, read_only=read_only, theme=chosen)
    if not (is_tty(session.stdin) and session.console.out_tty):
        raise InvalidInput("wfctl ui needs a terminal", hint="wfctl list, and wfctl list --watch, write into a pipe")
    frame.run()
