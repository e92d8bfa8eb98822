"""Shell completion: from the words on the command line to candidates. The scripts are in `complete_scripts`.

A shell runs `wfctl` with the variable `_WFCTL_COMPLETE` set to its name, and the words as arguments (bash: the line up
to the cursor, and the end of it that the candidate replaces). The answer is one candidate a line, in zsh and fish with
a tab and a description behind it; or `:files`, where the shell completes file names by itself. There is never an error:
no answer is one, too.

Candidates are anybody's text: whoever may start an instance chooses its ID. What is inserted is that text as one word,
whatever the shell would make of it; what cannot be inserted so is left out.
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
from wfctl.model import ids
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
    written = (write(one) for one in found if _fits(one.value))
    return [one for one in written if one is not None]


def _fits(value: str) -> bool:
    """Tell whether a candidate is one line that a terminal may show, and no word of the protocol itself."""
    return ids.fault(value) is None and value != FILES[0].value


def complete(before: list[str], current: str) -> Iterable[Candidate]:
    """Return what may stand in the place of `current` after these words, which come without the program's name.

    Where this Typer parses half a line in another way than those we know, it proposes what it knows by itself:
    commands and options.
    """
    try:
        return _complete(before, current)
    except (AttributeError, TypeError, ImportError):
        return _typers_own(before, current)


def _typers_own(before: list[str], current: str) -> list[Candidate]:
    kind = _shell_completion().ShellComplete
    usable = type("Asked", (kind,), dict.fromkeys(getattr(kind, "__abstractmethods__", ())))
    found = usable(root_command(), {}, "wfctl", VARIABLE).get_completions(before, current)
    return [Candidate(item.value, item.help or "") for item in found]


def _complete(before: list[str], current: str) -> Iterable[Candidate]:
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
        if found is not FILES and not joined:
            found = [one for one in found if _is_value(one.value, before)]
    elif ctx.parent is None and (*ctx._protected_args, *ctx.args):
        found = []  # behind a command that there is not
    else:
        found = [Candidate(item.value, item.help or "") for item in what.shell_complete(ctx, value)]
    return found if found is FILES else [Candidate(joined + one.value, one.help) for one in found]


def _is_value(word: str, before: Sequence[str]) -> bool:
    """Tell whether the parser takes the word for a value there: not for stdin, and not for an option."""
    return word != "-" and (not word.startswith("-") or "--" in before)


def _shell_completion() -> Any:
    """Click's own parsing of half a command line. Typer carries its own Click since 0.20 or so."""
    try:
        return import_module("typer._click.shell_completion")
    except ImportError:
        return import_module("click.shell_completion")


# --- shells: how each hands over the words, and how it wants a candidate -------------------------------------------

# What a candidate becomes; None where this shell has no safe way to insert it.
Write = Callable[[Candidate], "str | None"]


def _bash(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[list[str], Write]:
    """Bash hands over the line, and the end of it that it will replace by the candidate, word for word.

    It cuts words at `:` and `=`, and behind an opening quote: what stands before the cut stays on the line.
    """
    line, replaced = argv[0], argv[1] if len(argv) > 1 else ""
    words, quote = split_open(line)
    end = split_open(quote + replaced)[0]
    meant, current = end[-1] if end else "", words[-1] if words else ""
    kept = len(current) - len(meant)
    certain = len(end) < 2 and line.endswith(replaced) and current.endswith(meant)

    def write(one: Candidate) -> str | None:
        fits = certain and one.value.startswith(current[:kept])
        return _in_bash(one.value[kept:], quote) if fits else None

    return words[1:], write


def _in_bash(text: str, quote: str) -> str | None:
    """The text as it stands behind an opening quote, or behind none.

    Readline closes the quote, unless the text ends in one; and where the text begins with one, it takes that for the
    opening quote itself, so that such a text has no safe form.
    """
    written = _BASH_QUOTED[quote](text)
    if quote and written.startswith(quote):
        return None
    return written + quote if quote and written.endswith(quote) else written


# Within double quotes a `\` before `!` would stay: there the quotes are left for it.
_BASH_QUOTED: dict[str, Callable[[str], str]] = {
    "": lambda text: re.sub(r"([^\w:=.,/@%+-])", r"\\\1", text),
    "'": lambda text: text.replace("'", "'\\''"),
    '"': lambda text: re.sub(r"([$`\"\\])", r"\\\1", text).replace("!", '"\\!"'),
}


def _zsh(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[list[str], Write]:
    """Zsh quotes what it inserts."""
    return list(argv), _described


def _fish(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[list[str], Write]:
    """Fish quotes what it inserts, all but a `~` at the beginning."""
    return list(argv), lambda one: None if one.value.startswith("~") else _described(one)


def _described(one: Candidate) -> str:
    return f"{one.value}\t{clean(one.help)}" if one.help else one.value


def _powershell(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[list[str], Write]:
    """The script hands over the word as it stands, with an opening quote; the candidate replaces all of it."""
    word = environ.get(WORD, "")
    if word[:1] in ("'", '"'):
        word = word[1:].replace(word[0] * 2, word[0])

    def write(one: Candidate) -> str | None:
        if '"' in one.value or one.value.endswith("\\"):
            return None  # PowerShell before 7.3 hands these to a program as something else
        return f"{_ascii(_quoted(one.value))}\t{_ascii(clean(one.help) or one.value)}"

    return [*argv, word], write


def _quoted(word: str) -> str:
    """Return the text as one word of PowerShell, for which the typographic single quotes are quotes too."""
    if re.fullmatch(r"--?[a-z][a-z-]*(=\w*)?|\w[\w:=./+-]*", word, re.ASCII):
        return word
    return "'" + re.sub("(['\u2018-\u201b])", r"\1\1", word) + "'"


def _ascii(text: str) -> str:
    """Escape a text for .NET's regular expressions, so that no code page between here and there can change it."""
    units = text.replace("\\", "\\\\").encode("utf-16-be", "surrogatepass")
    codes = (int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2))
    return "".join(chr(code) if code < 0x80 else f"\\u{code:04x}" for code in codes)


_SHELLS: dict[str, Callable[[Sequence[str], Mapping[str, str]], tuple[list[str], Write]]] = {
    "bash": _bash,
    "zsh": _zsh,
    "fish": _fish,
    "powershell": _powershell,
}


def split(line: str) -> list[str]:
    """The words of a line, of which the last may be empty, or an open quotation. Of `a | b`, those behind the `|`."""
    return split_open(line)[0]


def split_open(line: str) -> tuple[list[str], str]:
    """The words, and the quote that is open at the end. No words where the line ends in a lone backslash."""
    for ending in ("", "'", '"'):
        lexer = shlex.shlex(line + ending, posix=True, punctuation_chars="|&;")
        lexer.whitespace_split = True
        lexer.commenters = ""
        try:
            words = list(lexer)
        except ValueError:
            continue
        if not ending and (not line or line[-1].isspace()) and not re.search(r"(?<!\\)(\\\\)*\\ $", line):
            words.append("")
        last = max((i for i, word in enumerate(words) if word and set(word) <= set("|&;")), default=-1)
        return words[last + 1 :], ending
    return [], ""
