"""Models of MCP tools' arguments: the same as the SDK makes, which is loaded by its file where it is installed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from wfctl.workflow.sdk import util
from wfctl.workflow.sdk.mcp_schema import create_pydantic_model_from_schema

pytest.importorskip("pydantic")

SCHEMAS: dict[str, dict[str, Any]] = {
    "empty": {},
    "plain": {
        "properties": {
            "city": {"type": "string", "description": "where"},
            "days": {"type": "integer"},
            "exact": {"type": "boolean"},
            "share": {"type": "number"},
            "more": {"type": "object"},
            "what": {},
            "odd": {"type": "colour"},
        },
        "required": ["city", "days"],
    },
    "lists": {
        "properties": {
            "names": {"type": "array", "items": {"type": "string"}},
            "numbers": {"type": "array", "items": {"type": ["null", "integer"]}},
            "any": {"type": "array"},
            "several": {"type": ["null", "number", "string"]},
        },
        "required": ["names", "several"],
    },
    "variants": {
        "properties": {
            "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "either": {"oneOf": [{"type": "integer"}, {"type": "array", "items": {"type": "boolean"}}]},
            "nothing": {"anyOf": [{"type": "null"}]},
            "map": {"anyOf": [{"type": "object"}, {"type": ["null", "string"]}, {}]},
        },
        "required": ["maybe", "either"],
    },
    "wrapped": {
        "properties": {
            "kwargs": {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
        },
    },
    "a plain kwargs": {"properties": {"kwargs": {"type": "object"}}},
}


def official() -> ModuleType:
    """The SDK's module by its file: the import hook may be installed."""
    for folder in sys.path:
        file = Path(folder, "dapr", "ext", "workflow", "mcp_schema.py")
        if file.is_file():
            spec = importlib.util.spec_from_file_location("official_mcp_schema", file)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    pytest.skip("the official SDK (dapr) is not installed")


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_same_model_as_the_sdk(name: str) -> None:
    theirs = official().create_pydantic_model_from_schema(SCHEMAS[name], "Arguments")
    ours = create_pydantic_model_from_schema(SCHEMAS[name], "Arguments")
    assert ours.__name__ == "Arguments"
    assert ours.model_json_schema() == theirs.model_json_schema()


def test_validates() -> None:
    model = create_pydantic_model_from_schema(SCHEMAS["plain"], "Arguments")
    assert model(city="Oslo", days=3).model_dump(exclude_none=True) == {"city": "Oslo", "days": 3}
    with pytest.raises(ValueError, match="days"):
        model(city="Oslo")


def test_what_is_no_schema() -> None:
    with pytest.raises(ValueError, match="Invalid schema"):
        create_pydantic_model_from_schema({"properties": {"x": "text"}}, "Arguments")


def test_addresses_and_options(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GRPC_ENDPOINT", "RUNTIME_HOST", "GRPC_PORT", "GRPC_MAX_INBOUND_MESSAGE_SIZE_BYTES"):
        monkeypatch.delenv(f"DAPR_{name}", raising=False)
    assert util.getAddress() == "127.0.0.1:50001"
    assert util.getAddress(port="7") == "127.0.0.1:7"
    assert util.get_grpc_channel_options() is None
    assert util.get_grpc_channel_options(0) is None
    monkeypatch.setenv("DAPR_GRPC_ENDPOINT", "https://dapr:443")
    monkeypatch.setenv("DAPR_RUNTIME_HOST", "10.0.0.1")
    monkeypatch.setenv("DAPR_GRPC_PORT", "9")
    monkeypatch.setenv("DAPR_GRPC_MAX_INBOUND_MESSAGE_SIZE_BYTES", "5")
    assert util.getAddress() == "https://dapr:443"
    assert util.getAddress(host="h") == "h:9"
    assert dict(util.get_grpc_channel_options() or ()) == dict.fromkeys(
        ("grpc.max_send_message_length", "grpc.max_receive_message_length"), 5
    )
