"""A waterfall: when each step of an instance began, how long it took, how often it was tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from wfctl.model.events import Event
from wfctl.model.instance import Instance
from wfctl.model.steps import Step, StepStatus, steps_of
from wfctl.render.history_records import step_record
from wfctl.render.json_records import Record, time_or_none
from wfctl.render.printer import View
from wfctl.render.table import GAP, Cell, Column, Layout, cells_of
from wfctl.render.text import clean
from wfctl.render.theme import step_style
from wfctl.render.times import age, span
from wfctl.render.views.time_axis import Scale, Stretch

PIPED = 60  # cells of the bars where there is no terminal
SHORTEST, LONGEST = 10, 100
NAME = 20  # cells that a name keeps where there are columns to spare
WORKS = ("activity", "child")
# What a cell of a bar shows, and its style.
_INK = {"activity": ("━", "line.activity"), "child": ("═", "line.child")}
_WAIT, _PAUSE, _BREAK = ("┄", "line.wait"), ("·", "line.wait"), ("x", "line.failed")
_GOES_ON, _ARRIVED, _NOTHING = (">", "line.open"), ("◆", "line.open"), (" ", "")


@dataclass(frozen=True, slots=True)
class Bar:
    """One step; `depth` is 0 for the instance's own, 1 for its children's."""

    instance_id: str
    depth: int
    step: Step


@dataclass(frozen=True, slots=True)
class Timeline:
    """`ended` is now, while the instance lives."""

    instance: Instance
    begun: datetime
    ended: datetime
    bars: tuple[Bar, ...]

    @property
    def length(self) -> timedelta:
        return self.ended - self.begun

    def scale(self) -> Scale:
        return Scale(self.begun, self.ended, (s for bar in self.bars for s in stretches(bar.step, self.ended)))


History = Callable[[str], Sequence[Event]]


def timeline_of(
    instance: Instance, history: Sequence[Event], now: datetime, children: History | None = None
) -> Timeline:
    """`children` gives the history of a child whose steps are to be shown too; none for one that is gone."""
    bars = tuple(_bars(instance.id, history, 0, children, {instance.id}))
    times = [bar.step.scheduled_at for bar in bars] + [event.timestamp for event in history[:1]]
    begun = min(times, default=instance.started_at or instance.created_at or now)
    ended = instance.completed_at or (now if not instance.status.terminal else begun)
    return Timeline(instance, begun, max([begun, ended, *(bar.step.completed_at or begun for bar in bars)]), bars)


def _bars(
    instance_id: str, history: Sequence[Event], depth: int, children: History | None, seen: set[str]
) -> Iterator[Bar]:
    for step in steps_of(history):
        yield Bar(instance_id, depth, step)
        if children is not None and step.child_id is not None and step.child_id not in seen:
            seen.add(step.child_id)
            yield from _bars(step.child_id, children(step.child_id), depth + 1, children, seen)


def stretches(step: Step, ended: datetime) -> Iterator[Stretch]:
    """The attempts of an activity or a child, or the one wait of a timer or an event."""
    if step.kind in WORKS and step.attempts:
        for attempt in step.attempts:
            open_end = ended if attempt is step.attempts[-1] else attempt.scheduled_at
            yield Stretch(attempt.scheduled_at, attempt.completed_at or open_end, step.kind == "activity")
    else:
        yield Stretch(step.scheduled_at, step.completed_at or ended, False)


def took(step: Step, now: datetime) -> str:
    if step.status is StepStatus.RECEIVED:
        return ""
    if step.duration is not None:
        return span(step.duration)
    return age(now - step.scheduled_at) if step.status.open else ""


def tries(step: Step) -> str:
    number = len(step.attempts)
    if step.kind not in WORKS or (number < 2 and not step.max_attempts):
        return ""
    return f"{number}/{step.max_attempts}" if step.max_attempts else str(number)


def draw_bar(step: Step, scale: Scale, ended: datetime, cells: int) -> Cell:
    """One line of `cells` cells. Whatever there was has one cell at least."""
    row = [_NOTHING] * cells
    found = list(stretches(step, ended))

    def place(when: datetime) -> int:
        return min(int(scale.at(when) * cells), cells - 1)

    def behind(when: datetime) -> int:
        return round(scale.at(when) * cells)

    if len(found) > 1:
        for cell in range(place(found[0].start), behind(found[-1].end)):
            row[cell] = _PAUSE
    breaks = []
    for index, stretch in enumerate(found):
        first = place(stretch.start)
        last = max(behind(stretch.end), first + 1)
        failed = step.kind in WORKS and index < len(step.attempts) and step.attempts[index].failure is not None
        ink, style = _INK.get(step.kind, _WAIT)
        row[first:last] = [(ink, "line.failed" if failed else style)] * (last - first)
        if failed:
            breaks.append(last - 1)
    for cell in breaks:  # over the attempt that began at once
        row[cell] = _BREAK
    if step.status.open:
        row[place(ended)] = _GOES_ON
    elif step.status is StepStatus.RECEIVED:
        row = [_NOTHING] * cells
        row[place(step.scheduled_at)] = _ARRIVED
    return Cell("".join(ink for ink, _ in row), marks=tuple(_marks([style for _, style in row])))


def _marks(styles: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    end = 0
    for style, same in groupby(styles):
        start, end = end, end + sum(1 for _ in same)
        if style:
            yield start, end, style


def timeline_view(timeline: Timeline, room: int | None = None) -> View[Bar]:
    """The steps as rows with bars. A narrow terminal gets fewer columns, never a status cut short."""
    ended = timeline.ended
    columns: list[Column[Bar]] = [
        Column("STEP", lambda bar: "  " * bar.depth + clean(bar.step.name or bar.step.kind), shrink=True, least=NAME),
        Column("KIND", lambda bar: bar.step.kind, spare=1),
        Column("STATUS", lambda bar: Cell(bar.step.status.value, step_style(bar.step.status))),
        Column("TRIES", lambda bar: tries(bar.step), spare=2),
        Column("TOOK", lambda bar: took(bar.step, ended), right=True, spare=3),
    ]
    if not any(tries(bar.step) for bar in timeline.bars):
        del columns[3]
    wide = PIPED
    if room is not None:
        columns = _layout(columns, timeline.bars, room - room // 2).columns  # bars get half, or there are fewer columns
        layout = _layout(columns, timeline.bars, room - max(room // 3, SHORTEST))
        columns, wide = layout.columns, max(SHORTEST, min(room - layout.width - GAP, LONGEST))
    scale = timeline.scale()
    columns.append(
        Column(
            "0s" + span(timeline.length).rjust(wide - 2),
            lambda bar: draw_bar(bar.step, scale, ended, wide),
        )
    )
    return View(record=_bar_record(timeline), columns=columns)


def _layout(columns: Sequence[Column[Bar]], bars: Sequence[Bar], room: int) -> Layout[Bar]:
    return Layout(columns, [cells_of(columns, bar) for bar in bars], room - GAP)


def _bar_record(timeline: Timeline) -> Callable[[Bar], Record]:
    """The steps as `steps` gives them, with where they stand: `startMs` counts from `beganAt`."""
    return lambda bar: {
        "instanceID": bar.instance_id,
        "depth": bar.depth,
        "startMs": _millis(bar.step.scheduled_at - timeline.begun),
        **step_record(bar.step),
    }


def timeline_record(timeline: Timeline) -> Record:
    """The whole as one document."""
    instance = timeline.instance
    return {
        "instanceID": instance.id,
        "workflowName": instance.name,
        "runtimeStatus": instance.status.name,
        "beganAt": time_or_none(timeline.begun),
        "completedAt": time_or_none(instance.completed_at),
        "durationMs": _millis(timeline.length),
        "steps": [_bar_record(timeline)(bar) for bar in timeline.bars],
    }


def _millis(delta: timedelta) -> float:
    return round(delta.total_seconds() * 1000, 3)
