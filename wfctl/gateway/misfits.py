"""Hold the histories of live instances against the changed code of an app, before their next turns do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from wfctl.engine.execute.checking import fits
from wfctl.engine.store import reads
from wfctl.engine.store.database import Connection
from wfctl.engine.store.reading import open_reader
from wfctl.model.apps import OWN
from wfctl.model.fit import Recorded
from wfctl.model.instance import Filter
from wfctl.model.status import LIVE
from wfctl.workflow.loading.app import App

# The newest ones; the others are told of when they stall.
MOST_CHECKED = 1000


class Misfit(NamedTuple):
    instance_id: str
    reason: str


_OWN = (OWN,)  # an app in this process runs the store's own


def misfits(store: Path, app: App) -> list[Misfit]:
    """Return the live instances that the code of a reloaded app does not fit. Reads the store, and replays."""
    db = open_reader(store)
    try:
        found = fits(app, _histories(db, app), quiet=False)
        return [Misfit(one.id, one.difference.text) for one in found if one.difference is not None]
    finally:
        db.close()


def _histories(db: Connection, app: App) -> Iterator[Recorded]:
    for one in list(
        reads.select(db, Filter(statuses=LIVE, limit=MOST_CHECKED), payloads=False, driven=True, apps=_OWN)
    ):
        past = reads.history(db, one.id, _OWN)
        if past and one.name is not None and app.registry.has_workflow(one.name):
            yield Recorded(one.id, one.name, past, one.status)
