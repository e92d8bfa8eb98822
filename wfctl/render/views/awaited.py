"""External events of live instances: one by one, and counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from wfctl.model.awaited import AwaitedEvent, EventGroup, EventState
from wfctl.render.json_records import Record, time_or_none
from wfctl.render.printer import View
from wfctl.render.table import Cell, Column
from wfctl.render.text import clean
from wfctl.render.theme import NAME, QUIET, WAITS
from wfctl.render.times import age, short_age
from wfctl.render.views.instances import status_cell

NONE = "no instance waits for an event, and none has one unread"
_WORDS = {
    EventState.WAITING: Cell("waiting"),
    EventState.RECEIVED: Cell("arrived, waits for a worker", WAITS),
    EventState.UNREAD: Cell("arrived, not asked for", WAITS),
}


def event_record(one: AwaitedEvent) -> Record:
    return {
        "instanceID": one.id,
        "workflowName": one.name,
        "runtimeStatus": one.status.name,
        "event": one.event,
        "state": one.state.value,
        "since": time_or_none(one.since),
        "until": time_or_none(one.until),
        "arrivedAt": time_or_none(one.arrived_at),
    }


def events_view(now: datetime) -> View[AwaitedEvent]:
    def since(one: AwaitedEvent) -> Cell:
        return Cell("" if one.at is None else age(one.time(now) - one.at), QUIET)

    def until(one: AwaitedEvent) -> str:
        if one.until is None:
            return ""
        left = one.until - one.time(now)
        return f"in {short_age(left)}" if left.total_seconds() > 0 else "due"

    return View(
        record=event_record,
        id=lambda one: one.id,
        columns=(
            Column("EVENT", lambda one: Cell(clean(one.event), NAME), shrink=True),
            Column("FOR", since),
            Column("ID", lambda one: clean(one.id)),
            Column("WORKFLOW", lambda one: clean(one.name or ""), shrink=True, spare=1),
            Column("STATUS", lambda one: status_cell(one.status), spare=2),
            Column("TIMES OUT", until, spare=3),
            Column("STATE", lambda one: _WORDS[one.state]),
        ),
    )


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """A group, and the command that raises the event to all of it; None where nobody waits."""

    group: EventGroup
    command: str | None


def group_record(one: ShownGroup) -> Record:
    group = one.group
    return {
        "event": group.event,
        "workflowName": group.name,
        "waiting": group.waiting,
        "received": group.received,
        "unread": group.unread,
        "oldestSince": time_or_none(group.oldest),
        "newestSince": time_or_none(group.newest),
        "exampleInstanceID": group.example,
        "raise": one.command,
    }


def groups_view(now: datetime, *, by_name: bool) -> View[ShownGroup]:
    def ago(when: datetime | None) -> Cell:
        return Cell("" if when is None else short_age(now - when), QUIET)

    def number(count: int, style: str = "") -> Cell:
        return Cell(f"{count}", style if count else QUIET)

    names: tuple[Column[ShownGroup], ...] = (
        Column("WORKFLOW", lambda one: clean(one.group.name or ""), shrink=True, spare=1),
    )
    return View(
        record=group_record,
        id=lambda one: one.group.example or "",
        columns=(
            Column("EVENT", lambda one: Cell(clean(one.group.event), NAME), shrink=True),
            *(names if by_name else ()),
            Column("WAITING", lambda one: number(one.group.waiting), right=True),
            Column("ARRIVED", lambda one: number(one.group.received, WAITS), right=True),
            Column("UNREAD", lambda one: number(one.group.unread, WAITS), right=True),
            Column("OLDEST", lambda one: ago(one.group.oldest)),
            Column("NEWEST", lambda one: ago(one.group.newest), spare=2),
            Column("EXAMPLE", lambda one: clean(one.group.example or ""), shrink=True),
            Column("RAISE", lambda one: clean(one.command or ""), wide=True),
        ),
    )
