"""Instances as rows and blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from wfctl.model.instance import Instance, OwnTime
from wfctl.model.status import Status
from wfctl.render.json_records import instance_record
from wfctl.render.printer import View
from wfctl.render.table import GAP, NARROWEST, Cell, Column, Drawn, Layout, cells_of
from wfctl.render.text import clean, plural
from wfctl.render.theme import NAME, QUIET, RED, status_style
from wfctl.render.times import age, seconds_text, short_age, span
from wfctl.render.views.failure import cause_line, failure_rows
from wfctl.render.views.payload import payload_cell, payload_value
from wfctl.render.views.waiting import waiting_text, waiting_word

if TYPE_CHECKING:
    from rich.table import Table


def status_cell(status: Status) -> Cell:
    return Cell(status.name, status_style(status))


def time_cell(when: datetime | None) -> str:
    return "" if when is None else seconds_text(when)


def age_cell(when: datetime | None, now: datetime) -> Cell:
    return Cell("" if when is None else short_age(now - when), QUIET)


def _due_cell(one: Instance, now: datetime) -> str:
    if one.due is None:
        return ""
    left = one.due - one.time(now)
    return f"{seconds_text(one.due)} ({f'in {age(left)}' if left > timedelta(0) else f'{age(-left)} ago'})"


def lifetime(instance: Instance) -> timedelta | None:
    if instance.created_at is None or instance.completed_at is None:
        return None
    return instance.completed_at - (instance.started_at or instance.created_at)


def _last_word(instance: Instance, now: datetime) -> Cell:
    """Return what a live instance waits for, why a failed one failed, or how long another took."""
    if instance.status is Status.FAILED and instance.failure is not None:
        return Cell(cause_line(instance.failure, instance.failed_step), RED)
    if instance.status is Status.STALLED and instance.stall and not instance.waiting_for:
        return Cell(clean(instance.stall))
    took = lifetime(instance)
    return (
        Cell(waiting_word(instance.waiting_for, instance.time(now)))
        if took is None
        else Cell(f"took {span(took)}", QUIET)
    )


def instance_view(now: datetime, *, due: bool = False, apps: bool = False) -> View[Instance]:
    """Return the view of instances.

    `due` and `apps`: when each goes on by itself, and whose it is, has a column in every table.
    """
    return View(
        record=instance_record,
        id=lambda one: one.id,
        block=lambda one, wide: _block(one, wide, now),
        columns=(
            Column("ID", lambda one: clean(one.id)),
            Column("WORKFLOW", lambda one: clean(one.name or ""), shrink=True, spare=1),
            Column("APP", lambda one: clean(one.app_id or ""), wide=not apps, spare=1),
            Column("STATUS", lambda one: status_cell(one.status)),
            Column("AGE", lambda one: age_cell(one.created_at, one.time(now)), spare=2),
            Column("DUE", lambda one: _due_cell(one, now), wide=not due),
            Column("UPDATED", lambda one: age_cell(one.updated_at, one.time(now)), wide=True),
            Column("CREATED AT", lambda one: time_cell(one.created_at), wide=True),
            Column("COMPLETED AT", lambda one: time_cell(one.completed_at), wide=True),
            Column("PARENT", lambda one: clean(one.parent_id or ""), wide=True),
            Column("RERUN OF", lambda one: clean(one.rerun_of or ""), wide=True),
            Column("RERUN AS", lambda one: clean(", ".join(one.rerun_as or ())), wide=True),
            Column("CUSTOM STATUS", lambda one: payload_cell(one.custom_status), wide=True),
            Column("INPUT", lambda one: payload_cell(one.input), wide=True),
            Column("OUTPUT", lambda one: payload_cell(one.output), wide=True),
            Column("DETAIL", lambda one: _last_word(one, now), shrink=True),
        ),
    )


def _block(one: Instance, wide: bool, now: datetime) -> Iterator[tuple[str, Cell | Drawn | str]]:
    now = one.time(now)
    yield "ID", Cell(clean(one.id), NAME)
    yield "Workflow", clean(one.name or "") + (f" (version {clean(one.version)})" if one.version else "")
    if one.app_id is not None:
        yield "App", clean(one.app_id)
    yield "Status", status_cell(one.status)
    yield from failure_rows(one, wide, now)
    yield "Created", _when(one.created_at, now)
    if one.updated_at is not None and one.updated_at != one.completed_at:
        yield "Updated", _when(one.updated_at, now)
    took = lifetime(one)
    if one.completed_at is not None:
        yield "Completed", _when(one.completed_at, now) + (f", took {span(took)}" if took is not None else "")
    if one.own_time is not None:
        yield "Skipped time", skipped_text(one.own_time, now)
    if one.parent_id is not None:
        yield "Parent", clean(one.parent_id)
    if one.rerun_of is not None:
        yield "Rerun of", clean(one.rerun_of)
    if one.rerun_as:
        yield "Rerun as", clean(", ".join(one.rerun_as))
    if waits := [waiting_text(waiting, now) for waiting in one.waiting_for if waiting.kind != "driver"]:
        yield "Waiting for", "\n".join(waits)
    for waiting in one.waiting_for:
        if waiting.kind == "driver":
            yield "Not running", waiting_text(waiting, now)
    if one.stall and not one.waiting_for:
        yield "Stalled", clean(one.stall)
    if one.input is not None:
        yield "Input", payload_value(one.input, wide)
    if one.output is not None:
        yield "Output", payload_value(one.output, wide)
    if one.custom_status is not None:
        yield "Custom status", payload_value(one.custom_status, wide=True)


def skipped_text(own: OwnTime, now: datetime) -> str:
    """`3d 4h; its clock says 2026-12-02T09:00:00Z`; `now` is by that clock."""
    return f"{span(own.skipped)}; its clock says {seconds_text(now)}"


def _when(when: datetime | None, now: datetime) -> str:
    return "" if when is None else f"{seconds_text(when)} ({age(now - when)} ago)"


def one_line(one: Instance, now: datetime, word: str) -> Iterator[Cell | str]:
    """A change as a line of its own: when, who, how it stands."""
    for word in (seconds_text(one.updated_at or now), clean(one.id), clean(one.name or "")):
        yield word + "  " if word else ""
    yield status_cell(one.status)
    yield "".join("  " + part for part in (word, _last_word(one, now).text) if part)


class Tally:
    """Counts what passes through a list, for its footer."""

    def __init__(self) -> None:
        self.by_status: Counter[Status] = Counter()

    def watch(self, instances: Iterable[Instance]) -> Iterator[Instance]:
        for instance in instances:
            self.by_status[instance.status] += 1
            yield instance

    def footer(self) -> Iterator[Cell | str]:
        return tally_line(self.by_status)


def tally_line(counts: Mapping[Status, int], *, short: bool = False) -> Iterator[Cell | str]:
    """`3 instances: 2 RUNNING, 1 COMPLETED`; `short`: only how many there are."""
    yield plural(sum(counts.values()), "instance")
    if short:
        return
    between = ": "
    for status, count in sorted(counts.items()):
        if count:
            yield f"{between}{count:,} "
            yield status_cell(status)
            between = ", "


class Rows:
    """The table of instances on a screen that is drawn again and again: a column never becomes narrower, so that
    nothing jumps to and fro when a long ID comes and goes."""

    def __init__(self, *, wide: bool = False) -> None:
        self._wide = wide
        self._least: dict[str, int] = {"STATUS": len(Status.COMPLETED.name), "AGE": 3}

    def table(self, instances: Iterable[Instance], now: datetime, room: int) -> Table:
        from wfctl.render.drawing import table

        columns = [column for column in instance_view(now).columns if self._wide or not column.wide]
        rows = [cells_of(columns, one) for one in instances]
        natural = Layout(columns, rows, least=self._least).widths
        steady = dict(zip((column.title for column in columns[:-1]), natural, strict=False))
        self._least.update(steady)
        fits = sum(steady.values()) + GAP * len(steady) + NARROWEST <= room
        return table(Layout(columns, rows, room, self._least if fits else None), rows)
