"""The IDs of reruns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfctl.model import rerun_ids
from wfctl.model.ids import fault_of_new


@pytest.mark.parametrize(
    ("source", "number", "expected"),
    [
        ("order-7", 1, "order-7-rerun-1"),
        ("order-7-rerun-1", 2, "order-7-rerun-2"),
        ("-rerun-1", 1, "-rerun-1-rerun-1"),
        ("a-rerun-01", 1, "a-rerun-01-rerun-1"),
        ("x" * 53, 9999, "x" * 53 + "-rerun-9999"),
    ],
)
def test_ids(source: str, number: int, expected: str) -> None:
    assert rerun_ids.rerun_id(source, number) == expected


@given(st.text(min_size=1), st.integers(1, 9999))
def test_every_instance_has_an_id_for_its_reruns(source: str, number: int) -> None:
    first = rerun_ids.rerun_id(source, number)
    assert fault_of_new(first) is None
    assert rerun_ids.number(first) == number
    assert rerun_ids.rerun_id(first, number + 1) == rerun_ids.rerun_id(source, number + 1)


def test_two_long_ids_have_reruns_of_their_own() -> None:
    assert rerun_ids.rerun_id("x" * 60 + "1", 1) != rerun_ids.rerun_id("x" * 60 + "2", 1)


def test_the_original() -> None:
    assert rerun_ids.original("a-rerun-2") == "a"
    assert rerun_ids.original("a") is None
    assert rerun_ids.original(rerun_ids.rerun_id("x" * 64, 1)) is None


def test_a_family_by_its_ids() -> None:
    family = rerun_ids.Family()
    family.watch(["a", "a-rerun-2", "b", "a-rerun-10", "a-rerun-1", "c-rerun-x"])
    assert family.later("a") == ("a-rerun-1", "a-rerun-2", "a-rerun-10")
    assert family.later("a-rerun-2") == ("a-rerun-10",)
    assert family.later("b") == family.later("c") == ()
