"""Why instances failed: statements on `failures`, and the history where an older wfctl wrote none."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

from wfctl.engine.store import instances
from wfctl.engine.store.database import Connection
from wfctl.engine.store.instances import Row
from wfctl.engine.store.values import ODD, Unreadable, decode_failure, maybe_micros, maybe_time
from wfctl.model.apps import app_of_call
from wfctl.model.failure import DEEPEST, Cause, FailedStep, cause_text

SINCE = 3  # the schema that has the table


def put(db: Connection, causes: Iterable[tuple[int, Cause]]) -> None:
    """Record the cause of each instance, by its key."""
    db.executemany(
        "INSERT OR REPLACE INTO failures (key, step, error, detail) VALUES (?, ?, ?, ?)",
        [
            (key, None if cause.step is None else cause.step.name, cause_text(cause.failure), encode_step(cause.step))
            for key, cause in causes
        ],
    )


def encode_step(step: FailedStep | None) -> str:
    if step is None:
        return "null"
    return json.dumps({**asdict(step), "at": maybe_micros(step.at)})


def decode_step(text: str) -> FailedStep | None:
    """Decode a failed step. Raises Unreadable."""
    try:
        record = json.loads(text)
        return None if record is None else FailedStep(**{**record, "at": maybe_time(record["at"])})
    except ODD as error:
        raise Unreadable("the failed step of an instance in it cannot be read") from error


def of(db: Connection, row: Row, depth: int = 0) -> Cause | None:
    """Return why an instance failed; None if it did not, or nobody said why."""
    failure = decode_failure(row.failure)
    if failure is None:
        return None
    found = db.execute("SELECT detail FROM failures WHERE key = ?", (row.key,)).fetchone()
    if found is not None:
        return Cause(failure, decode_step(found[0]))
    from wfctl.engine.store import history_inbox
    from wfctl.model.cause import cause_of

    def of_child(child_id: str, app_id: str | None) -> Cause | None:
        child = None if depth >= DEEPEST else instances.find(db, child_id, (app_of_call(app_id, row.app),))
        return None if child is None else of(db, child, depth + 1)

    return cause_of(failure, history_inbox.read_history(db, row.key), of_child)


def stand_in(db: Connection) -> None:
    """Let a reader of an older schema find an empty table, so that it asks the histories."""
    db.execute("CREATE TEMP TABLE failures (key INTEGER PRIMARY KEY, step TEXT, error TEXT, detail TEXT)")
