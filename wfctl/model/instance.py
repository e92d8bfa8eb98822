"""The nouns of the command line: instances, requests, filters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from wfctl.model.events import Failure
from wfctl.model.status import Status


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that a live instance waits for.

    kind      `event`, `activity`, `timer`, `child`, `start` (a delayed start), `resume` (it is suspended),
              `code` (it is stalled) or `driver` (nobody drives the store)
    name      of the event, activity, timer or child workflow
    since     when the waiting began
    until     when it ends by itself: a timer's or timeout's time, a retry's next try
    """

    kind: str
    name: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    instance_id: str | None = None
    status: Status | None = None
    attempt: int | None = None
    max_attempts: int | None = None
    last_error: str | None = None
    event_id: int | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """One execution of a workflow. Payloads are serialised text as stored; None means absent.

    Fields that a target does not tell are None: a sidecar over HTTP knows neither parent nor waiting.
    """

    id: str
    name: str | None
    status: Status
    created_at: datetime | None = None
    updated_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    input: str | None = None
    output: str | None = None
    custom_status: str | None = None
    failure: Failure | None = None
    parent_id: str | None = None
    version: str | None = None
    stall: str | None = None
    waiting_for: tuple[Waiting, ...] = ()


def child_instance_id(parent_id: str, action_id: int) -> str:
    """Return the ID of a child that is created without one: the parent's ID, then the action's number in hex."""
    return f"{parent_id}:{action_id:04x}"


class IfExists(str, Enum):
    """What `start` does when the ID exists already."""

    FAIL = "fail"
    USE = "use"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class StartRequest:
    name: str
    id: str | None = None
    input: str | None = None
    start_at: datetime | None = None
    if_exists: IfExists = IfExists.FAIL


@dataclass(frozen=True, slots=True)
class RerunRequest:
    """Run `source` again from the action `event_id` under a new ID.

    `input` replaces that action's input where `overwrite_input` is set.
    """

    source: str
    event_id: int
    new_id: str | None = None
    input: str | None = None
    overwrite_input: bool = False
    new_child_id: str | None = None


class Sort(str, Enum):
    """Order of `list`: newest first, but IDs and names from A to Z."""

    CREATED = "created"
    UPDATED = "updated"
    FINISHED = "finished"
    NAME = "name"
    ID = "id"


@dataclass(frozen=True, slots=True)
class Filter:
    """All given conditions hold at once. `after` is the ID of the row behind which the page begins."""

    statuses: frozenset[Status] = frozenset()
    name: str | None = None
    id_prefix: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    finished_after: datetime | None = None
    finished_before: datetime | None = None
    parent_id: str | None = None
    waiting_event: str | None = None
    sort: Sort = Sort.CREATED
    reverse: bool = False
    limit: int | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Count:
    status: Status
    name: str | None
    count: int
