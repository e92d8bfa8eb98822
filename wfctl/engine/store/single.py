"""One instance with what belongs to it, by one statement: most of those who ask for one ask for one that has ended."""

from __future__ import annotations

from typing import NamedTuple

from wfctl.engine.store import instances
from wfctl.engine.store.database import Connection
from wfctl.engine.store.instances import COLUMNS, LAST_EVENT, Row, to_row
from wfctl.model.apps import Apps


class Single(NamedTuple):
    """The row of an instance, and what other tables say of it."""

    row: Row
    last_event: int | None  # the time of it
    unread: bool  # something arrived that no turn has taken in
    detail: str | None  # of why it failed, see `causes`; None also where an older wfctl recorded the failure
    related: bool  # some instance is a rerun, or some tree has a clock of its own: it may be that of this one
    begin: str | None  # the first row of its history, if it was asked for


_MINE = "WHERE key = instances.key"
_REST = f"""
    {LAST_EVENT},
    EXISTS (SELECT 1 FROM inbox {_MINE}),
    CASE WHEN failure IS NOT NULL THEN (SELECT detail FROM failures {_MINE}) END,
    EXISTS (SELECT 1 FROM reruns) OR EXISTS (SELECT 1 FROM clocks)
"""
_BEGIN = f"(SELECT events FROM history {_MINE} ORDER BY seq LIMIT 1)"
_COUNT = COLUMNS.count(",") + 1
_SQL = {
    (payloads, one_app): f"SELECT {COLUMNS}, {_REST}, {_BEGIN if payloads else 'NULL'} FROM instances WHERE id = ?"
    + (" AND app = ?" if one_app else "")
    for payloads in (False, True)
    for one_app in (False, True)
}


def find(db: Connection, instance_id: str, apps: Apps, *, payloads: bool) -> Single | None:
    """Return the instance that has this ID in these apps. Raises InvalidInput: more than one has it; and Unreadable."""
    one_app = apps is not None and len(apps) == 1
    values = (instance_id, *apps) if apps is not None and one_app else (instance_id,)
    found: dict[str, Single] = {}
    for columns in db.execute(_SQL[payloads, one_app], values).fetchall():
        row = to_row(columns[:_COUNT])
        found[row.app] = Single(row, *columns[_COUNT:])
    row_of = instances.of_apps({app: one.row for app, one in found.items()}, instance_id, apps)
    return None if row_of is None else found[row_of.app]
