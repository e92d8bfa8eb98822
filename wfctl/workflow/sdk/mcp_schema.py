"""Pydantic models of MCP tools' arguments, made of their JSON schemas as Dapr's SDK makes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Optional, Union

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["TYPE_MAPPING", "create_pydantic_model_from_schema"]

TYPE_MAPPING: dict[str, type] = {
    "string": str,
    "number": float,
    "integer": int,
    "boolean": bool,
    "object": dict,
    "array": list,
    "null": type(None),
}


def create_pydantic_model_from_schema(schema: dict[str, Any], model_name: str) -> type[BaseModel]:
    """Make a Pydantic model of a JSON schema. Types that it does not know are taken for text.

    Args:
        schema: the schema of an object, with `properties` and `required`. If its one property is an object called
            `kwargs`, that object's schema is used.
        model_name: the name of the model.

    Returns:
        The model. A property that is not required may be None, which is its default.

    Raises:
        ValueError: the schema cannot be converted.
    """
    from pydantic import Field, create_model

    try:
        properties, required = _arguments(schema)
        fields: dict[str, Any] = {
            name: (
                _type(given) if name in required else Optional[_type(given)],  # noqa: UP045
                Field(... if name in required else None, description=given.get("description", "")),
            )
            for name, given in properties.items()
        }
        model: type[BaseModel] = create_model(model_name, **fields)
        return model
    except Exception as error:
        raise ValueError(f"Invalid schema: {error}") from error


def _arguments(schema: Mapping[str, Any]) -> tuple[Mapping[str, Any], set[str]]:
    properties = schema.get("properties", {})
    inner = properties.get("kwargs", {}) if len(properties) == 1 else {}
    if inner.get("type") == "object" and "properties" in inner:
        schema, properties = inner, inner["properties"]
    return properties, set(schema.get("required", []))


def _type(given: Mapping[str, Any]) -> Any:
    variants = given.get("anyOf") or given.get("oneOf")
    if variants is None:
        return _plain(given)
    kinds: Any = tuple(_variants(variants)) or (str,)
    if any(variant.get("type", "string") == "null" for variant in variants):
        kinds = (*kinds, type(None))
    return Union[kinds]  # noqa: UP007 - made at run time


def _variants(variants: list[Mapping[str, Any]]) -> Iterator[Any]:
    for variant in variants:
        if variant.get("type") != "null":
            yield _plain(variant)


def _plain(given: Mapping[str, Any]) -> Any:
    kind = _name(given)
    if kind == "array" and "items" in given:
        return list[TYPE_MAPPING.get(_name(given["items"]), str)]  # type: ignore[misc]
    return TYPE_MAPPING.get(kind, str)


def _name(given: Mapping[str, Any]) -> str:
    """Return a schema's type; of several the first that is not null."""
    kind = given.get("type", "string")
    if isinstance(kind, list):
        return next((each for each in kind if each != "null"), "string")
    return str(kind)
