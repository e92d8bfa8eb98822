import os
from typing import Annotated

import typer

from wfctl.cli.command import command, new_app
from wfctl.cli.options.choices import TAB, THEME
from wfctl.cli.session import Session
from wfctl.cli.text_file import write_text
from wfctl.errors import InvalidInput, Unsupported
from wfctl.render.console import is_tty
from wfctl.render.text import clean

app = new_app()
PICTURE = "As a picture"
SMALLEST, LARGEST = 20, 500  # columns or lines of a picture


@command(app)
def ui(
    session: Session,
    read_only: Annotated[bool, typer.Option("--read-only", help="Only look: offer nothing that changes.")] = False,
    theme: Annotated[
        str | None, typer.Option(metavar=THEME.metavar, help=f"Colours of the screen: {THEME.listed}.")
    ] = None,
    screenshot: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="Write a picture of the screen as SVG, and end.", rich_help_panel=PICTURE),
    ] = None,
    tab: Annotated[
        str | None,
        typer.Option(metavar=TAB.metavar, help=f"Of this tab: {TAB.listed}.", rich_help_panel=PICTURE),
    ] = None,
    instance: Annotated[
        str | None, typer.Option(metavar="ID", help="Of the page of this instance.", rich_help_panel=PICTURE)
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WIDTHxHEIGHT", help="Its columns and lines; 100x30 unless given.", rich_help_panel=PICTURE
        ),
    ] = None,
    press: Annotated[
        str | None,
        typer.Option(metavar="KEYS", help="Keys to press before, as down,enter.", rich_help_panel=PICTURE),
    ] = None,
) -> None:
    """Look at instances and act on them, on one screen.

    $ wfctl ui
    $ wfctl ui --target prod --read-only
    $ wfctl ui --screenshot failures.svg --tab failures --size 120x40

    ? shows the keys of where you are, : everything that can be done there. Y copies the command that does the same in
    a script. The colours are the terminal's own unless --theme says otherwise; NO_COLOR has none.
    It needs the extra: pip install 'wfctl-dapr[ui]'
    """
    chosen = "terminal" if theme is None else THEME.parse(theme, "--theme")
    os.environ.setdefault("ESCDELAY", "40")  # what Textual waits, in ms, to see whether more follows an Escape
    try:
        from wfctl.cli.ui.start import start
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "textual":
            raise
        raise Unsupported("wfctl ui needs Textual", hint="pip install 'wfctl-dapr[ui]'") from None
    if screenshot is None and (tab, instance, size, press) != (None, None, None, None):
        raise InvalidInput("--tab, --instance, --size and --press are for a picture", hint="--screenshot FILE.svg")
    frame = start(session, read_only=read_only, theme=chosen)
    if screenshot is not None:
        from wfctl.cli.ui.picture import picture

        label = None if tab is None else TAB.parse(tab, "--tab")
        keys = [key.strip() for key in (press or "").split(",") if key.strip()]
        write_text(session, screenshot, picture(frame, size=_size(size), tab=label, instance=instance, keys=keys))
        return
    if not (is_tty(session.stdin) and session.console.out_tty):
        raise InvalidInput("wfctl ui needs a terminal", hint="wfctl list, and wfctl list --watch, write into a pipe")
    frame.run()
    if frame.return_code:
        raise typer.Exit(frame.return_code)


def _size(text: str | None) -> tuple[int, int]:
    """Read `120x40`. Raises InvalidInput."""
    if text is None:
        return 100, 30
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and width.isascii() and height.isascii()):
        raise InvalidInput(f"--size {clean(text)!r} is no size", hint="--size 120x40")
    found = int(width[:9]), int(height[:9])
    if not all(SMALLEST <= one <= LARGEST for one in found):
        raise InvalidInput(f"--size {clean(text)} is too small or too large", hint=f"from {SMALLEST} to {LARGEST} each")
    return found
