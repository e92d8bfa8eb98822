"""Ask before a batch changes anything, or take the answer from an option."""

from __future__ import annotations

from datetime import datetime

from wfctl.cli.batch.options import Which
from wfctl.cli.batch.question import sentence, target_names, target_words
from wfctl.cli.batch.select import AGAIN, Chosen, Verb, sample
from wfctl.cli.session import Session
from wfctl.errors import Refused
from wfctl.model.instance import Instance
from wfctl.render.console import is_tty
from wfctl.render.table import Column
from wfctl.render.text import clean, plural
from wfctl.render.views.instances import age_cell, status_cell
from wfctl.render.views.waiting import utc_now

SAMPLE = 5
TYPE_IT = 100  # above, the number is to be typed


def columns(now: datetime) -> tuple[Column[Instance], ...]:
    return (
        Column("ID", lambda one: clean(one.id)),
        Column("WORKFLOW", lambda one: clean(one.name or ""), shrink=True),
        Column("STATUS", lambda one: status_cell(one.status)),
        Column("AGE", lambda one: age_cell(one.created_at, now)),
    )


def confirm(session: Session, verb: Verb, chosen: Chosen, which: Which) -> None:
    """Ask before a filter's batch, and before anything on a protected target.

    Raises Refused where the answer is no, where nobody can be asked, and where `--confirm` names another target.
    """
    if not verb.asks or not chosen.ids:
        return
    if which.confirm is not None:
        _check_name(session, which.confirm)
        return
    name = session.settings.protected
    if name is None and (which.yes or chosen.filter is None):
        return
    what = sentence(session, verb, chosen)
    if name is not None and which.yes:
        raise Refused(f"{clean(name)} is protected: --yes does not answer for it", hint=f"--confirm {clean(name)}")
    if not (is_tty(session.stdin) and session.console.err_tty):
        goes_ahead = "--yes" if name is None else f"--confirm {clean(name)}"
        raise Refused(
            f"there is no terminal to ask: {what}?", hint=f"{goes_ahead} goes ahead, --dry-run shows which they are"
        )
    if chosen.filter is not None:
        _show(session, chosen)
    expected = to_be_typed(session, chosen)
    how = "[y/N]" if expected is None else f"Type {clean(expected)} to go on:"
    word = answer(session, _wrapped(session, f"{what}? {how}"))
    if word.lower() in ("y", "yes") if expected is None else is_typed(expected, word):
        return
    raise Refused("nothing was changed", hint="--dry-run shows which instances they are")


def to_be_typed(session: Session, chosen: Chosen) -> str | None:
    """Return what the answer has to be: the name of a protected target, or the number of many. None: a yes will do."""
    count = len(chosen.ids)
    return session.settings.protected or (str(count) if count > TYPE_IT else None)


def is_typed(expected: str | None, word: str) -> bool:
    """Return True if that is what was typed: a number may be typed as it is shown, with its commas."""
    return expected in (word, word.replace(",", ""))


def _wrapped(session: Session, question: str) -> str:
    """Break a question between its words, where the terminal would break it anywhere."""
    import textwrap

    from wfctl.render.live import terminal_size

    room = terminal_size(session.console.err).columns - 1
    return textwrap.fill(question, room, break_long_words=False, break_on_hyphens=False) + " "


def confirm_one(session: Session, verb: Verb, instance_id: str, which: Which) -> None:
    """Ask before a change of one instance on a protected target. Raises Refused."""
    confirm(session, verb, Chosen([instance_id]), which)


def _check_name(session: Session, given: str) -> None:
    """Raises Refused where the target has another name."""
    if given not in target_names(session):
        raise Refused(
            f"--confirm {clean(given)}, and the target is {target_words(session)}: nothing was changed",
            hint=f"--target {clean(given)} --confirm {clean(given)}",
        )


def answer(session: Session, question: str) -> str:
    """Put a question on the terminal. Returns the answer without the space around it."""
    stderr = session.stderr
    stderr.write(question)
    stderr.flush()
    given = session.stdin.readline()
    if not given.endswith("\n"):
        stderr.write("\n")
    return given.strip()


def _show(session: Session, chosen: Chosen) -> None:
    """Show a sample on stderr, even with --quiet: whoever is asked has to know about what."""
    from wfctl.render.drawing import drawn, tables
    from wfctl.render.live import terminal_size

    write = session.console.error
    room = terminal_size(session.console.err).columns
    rows = sample(chosen, SAMPLE)
    for part in tables(columns(utc_now()), rows, room):
        write(drawn(part, color=session.console.err_color, width=room).rstrip("\n"))
    hidden = len(chosen.ids) - len(rows)
    if hidden:
        write(f"... and {hidden:,} more")
    for line in besides(chosen):
        write(line)


def besides(chosen: Chosen) -> list[str]:
    """Return lines on what matches and is not acted on by itself."""
    said = []
    again = sum(why.startswith(AGAIN) for why in chosen.left.values())
    children = len(chosen.left) - again
    if children:
        said.append(f"{plural(children, 'child', 'children')} besides: they go with their parents")
    if again:
        said.append(f"{plural(again, 'instance')} left out, rerun already: --again reruns them too")
    if chosen.more:
        said.append("more match than --max lets through")
    return said
