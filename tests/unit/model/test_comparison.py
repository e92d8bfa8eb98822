"""What two runs have in common, and what not."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from history_strategies import histories
from hypothesis import given
from hypothesis import strategies as st

from wfctl.model.comparison import Comparison, Run, compare, run_of
from wfctl.model.events import Event, Failure
from wfctl.model.instance import Instance
from wfctl.model.status import Status
from wfctl.model.steps import Step, StepStatus

T0 = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)


def step(name: str, *, result: Any = None, input: Any = None, kind: str = "activity", **more: Any) -> Step:
    given, made = json.dumps(input), json.dumps(result)
    return Step(kind, name, 1, StepStatus.COMPLETED, T0, T0 + timedelta(1), (), input=given, result=made, **more)


def run(*steps: Step | str, id: str = "a", **more: Any) -> Run:
    made = tuple(step(one) if isinstance(one, str) else one for one in steps)
    return Run(Instance(id, "W", Status.COMPLETED, **more), made)


def changes(found: Comparison) -> list[tuple[str, str | None, str | None]]:
    return [
        (
            "same" if pair.same else "moved" if pair.moved else "differs" if pair.a and pair.b else "alone",
            pair.a.name if pair.a else None,
            pair.b.name if pair.b else None,
        )
        for pair in found.pairs
    ]


def differences(found: Comparison) -> list[tuple[str, str, str | None, str | None]]:
    every = [*found.differences, *(one for pair in found.pairs for one in pair.differences)]
    return [(one.what, one.place, one.a, one.b) for one in every]


def test_the_same_however_long_it_took() -> None:
    later = replace(step("x"), scheduled_at=T0 + timedelta(5), completed_at=T0 + timedelta(50), event_id=7)
    assert compare(run("x"), run(later, id="b")).same


def test_what_only_one_has_stands_where_it_has_it() -> None:
    found = compare(run("x", "gone", "y"), run("x", "new", "y", "last"))
    assert changes(found) == [
        ("same", "x", "x"),
        ("alone", "gone", None),
        ("alone", None, "new"),
        ("same", "y", "y"),
        ("alone", None, "last"),
    ]
    assert not found.same


def test_the_fewest_are_moved() -> None:
    found = compare(run("x", "y", "z", "w"), run("w", "x", "y", "z"))
    assert changes(found) == [("same", "x", "x"), ("same", "y", "y"), ("same", "z", "z"), ("moved", "w", "w")]
    assert not found.same


def test_repeated_names_are_held_against_each_other_in_their_order() -> None:
    found = compare(run(step("x", result=1), step("x", result=2)), run(step("x", result=1), step("x", result=3), "x"))
    assert changes(found) == [("same", "x", "x"), ("differs", "x", "x"), ("alone", None, "x")]
    assert differences(found) == [("result", "", "2", "3")]


def test_kinds_are_told_apart_and_events_by_any_case() -> None:
    assert not compare(run(step("x")), run(step("x", kind="child"))).same
    assert compare(run(step("Go", kind="event")), run(step("go", kind="event"))).same
    assert not compare(run(step("Go")), run(step("go"))).same


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"a": 1}, {"a": 2}, [("$.a", "1", "2")]),
        ({"a": 1}, {}, [("$.a", "1", None)]),
        ([1, [2]], [1, [3], 4], [("$[1][0]", "2", "3"), ("$[2]", None, "4")]),
        ({"odd name": 1}, {"odd name": None}, [('$["odd name"]', "1", "null")]),
        (1, True, [("", "1", "true")]),
        (1, "1", [("", "1", '"1"')]),
        ([1, 2, 3, 4, 5], [2, 3, 4, 5, 6], [
            ("$[0]", "1", "2"), ("$[1]", "2", "3"), ("$[2]", "3", "4"), ("and 2 more places", None, None),
        ]),
    ],
)  # fmt: skip
def test_places(one: Any, other: Any, found: list[Any]) -> None:
    made = compare(run(step("x", input=one)), run(step("x", input=other)))
    assert differences(made) == [("input", *place) for place in found]


def test_its_own_id_is_no_difference() -> None:
    texts = ["order-1", {"id": "order-1", "note": "for order-1, soon"}]
    other = json.loads(json.dumps(texts).replace("order-1", "order-2"))
    assert compare(run(step("x", input=texts), id="order-1"), run(step("x", input=other), id="order-2")).same
    for one, another in (("border-1", "border-2"), ("order-1", "order-3"), ("order-11", "order-21")):
        a, b = run(step("x", input=one), id="order-1"), run(step("x", input=another), id="order-2")
        assert not compare(a, b).same


def test_runs_themselves() -> None:
    failed = Failure("TaskFailedError", "wrapped", inner=Failure("ValueError", "no"))
    a = run(input="1", output='"x"')
    b = Run(Instance("b", "V", Status.FAILED, input="1", failure=failed, version="2"), ())
    assert differences(compare(a, b)) == [
        ("workflow", "", "W", "V"),
        ("version", "", None, "2"),
        ("status", "", "COMPLETED", "FAILED"),
        ("output", "", '"x"', "null"),
        ("failure", "", None, "ValueError: no"),
    ]


def test_what_is_no_json_and_what_is_nothing() -> None:
    assert differences(compare(run(output="plain"), run(output="text"))) == [("output", "", "plain", "text")]
    assert differences(compare(run(output="null"), run())) == [("output", "", "null", None)]


@given(histories, histories)
def test_nothing_is_lost(one: list[Event], other: list[Event]) -> None:
    a, b = run_of(Instance("a", "W", Status.RUNNING), one), run_of(Instance("a", "W", Status.RUNNING), other)
    found = compare(a, b)
    assert [pair.a for pair in found.pairs if pair.a is not None] == list(a.steps)
    assert sorted(map(id, (pair.b for pair in found.pairs if pair.b is not None))) == sorted(map(id, b.steps))
    assert compare(a, a).same
    assert found.same is compare(b, a).same


@given(st.lists(st.sampled_from("xyz"), max_size=8), st.lists(st.sampled_from("xyz"), max_size=8))
def test_what_is_not_moved_is_in_order(one: list[str], other: list[str]) -> None:
    a, b = run(*one), run(*other)
    found = compare(a, b)
    still = [pair.b for pair in found.pairs if pair.b is not None and not pair.moved]
    places = [next(at for at, each in enumerate(b.steps) if each is step) for step in still]
    assert places == sorted(places)


def test_thousands_of_steps() -> None:
    many = ["x"] * 5000 + ["y"] * 5000
    assert compare(run(*many), run(*many)).same
    assert sum(not pair.same for pair in compare(run(*many), run(*reversed(many))).pairs) == 5000
