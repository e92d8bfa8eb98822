"""Show two runs side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from wfctl.model.comparison import Comparison, Difference, Pair, Run
from wfctl.model.steps import Step, StepStatus
from wfctl.render.history_records import step_record
from wfctl.render.json_records import Record, instance_record
from wfctl.render.printer import View
from wfctl.render.table import Cell, Column
from wfctl.render.text import clean, plural, shorten
from wfctl.render.theme import DIM, NAME, step_style
from wfctl.render.times import span
from wfctl.render.views.instances import status_cell

MOST = 60  # characters of a value
MARKS = {"same": "", "differs": "~", "moved": "~", "only a": "-", "only b": "+"}
_MARK_STYLES = {"~": "yellow", "-": "red", "+": "green", "": ""}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table: the runs themselves, or a pair of steps."""

    change: str
    name: str
    a: Cell
    a_took: str
    b: Cell
    b_took: str
    differences: tuple[Difference, ...]
    moved: bool = False


def change_of(pair: Pair) -> str:
    if pair.a is None:
        return "only b"
    if pair.b is None:
        return "only a"
    if pair.differences:
        return "differs"
    return "moved" if pair.moved else "same"


def lines(found: Comparison) -> Iterator[Line]:
    a, b = found.a, found.b
    yield Line(
        "differs" if found.differences else "same",
        a.instance.name or b.instance.name or "",
        status_cell(a.instance.status),
        _took(a.duration),
        status_cell(b.instance.status),
        _took(b.duration),
        found.differences,
    )
    for pair in found.pairs:
        step = pair.a or pair.b
        assert step is not None
        name = f"  {step.name or step.kind}" if step.kind == "activity" else f"  {step.name or ''} ({step.kind})"
        yield Line(
            change_of(pair),
            name,
            _status(pair.a),
            _step_took(pair.a),
            _status(pair.b),
            _step_took(pair.b),
            pair.differences,
            pair.moved,
        )


def _status(step: Step | None) -> Cell:
    return Cell("", DIM) if step is None else Cell(step.status.value, step_style(step.status))


def _step_took(step: Step | None) -> str:
    return "" if step is None or step.status is StepStatus.RECEIVED else _took(step.duration)


def _took(duration: timedelta | None) -> str:
    return "" if duration is None else span(duration)


def _mark(line: Line) -> Cell:
    mark = MARKS[line.change]
    return Cell(mark, _MARK_STYLES[mark])


def _detail(line: Line) -> Cell:
    words = [difference_text(one) for one in line.differences]
    return Cell("; ".join((["not in the same order"] if line.moved else []) + words))


def difference_text(one: Difference) -> str:
    """Return `input $.quantity: 5, 6`."""
    if one.a is None and one.b is None:
        return f"{one.what}: {one.place}"
    where = f"{one.what} {clean(one.place)}" if one.place else one.what
    return f"{where}: {_value(one.a)} / {_value(one.b)}"


def _value(text: str | None) -> str:
    return "nothing" if text is None else shorten(clean(text), MOST)


def labels(found: Comparison) -> tuple[str, str]:
    """Return how the two runs are called: by their IDs; with their bundles, where both have the same ID."""
    one, other = found.a.instance.id, found.b.instance.id
    if one != other:
        return clean(one), clean(other)
    a, b = (clean(run.file or "target") for run in (found.a, found.b))
    return (a, b) if a != b else (f"{a} (A)", f"{b} (B)")


def comparison_view(found: Comparison) -> View[Line]:
    a, b = labels(found)
    only = {"only a": f"only in {a}", "only b": f"only in {b}"}
    return View(
        record=lambda line: {},
        columns=(
            Column("", _mark),
            Column("STEP", lambda line: Cell(clean(line.name), "" if line.name.startswith(" ") else NAME), shrink=True),
            Column(a, lambda line: line.a, shrink=True),
            Column("TOOK", lambda line: line.a_took, right=True),
            Column(b, lambda line: line.b, shrink=True),
            Column("TOOK", lambda line: line.b_took, right=True),
            Column("DIFFERS", lambda line: only.get(line.change) or _detail(line), fold=True, shrink=True, least=24),
        ),
    )


def summary(found: Comparison) -> str:
    """Return one line: `the same`, or what differs and how much of it."""
    if found.same:
        return f"the same: {plural(len(found.pairs), 'step')}"
    a, b = labels(found)
    changes = [change_of(pair) for pair in found.pairs]
    words = [f"{changes.count('same'):,} of {plural(len(changes), 'step')} the same"]
    for change, text in (("differs", "differ"), ("moved", "in another order")):
        words += [f"{changes.count(change):,} {text}"] if change in changes else []
    for change, label in (("only a", a), ("only b", b)):
        words += [f"{changes.count(change):,} only in {label}"] if change in changes else []
    return ", ".join(words)


# --- JSON ------------------------------------------------------------------------------------------------------------


def comparison_record(found: Comparison) -> Record:
    return {
        "same": found.same,
        "a": _run_record(found.a),
        "b": _run_record(found.b),
        "differences": _difference_records(found.differences),
        "steps": [
            {
                "change": change_of(pair).replace(" ", "_"),
                "moved": pair.moved,
                "differences": _difference_records(pair.differences),
                "a": None if pair.a is None else step_record(pair.a),
                "b": None if pair.b is None else step_record(pair.b),
            }
            for pair in found.pairs
        ],
    }


def _run_record(run: Run) -> Record:
    duration = run.duration
    return {
        "file": run.file,
        "durationMs": None if duration is None else round(duration.total_seconds() * 1000, 3),
        "instance": instance_record(run.instance),
    }


def _difference_records(found: Sequence[Difference]) -> list[Record]:
    return [{"what": one.what, "path": one.place or None, "a": one.a, "b": one.b} for one in found]
