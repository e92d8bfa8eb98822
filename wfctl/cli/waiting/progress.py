"""What a waiting person sees: what runs now, how much is done. On stderr, at a terminal, and nowhere else."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wfctl.cli.session import Session
from wfctl.cli.waiting.loop import Wait
from wfctl.cli.watching.interval import Pace
from wfctl.client.port import Workflows
from wfctl.errors import WfctlError
from wfctl.model.instance import Filter, Instance
from wfctl.model.status import LIVE, Status
from wfctl.render.table import Cell
from wfctl.render.text import clean, plural
from wfctl.render.times import age
from wfctl.render.views.instances import status_cell
from wfctl.render.views.waiting import utc_now, waiting_word

if TYPE_CHECKING:
    from wfctl.render.progress import Progress

SAMPLE = 20  # running instances that are looked at for what runs now
SHARE = 0.05  # of the time may go into what a progress line says


def _wanted(session: Session) -> bool:
    console = session.console
    if console.quiet or not console.err_tty:
        return False
    from wfctl.render.live import can_move

    return can_move(session.environ, console.err_tty)


@contextmanager
def wait_progress(
    session: Session, workflows: Workflows, ids: Sequence[str]
) -> Iterator[Callable[[Wait], None] | None]:
    """Yield what is to be called after each look of a wait; None where nobody sees it."""
    if not _wanted(session):
        yield None
        return
    from wfctl.render.progress import Progress

    with Progress(session.console.err, color=session.console.err_color) as progress:
        yield _Waiting(workflows, ids, progress).tell


class _Waiting:
    def __init__(self, workflows: Workflows, ids: Sequence[str], progress: Progress) -> None:
        self._workflows = workflows
        self._ids = ids
        self._progress = progress
        self._reading = Pace(0.5, SHARE)
        self._done: str | None = None
        self._by: str | None = None  # who executes the instances, in words, once that is known
        self._began = time.monotonic()

    def tell(self, state: Wait) -> None:
        if not self._progress.due:
            return
        going_on = next((state.instances[one] for one in self._ids if one not in state.ended), None)
        if going_on is None:
            return
        since = going_on.started_at or going_on.created_at
        now = going_on.time(utc_now())
        several = len(self._ids) > 1
        words = [
            "" if since is None else " " + age(now - since),
            "" if several else self._steps_done(going_on),
            waiting_word(going_on.waiting_for, now),
            self._executed(),
        ]
        count = f"{len(state.ended):,} of {len(self._ids):,} there  " if several else ""
        head = (f"{count}{clean(going_on.id)} ", status_cell(going_on.status), words[0])
        share = len(state.ended) / len(self._ids) if several else None
        self._progress.show((*head, *("  " + word for word in words[1:] if word)), share)

    def _executed(self) -> str:
        self._by = self._by or self._workflows.driven_by()
        return "executed by nobody" if self._by is None else f"executed by {self._by}"

    def _steps_done(self, one: Instance) -> str:
        """Read from the history, if the target tells it and it is not too long to be read again and again."""
        from wfctl.model.steps import steps_of

        if self._reading.due():
            with self._reading.look():
                try:
                    steps = steps_of(self._workflows.history(one.id))
                except WfctlError:
                    self._reading = Pace(3600.0)
                else:
                    self._done = plural(sum(not step.status.open for step in steps), "step") + " done"
        return self._done or ""


@contextmanager
def run_progress(session: Session, workflows: Workflows) -> Iterator[Callable[[dict[Status, int]], None] | None]:
    """Yield what is to be called while everything is driven, with how many have ended; None where nobody sees it."""
    if not _wanted(session):
        yield None
        return
    from wfctl.render.progress import Progress

    with Progress(session.console.err, color=session.console.err_color) as progress:
        yield _Running(workflows, progress).tell


class _Running:
    def __init__(self, workflows: Workflows, progress: Progress) -> None:
        self._workflows = workflows
        self._progress = progress
        self._looking = Pace(0.5, SHARE)
        self._live = 0
        self._now = ""
        self._began = time.monotonic()

    def tell(self, ended: Mapping[Status, int]) -> None:
        if not self._progress.due:
            return
        if self._looking.due():
            with self._looking.look():
                self._look()
        words: list[Cell | str] = [f"{int(time.monotonic() - self._began)}s  {sum(ended.values()):,} ended"]
        between = " ("
        for status, count in sorted(ended.items()):
            words += [f"{between}{count:,} ", status_cell(status)]
            between = ", "
        words += [")" if ended else "", f"  {self._live:,} live  {self._now}".rstrip()]
        self._progress.show(words)

    def _look(self) -> None:
        self._live = sum(one.count for one in self._workflows.count(Filter(statuses=LIVE)))
        running: Counter[str] = Counter()
        for one in self._workflows.list(Filter(statuses=frozenset({Status.RUNNING}), limit=SAMPLE)):
            running.update(clean(w.name or w.kind) for w in one.waiting_for if w.kind == "activity")
        self._now = ", ".join(f"{name} ×{count}" if count > 1 else name for name, count in running.most_common(3))
