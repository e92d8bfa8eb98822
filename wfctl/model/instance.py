"""Instances, and the requests and filters of commands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wfctl.model.choices import IfExists as IfExists
from wfctl.model.choices import Sort as Sort
from wfctl.model.failure import FailedStep, Failure
from wfctl.model.records import record
from wfctl.model.status import Status
from wfctl.model.times import later


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that a live instance waits for.

    kind          `event`, `activity`, `timer`, `child`, `start` (a delayed start), `resume` (it is suspended),
                  `code` (it is stalled), `app` (it is not there, and this or a step of it is that app's), `driver` (no
                  process is executing the store) or `worker` (none is attached that could go on with it)
    name          of the event, activity, timer, child workflow or app; the reason of a stall
    since         when it began to wait
    until         when the wait ends by itself: the time of a timer, a timeout or the next attempt
    instance_id   of the child
    status        of the child
    attempt       the current or next attempt, from 1
    max_attempts  of the retry policy
    last_error    of the last failed attempt; the reason of a suspension; the description of a stall
    event_id      the number of the action in the history
    received      the event has arrived; no worker has taken it in yet
    app_id        the app that was asked to run the activity or child, None for the instance's own
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
    received: bool = False
    app_id: str | None = None


@dataclass(frozen=True, slots=True)
class OwnTime:
    """The clock of a tree whose time is skipped: how far it is `ahead` of the real one now (less than nothing: behind),
    and how much of that was `skipped`; the rest is how it was set at the start."""

    ahead: timedelta
    skipped: timedelta


@dataclass(frozen=True, slots=True)
class Skip:
    """How far to skip the time of a tree: to a moment of its clock, or by so much; None: to its end, within bounds.

    `jumps` is how often its clock may jump on the way there; None: as often as it takes, or MOST_JUMPS without an end.
    """

    until: datetime | None = None
    by: timedelta | None = None
    jumps: int | None = None


@record(frozen=True, slots=True)
class Instance:
    """One execution of a workflow. Payloads are JSON text as stored, None if there is none; times are aware UTC.

    Fields that a target does not report are None: a sidecar reports neither parent nor `waiting_for` over HTTP.
    `rerun_of` is the original that this is a rerun of; `rerun_as` are the reruns of that original, or of this instance,
    that were made after this instance, in their order.
    `app_id` is the app that it belongs to, None for the store's own and where the target does not say.
    `failure` has what it wraps in `inner`, down to the cause; `failed_step` is the step at the bottom of it.
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
    failed_step: FailedStep | None = None
    parent_id: str | None = None
    version: str | None = None
    stall: str | None = None
    waiting_for: tuple[Waiting, ...] = ()
    received: tuple[str, ...] = ()  # events that have arrived and that no worker has taken in, where that is known
    unattended: bool = False  # there is something to do, and nobody attached can do it, where that is known
    rerun_of: str | None = None
    rerun_as: tuple[str, ...] | None = None
    app_id: str | None = None
    own_time: OwnTime | None = None  # where its tree has a clock of its own; its times are by that

    @property
    def due(self) -> datetime | None:
        """Return when it goes on by itself: the next timer, time-out, retry or delayed start. None if that is not so,
        or the target does not tell; by the clock of its tree."""
        return min((waiting.until for waiting in self.waiting_for if waiting.until is not None), default=None)

    def time(self, real: datetime) -> datetime:
        """Return what the clock of its tree says at a real time."""
        return real if self.own_time is None else later(real, self.own_time.ahead)


def child_instance_id(parent_id: str, action_id: int) -> str:
    """Return the ID of a child that is created without one: the parent's ID, then the action's number in hex."""
    return f"{parent_id}:{action_id:04x}"


@record(frozen=True, slots=True)
class StartRequest:
    """A request to start the workflow `name`. Without `id` a random one is made; without `start_at` it starts now.

    `app_id` names the app that is to run it, where several share an engine. `own_clock`: its tree gets a clock of its
    own, that may jump, and begins at `now` (None: at the real time).
    """

    name: str
    id: str | None = None
    input: str | None = None
    start_at: datetime | None = None
    if_exists: IfExists = IfExists.FAIL
    app_id: str | None = None
    own_clock: bool = False
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class RerunRequest:
    """A request to run `source` again from the action `event_id`, under `new_id` or the next ID of a rerun.

    `input` replaces the input of that action if `overwrite_input` is set; `new_child_id` is for a child workflow.
    `once`: refuse if the source was rerun already. `results` are results, as JSON text, for actions that would run
    again: these do not run, and have that result.
    """

    source: str
    event_id: int
    new_id: str | None = None
    input: str | None = None
    overwrite_input: bool = False
    new_child_id: str | None = None
    once: bool = False
    results: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """The conditions and the order of `list`. An instance must meet all conditions that are given.

    `parent_app` is the app of the parent, as stored: then its children in every app are meant.
    `*_after` times are inclusive, `*_before` times exclusive. `after` is the ID of the last row of the page before.
    `matching` says what the others mean.
    """

    statuses: frozenset[Status] = frozenset()
    name: str | None = None
    id_prefix: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    finished_after: datetime | None = None
    finished_before: datetime | None = None
    parent_id: str | None = None
    parent_app: str | None = None
    waiting_event: str | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None
    error: str | None = None
    custom_status: str | None = None
    step: str | None = None
    stuck: timedelta | None = None
    retrying: bool = False
    orphans: bool = False
    sort: Sort = Sort.CREATED
    reverse: bool = False
    limit: int | None = None
    after: str | None = None

    @property
    def lasting(self) -> Filter:
        """Return the filter with only those conditions that an instance meets for ever or never."""
        return replace(
            Filter(),
            **{name: getattr(self, name) for name in ("name", "id_prefix", "created_after", "created_before")},
            parent_id=self.parent_id,
            sort=self.sort,
            reverse=self.reverse,
            limit=self.limit,
            after=self.after,
        )

    @property
    def told(self) -> bool:
        """Return True if a condition is on what an instance waits for, or on why it failed."""
        texts = (self.waiting_event, self.error, self.step, self.stuck)
        return self.retrying or self.orphans or any(text is not None for text in texts)

    @property
    def plain(self) -> Filter:
        """Return the filter without the conditions of `told`."""
        return replace(self, waiting_event=None, error=None, step=None, stuck=None, retrying=False, orphans=False)


@dataclass(frozen=True, slots=True)
class Failed:
    """One failed instance, in as few words as its failure can be grouped by.

    step    the name of the step that failed
    error   `type: message` of the cause
    kind    of the step
    child   True if it has a parent, which is there
    below   True if that failed too
    """

    id: str
    name: str | None
    step: str | None
    error: str
    at: datetime | None = None
    kind: str | None = None
    child: bool = False
    below: bool = False


@dataclass(frozen=True, slots=True)
class Count:
    """The number of instances of one status, or of one status and name, and of one step and error if asked for."""

    status: Status
    name: str | None
    count: int
    step: str | None = None
    error: str | None = None
