"""Two runs side by side, step by step: what is the same, what differs, what only one of them has.

A step of one run is held against the step of the same kind and name of the other: its first `ChargeCard` against the
first, its second against the second. Of those that have a counterpart, the fewest are *moved* that leave the others in
the same order. Times, the number of attempts, and where each run has its own ID in a text are no difference.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from wfctl.model.events import Event
from wfctl.model.failure import Failure, error_text, root
from wfctl.model.instance import Instance
from wfctl.model.steps import Step, steps_of

# Places in one payload that are named.
MOST_PLACES = 3


Same = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Run:
    """One of the two. `file` is the bundle that it comes from."""

    instance: Instance
    steps: tuple[Step, ...]
    file: str | None = None

    @property
    def duration(self) -> timedelta | None:
        """Return the time from its creation to its end; None while it is live, or where a target does not tell."""
        begun, ended = self.instance.created_at, self.instance.completed_at
        return None if begun is None or ended is None else ended - begun


def run_of(instance: Instance, history: Sequence[Event], file: str | None = None) -> Run:
    return Run(instance, steps_of(history), file)


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs, in one place: `place` is a JSON path in a payload, or empty; `a` and `b` are JSON, or texts."""

    what: str
    place: str
    a: str | None
    b: str | None


@dataclass(frozen=True, slots=True)
class Pair:
    """A step of one run and its counterpart, None where only the other run has it. `moved`: not in the same order."""

    a: Step | None
    b: Step | None
    differences: tuple[Difference, ...] = ()
    moved: bool = False

    @property
    def same(self) -> bool:
        return self.a is not None and self.b is not None and not self.differences and not self.moved


@dataclass(frozen=True, slots=True)
class Comparison:
    """`differences` are those of the runs themselves: workflow, input, status, output, failure, version."""

    a: Run
    b: Run
    differences: tuple[Difference, ...]
    pairs: tuple[Pair, ...]

    @property
    def same(self) -> bool:
        return not self.differences and all(pair.same for pair in self.pairs)


def compare(a: Run, b: Run) -> Comparison:
    one, other = a.instance, b.instance
    same = _same_but_for(one.id, other.id)
    found = [
        *_texts("workflow", one.name, other.name),
        *_texts("version", one.version, other.version),
        *_payloads("input", one.input, other.input, same),
        *_texts("status", one.status.name, other.status.name),
        *_payloads("output", one.output, other.output, same),
        *_payloads("custom status", one.custom_status, other.custom_status, same),
        *_failures(one.failure, other.failure, same),
    ]
    return Comparison(a, b, tuple(found), tuple(_pairs(a.steps, b.steps, same)))


def _of_steps(a: Step, b: Step, same: Same) -> tuple[Difference, ...]:
    return (
        *_payloads("input", a.input, b.input, same),
        *_texts("status", a.status.value, b.status.value),
        *_payloads("result", a.result, b.result, same),
        *_failures(a.failure, b.failure, same),
    )


def _same_but_for(a_id: str, b_id: str) -> Same:
    """Return what tells whether two texts are the same, or would be with the other's ID in the place of its own."""
    own = re.compile(rf"(?<![\w-]){re.escape(a_id)}(?![\w-])")
    if a_id == b_id:
        return lambda a, b: a == b
    return lambda a, b: a == b or own.sub(lambda match: b_id, a) == b


# --- which step belongs to which -------------------------------------------------------------------------------------


def _pairs(a: Sequence[Step], b: Sequence[Step], same: Same) -> Iterator[Pair]:
    """Yield the pairs in the order of `a`; what only `b` has stands where it has it."""
    places = {key: at for at, key in enumerate(_keys(b))}
    partner = [places.get(key) for key in _keys(a)]
    kept = _longest_rise([at for at in partner if at is not None])
    taken = set(partner)
    alone = [at for at in range(len(b)) if at not in taken]
    next_alone = 0
    for step, at in zip(a, partner, strict=True):
        if at is not None and at in kept:
            while next_alone < len(alone) and alone[next_alone] < at:
                yield Pair(None, b[alone[next_alone]])
                next_alone += 1
        if at is None:
            yield Pair(step, None)
        else:
            yield Pair(step, b[at], _of_steps(step, b[at], same), moved=at not in kept)
    for at in alone[next_alone:]:
        yield Pair(None, b[at])


def _keys(steps: Sequence[Step]) -> Iterator[tuple[str, str, int]]:
    """Yield kind, name and the number of the step among those of this kind and name."""
    counts: dict[tuple[str, str], int] = {}
    for step in steps:
        # The names of events are compared as Dapr does.
        key = step.kind, (step.name or "").casefold() if step.kind == "event" else step.name or ""
        counts[key] = counts.get(key, 0) + 1
        yield *key, counts[key]


def _longest_rise(numbers: Sequence[int]) -> frozenset[int]:
    """Return the members of a longest rising subsequence of different numbers."""
    ends: list[int] = []  # the smallest end of a rise of each length
    before: dict[int, int | None] = {}
    for number in numbers:
        at = bisect_left(ends, number)
        before[number] = ends[at - 1] if at else None
        ends[at : at + 1] = [number]
    found: list[int] = []
    last = ends[-1] if ends else None
    while last is not None:
        found.append(last)
        last = before[last]
    return frozenset(found)


# --- what differs ----------------------------------------------------------------------------------------------------


def _texts(what: str, a: str | None, b: str | None) -> Iterator[Difference]:
    if a != b:
        yield Difference(what, "", a, b)


def _failures(a: Failure | None, b: Failure | None, same: Same) -> Iterator[Difference]:
    one, other = (None if failure is None else error_text(root(failure)) for failure in (a, b))
    if one is None or other is None or not same(one, other):
        yield from _texts("failure", one, other)


def _payloads(what: str, a: str | None, b: str | None, same: Same) -> Iterator[Difference]:
    """Yield the places where two payloads differ, at most MOST_PLACES of them. How JSON is written is no difference."""
    if a == b or (a is not None and b is not None and same(a, b)):
        return
    try:
        values = [json.loads("null" if text is None else text) for text in (a, b)]
        places = list(_places("$", values[0], values[1], same))
        for place, one, other in places[:MOST_PLACES]:
            yield Difference(what, "" if place == "$" else place, _json(one), _json(other))
        if len(places) > MOST_PLACES:
            yield Difference(what, f"and {len(places) - MOST_PLACES:,} more places", None, None)
        elif not places and (a is None or b is None):
            yield Difference(what, "", a, b)  # null is not the same as nothing
    except (ValueError, RecursionError):
        yield Difference(what, "", a, b)


_ABSENT: Any = object()


def _places(place: str, a: Any, b: Any, same: Same) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(a, dict) and isinstance(b, dict):
        for key in dict.fromkeys((*a, *b)):
            name = f".{key}" if key.isidentifier() else f"[{json.dumps(key)}]"
            yield from _places(place + name, a.get(key, _ABSENT), b.get(key, _ABSENT), same)
    elif isinstance(a, list) and isinstance(b, list):
        for at in range(max(len(a), len(b))):
            one, other = (each[at] if at < len(each) else _ABSENT for each in (a, b))
            yield from _places(f"{place}[{at}]", one, other, same)
    elif isinstance(a, str) and isinstance(b, str):
        if not same(a, b):
            yield place, a, b
    elif a is _ABSENT or b is _ABSENT or type(a) is not type(b) or a != b:
        yield place, a, b


def _json(value: Any) -> str | None:
    return None if value is _ABSENT else json.dumps(value, ensure_ascii=False)
