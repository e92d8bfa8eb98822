"""What wfctl serve alone answers, read from a server that answers something else: one error for all of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from wfctl.wire import event_bodies, http_bodies, worker_bodies
from wfctl.wire.http_bodies import BadBody

LINE = {"at": "2026-11-30T05:00:00Z", "level": 20, "logger": "shop", "message": "hello", "row": 1}
GROUP = {
    "event": "paid",
    "name": None,
    "waiting": 1,
    "received": 0,
    "unread": 0,
    "oldest": None,
    "newest": None,
    "example": None,
}
INFINITE = "1e999"  # which Python reads as a number that is no integer


def answer(name: str, record: dict[str, Any], field: str, text: str) -> bytes:
    """Return the body with this text in place of the field."""
    return json.dumps({name: [{**record, field: "HERE"}]}).replace('"HERE"', text).encode()


@pytest.mark.parametrize(
    ("read", "name", "record", "field"),
    [
        (http_bodies.read_logs, "logs", LINE, "row"),
        (http_bodies.read_logs, "logs", LINE, "level"),
        (event_bodies.read_groups, "groups", GROUP, "waiting"),
    ],
)
@pytest.mark.parametrize("text", [INFINITE, "NaN", "null", "{}", '"many"'])
def test_a_number_that_is_none(
    read: Callable[[bytes], list[Any]], name: str, record: dict[str, Any], field: str, text: str
) -> None:
    assert len(read(answer(name, record, field, "7"))) == 1
    with pytest.raises(BadBody):
        read(answer(name, record, field, text))


@pytest.mark.parametrize(
    "read", [http_bodies.read_logs, event_bodies.read_groups, event_bodies.read_events, worker_bodies.read_workers]
)
@pytest.mark.parametrize("body", [b"{}", b"[]", b"", b'{"logs": 1, "groups": [1], "events": [[]]}'])
def test_another_shape(read: Callable[[bytes], list[Any]], body: bytes) -> None:
    with pytest.raises(BadBody):
        read(body)
