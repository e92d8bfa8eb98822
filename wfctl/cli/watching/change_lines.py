"""Show what is watched to a program, or on a terminal that cannot show a screen: one line for each change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from wfctl.cli.session import Session
from wfctl.cli.watching.change_feed import LOOK_SHARE, Change, Kind
from wfctl.cli.watching.interval import Pace
from wfctl.cli.watching.loop import watch
from wfctl.client.port import Workflows
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
    """Write a line for each change. Returns True when nothing more can happen, False when the time is over."""
    return watch(workflows, _AsLines(session, changes), deadline)


class _AsLines:
    """Write changes in the format that was asked for; as JSON lines where none was and there is no terminal."""

    left = False
    outdated = False

    def __init__(self, session: Session, changes: Changes) -> None:
        self._changes = changes
        self._begun = False
        self._told = ""  # what is wrong with the target, as it was said last
        self._console = session.console
        self._printer = session.printer
        self._text = session.format.text and (session.console.out_tty or session.format_given)
        self._ids = session.format is Format.ID
        self.pace = Pace(share=LOOK_SHARE)

    @property
    def over(self) -> bool:
        return self._changes.over

    def look(self) -> None:
        for change in self._changes.look() if self._begun else self._changes.begin():
            self._write(change)
        if not self._begun:
            self._begun, self.pace = True, Pace(share=LOOK_SHARE)  # the first list costs more than what follows

    def show(self, trouble: str) -> None:
        if trouble and not self._told:
            self._console.note(trouble)
        self._told = trouble
        self._console.flush()

    def heard(self) -> bool:
        return False

    def _write(self, change: Change) -> None:
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
