"""Payloads for people: what is inside, on one line or as indented JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from wfctl.render.json_records import decoded
from wfctl.render.table import Drawn
from wfctl.render.text import clean, safe_json, shorten

if TYPE_CHECKING:
    from rich.console import RenderableType

    from wfctl.render.console import Console

CELL = 60
PAGE = 400  # characters of a payload on a page that is piped
PAGE_LINES = 16


def payload_text(payload: str | None) -> str:
    """The whole payload on one line, as compact JSON; text that is not JSON as it is."""
    if payload is None:
        return ""
    value = decoded(payload)
    if isinstance(value, str) and value == payload:
        return clean(payload)
    return clean(safe_json(json.dumps(value, ensure_ascii=False)))


def payload_cell(payload: str | None, most: int = CELL) -> str:
    """Return `payload_text`, short enough for a table. A long payload is not decoded only to be cut."""
    if payload is not None and len(payload) > most * 20:
        return shorten(clean(payload[: most + 1]), most)
    return shorten(payload_text(payload), most)


def payload_value(payload: str, wide: bool) -> Drawn:
    """A payload on a page: whole with `wide`, else as much as one takes in at a glance."""

    def draw() -> RenderableType:
        from wfctl.render.highlight import Payload

        return Payload(payload, None if wide else PAGE_LINES)

    return Drawn(payload_text(payload) if wide else payload_cell(payload, PAGE), draw)


def write_output(console: Console, payload: str | None) -> None:
    """Write a payload as data. A terminal gets an object or an array highlighted, indented where it is long."""
    if console.out_tty and isinstance(decoded(payload), (dict, list)):
        from wfctl.render.highlight import Payload

        console.draw(Payload(payload or "", None))
    else:
        console.raw(output_text(payload))


def output_text(payload: str | None) -> str:
    """Return what `wfctl result` prints: a JSON string without its quotes, any other value as it was stored."""
    if payload is None:
        return "null"
    value = decoded(payload)
    return value if isinstance(value, str) else payload.strip()
