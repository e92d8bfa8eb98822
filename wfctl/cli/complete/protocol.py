"""Shell completion: from the words on the command line to candidates. The scripts are in `complete_scripts`.

A shell runs `wfctl` with the variable `_WFCTL_COMPLETE` set to its name, and the words as arguments (bash: the line,
and its word breaks). The answer is one candidate a line, in zsh and fish with a tab and a description behind it; or
`:files`, where the shell completes file names by itself. There is never an error: no answer is one, too.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

from wfctl.cli.complete.candidates import FILES, candidates
from wfctl.cli.complete.query import Candidate
from wfctl.cli.root import root_command
from wfctl.render.text import clean

VARIABLE = "_WFCTL_COMPLETE"
WORD = "_WFCTL_WORD"  # PowerShell: the word at the cursor, for it cannot hand over an empty argument


def main(argv: Sequence[str], environ: Mapping[str, str]) -> None:
    """Answer and leave the process: whoever was asked and has not answered is not waited for."""
    try:
        answer = lines(environ[VARIABLE], argv, environ)
        sys.stdout.write("".join(line + "\n" for line in answer))
        sys.stdout.flush()
    except BaseException:  # a completion that fails says nothing
        if environ.get("WFCTL_DEBUG"):
            raise
    os._exit(0)


def lines(shell: str, argv: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    words, write = _SHELLS[shell](argv, environ)
    *before, current = words or [""]
    found = complete(before, current)
    if found is FILES:
        return [":files"]
    return [write(one) for one in found if clean(one.value) == one.value]


def complete(before: list[str], current: str) -> Iterable[Candidate]:
    """What may stand in the place of `current` after these words, which come without the program's name."""
    click = _shell_completion()
    before = list(before)
    ctx = click._resolve_context(root_command(), {}, "wfctl", before)
    what, value = click._resolve_incomplete(ctx, before, current)
    joined = current[: len(current) - len(value)]  # `--status=` of `--status=RUN`
    if getattr(what, "param_type_name", "") == "option" and before and before[-1].startswith("-"):
        # The parser gives up at an option without a value, and forgets what stood before it.
        ctx = click._resolve_context(root_command(), {}, "wfctl", [*before, ""])
    if hasattr(what, "param_type_name"):
        found = candidates(ctx, what, value)
    elif ctx.parent is None and (*ctx._protected_args, *ctx.args):
        found = []  # behind a command that there is not
    else:
        found = [Candidate(item.value, item.help or "") for item in what.shell_complete(ctx, value)]
    return found if found is FILES else [Candidate(joined + one.value, one.help) for one in found]


def _shell_completion() -> Any:
    """Click's own parsing of half a command line. Typer carries its own Click since 0.20 or so."""
    try:
        return import_module("typer._click.shell_completion")
    except ImportError:
        return import_module("click.shell_completion")


# --- shells: how each hands over the words, and how it wants a candidate -------------------------------------------

Write = Callable[[Candidate], str]


def _bash(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[list[str], Write]:
    """Bash cuts words at `:` and `=` and wants only what stands behind the last of them."""
    line, breaks = argv[0], argv[1] if len(argv) > 1 else ""
    words = split(line)[1:]
    current = words[-1] if words else ""
    cut = max((current.rfind(char) + 1 for char in ":=" if char in breaks), default=0)
    if re.search(r"['\"][^'\"]*$", line[-len(current) - 1 :]):
        cut = 0  # within quotes it does not cut
    return words, lambda one: re.sub(r"([^\w:=.,/@%+-])", r"\\\1", one.value)[cut:]


def _described(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[list[str], Write]:
    return list(argv), lambda one: f"{one.value}\t{clean(one.help)}" if one.help else one.value


def _powershell(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[list[str], Write]:
    words = [*argv, environ.get(WORD, "")]
    return words, lambda one: f"{_quoted(one.value)}\t{clean(one.help) or one.value}"


def _quoted(word: str) -> str:
    return word if re.fullmatch(r"[\w:=.,/@%+-]+", word) else "'" + word.replace("'", "''") + "'"


_SHELLS: dict[str, Callable[[Sequence[str], Mapping[str, str]], tuple[list[str], Write]]] = {
    "bash": _bash,
    "zsh": _described,
    "fish": _described,
    "powershell": _powershell,
}


def split(line: str) -> list[str]:
    """The words of a line, of which the last may be empty, or an open quotation. Of `a | b`, those behind the `|`."""
    for ending in ("", "'", '"'):
        lexer = shlex.shlex(line + ending, posix=True, punctuation_chars="|&;")
        lexer.whitespace_split = True
        lexer.commenters = ""
        try:
            words = list(lexer)
        except ValueError:
            continue
        if not ending and (not line or line[-1].isspace()) and not line.endswith("\\ "):
            words.append("")
        last = max((i for i, word in enumerate(words) if word and set(word) <= set("|&;")), default=-1)
        return words[last + 1 :]
    return []
