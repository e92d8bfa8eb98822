"""The verbs that change instances, each once: for its command, and for the screen of `wfctl ui`."""

from __future__ import annotations

from dataclasses import replace

from wfctl.cli.batch.select import Verb
from wfctl.model.status import TERMINAL, Status
from wfctl.render.text import clean, plural

_LIVE = frozenset({Status.RUNNING, Status.PENDING, Status.SUSPENDED})

PAUSE = Verb(
    "pause",
    "paused",
    able=frozenset({Status.RUNNING, Status.PENDING}),
    effect="activities that are running finish; nothing new starts until a resume",
)
RESUME = Verb("resume", "resumed", able=frozenset({Status.SUSPENDED}), effect="it goes on where it was paused")
TERMINATE = Verb(
    "terminate",
    "terminated",
    able=_LIVE,
    recursive=True,
    effect="it ends now, with its children; activities that are running are not interrupted",
)
PURGE = Verb(
    "purge",
    "purged",
    able=TERMINAL,
    recursive=True,
    with_parent=True,
    effect="it is deleted, with its history and its children; nothing brings it back",
)
RAISE = Verb(
    "raise-event",
    "raised",
    able=_LIVE,
    repeatable=False,
    effect="the event is kept until the workflow waits for it",
)
RERUN = Verb(
    "rerun",
    "reran",
    able=TERMINAL,
    with_parent=True,
    once=True,
    counted=lambda count: f"started {plural(count, 'rerun')}",
    effect="a new instance runs from that step on; the steps before it keep their results",
)

BY_WORD = {verb.word: verb for verb in (PAUSE, RESUME, TERMINATE, PURGE, RAISE, RERUN)}


def raising(event: str) -> Verb:
    """Return the verb that raises this event."""
    return replace(RAISE, told=f"raised {clean(event)} for", asked=f"raise {clean(event)} for")
