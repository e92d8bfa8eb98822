"""Read instances whole, with everything that belongs to them, for a bundle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wfctl.bundle import Exported
from wfctl.engine.store import causes, clocks, history_inbox, instances, logs, reads, reruns
from wfctl.engine.store.database import Connection, snapshot
from wfctl.engine.store.instances import Row
from wfctl.model import refusals
from wfctl.model.apps import Apps
from wfctl.model.choices import Reach
from wfctl.model.instance import Filter


def export(
    db: Connection, instance_ids: Sequence[str] | None, filter: Filter, reach: Reach, apps: Apps = None
) -> Iterator[Exported]:
    """Yield the instances with these IDs, or those that match, in the order of their creation, as of one moment.

    Raises NotFound, before anything is yielded.
    """
    with snapshot(db):
        for key in _keys(db, instance_ids, filter, reach, apps):
            row = instances.by_key(db, key)
            assert row is not None  # in a snapshot nothing goes
            yield _exported(db, row)


def _keys(db: Connection, instance_ids: Sequence[str] | None, filter: Filter, reach: Reach, apps: Apps) -> list[int]:
    if instance_ids is not None:
        keys = [_key(db, one, apps) for one in instance_ids]
    else:
        keys = reads.keys(db, filter, apps)
        if filter == Filter() and apps is None:
            return sorted(keys)
    found = set(keys)
    if reach is Reach.TREE:
        for root in {_root(db, key) for key in keys}:
            found.update(instances.tree_keys(db, root))
    elif reach is Reach.BELOW:
        level = keys
        while level:
            level = [child.key for key in level for child in instances.children(db, key) if child.key not in found]
            found.update(level)
    return sorted(found)


def _key(db: Connection, instance_id: str, apps: Apps) -> int:
    row = instances.find(db, instance_id, apps)
    if row is None:
        raise refusals.not_found(instance_id)
    return row.key


def _root(db: Connection, key: int) -> int:
    return int(db.execute("SELECT root FROM instances WHERE key = ?", (key,)).fetchone()[0])


def _exported(db: Connection, row: Row) -> Exported:
    history = tuple(history_inbox.read_history(db, row.key))
    inbox = tuple(event for _, event in history_inbox.inbox_of(db, row.key))
    cause = causes.of(db, row)
    instance = instances.to_instance(
        db,
        row,
        last_event=instances.last_events(db, [row.key]).get(row.key),
        payloads=True,
        lineage=reruns.lineages(db, [row.key]).get(row.key, (None, ())),
        failure=None if cause is None else cause.failure,
        failed_step=None if cause is None else cause.step,
        clock=clocks.get(db, row.root),
    )
    return Exported(instance, history, inbox, tuple(logs.read(db, row.key)))
