"""Workers: who they are, what they hold, and what waits for one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from wfctl.model.workers import WORKFLOW, AppWorkers, Queued, Worker
from wfctl.render.json_records import Record, time_or_none
from wfctl.render.printer import View
from wfctl.render.table import Cell, Column
from wfctl.render.text import clean, plural
from wfctl.render.theme import NAME, QUIET, WAITS
from wfctl.render.times import age, short_age

if TYPE_CHECKING:
    from rich.console import RenderableType

NOBODY_DRIVES = "no process is executing this store: wfctl run does what is due, wfctl serve --app FILE goes on"
NO_WORKER = "no worker{whose} is attached: start the app, with DAPR_GRPC_PORT set to the gRPC port of this target"
MOST_HELD = 5  # of a worker, at a terminal


def app_record(app: AppWorkers) -> Record:
    return {
        "appID": app.app_id,
        "connected": app.connected,
        "workers": None if app.workers is None else [_worker_record(one) for one in app.workers],
        "backlog": None if app.backlog is None else [_queued_record(one) for one in app.backlog],
    }


def _worker_record(worker: Worker) -> Record:
    return {
        "name": worker.name,
        "address": worker.address,
        "pid": worker.pid,
        "since": time_or_none(worker.since),
        "workflows": worker.workflows,
        "activities": worker.activities,
        "holds": [
            {"kind": one.kind, "name": one.name, "instanceID": one.instance_id, "since": time_or_none(one.since)}
            for one in worker.holds
        ],
    }


def _queued_record(queued: Queued) -> Record:
    return {
        "kind": queued.kind,
        "name": queued.name,
        "count": queued.count,
        "since": time_or_none(queued.since),
    }


@dataclass(frozen=True, slots=True)
class Row:
    """A worker, or work that waits for one."""

    app: AppWorkers
    worker: Worker | None = None
    queued: Queued | None = None


def rows(apps: Iterable[AppWorkers]) -> list[Row]:
    """Return a row for each worker and for each kind of waiting work, in the place of the apps."""
    return [
        row
        for app in apps
        for row in (
            *(Row(app, worker=one) for one in app.workers or ()),
            *([Row(app)] if app.workers is None and app.connected is not None else []),
            *(Row(app, queued=one) for one in app.backlog or ()),
        )
    ]


def apps_view(now: datetime) -> View[AppWorkers]:
    """For JSON, and for a person's terminal."""
    return View(record=app_record, picture=lambda apps, width: picture(list(apps), now))


def rows_view(now: datetime) -> View[Row]:
    """For tables."""

    def since(row: Row) -> str:
        at = row.queued.since if row.queued else row.worker.since if row.worker else None
        return "" if at is None else short_age(now - at)

    return View(
        record=lambda row: app_record(row.app),
        columns=(
            Column("APP", lambda row: clean(row.app.app_id or "")),
            Column("WORKER", _who, shrink=True),
            Column("FROM", lambda row: clean((row.worker.address if row.worker else None) or ""), spare=1),
            Column("PID", lambda row: str(row.worker.pid or "") if row.worker else "", right=True, spare=2),
            Column("SINCE", since),
            Column("WORKFLOWS", lambda row: _number(row, WORKFLOW), right=True),
            Column("ACTIVITIES", lambda row: _number(row, "activity"), right=True),
            Column("OLDEST", lambda row: _oldest(row, now), shrink=True),
        ),
    )


def _who(row: Row) -> Cell | str:
    if row.worker is not None:
        return clean(row.worker.name)
    if row.queued is None:
        return f"{row.app.connected} connected"
    return Cell(f"waiting: {clean(row.queued.name or row.queued.kind)}", WAITS)


def _number(row: Row, kind: str) -> str:
    if row.queued is not None:
        return f"{row.queued.count}" if row.queued.kind == kind else ""
    if row.worker is None:
        return ""
    number = row.worker.workflows if kind == WORKFLOW else row.worker.activities
    return "" if number is None else f"{number}"


def _oldest(row: Row, now: datetime) -> str:
    held = row.worker.holds if row.worker else ()
    if not held:
        return ""
    return f"{clean(held[0].name)} of {clean(held[0].instance_id)} {age(now - held[0].since)}"


def picture(apps: Sequence[AppWorkers], now: datetime) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    lines: list[RenderableType] = []
    for app in apps:
        if lines:
            lines.append("")
        for parts in _lines(app, now):
            text = Text(no_wrap=True, overflow="ellipsis")
            for part in parts:
                text.append(*part)
            lines.append(text)
    return Group(*lines)


def _lines(app: AppWorkers, now: datetime) -> Iterator[list[tuple[str, str]]]:
    name = clean(app.app_id) if app.app_id else ""
    head = "" if app.connected is None else _count(app.connected)
    yield [(name, NAME), ("  " if name and head else "", ""), (head, "" if app.connected else WAITS)]
    for worker in app.workers or ():
        yield from _worker_lines(worker, now)
    if app.backlog:
        yield [("  waiting for a worker", WAITS)]
    for queued in app.backlog or ():
        many = "workflows" if queued.kind == WORKFLOW else "activities"
        told = f" {clean(queued.name)}" if queued.name else ""
        yield [
            (f"    {plural(queued.count, queued.kind, many)}", ""),
            (told, NAME),
            ("" if queued.since is None else f"  the oldest for {age(now - queued.since)}", QUIET),
        ]


def _count(connected: int) -> str:
    return plural(connected, "worker") if connected else "no worker"


def _worker_lines(worker: Worker, now: datetime) -> Iterator[list[tuple[str, str]]]:
    where = [*([clean(worker.address)] if worker.address else []), *([f"PID {worker.pid}"] if worker.pid else [])]
    since = "" if worker.since is None else f"  for {age(now - worker.since)}"
    yield [
        (f"  {clean(worker.name) or 'a worker'}", ""),
        (f" ({', '.join(where)})" if where else "", QUIET),
        (since, QUIET),
    ]
    if worker.workflows is None or worker.activities is None:
        return
    total = worker.workflows + worker.activities
    if not total:
        yield [("    idle", QUIET)]
        return
    held = [
        *([plural(worker.workflows, "workflow")] if worker.workflows else []),
        *([plural(worker.activities, "activity", "activities")] if worker.activities else []),
    ]
    yield [(f"    {', '.join(held)}", "")]
    for one in worker.holds[:MOST_HELD]:
        yield [
            (f"      {one.kind} ", ""),
            (clean(one.name), NAME),
            (f" of {clean(one.instance_id)}", ""),
            (f"  for {age(now - one.since)}", QUIET),
        ]
    if total > MOST_HELD:
        yield [(f"      {total - MOST_HELD:,} more", QUIET)]


def advice(local: bool, found: Sequence[AppWorkers]) -> Iterator[str]:
    """Yield what to do where nobody works, and why less is told here than a user may expect."""
    for one in found:
        if one.connected == 0:
            whose = f" of {clean(one.app_id)}" if one.app_id and len(found) > 1 else ""
            yield NOBODY_DRIVES if local else NO_WORKER.format(whose=whose)
        elif local:
            yield "what a process holds, wfctl serve tells alone: --target with its address"
        elif one.workers is None and one.connected is not None:
            yield "a sidecar tells the number of workers, not who they are or what they hold"
