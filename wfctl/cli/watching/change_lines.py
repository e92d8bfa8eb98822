"""A watch whose reader is a program, or a terminal that cannot show a screen: one line for each change."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Protocol

from wfctl.cli.session import Session
from wfctl.cli.watching.change_feed import LOOK_SHARE, Change, Kind
from wfctl.cli.watching.interval import FRAME, STALE, Pace, wait_frame
from wfctl.client.port import Workflows
from wfctl.errors import Unreachable
from wfctl.render.console import styled
from wfctl.render.json_records import Record, instance_record
from wfctl.render.printer import Format, to_json
from wfctl.render.text import clean
from wfctl.render.views.instances import one_line
from wfctl.render.views.waiting import utc_now


class Changes(Protocol):
    @property
    def over(self) -> bool: ...

    def begin(self) -> Iterator[Change]: ...

    def look(self) -> Iterator[Change]: ...


def change_record(change: Change) -> Record:
    return {"change": change.kind.value, **instance_record(change.instance)}


def watch_stream(session: Session, workflows: Workflows, changes: Changes, deadline: float | None = None) -> bool:
    """Until nothing more can happen (true), or the time is over."""
    write = _Writer(session)
    for change in changes.begin():
        write(change)
    session.console.flush()
    pace, looked, changed, told = Pace(FRAME, LOOK_SHARE), time.monotonic(), False, False
    while not changes.over:
        now = time.monotonic()
        if deadline is not None and now >= deadline:
            return False
        if (changed or now - looked >= STALE) and pace.due():
            try:
                with pace.look():
                    for change in changes.look():
                        write(change)
                told = False
            except Unreachable as error:  # a sidecar that restarts comes back
                if not told:
                    session.console.note(f"{clean(error.message)}; trying again")
                told = True
            session.console.flush()
            looked, changed = now, False
        if not changes.over:
            changed |= wait_frame(workflows)
    return True


class _Writer:
    """In the format that was asked for; JSON lines where none was and there is no terminal."""

    def __init__(self, session: Session) -> None:
        self._console = session.console
        self._printer = session.printer
        self._text = session.format.text and (session.console.out_tty or session.format_given)
        self._ids = session.format is Format.ID

    def __call__(self, change: Change) -> None:
        console = self._console
        if self._ids:
            if change.kind in (Kind.LISTED, Kind.APPEARED):
                instance_id = change.instance.id
                if not self._printer.id_line(instance_id):
                    console.error(f"left out '{clean(instance_id)}', which cannot stand on a line (-o jsonl has it)")
        elif self._text:
            word = "" if change.kind in (Kind.LISTED, Kind.CHANGED) else change.kind.value
            console.line(styled(one_line(change.instance, utc_now(), word), console.out_color))
        else:
            console.line(to_json(change_record(change)))
