"""What `wfctl serve` answers to `wfctl waiting`; not Dapr's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from wfctl.model.awaited import AwaitedEvent, EventGroup, EventState
from wfctl.model.status import Status
from wfctl.wire import times
from wfctl.wire.http_bodies import ODD, BadBody, maybe_word, read_json


def write_events(events: Sequence[AwaitedEvent]) -> bytes:
    return _encoded(
        "events",
        [
            {
                "instanceID": one.id,
                "name": one.name,
                "status": one.status.name,
                "event": one.event,
                "state": one.state.value,
                "since": times.maybe_text(one.since),
                "until": times.maybe_text(one.until),
                "arrivedAt": times.maybe_text(one.arrived_at),
            }
            for one in events
        ],
    )


def read_events(body: bytes) -> list[AwaitedEvent]:
    """Read what `write_events` writes. Raises BadBody."""
    try:
        return [
            AwaitedEvent(
                str(one["instanceID"]),
                maybe_word(one["name"]),
                Status[one["status"]],
                str(one["event"]),
                EventState(one["state"]),
                times.maybe_time(one["since"]),
                times.maybe_time(one["until"]),
                times.maybe_time(one["arrivedAt"]),
            )
            for one in read_json(body)["events"]
        ]
    except ODD as error:
        raise BadBody("not the events of a wfctl serve") from error


def write_groups(groups: Sequence[EventGroup]) -> bytes:
    return _encoded(
        "groups",
        [
            {
                "event": one.event,
                "name": one.name,
                "waiting": one.waiting,
                "received": one.received,
                "unread": one.unread,
                "oldest": times.maybe_text(one.oldest),
                "newest": times.maybe_text(one.newest),
                "example": one.example,
            }
            for one in groups
        ],
    )


def read_groups(body: bytes) -> list[EventGroup]:
    """Read what `write_groups` writes. Raises BadBody."""
    try:
        return [
            EventGroup(
                str(one["event"]),
                maybe_word(one["name"]),
                int(one["waiting"]),
                int(one["received"]),
                int(one["unread"]),
                times.maybe_time(one["oldest"]),
                times.maybe_time(one["newest"]),
                maybe_word(one["example"]),
            )
            for one in read_json(body)["groups"]
        ]
    except ODD as error:
        raise BadBody("not the events of a wfctl serve") from error


def _encoded(name: str, rows: list[dict[str, Any]]) -> bytes:
    return json.dumps({name: rows}, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
