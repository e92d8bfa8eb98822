"""Payloads to JSON text and back, as Dapr's Python SDK does it, so that histories are the same on both.

* Dataclasses, `SimpleNamespace` and (at the top only) named tuples become objects with the marker key MARKER; an
  object with the marker is read back as a `SimpleNamespace`. Source: `InternalJSONEncoder` of dapr 1.19.0.
* Models, that is anything with `model_dump` and `model_validate` such as Pydantic's, become plain objects. They are
  read back only where a workflow or an activity annotates its input with the model.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import types
import typing
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

MARKER = "__durabletask_autoobject__"


def to_json(value: Any) -> str:
    """Encode a value. Raises TypeError or ValueError if JSON cannot hold it."""
    if type(value) is int:  # seven times as fast, and common
        return repr(value)
    if isinstance(value, tuple) and hasattr(value, "_asdict") and hasattr(value, "_fields"):
        value = {**value._asdict(), MARKER: True}
    return _encode(value)


def from_json(text: str) -> Any:
    """Decode JSON text. Raises `json.JSONDecodeError`, a ValueError."""
    if MARKER in text:
        return _decode_marked(text)
    # The scanner of `decode` without its search for spaces around the value, which takes longer than most values.
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        end = -1
    return value if end == len(text) else _decoder.decode(text)


def optional_from_json(text: str | None) -> Any:
    """Decode JSON text; None and "" become None, as in Dapr's SDK. Raises as `from_json`."""
    return from_json(text) if text else None


def _plain(value: Any) -> Any:
    if is_model_class(type(value)):
        return _dump_model(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {**dataclasses.asdict(value), MARKER: True}
    if isinstance(value, SimpleNamespace):
        return {**vars(value), MARKER: True}
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _namespace(fields: dict[str, Any]) -> Any:
    return SimpleNamespace(**fields) if fields.pop(MARKER, False) else fields


# Made once: `json.dumps(cls=...)` makes an encoder for every call, which costs more than the encoding.
_encode = json.JSONEncoder(default=_plain).encode
_decoder = json.JSONDecoder()
_scan = _decoder.scan_once  # type: ignore[attr-defined]
_decode_marked = json.JSONDecoder(object_hook=_namespace).decode


def is_model_class(cls: Any) -> bool:
    """Return True for a class with `model_dump` and `model_validate`, such as a Pydantic model."""
    return (
        isinstance(cls, type)
        and callable(getattr(cls, "model_dump", None))
        and callable(getattr(cls, "model_validate", None))
    )


@cache
def _dumps_by_mode(cls: Any) -> bool:
    try:
        parameters = inspect.signature(cls.model_dump).parameters
    except (TypeError, ValueError):
        return False
    return "mode" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _dump_model(model: Any) -> Any:
    # mode="json" turns nested datetimes, enums and UUIDs into JSON's own types.
    cls: Any = type(model)
    return model.model_dump(mode="json") if _dumps_by_mode(cls) else model.model_dump()


def to_model(value: Any, cls: Any) -> Any:
    """Turn a decoded input into an instance of the model `cls`. Raises TypeError, and what the model raises."""
    if value is None or isinstance(value, cls):
        return value
    fields = vars(value) if isinstance(value, SimpleNamespace) else value
    if not isinstance(fields, dict):
        raise TypeError(f"{cls.__name__} cannot be made from {type(value).__name__}: an object is needed")
    return cls.model_validate(fields)


def input_parameter(fn: Callable[..., Any]) -> tuple[bool, type | None]:
    """Return True if `fn` takes an input besides its context, and the model that the input is annotated with."""
    try:
        parameters = list(inspect.signature(fn).parameters.values())
    except (TypeError, ValueError):
        return False, None
    if len(parameters) < 2:
        return False, None
    annotation = parameters[1].annotation
    if isinstance(annotation, str):
        try:
            annotation = typing.get_type_hints(fn).get(parameters[1].name)
        except Exception:  # an annotation that cannot be resolved is no annotation
            return True, None
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        kinds = [arg for arg in typing.get_args(annotation) if arg is not type(None)]
        annotation = kinds[0] if len(kinds) == 1 else None
    return True, annotation if is_model_class(annotation) else None
