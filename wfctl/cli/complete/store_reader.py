"""Read a store for completion, with the fewest imports; who executes it does not matter here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wfctl.engine.store import reads
from wfctl.engine.store.reading import open_reader
from wfctl.model import refusals
from wfctl.model.apps import only
from wfctl.model.instance import Filter, Instance

if TYPE_CHECKING:
    from wfctl.model.events import Event


class StoreReader:
    """Implement `CompletionReader` on the file alone. Raises StoreError where there is no store."""

    def __init__(self, store: Path, app_id: str | None) -> None:
        """`app_id`: the app whose instances are meant, None for all."""
        self._db = open_reader(store)
        self._apps = only(app_id)

    def get(self, instance_id: str) -> Instance:
        found = reads.get(self._db, instance_id, payloads=False, driven=True, apps=self._apps)
        if found is None:
            raise refusals.not_found(instance_id)
        return found

    def list(self, filter: Filter) -> Iterator[Instance]:
        return reads.select(self._db, filter, payloads=False, driven=True, apps=self._apps)

    first = list

    def workflow_names(self) -> Iterator[str | None]:
        return (one.name for one in reads.count(self._db, Filter(), self._apps))

    def history(self, instance_id: str) -> Sequence[Event]:
        return reads.history(self._db, instance_id, self._apps) or ()

    def app_ids(self) -> Iterator[str]:
        return iter(reads.app_ids(self._db))

    def close(self) -> None:
        self._db.close()
