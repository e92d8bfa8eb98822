"""The one question before a filter's batch: how many, a sample, go on?"""

from __future__ import annotations

from datetime import datetime

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


def confirm(session: Session, verb: Verb, chosen: Chosen, yes: bool) -> None:
    """Raises Refused where the answer is no, or where nobody can be asked."""
    if yes or not verb.asks or chosen.filter is None or not chosen.ids:
        return
    count = len(chosen.ids)
    what = f"{verb.asked or verb.word} {plural(count, 'instance')}"
    if not (is_tty(session.stdin) and session.console.err_tty):
        raise Refused(
            f"there is no terminal to ask whether to {what}", hint="--yes goes ahead, --dry-run shows which they are"
        )
    _show(session, chosen)
    expected = str(count) if count > TYPE_IT else None
    question = f"{what}? Type {expected} to go on: " if expected else f"{what}? [y/N] "
    word = answer(session, question)
    if word.replace(",", "") == expected if expected else word in ("y", "yes"):
        return
    raise Refused("nothing was changed", hint="--dry-run shows which instances they are")


def answer(session: Session, question: str) -> str:
    """Put a question on the terminal. Returns the answer in lower case, without the space around it."""
    stderr = session.stderr
    stderr.write(question)
    stderr.flush()
    given = session.stdin.readline()
    if not given.endswith("\n"):
        stderr.write("\n")
    return given.strip().lower()


def _show(session: Session, chosen: Chosen) -> None:
    """The sample goes to stderr, even with --quiet: whoever is asked has to know about what."""
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
    """What matches and is not acted on by itself."""
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
