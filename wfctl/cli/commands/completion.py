from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from wfctl.cli.command import command, new_group
from wfctl.cli.complete.scripts import SCRIPTS
from wfctl.cli.options.choices import SHELL
from wfctl.cli.quoting import quoted
from wfctl.cli.session import Session
from wfctl.errors import InvalidInput
from wfctl.render.printer import View
from wfctl.render.text import clean

app = new_group("Install or print the completion script for your shell.\n\n$ wfctl completion install")
MARK = "# wfctl completion"
_Shell = Annotated[
    str | None,
    typer.Option("--shell", metavar=SHELL.metavar, help=f"{SHELL.listed}; else that of $SHELL."),
]


@dataclass(frozen=True, slots=True)
class Wrote:
    """A file, and what became of it: `wrote`, `changed` or `kept`."""

    path: Path
    word: str


VIEW: View[Wrote] = View(
    record=lambda one: {"file": str(one.path), "action": one.word},
    id=lambda one: str(one.path),
    block=lambda one, wide: [(one.word, clean(str(one.path)))],
)


@app.callback()
def _completion() -> None:
    pass


@command(app)
def install(session: Session, shell: _Shell = None) -> None:
    """Install the completion script for your shell.

    $ wfctl completion install
    $ wfctl completion install --shell zsh

    The script goes into your own folders, never the system's; bash, zsh and PowerShell get one line in their start
    file that reads it. Doing it twice changes nothing.
    """
    name = _shell(session, shell)
    try:
        done = install_for(name, session.environ)
    except OSError as error:
        raise InvalidInput(f"{clean(str(error.filename))} cannot be written: {error.strerror}") from error
    for one in done:
        if session.format.text:
            session.console.note(f"{one.word} {clean(str(one.path))}")
    if not session.format.text:
        session.printer.many(done, VIEW)
    session.console.note(_next_step(name, done[-1].path))


def _next_step(shell: str, start: Path) -> str:
    """Say how the completion becomes effective. `start` is the shell's start file, but for fish, which needs none."""
    if shell == "fish":
        return "open a new fish"
    return f"open a new shell, or run: {'.' if shell == 'powershell' else 'source'} {quoted(str(start))}"


@command(app)
def show(
    session: Session,
    shell: Annotated[
        str | None, typer.Argument(metavar=SHELL.metavar, help=f"{SHELL.listed}.", show_default=False)
    ] = None,
) -> None:
    """Print the completion script for a shell.

    $ wfctl completion show bash > /etc/bash_completion.d/wfctl
    """
    session.console.data(SCRIPTS[_shell(session, shell)])


def _shell(session: Session, given: str | None) -> str:
    name = given.lower() if given is not None else Path(session.environ.get("SHELL", "")).stem
    if given is None and not name and sys.platform == "win32":
        name = "powershell"
    name = {"pwsh": "powershell"}.get(name, name)
    if name in SCRIPTS:
        return name
    if given is not None:
        raise InvalidInput(f"{clean(given)!r} is not {SHELL.noun}", hint=SHELL.listed)
    raise InvalidInput("$SHELL does not name a shell", hint=f"wfctl completion install --shell {SHELL.listed}")


def install_for(shell: str, environ: Mapping[str, str]) -> list[Wrote]:
    home = Path(environ.get("HOME") or Path.home())
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    if shell == "fish":
        return [_write(config / "fish" / "completions" / "wfctl.fish", SCRIPTS[shell])]
    if shell == "bash":
        script = data / "bash-completion" / "completions" / "wfctl"
        start = home / ".bashrc"
    elif shell == "zsh":
        script = data / "zsh" / "site-functions" / "_wfctl"
        start = Path(environ.get("ZDOTDIR") or home) / ".zshrc"
    else:
        script = (Path(environ["APPDATA"]) if environ.get("APPDATA") else config) / "wfctl" / "completion.ps1"
        folder = home / "Documents" / "PowerShell" if sys.platform == "win32" else config / "powershell"
        start = folder / "Microsoft.PowerShell_profile.ps1"
    return [_write(script, SCRIPTS[shell]), _add_line(start, _source(script, shell))]


def _source(script: Path, shell: str) -> str:
    path = str(script).replace("'", "''" if shell == "powershell" else "'\\''")
    if shell == "powershell":
        return f"if (Test-Path '{path}') {{ . '{path}' }}  {MARK}"
    return f"[ -f '{path}' ] && . '{path}'  {MARK}"


def _write(path: Path, text: str) -> Wrote:
    before = path.read_text("utf-8") if path.is_file() else None
    if before == text:
        return Wrote(path, "kept")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return Wrote(path, "wrote" if before is None else "changed")


def _add_line(path: Path, line: str) -> Wrote:
    """Put the line at the end of a start file, or in the place of the one that is there."""
    before = path.read_text("utf-8") if path.is_file() else None
    rows = [] if before is None else before.split("\n")
    marked = [number for number, row in enumerate(rows) if row.rstrip().endswith(MARK)]
    if marked:
        rows[marked[0]] = line
        after = "\n".join(row for number, row in enumerate(rows) if number not in marked[1:])
    else:
        after = (before or "") + ("\n" if before and not before.endswith("\n") else "") + line + "\n"
    if after == before:
        return Wrote(path, "kept")
    path.parent.mkdir(parents=True, exist_ok=True)
    # Start files are often links into a folder that is kept elsewhere: written through, not replaced.
    with open(os.path.realpath(path), "w", encoding="utf-8", newline="\n") as file:
        file.write(after)
    return Wrote(path, "wrote" if before is None else "changed")
