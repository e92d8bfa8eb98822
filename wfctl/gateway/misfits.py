"""Hold the histories of live instances against the changed code of an app, before their next turns do."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from wfctl.engine.execute.child.messages import RunTurn
from wfctl.engine.execute.hosting import misfit
from wfctl.engine.store import reads
from wfctl.engine.store.reading import open_reader
from wfctl.model.events import NO_ID, WorkflowStarted
from wfctl.model.instance import Filter
from wfctl.model.status import LIVE
from wfctl.workflow.loading.app import App

# The newest ones; the others are told of when they stall.
MOST_CHECKED = 1000


class Misfit(NamedTuple):
    instance_id: str
    reason: str


def misfits(store: Path, app: App) -> list[Misfit]:
    """Return the live instances that the code of a reloaded app does not fit. Reads the store, and replays."""
    found: list[Misfit] = []
    db = open_reader(store)
    try:
        for one in list(reads.select(db, Filter(statuses=LIVE, limit=MOST_CHECKED), payloads=False, driven=True)):
            past = reads.history(db, one.id)
            if not past or one.name is None or not app.registry.has_workflow(one.name):
                continue
            began = WorkflowStarted(NO_ID, datetime.now(timezone.utc))
            reason = misfit(app, RunTurn(0, one.id, one.name, tuple(past), (began,), None))
            if reason is not None:
                found.append(Misfit(one.id, reason))
    finally:
        db.close()
    return found
