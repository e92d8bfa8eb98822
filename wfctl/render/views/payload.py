"""Payloads for people: one line that shows what is inside."""

from __future__ import annotations

import json

from wfctl.render.json_records import decoded
from wfctl.render.text import clean, cut, safe_json

CELL = 60


def payload_text(payload: str | None) -> str:
    """The whole payload on one line, as compact JSON; text that is not JSON as it is."""
    if payload is None:
        return ""
    value = decoded(payload)
    if isinstance(value, str) and value == payload:
        return clean(payload)
    return clean(safe_json(json.dumps(value, ensure_ascii=False)))


def payload_cell(payload: str | None, cells: int = CELL) -> str:
    """As `payload_text`, short enough for a table. A long one is not decoded only to be cut."""
    if payload is not None and len(payload) > cells * 20:
        return cut(clean(payload[: cells + 1]), cells)
    return cut(payload_text(payload), cells)


def output_text(payload: str | None) -> str:
    """What `wfctl result` prints: a JSON string without its quotes, any other value as the JSON that was stored."""
    if payload is None:
        return "null"
    value = decoded(payload)
    return value if isinstance(value, str) else payload.strip()
