from __future__ import annotations

import json
from collections import namedtuple
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfctl.workflow.payloads import from_json, input_parameter, to_json, to_model

Point = namedtuple("Point", ["x", "y"])

MARK = '"__durabletask_autoobject__": true'


@dataclass
class Line:
    sku: str
    at: Any = None


class Model:
    """What the SDK takes for a Pydantic model."""

    def __init__(self, **fields: Any) -> None:
        self.fields = fields

    def model_dump(self) -> dict[str, Any]:
        return self.fields

    @classmethod
    def model_validate(cls, fields: dict[str, Any]) -> Model:
        return cls(**fields)


class JsonModel(Model):
    def model_dump(self, mode: str = "python") -> dict[str, Any]:
        return {**self.fields, "mode": mode}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
def test_text_is_what_json_dumps_makes(value: Any) -> None:
    assert to_json(value) == json.dumps(value)
    assert from_json(to_json(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Line("a"), f'{{"sku": "a", "at": null, {MARK}}}'),
        (Line("a", Line("b")), f'{{"sku": "a", "at": {{"sku": "b", "at": null}}, {MARK}}}'),
        ([Line("a")], f'[{{"sku": "a", "at": null, {MARK}}}]'),
        (Point(1, 2), f'{{"x": 1, "y": 2, {MARK}}}'),
        ([Point(1, 2)], "[[1, 2]]"),
        (SimpleNamespace(a=1), f'{{"a": 1, {MARK}}}'),
        (Model(a=1), '{"a": 1}'),
        (JsonModel(a=1), '{"a": 1, "mode": "json"}'),
        ({"m": Model(a=[1])}, '{"m": {"a": [1]}}'),
        (float("nan"), "NaN"),
        ("é", '"\\u00e9"'),
        ({1: 2}, '{"1": 2}'),
    ],
)
def test_objects(value: Any, text: str) -> None:
    assert to_json(value) == text


def test_a_namespace_is_not_changed_by_being_encoded() -> None:
    value = SimpleNamespace(a=1)
    to_json(value)
    assert vars(value) == {"a": 1}


def test_marked_objects_come_back_as_namespaces() -> None:
    assert from_json(to_json([Line("a", {"b": 1})])) == [SimpleNamespace(sku="a", at={"b": 1})]


@pytest.mark.parametrize("value", [{1, 2}, object(), Line, b"x", {"deep": [1j]}])
def test_what_json_cannot_hold(value: Any) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        to_json(value)


def test_the_input_parameter_of_a_function() -> None:
    def none(ctx): ...
    def plain(ctx, value): ...
    def model(ctx, value: Model): ...
    def maybe(ctx, value: Optional[Model] = None): ...  # noqa: UP045
    def union(ctx, value: Model | None): ...
    def two(ctx, value: Model | JsonModel): ...
    def text(ctx, value: "NotThere"): ...  # type: ignore[name-defined]  # noqa: F821, UP037

    assert input_parameter(none) == (False, None)
    assert input_parameter(plain) == (True, None)
    assert input_parameter(model) == input_parameter(maybe) == input_parameter(union) == (True, Model)
    assert input_parameter(two) == (True, None)
    assert input_parameter(text) == (True, None)
    assert input_parameter(print)[1] is None


def test_models_from_payloads() -> None:
    assert to_model({"a": 1}, Model).fields == {"a": 1}
    assert to_model(SimpleNamespace(a=1), Model).fields == {"a": 1}
    assert to_model(None, Model) is None
    with pytest.raises(TypeError, match="Model cannot be made from list: an object is needed"):
        to_model([1], Model)
