"""Instances that an open transaction will ask for by ID, read with a few statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from wfctl.engine.store import instances
from wfctl.engine.store.database import Connection
from wfctl.engine.store.instances import Row


class Expected:
    """What the store has under an ID: by ID, then by app. Whoever changes that says so here."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, Row]] = {}
        self._ids: dict[int, str] = {}

    def read(self, db: Connection, ids: Sequence[str]) -> list[Row]:
        """Read all that these IDs have. Returns the rows."""
        found = instances.of_ids(db, ids)
        rows = [row for of_one in found.values() for row in of_one.values()]
        self._rows.update((one, found.get(one, {})) for one in ids)
        self._ids.update((row.key, row.id) for row in rows)
        return rows

    def get(self, instance_id: str) -> Mapping[str, Row] | None:
        """Return what has this ID, by app; None if that has not been read."""
        return self._rows.get(instance_id) if self._rows else None

    def drop(self, keys: Iterable[int]) -> None:
        """Take note that these are deleted."""
        for key in keys:
            self.changed(self._ids.pop(key, None))

    def changed(self, instance_id: str | None) -> None:
        """Take note that an instance of this ID comes or goes: whoever asks for it is to look."""
        if self._rows and instance_id is not None:
            self._rows.pop(instance_id, None)

    def clear(self) -> None:
        self._rows.clear()
        self._ids.clear()
